"""Link faults that fail on messages, and what is left of messages that cannot be read."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, NoReturn

from resilkit.network.codec import Codec, Packed
from resilkit.network.verdicts import Message, Verdict
from resilkit.runtime.kinds import REPLY
from tests.network.nets import Net, mesh, on_both_loops


class Failing:
    """Fails on messages, and cannot be described."""

    def __repr__(self) -> str:
        raise RuntimeError("no name")

    def decide(self, message: Message, rng: random.Random) -> Verdict:
        raise ZeroDivisionError("no verdict")


@on_both_loops
async def test_a_fault_that_fails_is_told_once_and_counted_at_its_end(folder: Path) -> None:
    net = Net(folder, mesh("n1", "n2"))
    await net.up()
    node, log = net.nodes["n1"], net.got["n1"].log
    node.install("bad-1", Failing())
    for number in range(3):
        assert node.send("n2", (0, number))
    await net.got["n2"].until(lambda: len(net.got["n2"].messages()) == 3)
    told = {"id": "bad-1", "why": "ZeroDivisionError: no verdict"}
    assert [one[3] for one in log if one[0] == "alert"] == [{**told, "failures": 1}]
    assert [type(each["exception"]) for each in net.complaints] == [ZeroDivisionError]
    net.complaints.clear()
    node.remove("bad-1")
    node.remove("bad-1")
    assert [one[3] for one in log if one[0] == "alert"][1:] == [{**told, "failures": 3}]


class Unreadable:
    """Raises where it arrives."""

    def __reduce__(self) -> Any:
        return (_raise, ())


def _raise() -> NoReturn:
    raise LookupError("not here")


def test_of_a_message_that_cannot_be_read_it_is_known_who_waits_for_it() -> None:
    message = (REPLY, 7, {"value": [Unreadable()]})
    # What could still be changed is packed up by itself.
    for sent in (message, Packed(message), ("n1", 1, "n3", 1, 64, Packed(message))):
        kept, lost = Codec().salvage(Codec().encode([(1,), sent, (2,)]))
        assert kept == [(1,), (2,)]
        ((error, rest),) = lost
        assert "not here" in str(error)
        assert (rest if rest[0] == REPLY else rest[-1])[:2] == (REPLY, 7)


def test_a_packed_message_arrives_as_it_was() -> None:
    assert Codec().decode(Codec().encode([Packed((REPLY, 7, [1]))])) == [(REPLY, 7, [1])]
