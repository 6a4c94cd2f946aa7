"""Topics: publish and subscribe across nodes."""

from __future__ import annotations

import pytest

from resilkit.errors import InvalidArgument
from resilkit.runtime import ChildSpec, Published, Reference, spawn
from tests.runtime.servers import Recorder
from tests.runtime.world import World, on, settle


@on("n1", "n2", "n3")
async def test_a_publication_reaches_each_matching_subscriber_once_on_every_node(
    world: World,
) -> None:
    recorders = []
    for name, node in world.nodes.items():
        recorder = Reference((await spawn(node, ChildSpec(Recorder, name=name))).pid)
        await recorder.call.listen("orders.*")
        await recorder.call.listen("orders.new")
        recorders.append(recorder)
    world.nodes["n2"].topics.publish("orders.new", {"id": 1})
    world.nodes["n2"].topics.publish("orders.new.urgent", {"id": 2})
    world.nodes["n2"].topics.publish("bills.new", {"id": 3})
    await settle()
    for recorder in recorders:
        assert await recorder.call.messages() == [Published("orders.new", {"id": 1})]


@on("n1", "n2")
async def test_a_subscriber_that_ended_is_forgotten(world: World) -> None:
    recorder = Reference((await spawn(world.nodes["n2"], ChildSpec(Recorder))).pid)
    await recorder.call.listen("**")
    await recorder.stop()
    assert not world.nodes["n2"].topics._subscribers
    world.nodes["n1"].topics.publish("x", 1)
    await settle()


@on("n1", "n2")
async def test_a_partition_keeps_publications_on_their_side(world: World) -> None:
    recorder = Reference((await spawn(world.nodes["n2"], ChildSpec(Recorder))).pid)
    await recorder.call.listen("x")
    world.cut(("n1", "n2"))
    world.nodes["n1"].topics.publish("x", "lost")
    await settle()
    world.mend(("n1", "n2"))
    world.nodes["n1"].topics.publish("x", "seen")
    await settle()
    assert await recorder.call.messages() == [Published("x", "seen")]


@on("n1")
async def test_a_pattern_is_no_topic(world: World) -> None:
    for topic in ("orders.*", "**", "orders..new", ""):
        with pytest.raises(InvalidArgument, match="topic"):
            world.nodes["n1"].topics.publish(topic, 1)
