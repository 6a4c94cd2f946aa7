"""From a trial that fails to the smallest that fails of the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, Final

from resilkit import validate
from resilkit.errors import InvalidArgument
from resilkit.faults import Fault
from resilkit.shrinking import Shrinking, fewer, simpler
from resilkit.testing.calls import Call, Cast
from resilkit.testing.concurrent import Concurrent
from resilkit.testing.outcome import Outcome
from resilkit.testing.running import run_trial
from resilkit.testing.shortening import shorter
from resilkit.testing.trial import Trial

__all__ = ["ShrunkTrial", "shrink_trial"]

_SCHEDULES: Final = ("fifo", "random", "pct")

_USED_UP: Final = {"budget": "was used up", "seconds": "were used up"}

_BACK: Final = 5
"""How many trials are run once more at the end, at most, to find one that fails again."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class ShrunkTrial:
    """What `shrink_trial` found.

    Attributes:
        outcome: What came of the smallest trial: it failed.
        first: The trial that it began with.
        tries: How many trials were run on the way.
        why: Why it ended: ``"smallest"``: nothing smaller fails; or its ``"budget"`` or
            ``"seconds"`` were used up.
        again: Whether it failed when it was run once more, at the end. In a simulation that is
            false only where something decides that no seed does; `check_determinism` shows where.
    """

    outcome: Outcome
    first: Trial
    tries: int
    why: str
    again: bool = True

    @property
    def trial(self) -> Trial:
        """The smallest trial."""
        return self.outcome.trial

    def script(self) -> str:
        """Return a Python script that fails as the smallest trial does; see `Outcome.script`."""
        return self.outcome.script()

    def __repr__(self) -> str:
        from resilkit.testing.outcome_text import in_lines

        ended = "" if self.why == "smallest" else f", until its {self.why} {_USED_UP[self.why]}"
        ended += "" if self.again else ", which did not fail when it was run again"
        return in_lines(
            f"<ShrunkTrial: {_size(self.first)} → {_size(self.trial)} in {self.tries} trials"
            f"{ended}; {self.outcome.failure}>"
        )

    def _repr_html_(self) -> str:
        return self.outcome._repr_html_()


def shrink_trial(
    trial: Trial,
    *,
    budget: int = 500,
    seconds: float = 60.0,
    seeds: int = 5,
    tell: Callable[[str], object] | None = None,
) -> ShrunkTrial:
    """Return the smallest trial that fails as this one does: of the same invariant, say.

    It drops operations, processes and faults, then makes what is left simpler: arguments, moments,
    durations, the seed. Each candidate is run in the simulation. Since everything that is left out
    moves the chance of the rest, a candidate that passes is tried with a few other seeds.

    Args:
        trial: A trial that fails.
        budget: How many trials may be run on the way, beside the first run and those at the end:
            one, or up to five where something decides that no seed does.
        seconds: For how long, of real time; the trial that runs then ends first, and those at the
            end are run.
        seeds: With how many other seeds a candidate is tried.
        tell: Called with a line of text after each candidate: the best so far.

    Returns:
        The smallest that was found. It was run again at the end, and failed (``again``); where it
        did not, it is one before it that did. Where none did, ``again`` is false, and it is the
        smallest that was seen to fail.

    Raises:
        InvalidArgument: The trial passes, or an option is out of range.

    Examples:
        >>> from resilkit import Server
        >>> class Till(Server):
        ...     def init(self):
        ...         self.money = 20
        ...
        ...     def take(self, amount):
        ...         self.money -= amount
        >>> def never_empty(cluster):
        ...     return cluster.whereis("till").state()["money"] >= 0
        >>> calls = [Call("take", amount) for amount in (3, 17, 9)]
        >>> found = shrink_trial(Trial(Till, calls, invariants=[never_empty], nodes=1))
        >>> found.trial.operations
        (Call("take", 12), Call("take", 9))
    """
    validate.number(budget, "budget", low=1, integer=True)
    validate.duration(seconds, "seconds", allow_zero=False)
    validate.number(seeds, "seeds", low=0, high=1000, integer=True)
    seen = run_trial(trial)
    if seen.failure is None:
        raise InvalidArgument(
            "passes: there is nothing to shrink", path="trial", value=trial,
            allowed="a trial that fails in the simulation",
        )  # fmt: skip
    told = None if tell is None else lambda best, tries: tell(_told(trial, best, tries))
    return _Search(seen, seen.failure.about, seeds).shrunk(budget, seconds, told)


class _Search:
    """What is known while a trial is made smaller.

    Args:
        first: What came of the trial that it begins with.
        about: What failed of it.
        seeds: With how many other seeds a candidate is tried.
    """

    def __init__(self, first: Outcome, about: Hashable, seeds: int) -> None:
        self._about = about
        self._seeds = seeds
        self._seen = first
        self._trail = [first.trial]

    def shrunk(
        self, budget: int, seconds: float, tell: Callable[[Trial, int], object] | None
    ) -> ShrunkTrial:
        """Search, and see the smallest fail once more."""
        first = self._trail[0]
        self._search = search = Shrinking(self._fails, budget=budget, seconds=seconds)
        if tell is not None:
            search.tell = tell
        best = search.run(first, [_fewer_faults, _fewer_operations, _simpler])
        # Afterwards: as a candidate among others it would lead back, since each is tried with
        # others.
        if best.seed and search.why == "smallest" and search.tries < budget:
            search.tries += 1
            self._failing(best.replaced(seed=0))
        for smallest in self._trail[: -_BACK - 1 : -1]:
            again = run_trial(smallest)
            if self._is_it(again):
                return ShrunkTrial(again, first, search.tries, search.why)
        return ShrunkTrial(self._seen, first, search.tries, search.why, again=False)

    def _is_it(self, outcome: Outcome) -> bool:
        return outcome.failure is not None and outcome.failure.about == self._about

    def _failing(self, candidate: Trial) -> Trial | None:
        """Run a trial; return and remember it where it fails."""
        outcome = run_trial(candidate)
        if not self._is_it(outcome):
            return None
        self._seen = outcome
        self._trail.append(outcome.trial)
        return outcome.trial

    def _fails(self, candidate: Trial) -> Trial | None:
        if (failed := self._failing(candidate)) is not None:
            return failed
        for seed in range(self._seeds):
            if seed == candidate.seed:
                continue
            if self._search.spent:
                return None
            self._search.tries += 1  # the first one is counted by who asks
            if (failed := self._failing(candidate.replaced(seed=seed))) is not None:
                return failed
        return None


