"""What is sent is what arrives, although its sender goes on to change it."""

from __future__ import annotations

import collections
import threading
from pathlib import Path
from typing import Any

import pytest

from resilkit.network.snapshots import as_sent
from resilkit.runtime.kinds import CAST, REPLY
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
async def test_a_reply_arrives_as_it_was_given(folder: Path) -> None:
    net = Net(folder, LINE)
    await net.up()
    await net.reach("n1", ["n2", "n3"])
    for target in ("n2", "n3"):
        items = [1]
        net.nodes["n1"].send(target, (REPLY, 1, items))
        items.append(2)
        await net.got[target].until(lambda t=target: bool(net.got[t].messages()))  # type: ignore[misc]
        assert net.got[target].messages() == [(REPLY, 1, [1])]


@pytest.mark.parametrize(
    "value",
    [[1], {1: 2}, {1}, bytearray(b"x"), collections.deque([1]), collections.Counter("ab"),
     collections.defaultdict(list, {1: [2]}), collections.OrderedDict({1: 2})],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_a_replys_container_is_copied_and_keeps_its_type(value: Any) -> None:
    copied = as_sent((REPLY, 1, value))[2]

    assert copied == value
    assert copied is not value
    assert type(copied) is type(value)


@pytest.mark.parametrize("message", [(REPLY, 1, (1,)), (REPLY, 1, None), (CAST, 1, [1]), (1,)])
def test_nothing_else_is_copied(message: tuple[Any, ...]) -> None:
    assert as_sent(message) is message
