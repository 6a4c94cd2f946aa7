"""When operations are sent."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from hypothesis import strategies as st

from resilkit import validate
from resilkit.testing.strategies import options
from resilkit.testing.strategies.defining import defines
from resilkit.testing.strategies.lists import lists
from resilkit.testing.strategies.numbers import ladder
from resilkit.testing.strategies.timetables import Run
from resilkit.workload import Arrivals
from resilkit.workload import arrivals as made
from resilkit.workload.specs import MOST_RATE, MOST_USERS

__all__ = ["arrivals"]

_KINDS = ("constant", "poisson", "burst", "stages", "closed")
_LISTED = "explicit"
_GAPS = ("even", "poisson")
_HALF = 50
"""Hundredths of a run."""
_THINKS = (0.0, 0.001, 0.01, 0.1, 1.0)
_MOST_STEPS = 4


@defines
def arrivals(
    *,
    kinds: Collection[str] | None = None,
    operations: Collection[str] = (),
    duration: float = 10.0,
    max_rate: float = 100.0,
    max_users: int = 10,
    max_size: int = 20,
) -> Callable[[st.DrawFn], Arrivals]:
    """Draw when the operations of a load are sent, as `Workload` takes it.

    It shrinks to a kind that is given earlier, and to the least rate, the fewest users or the
    fewest operations. Moments and lengths of time are hundredths of the run.

    Args:
        kinds: Which are drawn, by the names in `resilkit.arrivals`: ``"constant"``, ``"poisson"``,
            ``"burst"``, ``"stages"``, ``"closed"`` and ``"explicit"``; ``None``: all, the last only
            where there are `operations`.
        operations: The names of the operations of which ``"explicit"`` makes lists: which is sent
            when, and by whom.
        duration: Seconds that the load takes, at least 0.1.
        max_rate: The most operations a second.
        max_users: The most users.
        max_size: The most operations of a list.

    Raises:
        InvalidArgument: An option is wrong; the path says which.

    Examples:
        >>> from hypothesis import find
        >>> find(arrivals(), lambda each: each.kind == "closed")
        Closed(users=1, think_time=0.0)
        >>> find(arrivals(kinds=["explicit"], operations=["get"]), lambda each: True)
        Explicit(due=(Due(0.0, 'get'),), loop='open')
    """
    known = options.names(operations, "operations", like="get")
    usual = _KINDS if not known else (*_KINDS, _LISTED)
    chosen = usual if kinds is None else options.selection(kinds, "kinds", (*_KINDS, _LISTED))
    if _LISTED in chosen:
        options.selection(known, "operations", known)
    rate = validate.number(max_rate, "max_rate", low=0.1, high=MOST_RATE)
    users = validate.number(max_users, "max_users", low=1, high=MOST_USERS, integer=True)
    load = _Load(
        Run.of(duration, 0.0, 1),
        st.sampled_from(ladder(min(1.0, rate), rate)),
        st.integers(1, users),
        known,
        validate.number(max_size, "max_size", low=1, integer=True),
    )
    kind = st.sampled_from(chosen)
    return lambda draw: _MAKERS[draw(kind)](draw, load)


class _Load(NamedTuple):
    """What loads are drawn from."""

    run: Run
    rates: st.SearchStrategy[float]
    users: st.SearchStrategy[int]
    operations: tuple[str, ...]
    most: int


def _constant(draw: st.DrawFn, load: _Load) -> Arrivals:
    return made.constant(draw(load.rates))


def _poisson(draw: st.DrawFn, load: _Load) -> Arrivals:
    return made.poisson(draw(load.rates))


def _burst(draw: st.DrawFn, load: _Load) -> Arrivals:
    base, peak = draw(st.just(0.0) | load.rates), draw(load.rates)
    every = draw(st.integers(2, _HALF))
    length = draw(st.integers(1, every - 1))
    seconds = load.run.seconds
    return made.burst(
        base, peak, every=seconds(every), length=seconds(length), gaps=draw(st.sampled_from(_GAPS))
    )


def _stages(draw: st.DrawFn, load: _Load) -> Arrivals:
    step = st.tuples(st.integers(0, _HALF).map(load.run.seconds), load.rates)
    steps = draw(lists(step, 1, _MOST_STEPS))
    return made.stages(steps, gaps=draw(st.sampled_from(_GAPS)))


def _closed(draw: st.DrawFn, load: _Load) -> Arrivals:
    return made.closed(draw(load.users), draw(st.sampled_from(_THINKS)))


def _explicit(draw: st.DrawFn, load: _Load) -> Arrivals:
    due = st.tuples(
        st.integers(0, load.run.last).map(load.run.seconds),
        st.sampled_from(load.operations),
        load.users.map(_index),
    )
    return made.explicit(draw(lists(due, 1, load.most)))


def _index(number: int) -> int:
    return number - 1


_MAKERS: Mapping[str, Callable[[st.DrawFn, _Load], Arrivals]] = {
    "constant": _constant,
    "poisson": _poisson,
    "burst": _burst,
    "stages": _stages,
    "closed": _closed,
    "explicit": _explicit,
}
