"""What is sent is what arrives, although its sender goes on to change it."""

from __future__ import annotations

import collections
import random
import threading
from pathlib import Path
from typing import Any

import pytest

from resilkit.network.codec import Codec
from resilkit.network.snapshots import as_sent
from resilkit.network.verdicts import Duplicate, Message, Verdict
from resilkit.runtime.kinds import CALL, CAST, EXIT, FAIL, INFO, REPLY
from resilkit.runtime.messages import Pid
from resilkit.runtime.reference import Reference
from tests.network.nets import Net, on_both_loops
from tests.network.test_forwarding import LINE, Late
from tests.network.test_transport import Bomb


@on_both_loops
async def test_what_a_fault_holds_back_arrives_as_it_was_sent(folder: Path) -> None:
    net = Net(folder, LINE)
    await net.up()
    await net.reach("n1", ["n2", "n3"])
    net.nodes["n1"].install("late", Late(0.05), ["n2"])

    class Local:
        """Goes by value."""

    for target in ("n2", "n3"):
        deep: dict[str, list[int]] = {"items": [1]}
        assert net.nodes["n1"].send(target, (CAST, deep, Local()))
        deep["items"].append(2)
        for odd in (Bomb(), threading.Lock()):
            net.nodes["n1"].send(target, (CAST, odd))
        net.nodes["n1"].send(target, ("last",))
        await net.got[target].until(lambda t=target: ("last",) in net.got[t].messages())  # type: ignore[misc]

        first, _ = net.got[target].messages()
        assert first[:2] == (CAST, {"items": [1]})
        assert isinstance(first[2], Local)
        assert [e[:2] for e in net.got["n1"].log if e[0] == "unsendable"][-1][1] == target
    assert ("undecodable", "n1", "ValueError") in net.got["n2"].log


@on_both_loops
async def test_whatever_is_sent_arrives_as_it_was_when_it_was_sent(folder: Path) -> None:
    net = Net(folder, LINE)
    await net.up()
    await net.reach("n1", ["n2", "n3"])

    class Own:
        """Goes by value, and can be changed."""

        def __init__(self) -> None:
            self.items = [1]

    for target in ("n2", "n3"):
        flat, deep, own, named, failed = [1], [[1]], Own(), [1], ValueError([1])
        net.nodes["n1"].send(target, (REPLY, 1, flat))
        net.nodes["n1"].send(target, (REPLY, 2, deep))
        net.nodes["n1"].send(target, (CAST, 3, "put", (flat,), None))
        net.nodes["n1"].send(target, (CAST, 4, "put", (flat, deep), None))
        net.nodes["n1"].send(target, (CALL, 5, "put", ((0, deep),), None, "n1", 6))
        net.nodes["n1"].send(target, (CAST, 6, "put", (), {"it": named}))
        net.nodes["n1"].send(target, (INFO, 7, {"own": own}))
        net.nodes["n1"].send(target, (FAIL, 8, failed))
        for one in (flat, deep[0], own.items, named, failed.args[0]):
            one.append(2)
        await net.got[target].until(lambda t=target: len(net.got[t].messages()) == 8)  # type: ignore[misc]

        seen = net.got[target].messages()
        assert seen[:6] == [
            (REPLY, 1, [1]),
            (REPLY, 2, [[1]]),
            (CAST, 3, "put", ([1],), None),
            (CAST, 4, "put", ([1], [[1]]), None),
            (CALL, 5, "put", ((0, [[1]]),), None, "n1", 6),
            (CAST, 6, "put", (), {"it": [1]}),
        ]
        assert seen[6][2]["own"].items == [1]
        assert seen[7][2].args == ([1],)


@on_both_loops
async def test_what_a_fault_duplicates_is_an_object_of_its_own_each_time(folder: Path) -> None:
    net = Net(folder, LINE)
    await net.up()
    await net.reach("n1", ["n2", "n3"])
    net.nodes["n1"].install("twice", Twice(), ["n2"])
    for target in ("n2", "n3"):
        net.nodes["n1"].send(target, (INFO, 1, [1]))
        await net.got[target].until(lambda t=target: len(net.got[t].messages()) == 2)  # type: ignore[misc]
        one, other = (message[2] for message in net.got[target].messages())
        assert one == other == [1]
        assert one is not other


class Twice:
    """Duplicates all."""

    def decide(self, message: Message, rng: random.Random) -> Verdict:
        return Duplicate(1, 0.0)


def _pack(message: Any) -> Any:
    raise AssertionError(f"{message} was pickled")


@pytest.mark.parametrize(
    "value",
    [[1], {1: 2}, {1}, bytearray(b"x"), collections.deque([1]), collections.Counter("ab"),
     collections.defaultdict(list, {1: 2}), collections.OrderedDict({1: 2})],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_a_plain_container_is_copied_and_keeps_its_type(value: Any) -> None:
    for copied in (
        as_sent((REPLY, 1, value), _pack)[2],
        as_sent((CAST, 1, "put", (0, value), None), _pack)[3][1],
    ):
        assert copied == value
        assert copied is not value
        assert type(copied) is type(value)


PID = Pid("n1", 1, 1)


@pytest.mark.parametrize(
    "message",
    [
        (REPLY, 1, (1,)),
        (REPLY, 1, None),
        (CAST, 1, "go", (), None),
        (CAST, 1, "go", (1, "a", (b"c", (2.0, PID))), {"by": None, "to": (Reference(PID),)}),
        (CALL, 1, "go", (1,), {"by": 2}, "n1", 7),
        (EXIT, 1, PID, ("shutdown", "x"), True),
    ],
)
def test_what_nobody_can_change_costs_nothing(message: tuple[Any, ...]) -> None:
    assert as_sent(message, _pack) is message


class Text(str):
    """A text with attributes."""

    __slots__ = ("notes",)


@pytest.mark.parametrize(
    "value",
    [Text("a"), [[1]], {1: [2]}, {(1, Text("a")): 2}, ([1],), object(), {Text("a")}],
    ids=["subclass", "nested", "nested values", "keys", "in a tuple", "object", "in a set"],
)
def test_all_else_is_pickled_when_it_is_sent(value: Any) -> None:
    for message in ((REPLY, 1, value), (CAST, 1, "go", (value,), None), (INFO, 1, value)):
        packed: list[Any] = []
        as_sent(message, packed.append)  # type: ignore[arg-type]
        assert packed == [message]


def test_one_container_given_twice_is_one_where_it_arrives() -> None:
    both = [1]
    codec = Codec()
    message = as_sent((CAST, 1, "go", (both, both), None), codec.pack)

    ((*_, args, _),) = Codec().decode(codec.encode([message]))
    assert args[0] is args[1]


def test_a_class_that_goes_by_value_is_described_once_a_connection() -> None:
    class Local:
        """Goes by value."""

    codec, other = Codec(), Codec()
    sizes = []
    for _ in range(2):
        data = codec.encode([codec.pack((INFO, 1, Local()))])
        sizes.append(len(data))
        assert other.decode(data)[0][2].__doc__ == Local.__doc__
    assert sizes[1] < 300 < sizes[0]
