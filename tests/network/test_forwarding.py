"""Messages that go over other nodes: to whom they belong, and who hears when they cannot go."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path
from typing import Any

from resilkit.network import Deliver, Message
from tests.network.nets import Net, mesh, on_both_loops

LINE = [("n1", "n2"), ("n2", "n3")]


class Late:
    """Holds every message back."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def decide(self, message: Message, rng: Any) -> Deliver:
        del message, rng
        return Deliver(after=self.seconds)


@on_both_loops
async def test_what_was_sent_to_one_incarnation_never_reaches_the_next(folder: Path) -> None:
    net = Net(folder, LINE)
    await net.up()
    await net.reach("n1", ["n2", "n3"])
    net.nodes["n1"].install("late", Late(0.4), ["n2"])
    assert net.nodes["n1"].send("n3", ("kill", "for the first"))
    await net.nodes["n3"].close()
    await net.start("n3", incarnation=2)
    await net.got["n1"].until(lambda: net.nodes["n1"].peers().get("n3") == 2)
    assert net.nodes["n1"].send("n3", ("hello", "to the second"))
    await net.got["n3"].until(lambda: ("hello", "to the second") in net.got["n3"].messages())

    assert net.got["n3"].messages() == [("hello", "to the second")]


@on_both_loops
async def test_what_cannot_be_pickled_is_reported_for_its_target_not_the_next_hop(
    folder: Path,
) -> None:
    net = Net(folder, LINE)
    await net.up()
    await net.reach("n1", ["n2", "n3"])
    for message in [(1,), (2, threading.Lock()), (3,)]:
        assert net.nodes["n1"].send("n3", message)
    await net.got["n3"].until(lambda: len(net.got["n3"].messages()) == 2)

    assert net.got["n3"].messages() == [(1,), (3,)]
    (failed,) = (entry for entry in net.got["n1"].log if entry[0] == "unsendable")
    assert (failed[1], failed[2][0], failed[3]) == ("n3", 2, "TypeError")


class OneWay:
    """Travels once: what comes out cannot be pickled again."""

    def __reduce__(self) -> Any:
        return (threading.Lock, ())


@on_both_loops
async def test_what_cannot_be_passed_on_is_lost_and_counted_without_a_word(folder: Path) -> None:
    net = Net(folder, LINE)
    await net.up()
    await net.reach("n1", ["n2", "n3"])
    for message in [(1,), (2, OneWay()), (3,)]:
        assert net.nodes["n1"].send("n3", message)
    await net.got["n3"].until(lambda: len(net.got["n3"].messages()) == 2)

    assert net.got["n3"].messages() == [(1,), (3,)]
    assert not [e for name in LINE[0] for e in net.got[name].log if e[0] == "unsendable"]
    assert {c.peer: c.drops for c in net.nodes["n2"].links()} == {"n1": 0, "n3": 1}


@on_both_loops
async def test_a_lost_link_wakes_who_waits_for_a_change_and_a_message_does_not(
    folder: Path,
) -> None:
    net = Net(folder, [("n1", "n2")])
    await net.up()
    waiting = asyncio.ensure_future(net.nodes["n2"].change())
    await asyncio.sleep(0)
    net.nodes["n1"].send("n2", (1,))
    await net.got["n2"].until(lambda: bool(net.got["n2"].messages()))
    await asyncio.sleep(0)
    assert not waiting.done()

    await net.nodes["n1"].close()
    async with asyncio.timeout(5):
        await waiting
    assert not net.nodes["n2"].peers()


class Exits:
    """Pickles well; ends the process that makes it again, if it is let."""

    def __reduce__(self) -> Any:
        return (sys.exit, (3,))


@on_both_loops
async def test_a_message_that_exits_when_it_is_read_ends_nothing(folder: Path) -> None:
    net = Net(folder, mesh("n1", "n2"))
    await net.up()
    for message in [(1,), (2, Exits()), (3,)]:
        net.nodes["n1"].send("n2", message)
    await net.got["n2"].until(lambda: len(net.got["n2"].messages()) == 2)

    assert net.got["n2"].messages() == [(1,), (3,)]
    assert ("undecodable", "n1", "SystemExit") in net.got["n2"].log
    assert net.nodes["n2"].peers() == {"n1": 1}
