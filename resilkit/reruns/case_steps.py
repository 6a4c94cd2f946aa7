"""From a case to smaller ones: the steps of a search for the smallest, one kind a method."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from resilkit.errors import InvalidArgument
from resilkit.reruns.fault_steps import simpler_fault, without_nodes
from resilkit.shrinking import fewer

if TYPE_CHECKING:
    from resilkit.faults import Fault
    from resilkit.reruns.case import Case
    from resilkit.workload import Due

__all__ = ["Steps"]

_SCHEDULES: Final = ("fifo", "random", "pct")
_GAPS: Final = (0.0, 0.1, 0.5, 1.0)
_LAST_STRIKE: Final = 0.99
"""Share of a run after which no fault strikes any more; see `resilkit.chaos.planning`."""


class Steps:
    """The kinds of steps, in the order in which they are worth trying.

    It remembers which pieces of a long list could not be left out, so that a search that begins a
    kind anew after each find does not begin with the largest again.
    """

    def __init__(self) -> None:
        self._pieces: dict[str, tuple[int, int]] = {}

    def kinds(self) -> list[tuple[str, Callable[[Case], Iterable[Case]]]]:
        """Return each kind: what it makes smaller, in a word, and what gives the candidates."""
        return [
            ("warm-up", self.no_warmup),
            ("faults", self.fewer_faults),
            ("operations", self.fewer_operations),
            ("duration", self.shorter),
            ("faults", self.fewer_faults),
            ("nodes", self.fewer_nodes),
            ("moments", self.closer),
            ("faults", self.simpler_faults),
            ("users", self.fewer_users),
            ("draws", self.plainer_draws),
            ("moments", self.rounder),
            ("duration", self.shorter),
            ("seed", self.smaller_seed),
        ]

    # Fewer ---------------------------------------------------------------------------------------

    def no_warmup(self, case: Case) -> Iterator[Case]:
        """Give the case with all its load judged: the faults stay where they are."""
        if not case.warmup:
            return
        moved = tuple(_moved(fault, case.warmup) for fault in case.faults)
        yield case.changed(warmup=0.0, duration=case.duration + case.warmup, faults=moved)

    def fewer_faults(self, case: Case) -> Iterator[Case]:
        """Give the case without faults, and without some of them."""
        for faults in fewer(case.faults):
            yield case.changed(faults=tuple(faults))

    def fewer_operations(self, case: Case) -> Iterator[Case]:
        """Give the case without pieces of its list, large ones first, as delta debugging does."""
        for due in self._without_pieces("due", case.due):
            yield case.changed(due=due)

    def _without_pieces(self, key: str, items: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        size, start = self._pieces.get(key, (len(items), 0))
        size = max(1, min(size, len(items)))
        while items:
            begin = min(start, max(len(items) - 1, 0)) // size * size
            places = range(0, len(items), size)
            order = [place for place in places if place >= begin]
            order += [place for place in places if place < begin]
            for place in order:
                self._pieces[key] = (size, place)
                yield (*items[:place], *items[place + size :])
            if size == 1:
                # A whole round of single ones found nothing: begin with large ones the next time.
                self._pieces.pop(key, None)
                return
            size = math.ceil(size / 2) if size > 2 else 1
            start = 0

    def fewer_nodes(self, case: Case) -> Iterator[Case]:
        """Give the case without one of its nodes, the last first; faults of that one go with it."""
        for name in reversed(case.nodes) if len(case.nodes) > 1 else ():
            try:
                kept = [without_nodes(fault, {name}) for fault in case.faults]
            except InvalidArgument:
                continue
            nodes = tuple(each for each in case.nodes if each != name)
            yield case.changed(nodes=nodes, faults=tuple(one for one in kept if one is not None))

    def fewer_users(self, case: Case) -> Iterator[Case]:
        """Give the case with one user, and with fewer."""
        if case.generators > 1:
            yield case.changed(generators=1)
        users = sorted({one.user for one in case.due})
        if users not in ([], [0]):
            yield _with_due(case, lambda one: one._replace(user=0))
        if users != list(range(len(users))):
            number = {user: place for place, user in enumerate(users)}
            yield _with_due(case, lambda one: one._replace(user=number[one.user]))
        for gone in users[1:]:
            yield _with_due(case, partial(_of_first, gone))

    # Shorter, and when ---------------------------------------------------------------------------

    def shorter(self, case: Case) -> Iterator[Case]:
        """Give the case with less time after the last of what happens in it, or a rounder one."""
        total = case.warmup + case.duration
        least = _least_duration(case)
        found = [_up(least, 1), _up(least + 0.5, 1), math.ceil(least + 1.0), math.ceil(least + 5.0)]
        found += [-_up(-case.duration, digits) for digits in (0, 1, 2)]
        for duration in dict.fromkeys(map(float, found)):
            if duration >= least and case.warmup + duration < total - 1e-9:
                yield case.changed(duration=duration)

    def closer(self, case: Case) -> Iterator[Case]:
        """Give the case with shorter gaps between the moments at which something happens.

        Each once with as much time after the last of them as there was, and once in the time that
        there was: what fails may hang on either.
        """
        moments = _moments(case)
        if moments and moments[0] > 0:
            yield from _moved_up(case, {at: at - moments[0] for at in moments}, moments[0])
        for place in range(1, len(moments)):
            gap = moments[place] - moments[place - 1]
            for wanted in _GAPS:
                if wanted < gap - 1e-9:
                    less = gap - wanted
                    times = {at: at - less * (number >= place) for number, at in enumerate(moments)}
                    yield from _moved_up(case, times, less)

    def rounder(self, case: Case) -> Iterator[Case]:
        """Give the case with rounder moments: all of them at once, or one."""
        moments = _moments(case)
        for digits in (0, 1, 2, 3):
            if any(round(at, digits) != at for at in moments):
                yield _at_times(case, {at: round(at, digits) for at in moments})
        for moment in moments:
            for digits in (0, 1, 2, 3):
                if round(moment, digits) != moment:
                    yield _at_times(case, {moment: round(moment, digits)})

    # Simpler -------------------------------------------------------------------------------------

    def simpler_faults(self, case: Case) -> Iterator[Case]:
        """Give the case with one of its faults simpler."""
        for place, fault in enumerate(case.faults):
            for other in simpler_fault(fault):
                yield case.changed(faults=(*case.faults[:place], other, *case.faults[place + 1 :]))

    def plainer_draws(self, case: Case) -> Iterator[Case]:
        """Give the case with draws that are written shorter: those of the user, or a number's."""
        if any(one.draws is not None for one in case.due):
            yield _with_due(case, lambda one: one._replace(draws=None))
        if any(isinstance(one.draws, tuple) for one in case.due):
            yield _with_due(
                case, lambda one: one._replace(draws=0) if one.draws is not None else one
            )
        for place, one in enumerate(case.due):
            plain = (None, 0, 1, 2) if isinstance(one.draws, tuple) else (None, 0)
            for draws in plain:
                if _length(draws) < _length(one.draws):
                    other = one._replace(draws=draws)
                    yield case.changed(due=(*case.due[:place], other, *case.due[place + 1 :]))

    def smaller_seed(self, case: Case) -> Iterator[Case]:
        """Give the case in a plainer order, and with a smaller seed."""
        for schedule in _SCHEDULES[: _SCHEDULES.index(case.schedule)]:
            yield case.changed(schedule=schedule)
            if case.seed:
                yield case.changed(schedule=schedule, seed=0)
        for seed in range(min(case.seed, 3)):
            yield case.changed(seed=seed)


