"""From a run that fails to the smallest scenario, workload and seed that still fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from resilkit import clock, validate
from resilkit.experiment.line import Line
from resilkit.reruns.beginning import Beginning, told
from resilkit.reruns.case_steps import Steps
from resilkit.reruns.first_imports import import_first
from resilkit.reruns.shrunk import Shrunk
from resilkit.reruns.trying import Spent, Tried, Tries
from resilkit.shrinking import Shrinking

if TYPE_CHECKING:
    from resilkit.experiment.experiment import Experiment
    from resilkit.experiment.result import Result
    from resilkit.reruns.case import Case
    from resilkit.reruns.replaying import Replay

__all__ = ["shrink"]

_OTHERS: Final = (101, 102)
"""Seeds with which the smallest case is run to see whether chance has a say at all."""

_LEAST: Final = 4
"""Runs: one with a seed, one of what it did, one with the draws of that, and one at the end."""

_NO_LIMIT: Final = 10**9

_TIMES: Final = frozenset({"duration", "moments"})
"""Steps in which a failure may become another one; see `_Search._is_another`."""

_ROUNDS: Final = (0, 2, 5)
"""With how many other seeds a candidate that passes is tried, from round to round."""


def shrink(
    run: Result | str | Path | Experiment | Replay,
    *,
    failing: str | Callable[[Result], bool] | None = None,
    budget: int = 200,
    seconds: float = 60.0,
    seeds: int = 20,
    progress: bool = True,
    on_progress: Callable[[str], None] | None = None,
) -> Shrunk:
    """Return the smallest scenario, workload and seed that still fail as a run did.

    What the run did is done in a simulation, as by `replay`. Then operations and faults are left
    out, whole halves of them first (delta debugging), and the rest is made simpler: fewer nodes
    and users, shorter durations, rounder moments, plainer numbers, fewer targets, a smaller seed.
    Each candidate is run, and gone on from when the same criterion fails; one that passes is tried
    with other seeds where chance has a say. Time is not cut so short that the faults are not
    needed any more: what fails then is another thing.

    It ends when no single step finds a smaller case that fails, which is no promise that there is
    none; when its budget is used up; or with an interrupt. The result was run once more at the end
    and failed (``again``); after an interrupt, or without time for that, it was seen to fail once.
    Or the result says that the failure did not show in the simulation, and why that may be.

    Args:
        run: A result or the folder of a saved run; a `Replay`; or an experiment, of which a seed
            that fails is looked for. What a notebook or script defined is found as by `replay`.
        failing: What is to fail: a criterion, as written in the verdicts, or a function of the
            `Result`, called once a run, of which an exception ends the search and comes to you.
            ``None``: ``data_consistency`` or ``audit`` if they failed, else the first that did.
        budget: How many runs there may be in all, the last one included; at least 4.
        seconds: For how long it may go on, of the time that people have. No run begins after that,
            and one that goes on is ended: at once, or half a second later where it hangs. What
            `failing` takes is not cut short; what is loaded before the first run does not count.
        seeds: With how many seeds the failure is looked for.
        progress: Whether to show how far it is, in a notebook or a terminal.
        on_progress: Called with how far it is, in words, and nothing is shown.

    Returns:
        The smallest case that was found; see `Shrunk`.

    Raises:
        InvalidArgument: An argument is wrong; there is no such criterion, or none failed; or the
            run cannot say how to make its parts again (shrink a `replay` with ``system=…``).
        StorageError: The saved run is damaged.
        Exception: Whatever `failing` raises.

    Examples:
        >>> import resilkit as rk
        >>> class Shop(rk.Server):
        ...     def init(self):
        ...         self.stock = 3
        ...
        ...     def buy(self):
        ...         self.stock -= 1
        ...         return 1 / self.stock
        >>> made = rk.Experiment(
        ...     2,
        ...     system=rk.ChildSpec(Shop, name="shop"),
        ...     workload=rk.Workload([rk.Operation.call("shop", "buy")], rk.arrivals.constant(9)),
        ...     scenario=rk.Scenario("sale", criteria=["error_rate < 1 %"]),
        ...     duration=1.0,
        ... )
        >>> small = rk.shrink(made, progress=False)
        >>> small.experiment.workload.arrivals.due
        (Due(0.0, 'buy'), Due(0.0, 'buy'), Due(0.0, 'buy'))

        Of a run on processes that was saved, with a script that fails by itself::

            print(rk.shrink("runs/first").script())
    """
    validate.number(budget, "budget", low=_LEAST, integer=True)
    limit = validate.duration(seconds, "seconds", allow_zero=False)
    validate.number(seeds, "seeds", low=1, high=100_000, integer=True)
    shown = validate.boolean(progress, "progress")
    import_first()
    began = clock.monotonic()
    tries = Tries(lambda _: False, budget=budget - 1, until=began + limit)  # and one at the end
    with Line(budget, shown=shown, listener=on_progress) as line:
        return _Search(Beginning(run, failing, seeds), tries, line, began).shrunk()


class _Search:
    """What a search knows while it goes on.

    Attributes:
        trail: The cases that failed, each smaller than the one before.
        why: Why it ended.
    """

    def __init__(self, beginning: Beginning, tries: Tries, line: Line, began: float) -> None:
        self._beginning, self._tries, self._line, self._began = beginning, tries, line, began
        self._budget, self._until = tries.budget + 1, tries.until
        self._passed: set[Case] = set()
        self.trail: list[Tried] = []
        self.why = ""

    def shrunk(self) -> Shrunk:
        """Find a failing case, make it small, and run it once more."""
        try:
            first = self._beginning.look(self._tries, self._line)
            if first is not None:
                self.trail.append(first)
                self._made_small()
                self.why = "smallest"
        except Spent:
            self.why = "budget" if self._tries.runs >= self._tries.budget else "seconds"
        except KeyboardInterrupt:
            self.why = "interrupted"
        return self._ended()

    # Smaller -------------------------------------------------------------------------------------

    def _made_small(self) -> None:
        """Search for something smaller, round by round with more chance, until nothing is."""
        self._tries.budget = self._budget - max(1, min(3, self._budget // 10))
        last = min(3 * self.trail[0].seconds + 0.2, (self._until - self._began) / 3)
        self._tries.until = self._until - last
        for others in _ROUNDS:
            self._round(others)
            if others == 0 and self._is_sure():
                return

    def _round(self, others: int) -> None:
        """Try all kinds of steps, again and again until none finds anything.

        Args:
            others: With how many other seeds a candidate that passes is tried.
        """
        found = True
        while found:
            found = False
            for step, candidates in Steps().kinds():
                # One search a kind, so that each try can say what it was to make smaller. What it
                # may take is counted where cases are run, with all else that is run.
                best = self.trail[-1].case
                search = Shrinking(self._failing(step, others), budget=_NO_LIMIT)
                found = search.run(best, [_new(candidates)]) is not best or found

    def _failing(self, step: str, others: int) -> Callable[[Case], Case | None]:
        def fails(candidate: Case) -> Case | None:
            subject = self._beginning.subject
            assert subject is not None  # noqa: S101 - something has failed
            seeds = [seed for seed in range(others + 1) if seed != candidate.seed][:others]
            for seed in (candidate.seed, *seeds):
                case = candidate.changed(seed=seed)
                if case in self._passed or self._is_no_smaller(case):
                    continue
                tried = self._tries.case(subject, case, step)
                if tried.failed and step in _TIMES and self._is_another(case):
                    tried = tried._replace(result=None, failed=False)
                if not tried.failed:
                    self._passed.add(case)
                else:
                    self.trail[-1] = self.trail[-1]._replace(result=None)
                    self.trail.append(tried)
                self._line.tell(self._tries.runs, self._text())
                if tried.failed:
                    return tried.case
                if tried.unfit:
                    return None  # whatever the seed
            return None

        return fails

    def _is_no_smaller(self, case: Case) -> bool:
        """Whether a case is the best one with the same seed or a larger one.

        Another seed of a candidate that passes may be that: gone on from, it would come for ever.
        """
        best = self.trail[-1].case
        return case.seed >= best.seed and case.changed(seed=best.seed) == best

    def _is_another(self, case: Case) -> bool:
        """Whether a case with less time fails without any of the faults that it took until then.

        A replica that would have had the write a moment later has not, where the run ends before:
        that looks like the failure, and is only an end that came too early.
        """
        subject = self._beginning.subject
        assert subject is not None  # noqa: S101 - something has failed
        calm = case.changed(faults=())
        if not case.faults or calm in self._passed:
            return False
        if self._tries.case(subject, calm, "without faults").failed:
            return True
        self._passed.add(calm)
        return False

    def _is_sure(self) -> bool:
        """Whether the smallest case fails with any seed: then chance has no say in it."""
        best, subject = self.trail[-1].case, self._beginning.subject
        assert subject is not None  # noqa: S101 - something has failed
        return all(
            self._tries.case(subject, best.changed(seed=seed), "any seed").failed
            for seed in _OTHERS
            if seed != best.seed
        )

    def _text(self) -> str:
        first, best = self.trail[0].case, self.trail[-1].case
        return f"{first.words} → {best.words} ({self._tries.told})"

    # The end -------------------------------------------------------------------------------------

    def _ended(self) -> Shrunk:
        """Run the best once more; where it does not fail again, one before it that does."""
        beginning, tries = self._beginning, self._tries
        tries.budget, tries.until = self._budget, self._until
        best, again = self._failing_again() if self.trail else (None, False)
        subject = beginning.subject
        experiment = beginning.experiment if subject is None else subject.base
        if best is not None and subject is not None:
            experiment = subject.experiment(best.case)
        made = Shrunk(
            run=beginning.run,
            experiment=experiment,
            schedule="random" if best is None else best.case.schedule,
            failing="" if beginning.failing is None else told(beginning.failing),
            result=None if best is None else best.result,
            reproduced=best is not None,
            again=again,
            why=self.why if best is not None else self._why_not(),
            interrupted=self.why == "interrupted",
            notes=beginning.notes,
            runs=tries.runs,
            seconds=clock.monotonic() - self._began,
            first=self.trail[0].case if self.trail else None,
            case=None if best is None else best.case,
            looks=tuple(tries.log),
            condition=beginning.failing if callable(beginning.failing) else None,
        )
        self._line.end(tries.runs, made.words)
        return made

    def _failing_again(self) -> tuple[Tried | None, bool]:
        """Return the smallest case that fails, and whether it did once more."""
        subject = self._beginning.subject
        assert subject is not None  # noqa: S101 - something has failed
        for tried in reversed(self.trail):
            if self.why == "interrupted":
                return tried, False  # it was seen to fail, and somebody wants an end
            try:
                again = self._tries.case(subject, tried.case, "once more")
            except Spent:
                # There was no time left. Where a smaller one did not fail again, this may not.
                return (tried if tried is self.trail[-1] else None), False
            except KeyboardInterrupt:
                self.why = "interrupted"
                return tried, False
            if again.failed:
                return again, True
        return None, False

    def _why_not(self) -> str:
        if self.trail:
            return (
                "what failed did not fail when it was run again: something decides that no seed "
                "does (rk.check_determinism shows where)"
            )
        ended = {
            "budget": f"it did not fail in the {self._tries.told} that there might be",
            "seconds": f"it did not fail in the time that there was, in {self._tries.told}",
            "interrupted": f"it was interrupted after {self._tries.told}, before it failed",
        }
        return ended.get(self.why) or self._beginning.why


def _new(candidates: Callable[[Case], Any]) -> Callable[[Case], Iterator[Case]]:
    """Give candidates that are something else than the case itself, each once."""

    def new(case: Case) -> Iterator[Case]:
        seen = {case}
        for each in candidates(case):
            if each not in seen:
                seen.add(each)
                yield each

    return new
