"""Whether an order explains what was seen: against a search of all orders, and in plain cases."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from resilkit.check.orders import Interval, Ordered, find_order


def register(state: int, operation: tuple[str, int]) -> tuple[int, int]:
    kind, value = operation
    return (value, value) if kind == "write" else (state, state)


def seen(kind: str, value: int, began: float, ended: float | None) -> Interval:
    return Interval((kind, value), began, ended, value.__eq__ if ended is not None else None)


def judged(*intervals: Interval) -> Ordered:
    return find_order(intervals, register, 0)


def test_one_after_the_other_there_is_one_order() -> None:
    assert judged(seen("write", 1, 0, 1), seen("read", 1, 2, 3)).order == (0, 1)
    stale = judged(seen("write", 1, 0, 1), seen("read", 0, 2, 3))
    assert (stale.found, stale.stuck, stale.expected, stale.order) == (False, 1, (1,), (0,))
    assert stale.before == ((0,),)


def test_what_would_have_been_right_comes_after_as_few_operations_as_can_be() -> None:
    wrong = judged(seen("write", 1, 0, 3), seen("write", 2, 0, 20), seen("read", 9, 4, 5))
    assert (wrong.stuck, wrong.expected, wrong.before) == (2, (1, 2), ((0,), (0, 1)))


def test_of_what_overlaps_either_may_come_first() -> None:
    for read in (0, 1):
        assert judged(seen("write", 1, 0, 3), seen("read", read, 1, 2)).found
    assert judged(seen("write", 1, 0, 3), seen("read", 2, 1, 2)).found is False


def test_at_the_same_instant_two_operations_overlap() -> None:
    assert judged(seen("write", 1, 0, 1), seen("read", 0, 1, 2)).found


def test_nobody_may_go_back_in_time() -> None:
    back = judged(
        seen("write", 1, 0, 9), seen("read", 1, 1, 2), seen("read", 0, 3, 4), seen("read", 1, 5, 6)
    )
    assert (back.found, back.stuck) == (False, 2)


def test_what_nobody_knows_may_happen_at_any_time_later_or_never() -> None:
    unknown = seen("write", 1, 0, None)
    reads = [seen("read", value, 2 * place, 2 * place + 1) for place, value in enumerate((0, 0, 1))]
    assert judged(unknown, *reads).found
    assert judged(unknown, *reads[:2]).found
    assert judged(unknown, *reads, seen("read", 0, 8, 9)).found is False


def test_a_cast_comes_before_what_its_process_sends_after_it() -> None:
    cast = Interval(("write", 1), 0, None, may_be_lost=False)
    read = Interval(("read", 0), 1, 2, (0).__eq__, after=(0,))
    assert find_order([cast, read], register, 0).found is False
    assert find_order(
        [cast, Interval(("read", 1), 1, 2, (1).__eq__, after=(0,))], register, 0
    ).found


def test_casts_that_must_come_are_in_order_also_when_nobody_asks_after_them() -> None:
    first = Interval(("write", 1), 0, None, may_be_lost=False)
    second = Interval(("write", 2), 1, None, after=(0,), may_be_lost=False)
    assert find_order([first, second], register, 0).order == (0, 1)


def test_a_cast_that_may_be_lost_is_before_or_never() -> None:
    cast = Interval(("write", 1), 0, None)
    lost = [cast, Interval(("read", 0), 1, 2, (0).__eq__, after=(0,))]
    assert find_order(lost, register, 0).found
    # Having been overtaken it does not come any more.
    late = [*lost, Interval(("read", 1), 3, 4, (1).__eq__, after=(0,))]
    assert find_order(late, register, 0).found is False


def test_a_state_that_has_no_hash_does_as_well() -> None:
    def put(state: list[int], value: int) -> tuple[list[int], list[int]]:
        state.append(value)  # on a copy
        return list(state), state

    def replied(*values: int) -> Interval:
        return Interval(values[-1], 0, 1, list(values).__eq__)

    assert find_order([replied(2, 1), replied(2)], put, []).order == (1, 0)
    assert find_order([replied(1), replied(2)], put, []).found is False


def test_a_search_gives_up_when_it_has_asked_too_often() -> None:
    many = [seen("write", value, 0, 9) for value in range(12)]
    given_up = find_order([*many, seen("read", 99, 1, 9)], register, 0, most_steps=50)
    assert given_up.found is None
    assert given_up.steps == 50


KINDS = st.sampled_from(["read", "write"])


@st.composite
def histories(draw: st.DrawFn) -> list[Interval]:
    made = []
    for _ in range(draw(st.integers(1, 5))):
        began = draw(st.integers(0, 6))
        ended = draw(st.none() | st.integers(began + 1, 9))
        made.append(seen(draw(KINDS), draw(st.integers(0, 2)), began, ended))
    return made


def explained_by(order: tuple[int, ...], intervals: list[Interval]) -> bool:
    """Whether one order, of all that ended and some of the others, gives what was seen."""
    for place, one in enumerate(order):
        for later in order[place + 1 :]:
            ended = intervals[later].ended
            if ended is not None and ended < intervals[one].began:
                return False
    state = 0
    for place in order:
        interval = intervals[place]
        reply, state = register(state, interval.operation)
        if interval.agrees is not None and not interval.agrees(reply):
            return False
    return True


@given(histories())
def test_it_finds_what_a_search_of_all_orders_finds(intervals: list[Interval]) -> None:
    must = [place for place, one in enumerate(intervals) if one.ended is not None]
    may = [place for place, one in enumerate(intervals) if one.ended is None]
    some = any(
        explained_by(order, intervals)
        for size in range(len(may) + 1)
        for order in permutations(range(len(intervals)), len(must) + size)
        if set(must) <= set(order)
    )
    found = find_order(intervals, register, 0)
    assert found.found is some
    if some:
        assert explained_by(found.order, intervals)
