"""What faults do to the messages of one link: delays in order, drops, copies, bandwidth."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilkit.network import shaping
from resilkit.network.shaping import Shaper
from resilkit.network.verdicts import PASS, Deliver, Drop, Duplicate, Message, Verdict
from resilkit.rng import stream


class FakeLoop:
    """Time that moves when told, and timers as unordered as a heap's may be."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, due: float, callback: Callable[[], None]) -> Any:
        entry = (due, callback)
        self.timers.append(entry)
        loop = self

        class Handle:
            def cancel(self) -> None:
                if entry in loop.timers:
                    loop.timers.remove(entry)

        return Handle()

    def advance(self, to: float) -> None:
        while True:
            due = [one for one in self.timers if one[0] <= to]
            if not due:
                break
            first = min(due, key=lambda one: one[0])
            self.timers.remove(first)
            self.now = max(self.now, first[0])
            first[1]()
        self.now = to


class Says:
    """A fault that says what it is told."""

    def __init__(self, answer: Callable[[Message], Any], *, needs_size: bool = False) -> None:
        self.answer = answer
        self.needs_size = needs_size

    def decide(self, message: Message, rng: random.Random) -> Verdict:
        return self.answer(message)  # type: ignore[no-any-return]


class Bench:
    """A shaper, its loop, and what went through."""

    def __init__(self, *faults: Says) -> None:
        self.loop = FakeLoop()
        self.failed: list[tuple[str, BaseException]] = []
        self.shaper = Shaper(
            self.loop, stream(1, "link"), "n1", "n2", lambda message: str(message[0]),  # type: ignore[arg-type]
            lambda *failure: self.failed.append(failure),
        )  # fmt: skip
        self.shaper.faults = {str(number): fault for number, fault in enumerate(faults)}
        self.sent: list[tuple[float, int]] = []
        self.dropped: list[int] = []

    def send(self, number: int, size: int = 0) -> None:
        self.shaper.shape(
            ("call", number),
            lambda: size,
            lambda: self.sent.append((self.loop.now, number)),
            lambda: self.dropped.append(number),
        )


def _answers(*verdicts: Verdict) -> Says:
    rest = list(verdicts)
    return Says(lambda _: rest.pop(0))


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0, 10)), max_size=30))
def test_delays_keep_the_order_and_are_no_shorter_than_asked(
    plan: list[tuple[float, float]],
) -> None:
    bench = Bench(_answers(*(Deliver(after) for _, after in plan)))
    asked = []
    for number, (pause, after) in enumerate(plan):
        bench.loop.advance(bench.loop.now + pause)
        asked.append(bench.loop.now + after)
        bench.send(number)
    bench.loop.advance(1e6)

    assert list(range(len(plan))) == [number for _, number in bench.sent]
    for left, number in bench.sent:
        assert left >= asked[number] - 0.001
    expected = [max(asked[: number + 1]) for number in range(len(plan))]
    assert expected == pytest.approx([left for left, _ in bench.sent], abs=0.001)


def test_a_message_sent_after_healing_waits_behind_those_under_way() -> None:
    bench = Bench(_answers(Deliver(5.0)))
    bench.send(1)
    bench.shaper.faults.clear()
    assert not bench.shaper.idle
    bench.send(2)
    bench.loop.advance(10.0)

    assert bench.sent == [(5.0, 1), (5.0, 2)]
    assert bench.shaper.idle


def test_a_reordered_message_lets_later_ones_overtake_it() -> None:
    bench = Bench(_answers(Deliver(1.0, reorder=True), PASS))
    bench.send(1)
    bench.send(2)
    bench.loop.advance(2.0)

    assert bench.sent == [(0.0, 2), (1.0, 1)]


def test_a_copy_never_comes_before_its_message() -> None:
    bench = Bench(_answers(Deliver(2.0), Duplicate(copies=2, after=0.5)))
    bench.send(1)
    bench.send(2)
    bench.loop.advance(5.0)

    assert bench.sent == [(2.0, 1), (2.0, 2), (2.5, 2), (2.5, 2)]


def test_delays_of_several_faults_add_up_and_one_drop_is_enough() -> None:
    bench = Bench(Says(lambda _: Deliver(1.0)), _answers(Deliver(2.0), Drop()))
    bench.send(1)
    bench.send(2)
    bench.loop.advance(9.0)

    assert bench.sent == [(3.0, 1)]
    assert bench.dropped == [2]


def test_a_bandwidth_carries_one_message_at_a_time() -> None:
    bench = Bench(Says(lambda m: Deliver(m.size_bytes / 100, queued=True), needs_size=True))
    for number in range(3):
        bench.send(number, size=100)
    bench.loop.advance(10.0)
    bench.send(3, size=50)
    bench.loop.advance(20.0)

    assert bench.sent == [(1.0, 0), (2.0, 1), (3.0, 2), (10.5, 3)]


def test_a_latency_holds_many_messages_at_a_time() -> None:
    bench = Bench(Says(lambda _: Deliver(1.0)))
    for number in range(3):
        bench.send(number)
    bench.loop.advance(1.0)

    assert bench.sent == [(1.0, 0), (1.0, 1), (1.0, 2)]


