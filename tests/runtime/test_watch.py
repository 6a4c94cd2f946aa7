"""What a trace keeps on a node: bounded, and counted where it is not kept."""

from __future__ import annotations

from typing import Any

import pytest

from resilkit.runtime import watch as watching
from resilkit.runtime.trace_filter import TraceFilter
from resilkit.runtime.watch import LONGEST_PAYLOAD, Watch, brief, brief_arguments


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


def take(watch: Watch, answers: int | None = None, direction: str = "in") -> int | None:
    kind = "call" if answers is None else "reply"
    return watch.take(direction, kind, "bank", "teller", "get", str, answers)


def new(clock: Clock, rate: float = 1e6, **options: Any) -> Watch:
    filter = options.pop("filter", TraceFilter())
    ready = options.pop("ready", lambda: None)
    return Watch("t", "bank", filter=filter, rate=rate, now=clock, ready=ready)


def test_half_a_seconds_worth_may_come_at_once_and_then_as_much_as_the_rate() -> None:
    clock = Clock()
    watch = new(clock, rate=10.0)
    assert [take(watch) for _ in range(7)] == [1, 2, 3, 4, 5, 0, 0]
    assert watch.dropped == 2
    clock.time = 0.21
    assert [take(watch) for _ in range(3)] == [6, 7, 0]
    clock.time = 100.0
    assert [take(watch) for _ in range(6)] == [8, 9, 10, 11, 12, 0]


def test_less_than_one_a_second_is_one_now_and_then() -> None:
    clock = Clock()
    watch = new(clock, rate=0.5)
    assert [take(watch), take(watch)] == [1, 0]
    clock.time = 2.0
    assert [take(watch), take(watch)] == [2, 0]


def test_an_answer_goes_with_what_it_answers() -> None:
    watch = new(Clock(), rate=2.0)
    assert take(watch) == 1
    assert take(watch) == 0
    assert take(watch, answers=1) == 2, "though there is no room"
    assert take(watch, answers=0) == 0, "what it answers was dropped"
    assert watch.rows[1][-1] == 1


def test_no_text_is_made_of_what_is_not_kept() -> None:
    made: list[int] = []

    def text() -> str:
        made.append(1)
        return "x"

    watch = new(Clock(), rate=2.0, filter=TraceFilter(kinds="call"))
    for kind in ("cast", "call", "call"):
        watch.take("in", kind, "bank", "teller", "get", text, None)
    assert (len(made), watch.dropped) == (1, 1)


def test_what_nobody_takes_away_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_MOST_WAITING", 3)
    watch = new(Clock())
    assert [take(watch) for _ in range(4)] == [1, 2, 3, 0]
    assert take(watch, answers=1) == 0
    rows, dropped = watch.drained()
    assert (len(rows), dropped) == (3, 2)
    assert watch.drained() == ([], 0)
    assert take(watch) == 4


def test_what_could_not_be_sent_comes_first_the_next_time() -> None:
    watch = new(Clock())
    take(watch)
    rows, dropped = watch.drained()
    take(watch)
    watch.put_back(rows, dropped + 2)
    again, lost = watch.drained()
    assert ([row[7] for row in again], lost) == ([1, 2], 2)


def test_it_says_that_there_is_something_to_take_also_when_all_was_dropped() -> None:
    said: list[int] = []
    watch = new(Clock(), rate=2.0, ready=lambda: said.append(1))
    take(watch)
    assert said == [1]
    watch.drained()
    take(watch)
    assert said == [1, 1]


def test_who_sent_it_and_who_gets_it_depends_on_the_direction() -> None:
    watch = new(Clock())
    for direction in ("in", "out"):
        take(watch, direction=direction)
    assert [row[3:5] for row in watch.rows] == [("teller", "bank"), ("bank", "teller")]


class Long:
    def __repr__(self) -> str:
        return "y" * 10_000


@pytest.mark.parametrize(
    "value",
    ["x" * 10_000, b"x" * 10_000, list(range(10_000)), dict.fromkeys(range(99), "x" * 99), Long(),
     [[[[[1]]]]], {"a": Long(), "b": [Long()] * 20}],
)  # fmt: skip
def test_a_text_is_short_whatever_it_is_of(value: Any) -> None:
    assert 0 < len(brief(value)) <= LONGEST_PAYLOAD
    assert len(brief_arguments((value,) * 20, {"a": value})) <= LONGEST_PAYLOAD


def test_what_is_big_is_not_made_a_text_of_as_a_whole() -> None:
    class Counting(list[int]):
        looked = 0

        def __iter__(self) -> Any:
            for each in range(10_000):
                type(self).looked += 1
                yield each

    Counting.__name__ = "list"
    brief(Counting([1] * 10_000))
    assert Counting.looked < 100


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_a_text_is_made_though_repr_raises(error: type[BaseException]) -> None:
    class Hostile:
        def __repr__(self) -> str:
            raise error

    assert "Hostile" in brief(Hostile()) or error.__name__ in brief(Hostile())
    assert brief_arguments((1, Hostile()), {"by": 2}).startswith("1, ")


def test_half_a_surrogate_pair_does_not_cost_the_frame_or_the_file() -> None:
    brief("caf\udce9").encode()