def _told(first: Trial, best: Trial, tries: int) -> str:
    return f"{_size(first)} → {_size(best)} ({tries} trials)"


def _size(trial: Trial) -> str:
    operations = sum(isinstance(step, (Call, Cast)) for each in trial.processes for step in each)
    faults = len(trial.faults)
    return f"{operations} operation{'s' * (operations != 1)}, {faults} fault{'s' * (faults != 1)}"


def _changed(trial: Trial, **changes: Any) -> Iterator[Trial]:
    try:
        yield trial.replaced(**changes)
    except InvalidArgument:
        return  # what is left does not fit together


def _fewer_faults(trial: Trial) -> Iterator[Trial]:
    for faults in fewer(trial.faults):
        yield from _changed(trial, faults=faults, duration=_duration(trial))


def _duration(trial: Trial) -> float | None:
    """Return over which time operations are spread: with fewer faults it stays."""
    return trial.length or trial.duration


def _fewer_operations(trial: Trial) -> Iterator[Trial]:
    operations = trial.operations
    if isinstance(operations, Concurrent):
        for race in shorter(operations):
            yield from _changed(trial, operations=race)
        return
    for start, end in _cuts(len(operations)):
        left = [*operations[:start], *operations[end:]]
        if trial.length and left:
            yield from _moved_up(trial, left, start, end)
        yield from _changed(trial, operations=left, duration=_duration(trial))


def _cuts(count: int) -> Iterator[tuple[int, int]]:
    size = count
    while size:
        for start in range(0, count, size):
            yield start, min(start + size, count)
        size //= 2


def _moved_up(trial: Trial, left: list[Any], start: int, end: int) -> Iterator[Trial]:
    """Give the trial without some operations and the time that they took.

    What comes later comes so much earlier, faults too: between a fault and the operations around
    it lies the same time as before, which is often what matters.
    """
    gap = trial.length / len(trial.operations)  # type: ignore[arg-type]
    begins, taken = start * gap, (end - start) * gap
    faults = [
        dataclasses.replace(fault, at=round(max(begins, fault.at - taken), 6))
        if fault.at is not None and fault.at > begins
        else fault
        for fault in trial.faults
    ]
    yield from _changed(trial, operations=left, faults=faults, duration=round(gap * len(left), 6))


def _simpler(trial: Trial) -> Iterator[Trial]:
    if trial.schedule != "fifo":
        for schedule in _SCHEDULES[: _SCHEDULES.index(trial.schedule)]:
            yield from _changed(trial, schedule=schedule)
    for number, fault in enumerate(trial.faults):
        for other in _simpler_faults(fault):
            faults = [*trial.faults[:number], other, *trial.faults[number + 1 :]]
            yield from _changed(trial, faults=faults)
    for operations in _simpler_operations(trial.operations):
        yield from _changed(trial, operations=operations)
    for seconds in () if trial.duration is None else (None, *simpler(trial.duration)):
        yield from _changed(trial, duration=seconds)


def _simpler_faults(fault: Fault) -> Iterator[Fault]:
    """Give the fault with one field simpler, or left out where it need not be there."""
    for field in dataclasses.fields(fault):
        value = getattr(fault, field.name)
        if field.name == "targets" or value == field.default or isinstance(value, (str, tuple)):
            continue
        wanted = [] if field.default in (dataclasses.MISSING, None) else [field.default]
        for other in (*wanted, *simpler(value)):
            try:
                yield dataclasses.replace(fault, **{field.name: other})
            except InvalidArgument:
                continue


def _simpler_operations(
    operations: Concurrent | Sequence[Call | Cast],
) -> Iterator[Concurrent | list[Any]]:
    if isinstance(operations, Concurrent):
        for number, steps in enumerate(operations.processes):
            for other in _simpler_steps(steps):
                yield Concurrent([*operations.processes[:number], other,
                                  *operations.processes[number + 1 :]])  # fmt: skip
        return
    yield from _simpler_steps(operations)


def _simpler_steps(steps: Sequence[Any]) -> Iterator[list[Any]]:
    for place, step in enumerate(steps):
        if isinstance(step, (Call, Cast)):
            for other in _simpler_calls(step):
                yield [*steps[:place], other, *steps[place + 1 :]]


def _simpler_calls(step: Call | Cast) -> Iterator[Call | Cast]:
    """Give the call with one argument simpler."""
    for place, value in enumerate(step.args):
        for other in simpler(value):
            args = (*step.args[:place], other, *step.args[place + 1 :])
            yield type(step)(step.method, *args, to=step.to, **dict(step.kwargs))
    for name, value in dict(step.kwargs).items():
        for other in simpler(value):
            yield type(step)(step.method, *step.args, to=step.to, **{**step.kwargs, name: other})
