"""Messages that a fault keeps on a link, until it is taken off."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilkit.network import shaping
from resilkit.network.verdicts import HOLD, PASS, Deliver, Drop, Duplicate, Verdict
from tests.network.nets import Net, mesh, on_both_loops
from tests.network.test_cuts import Fault
from tests.network.test_shaping import Bench, Says


def held(*others: Says) -> Bench:
    """Return a link with a fault, "0", that keeps all, and others."""
    return Bench(Says(lambda _: HOLD), *others)


def numbers(bench: Bench) -> list[int]:
    return [number for _, number in bench.sent]


def test_all_that_is_kept_goes_at_once_and_in_order_when_the_fault_is_taken_off() -> None:
    bench = held()
    for number in range(5):
        bench.send(number)
        bench.loop.advance(bench.loop.now + 1.0)
    assert bench.sent == []
    bench.shaper.take_off("0")
    assert bench.sent == [(5.0, number) for number in range(5)]
    assert bench.shaper.idle
    bench.send(5)
    assert numbers(bench)[-1] == 5


def test_what_a_fault_lets_pass_waits_behind_what_it_keeps() -> None:
    answers = iter([PASS, HOLD, PASS, PASS])
    bench = Bench(Says(lambda _: next(answers)))
    for number in range(4):
        bench.send(number)
    assert numbers(bench) == [0]
    bench.shaper.take_off("0")
    assert numbers(bench) == [0, 1, 2, 3]
    assert bench.shaper.touched["0"] == 1, "what only waits behind another is not touched"


def test_what_two_faults_keep_goes_when_the_second_is_taken_off() -> None:
    bench = held(Says(lambda _: HOLD))
    bench.send(1)
    bench.shaper.take_off("0")
    assert bench.sent == []
    bench.shaper.take_off("1")
    assert numbers(bench) == [1]


def test_taking_one_off_lets_go_only_what_stands_before_the_first_that_another_keeps() -> None:
    ones, twos = iter([HOLD, PASS, HOLD]), iter([PASS, HOLD, PASS])
    bench = Bench(Says(lambda _: next(ones)), Says(lambda _: next(twos)))
    for number in range(3):
        bench.send(number)
    bench.shaper.take_off("0")
    assert numbers(bench) == [0]
    bench.shaper.take_off("1")
    assert numbers(bench) == [0, 1, 2]


def test_what_is_under_way_when_a_link_is_held_still_arrives_and_first() -> None:
    bench = Bench(Says(lambda _: Deliver(3.0)))
    bench.send(1)
    bench.shaper.faults = {"hold": Says(lambda _: HOLD)}
    bench.send(2)
    bench.loop.advance(2.0)
    bench.shaper.take_off("hold")
    assert bench.sent == []
    bench.loop.advance(9.0)
    assert bench.sent == [(3.0, 1), (3.0, 2)]


def test_a_delay_counts_from_the_sending_and_is_over_while_the_message_is_kept() -> None:
    bench = held(Says(lambda _: Deliver(2.0)))
    bench.send(1)
    bench.loop.advance(1.0)
    bench.send(2)
    bench.loop.advance(2.5)
    bench.shaper.take_off("0")
    assert bench.sent == [(2.5, 1)]
    bench.loop.advance(9.0)
    assert bench.sent == [(2.5, 1), (3.0, 2)]


def test_copies_of_what_is_kept_come_after_it() -> None:
    bench = held(Says(lambda _: Duplicate(copies=2, after=0.5)))
    bench.send(1)
    bench.loop.advance(4.0)
    bench.shaper.take_off("0")
    bench.loop.advance(9.0)
    assert bench.sent == [(4.0, 1), (4.5, 1), (4.5, 1)]


def test_what_is_dropped_is_not_kept() -> None:
    bench = held(Says(lambda _: Drop()))
    bench.send(1)
    assert bench.dropped == [1]
    bench.shaper.take_off("0")
    assert bench.sent == []


def test_what_is_kept_has_the_limit_of_what_is_delayed_and_shares_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shaping, "MOST_HELD", 3)
    bench = Bench(Says(lambda _: Deliver(1.0)))
    bench.send(0)
    bench.shaper.faults = {"hold": Says(lambda _: HOLD)}
    for number in range(1, 5):
        bench.send(number)
    assert bench.dropped == [3, 4]
    bench.shaper.take_off("hold")
    bench.loop.advance(2.0)
    assert numbers(bench) == [0, 1, 2]


def test_copies_count_towards_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shaping, "MOST_HELD", 4)
    bench = held(Says(lambda _: Duplicate(copies=2)))
    bench.send(1)
    bench.send(2)
    assert bench.dropped == [2, 2, 2]
    bench.shaper.take_off("0")
    bench.shaper.faults = {"0": Says(lambda _: HOLD)}
    for number in range(3, 7):
        bench.send(number)
    assert bench.dropped == [2, 2, 2], "there is room again for four"


def test_clearing_drops_what_is_kept() -> None:
    bench = held(Says(lambda _: Duplicate(copies=1)))
    bench.send(1)
    assert bench.shaper.clear() == 2
    bench.shaper.take_off("0")
    assert bench.sent == []


@given(st.lists(st.sampled_from([PASS, HOLD, Deliver(0.7), Deliver(0.0)]) | st.just("off")))
def test_whatever_is_kept_and_let_go_the_order_stays_and_nothing_is_lost(
    plan: list[Verdict | str],
) -> None:
    answer: list[Verdict] = [PASS]
    bench = Bench(Says(lambda _: answer[0]))
    fault = bench.shaper.faults["0"]
    sent = 0
    for one in plan:
        bench.loop.advance(bench.loop.now + 0.3)
        if isinstance(one, str):
            bench.shaper.take_off("0")
            bench.shaper.faults["0"] = fault
        else:
            answer[0] = one
            bench.send(sent)
            sent += 1
    bench.shaper.take_off("0")
    bench.loop.advance(1e3)
    assert numbers(bench) == list(range(sent))
    assert bench.shaper.idle


@on_both_loops
async def test_a_held_link_stays_up_and_delivers_when_it_is_let_go(folder: Path) -> None:
    net = Net(folder, mesh("n1", "n2"), detect_after=0.2)
    await net.up()
    before = net.got["n2"].ups()
    net.nodes["n1"].install("hold", Fault(HOLD))
    for number in range(50):
        assert net.nodes["n1"].send("n2", (1, number))
    heard = net.nodes["n1"]._links["n2"].heard
    async with asyncio.timeout(10):  # several signs of life, all of which cross the held link
        while net.nodes["n2"]._links["n1"].heard < heard + 0.5:
            await net.nodes["n2"].change()
    assert net.got["n2"].messages() == []
    net.nodes["n1"].remove("hold")
    await net.got["n2"].until(lambda: len(net.got["n2"].messages()) == 50)
    assert net.got["n2"].messages() == [(1, number) for number in range(50)]
    assert net.got["n2"].ups() == before
    assert net.nodes["n1"].links()[0].drops == 0


@on_both_loops
async def test_what_is_kept_is_lost_when_the_link_is_cut(folder: Path) -> None:
    net = Net(folder, mesh("n1", "n2"))
    await net.up()
    node = net.nodes["n1"]
    node.install("hold", Fault(HOLD))
    for number in range(3):
        node.send("n2", (1, number))
    node.cut(["n2"])
    assert node.links()[0].drops == 3
    node.mend(["n2"])
    await net.reach("n1", ["n2"])
    node.remove("hold")
    node.send("n2", (1, "after"))
    await net.got["n2"].until(lambda: bool(net.got["n2"].messages()))
    assert net.got["n2"].messages() == [(1, "after")]


@on_both_loops
async def test_a_hold_that_moves_to_another_link_lets_go_what_it_kept_on_this_one(
    folder: Path,
) -> None:
    net = Net(folder, mesh("n1", "n2", "n3"))
    await net.up()
    node = net.nodes["n1"]
    node.install("hold", Fault(HOLD), ["n2"])
    node.send("n2", (1, "kept"))
    node.install("hold", Fault(HOLD), ["n3"])
    await net.got["n2"].until(lambda: net.got["n2"].messages() == [(1, "kept")])


@on_both_loops
async def test_what_crosses_a_held_link_on_its_way_further_on_is_kept_too(folder: Path) -> None:
    net = Net(folder, [("n1", "n2"), ("n2", "n3")])
    await net.up()
    net.nodes["n2"].install("hold", Fault(HOLD), ["n3"])
    net.nodes["n1"].send("n3", (1, "far"))
    net.nodes["n1"].send("n2", (1, "near"))
    await net.got["n2"].until(lambda: bool(net.got["n2"].messages()))
    assert net.got["n3"].messages() == []
    net.nodes["n2"].remove("hold")
    await net.got["n3"].until(lambda: net.got["n3"].messages() == [(1, "far")])


def test_what_is_sent_while_a_link_is_let_go_waits_for_its_turn() -> None:
    bench = held()

    def answer() -> None:
        assert not bench.shaper.idle, "a link that is idle would send it straight"
        bench.send(2)

    bench.shaper.shape(("call", 0), lambda: 0, answer, lambda: None)
    bench.send(1)
    bench.shaper.take_off("0")
    assert numbers(bench) == [1, 2]
    assert bench.shaper.idle
