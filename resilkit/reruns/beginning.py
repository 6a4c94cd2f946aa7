"""A failure in the simulation, as a case: what a search for the smallest begins with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from resilkit import validate
from resilkit.chaos.criteria import as_criteria
from resilkit.errors import InvalidArgument
from resilkit.experiment.experiment import Experiment
from resilkit.reruns.case import Case, Subject
from resilkit.reruns.recorded import as_result, recorded
from resilkit.reruns.replaying import Replay, failed_criteria
from resilkit.reruns.trying import Tried, failing_of
from resilkit.texts import plain
from resilkit.workload import Explicit
from resilkit.workload.draws import noted_draws

if TYPE_CHECKING:
    from resilkit.experiment.line import Line
    from resilkit.experiment.result import Result
    from resilkit.reruns.trying import Tries

__all__ = ["Beginning"]

_ORDERS: Final = ("random", "pct", "fifo")


class Beginning:
    """Looks for a failure in the simulation.

    Args:
        given: What somebody wants to be made small.
        failing: What is to fail, as `resilkit.reruns.shrinking.shrink` takes it.
        seeds: With how many seeds to look for it.

    Raises:
        InvalidArgument: It is nothing that can have failed, or has not.

    Attributes:
        run: The run that failed; ``None`` of an experiment that has not been run yet.
        failing: What is to fail; ``None`` while nobody knows.
        notes: What of the run cannot come again, in words.
        subject: The experiment that is a list, once that is known.
        why: Why no failure was found.
    """

    def __init__(self, given: Any, failing: Any, seeds: int) -> None:
        self._seeds = seeds
        self.run: Result | None = None
        self.notes: tuple[str, ...] = ()
        self.subject: Subject | None = None
        self.why = ""
        self.experiment: Experiment | None = None
        if isinstance(given, Experiment):
            if given.system is None:
                raise InvalidArgument(
                    "has no system of its own to start", path="run.system", value=None,
                    allowed="an Experiment with a system",
                )  # fmt: skip
            self.experiment = given.changed()
        elif isinstance(given, Replay):
            self.run, self.notes = given.run, given.notes
            self._take(given.experiment, given.result)
        else:
            self.run = as_result(given)
        self.failing = _checked(failing, self.experiment, self.run)
        if self.run is not None and self.subject is None:
            self._take(None, self.run)

    def _take(self, listed: Experiment | None, result: Result) -> None:
        """Take the list of what a run did: an experiment that is one, or what it recorded."""
        self._schedule = result.schedule or "fifo"
        if listed is None or not isinstance(listed.workload.arrivals, Explicit):
            found = recorded(result)
            listed, self.notes = found.experiment, (*self.notes, *found.notes)
        self.subject = Subject(listed)

    def look(self, tries: Tries, line: Line) -> Tried | None:
        """Return a case that fails, with the draws of its operations; ``None`` where none does.

        Raises:
            Spent: The budget is used up.
        """
        if self.subject is None:
            result = self._failing_seed(tries, line)
            if result is None:
                return None
            self.run = result
            if self.failing is None:
                self.failing = worst(failed_criteria(result))
            self._take(None, result)
        assert self.failing is not None  # noqa: S101 - the run has failed
        tries.failing = failing_of(self.failing)
        return self._failing_case(tries, line)

    def _failing_seed(self, tries: Tries, line: Line) -> Result | None:
        """Run the experiment with one seed after the other until one fails."""
        experiment = self.experiment
        assert experiment is not None  # noqa: S101 - there is nothing else
        if self.failing is None:
            tries.failing = lambda found: bool(failed_criteria(found))
        else:
            tries.failing = failing_of(self.failing)
        for seed, schedule in self._orders(experiment.seed):
            line.tell(tries.runs, f"looking for a seed that fails: {seed} ({schedule})")
            found = tries.seed(experiment.changed(seed=seed), schedule)
            if found is not None:
                return found
        what = "no criterion" if self.failing is None else told(self.failing)
        ending = "failed" if self.failing is None else "did not fail"
        self.why = f"{what} {ending} with {plain(tries.runs, 'seed')} of the simulation"
        return None

    def _failing_case(self, tries: Tries, line: Line) -> Tried | None:
        """Do from a list what the run did, until it fails; then with the draws that it made."""
        subject = self.subject
        assert subject is not None  # noqa: S101 - taken before
        begin = subject.case(self._schedule)
        orders = dict.fromkeys([(begin.seed, begin.schedule), *self._orders(begin.seed)])
        for seed, schedule in orders:
            line.tell(tries.runs, f"doing again what the run did: {begin.words}")
            case = begin.changed(seed=seed, schedule=schedule)
            with noted_draws() as notes:
                found = tries.case(subject, case, "as it was", own_draws=True)
            if found.failed:
                again = tries.case(subject, _drawn(case, notes), "with its draws")
                if again.failed:
                    return again
        self.why = (
            f"{told(self.failing)} did not fail in any of {plain(len(orders), 'simulated run')} of "
            "the same operations and faults"
        )
        return None

    def _orders(self, own: int) -> Iterator[tuple[int, str]]:
        """Give seeds and schedules: the own one, then others, in all orders in turn."""
        given = [own, *(seed for seed in range(self._seeds) if seed != own)]
        for number, seed in enumerate(given[: self._seeds]):
            yield seed, _ORDERS[0] if number < 2 else _ORDERS[number % len(_ORDERS)]


def _drawn(case: Case, notes: dict[int, list[float]]) -> Case:
    """Return the case with the draws that its operations made, so that none moves another's."""
    due = [
        one._replace(draws=tuple(notes[place])) if notes.get(place) else one
        for place, one in enumerate(case.due)
    ]
    return case.changed(due=tuple(due))


def _checked(failing: Any, experiment: Experiment | None, run: Result | None) -> Any:
    """Return what is to fail; ``None``: what fails first.

    Raises:
        InvalidArgument: There is no such criterion, or it did not fail in the run.
    """
    if callable(failing):
        return failing
    if run is not None:
        failed = failed_criteria(run)
        if not failed:
            raise InvalidArgument(
                "failed no criterion: there is nothing to shrink", path="run", value=run,
                allowed="a run that failed, or failing=a function of the result",
            )  # fmt: skip
        return (
            worst(failed) if failing is None else validate.choice(str(failing), "failing", failed)
        )
    assert experiment is not None  # noqa: S101 - one of the two is there
    known = [str(each) for each in as_criteria(experiment.scenario.criteria)]
    if experiment.parts.audit is not None:
        known.append("audit")
    if not known:
        raise InvalidArgument(
            "has no criteria that could fail", path="run", value=experiment,
            allowed="a scenario with criteria, or failing=a function of the result",
        )  # fmt: skip
    return failing if failing is None else validate.choice(str(failing), "failing", known)


def worst(failed: list[str]) -> str:
    """Return which of several criteria that failed is the one to look at.

    Examples:
        >>> worst(["p95 <= 1 s", "audit", "data_consistency >= 1"])
        'data_consistency >= 1'
    """
    for part in ("data_consistency", "audit"):
        for name in failed:
            if name.startswith(part):
                return name
    return failed[0]


def told(failing: Any) -> str:
    """Return what is to fail, in words."""
    if isinstance(failing, str):
        return failing
    return str(getattr(failing, "__qualname__", "what was asked")).rpartition("<locals>.")[2]