def _length(draws: Any) -> int:
    return 0 if draws is None else len(repr(draws))


def _of_first(gone: int, one: Due) -> Due:
    return one._replace(user=0) if one.user == gone else one


def _with_due(case: Case, change: Callable[[Due], Due]) -> Case:
    return case.changed(due=tuple(map(change, case.due)))


def _moved(fault: Fault, by: float) -> Fault:
    return dataclasses.replace(fault, at=round((fault.at or 0.0) + by, 6))


def _moments(case: Case) -> list[float]:
    """Return the instants at which something happens, in seconds since the load began."""
    strikes = {round(case.warmup + (fault.at or 0.0), 9) for fault in case.faults}
    return sorted({one.time for one in case.due} | strikes)


def _at_times(case: Case, times: dict[float, float]) -> Case:
    """Return the case with what happens at some instants at others."""

    def at(fault: Fault) -> Fault:
        moment = round(case.warmup + (fault.at or 0.0), 9)
        if moment not in times:
            return fault
        return dataclasses.replace(fault, at=round(max(times[moment] - case.warmup, 0.0), 6))

    due = [
        one._replace(time=round(max(times[one.time], 0.0), 6)) if one.time in times else one
        for one in case.due
    ]
    faults = tuple(map(at, case.faults))
    return case.changed(due=tuple(sorted(due, key=lambda one: one.time)), faults=faults)


def _moved_up(case: Case, times: dict[float, float], by: float) -> Iterator[Case]:
    moved = _at_times(case, times)
    duration = max(round(case.duration - by, 6), _least_duration(moved))
    if duration < case.duration:
        yield moved.changed(duration=duration)
    yield moved


def _least_duration(case: Case) -> float:
    """Return in how many seconds of judged load all that happens in a case can happen."""
    latest = max((fault.at or 0.0 for fault in case.faults), default=0.0)
    return max(case.needed - case.warmup + 0.05, latest / _LAST_STRIKE + 0.01, 0.1)


def _up(value: float, digits: int) -> float:
    scale = 10**digits
    return math.ceil(value * scale - 1e-9) / scale
