"""A node is set up: its agent, its transport, its applications, on whatever ground."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resilkit import rng
from resilkit.cluster.agent import AGENT_NUMBER, Agent
from resilkit.cluster.applications import load_applications
from resilkit.cluster.resolvers import guarded
from resilkit.network.codec import from_value
from resilkit.runtime import Node
from resilkit.runtime.kinds import classify
from resilkit.runtime.server_process import ServerProcess

if TYPE_CHECKING:
    from resilkit.cluster.ground import Ground

__all__ = ["serve"]


async def serve(ground: Ground, options: dict[str, Any], incarnation: int) -> None:
    """Be one node, until its process or its place ends.

    Args:
        ground: Where it runs.
        options: What `boot_record` wrote.
        incarnation: How often the node has been started.
    """
    loop, name = ground.loop, options["name"]
    agent = Agent()
    node = Node(
        name,
        incarnation=incarnation,
        loop=loop,
        clock=ground.clock,
        seed=options["seed"],
        config=options["config"],
        storage=ground.storage(name),
        emit=agent.event,
        log=ground.log,
    )
    node.server_clock = ground.server_clock
    node.names.resolver = guarded(from_value(options["name_resolver"]), node)
    process = ServerProcess(node, node.new_number(), agent, None, None)
    assert process.number == AGENT_NUMBER  # noqa: S101 - the handle addresses it by this number
    transport = ground.transport(
        name,
        incarnation,
        role="member",
        receiver=node,
        members=options["members"],
        edges=options["edges"],
        rng=rng.stream(options["seed"], "transport", name, incarnation),
        detect_after=options["detect_after"],
        classify=classify,
    )
    node.transport = transport
    sample = ground.sampler(options["uss_every"])
    agent.init(transport, sample, options["sample_interval"], ground.pressures())
    node.add(process)
    if options["latency"] is not None:
        transport.install("base", options["latency"], None)
    standing = from_value(options["faults"])
    agent.standing.become(standing)
    agent.traces.become(options["traces"])
    # A restarted node rejoins those that run before it starts anything: alone it would be its own
    # arbiter of names for a moment.
    ground.settle(node)
    await transport.start()
    if options["autostart"]:
        await transport.wait_neighbours(options["rejoin_timeout"])
    await agent.run_applications(
        load_applications(options["applications"]) if options["autostart"] else {}
    )
    await loop.create_future()
