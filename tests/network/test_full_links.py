"""A peer that does not read: what still goes to it, and who hears of what does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from resilkit.network import transport as transport_module
from resilkit.runtime.kinds import CALL, CAST, DOWN, FAIL, NAMES, REPLY
from tests.network.nets import Net, mesh, on_both_loops

MOST = 1_000_000


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Links that are soon full."""
    monkeypatch.setattr(transport_module, "MOST_WAITING_BYTES", MOST)


def reading(net: Net, node: str, peer: str) -> Any:
    """Return what `node` reads from `peer` with."""
    return net.nodes[node]._links[peer].protocol.transport


async def filled(folder: Path, role: str) -> Net:
    """Return a net whose ``n1`` has too much waiting for ``n2``, which does not read."""
    net = Net(folder, mesh("n1", "n2") if role == "member" else [("n1", "n1")])
    await net.start("n1")
    await net.start("n2", role=role)
    await net.got["n1"].until(lambda: ("up", "n2", 1, role) in net.got["n1"].log)
    assert net.nodes["n1"].send("n2", (CAST, 7, "first"))
    await net.got["n2"].until(net.got["n2"].messages)  # type: ignore[arg-type]
    reading(net, "n2", "n1").pause_reading()
    while net.nodes["n1"].send("n2", (CAST, 7, "x" * 200_000)):
        net.nodes["n1"].flush()
    return net


async def drain(net: Net) -> None:
    """Let ``n2`` read until all has come."""
    reading(net, "n2", "n1").resume_reading()
    await net.got["n1"].until(lambda: not net.nodes["n1"]._links["n2"].full)
    assert net.nodes["n1"].send("n2", (CAST, 7, "last"))
    await net.got["n2"].until(lambda: (CAST, 7, "last") in net.got["n2"].messages())


def refused(net: Net) -> list[Any]:
    return [entry[2:] for entry in net.got["n1"].log if entry[0] == "unsendable"]


@on_both_loops
async def test_a_full_link_takes_what_is_small_and_tells_of_large_replies(folder: Path) -> None:
    net = await filled(folder, "client")
    node = net.nodes["n1"]
    small = [(NAMES, "note", 0, "bank", 7, 1), (REPLY, 4, [1, 2]), (FAIL, 5, "no")]
    assert all(node.send("n2", message) for message in small)
    large = (REPLY, 6, "y" * 100_000)
    assert not node.send("n2", large)
    assert refused(net) == [(large, "LinkFull")]
    # Who calls or casts is told by `False`.
    assert not node.send("n2", (CALL, 7, "ask"))
    assert len(refused(net)) == 1
    await drain(net)
    assert [one for one in net.got["n2"].messages() if one[0] != CAST] == small


@on_both_loops
async def test_what_was_taken_before_the_link_was_full_is_told_of_too(folder: Path) -> None:
    net = Net(folder, [("n1", "n2"), ("n2", "n3")])
    await net.up()
    reading(net, "n2", "n1").pause_reading()
    node = net.nodes["n1"]
    # All in one turn; what goes further on is written last, and finds the link full.
    lost, kept = (REPLY, 2, "y" * 100_000), (DOWN, 7, 1)
    assert node.send("n2", (REPLY, 1, "x" * 3 * MOST))
    assert node.send("n3", lost)
    assert node.send("n3", kept)
    node.flush()
    assert refused(net) == [(lost, "LinkFull")]
    await drain(net)
    await net.got["n3"].until(lambda: net.got["n3"].messages() == [kept])
    assert node.links()[0].drops == 1


@on_both_loops
async def test_small_messages_have_a_bound_too(folder: Path) -> None:
    net = await filled(folder, "member")
    taken = 0
    while net.nodes["n1"].send("n2", (REPLY, taken, "x" * 50_000)):
        net.nodes["n1"].flush()
        taken += 1
        assert taken * 50_000 < 3 * MOST
    assert taken * 50_000 > MOST // 2
    await drain(net)
    assert len([one for one in net.got["n2"].messages() if one[0] == REPLY]) == taken


@on_both_loops
async def test_a_client_that_missed_something_is_greeted_again_when_it_reads(folder: Path) -> None:
    net = await filled(folder, "client")
    before = len(net.got["n1"].ups())
    await drain(net)
    assert net.got["n1"].ups()[before:] == [("up", "n2", 1, "client")]
    (alert,) = [entry for entry in net.got["n1"].log if entry[1] == "lost_messages"]
    assert alert == ("alert", "lost_messages", "n2", {"lost": 1})


@on_both_loops
async def test_one_reply_may_be_larger_than_what_may_wait(folder: Path) -> None:
    net = Net(folder, mesh("n1", "n2"))
    await net.up()
    large = (REPLY, 1, "x" * 5 * MOST)
    assert net.nodes["n1"].send("n2", large)
    await net.got["n2"].until(lambda: net.got["n2"].messages() == [large])
    assert not refused(net)


@on_both_loops
async def test_after_a_large_message_each_small_one_comes_once(folder: Path) -> None:
    net = Net(folder, mesh("n1", "n2"))
    await net.up()
    node = net.nodes["n1"]
    # The next frame is to hold one message, and that being small the one after it many.
    sent = [(REPLY, 1, "x" * MOST), *((CAST, 7, number) for number in range(5))]
    assert node.send("n2", sent[0])
    node.flush()
    for message in sent[1:]:
        assert node.send("n2", message)
    await net.got["n2"].until(lambda: sent[-1] in net.got["n2"].messages())
    assert net.got["n2"].messages() == sent