def test_a_fault_sees_kind_ends_and_the_size_only_when_it_asks() -> None:
    seen: list[tuple[Any, ...]] = []

    def look(message: Message) -> Verdict:
        seen.append((message.kind, message.source, message.target, message.size_bytes))
        return PASS

    Bench(Says(look)).send(1, size=40)
    Bench(Says(look, needs_size=True)).send(1, size=40)

    assert seen == [("call", "n1", "n2", 0), ("call", "n1", "n2", 40)]


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: 1 / 0, lambda _: None, lambda _: Deliver(float("nan")), lambda _: Deliver,
        lambda _: 0.5, lambda _: Deliver("1 s"),  # type: ignore[arg-type]
    ],
    ids=["raises", "says nothing", "says nonsense", "says a class", "says a number", "says text"],
)  # fmt: skip
def test_a_fault_that_fails_lets_messages_pass_and_is_named(answer: Any) -> None:
    bench = Bench(Says(answer))
    bench.send(1)
    bench.send(2)

    assert bench.sent == [(0.0, 1), (0.0, 2)]
    assert [fault_id for fault_id, _ in bench.failed] == ["0", "0"]


class Unspeakable(Says):
    """Fails at everything, at saying who it is as well."""

    def __init__(self, error: type[BaseException]) -> None:
        super().__init__(lambda _: PASS)
        self.error = error

    def __repr__(self) -> str:
        raise self.error("no name")

    def decide(self, message: Message, rng: random.Random) -> Verdict:
        raise self.error("no verdict")


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_a_fault_that_cannot_even_be_named_lets_messages_pass(error: type[BaseException]) -> None:
    bench = Bench(Unspeakable(error))
    bench.send(1)
    bench.send(2)
    assert [number for _, number in bench.sent] == [1, 2]
    assert [type(told) for _, told in bench.failed] == [error, error]


def test_a_message_that_cannot_be_measured_is_no_fault_of_the_faults() -> None:
    bench = Bench(Says(lambda _: Drop(), needs_size=True))

    def size() -> int:
        raise SystemExit("while it was pickled")

    sent: list[str] = []
    bench.shaper.shape(("cast",), size, lambda: sent.append("it"), lambda: sent.append("lost"))
    assert sent == ["it"], "it is refused, and its sender told, when it is written"
    assert not bench.failed


def test_what_is_held_back_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shaping, "MOST_HELD", 2)
    bench = Bench(Says(lambda _: Deliver(1.0)))
    for number in range(4):
        bench.send(number)

    assert bench.dropped == [2, 3]


def test_clearing_drops_what_waits_and_leaves_no_timer() -> None:
    bench = Bench(_answers(Deliver(5.0), Deliver(5.0), PASS))
    bench.send(1)
    bench.send(2)

    assert bench.shaper.clear() == 2
    assert not bench.loop.timers
    bench.send(3)
    assert bench.sent == [(0.0, 3)]


@pytest.mark.parametrize("runner", ["asyncio", "uvloop"])
def test_real_timers_keep_the_order_of_what_is_due_at_about_the_same_time(runner: str) -> None:
    async def run() -> list[int]:
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        got: list[int] = []
        chance = stream(3, "test")
        shaper = Shaper(loop, chance, "n1", "n2", lambda _: "call", lambda *_: None)
        shaper.faults["0"] = Says(lambda _: Deliver(chance.uniform(0.004, 0.006)))

        def send(number: int) -> None:
            got.append(number)
            if len(got) == 500:
                done.set_result(None)

        for number in range(500):
            shaper.shape((number,), int, lambda number=number: send(number), int)  # type: ignore[misc]
            if number % 10 == 0:
                await asyncio.sleep(0)
        await done
        return got

    if runner == "uvloop":
        uvloop = pytest.importorskip("uvloop")
        assert uvloop.run(run()) == list(range(500))
    else:
        assert asyncio.run(run()) == list(range(500))


def test_what_is_due_waits_for_what_was_held_before_it_though_no_fault_is_left() -> None:
    bench = Bench(Says(lambda _: Deliver(1.0)))
    bench.send(0)
    bench.shaper.faults = {}
    bench.loop.now = 1.0  # and the timer has not had its turn yet
    bench.send(1)
    bench.loop.advance(2.0)
    assert [number for _, number in bench.sent] == [0, 1]


def test_one_fault_that_lets_overtake_is_enough_whatever_the_next_one_says() -> None:
    bench = Bench(
        _answers(Deliver(1.0), Deliver(0.0, reorder=True)),
        Says(lambda _: Deliver(0.1)),
    )
    bench.send(0)
    bench.send(1)
    bench.loop.advance(2.0)
    assert [number for _, number in bench.sent] == [1, 0]


def test_a_link_that_was_cut_has_nothing_left_to_carry_first() -> None:
    bench = Bench(Says(lambda _: Deliver(5.0, queued=True)))
    bench.send(0)
    assert bench.shaper.clear() == 1
    bench.send(1)
    bench.loop.advance(20.0)
    assert bench.sent == [(pytest.approx(5.0), 1)]
