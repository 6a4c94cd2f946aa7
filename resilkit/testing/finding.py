"""Looking for races: what several processes do at once, under many schedules."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from resilkit import validate
from resilkit.cluster.specs import ClusterSpec
from resilkit.errors import InvalidArgument
from resilkit.experiment.line import Line
from resilkit.simulation.schedules import SCHEDULES
from resilkit.testing.alone import Alone
from resilkit.testing.calls import Call, Cast
from resilkit.testing.concurrent import FEWEST_PROCESSES, MOST_PROCESSES, Concurrent
from resilkit.testing.model import Model
from resilkit.testing.outcome import Outcome
from resilkit.testing.races import SHARED, Races
from resilkit.testing.running import run_trial
from resilkit.testing.shortening import shorter, switches
from resilkit.testing.trial import Trial
from resilkit.texts import plain

__all__ = ["find_races"]

_TRIES: Final = 40
"""Under how many schedules each shorter scenario is tried: it may need another one to fail."""

_MOST_SHORTENING: Final = 600
"""How many schedules are tried at most to find the shortest."""

Place = tuple[int, str]
"""A seed and a schedule."""


def find_races(
    system: Any,
    operations: Sequence[Call | Cast] | Concurrent,
    *,
    model: Any = None,
    processes: int = 2,
    schedules: Sequence[str] = ("random", "pct"),
    seeds: Iterable[int] = range(200),
    to: str | None = None,
    timeout: float = 5.0,
    progress: bool = True,
    **options: Any,
) -> Races:
    """Do operations at once under many schedules, and look for one that no order explains.

    A race is a schedule under which some reply is one that could not have come if the operations
    had been done one after the other, in any order that fits what came after what; or under which a
    server crashes or does not answer. What is found is made shorter: fewest operations first, then
    fewest switches from one process to another.

    Casts reply nothing: a `Call` that reads afterwards, behind a `Barrier`, shows what they left.

    Args:
        system: A `Server` class, or any other system that a `Trial` takes.
        operations: What each of the processes does, in order; or a `Concurrent`.
        model: A `Model` of what is right, or a class or system whose replies are right when one
            operation follows the other. ``None``: `system` itself, which is run alone for that,
            without any time between two operations: see `Trial`.
        processes: How many processes do `operations`, 2 to 10, where these are no `Concurrent`.
        schedules: Some of ``"random"``, ``"pct"`` and ``"fifo"``; each is tried with each seed.
        seeds: The seeds.
        to: The name of the server that operations are for which name none; ``None`` for the first
            one.
        timeout: Virtual seconds that a call waits for its reply.
        progress: Whether to show how far it is, in a notebook or a terminal.
        **options: A ``cluster``, or the fields of `ClusterSpec` but its seed; ``nodes`` is 1 unless
            the system names nodes.

    Returns:
        What was found, and how to see it again.

    Raises:
        InvalidArgument: Something is wrong, there is nothing to do, or no seed; the operations
            fail even when one follows the other, which is no race; or the model is a system that
            cannot be run alone.

    Examples:
        >>> import asyncio
        >>> from resilkit import NO_REPLY, Server
        >>> class Till(Server):
        ...     def init(self):
        ...         self.inside = 0
        ...
        ...     def put(self, amount):
        ...         caller = self.defer()
        ...
        ...         async def put():
        ...             seen = self.inside
        ...             await asyncio.sleep(0.001)
        ...             self.inside = seen + amount
        ...             caller.reply(self.inside)
        ...
        ...         self.putting = asyncio.create_task(put())
        ...         return NO_REPLY
        >>> races = find_races(Till, [Call("put", 5), Call("put", 7)], seeds=range(20))
        >>> races.found, len(races.trial.operations.operations)
        (True, 2)
    """
    hunt = _Hunt(
        _scenario(operations, processes), _places(schedules, seeds), shown=progress
    )  # fmt: skip
    _check_options(options)
    if "nodes" not in options and "cluster" not in options:
        options["nodes"] = _nodes_for(system)
    trial = Trial(system, hunt.race, to=to, timeout=timeout, settle=0.1, **options)
    return hunt.run(trial, system if model is None else model)


def _scenario(operations: object, processes: object) -> Concurrent:
    if isinstance(operations, Concurrent):
        if not operations.operations:
            raise InvalidArgument(
                "has no operations: there is nothing to do at once", path="operations",
                value=operations, allowed="processes with a Call or a Cast each",
            )  # fmt: skip
        return operations
    count = validate.number(
        processes, "processes", low=FEWEST_PROCESSES, high=MOST_PROCESSES, integer=True
    )
    allowed = "a list of Call and Cast, or a Concurrent"
    if not isinstance(operations, Sequence) or isinstance(operations, str | bytes):
        raise InvalidArgument(
            "must be a list", path="operations", value=operations, allowed=allowed
        )
    if not operations:
        raise InvalidArgument(
            "is an empty list: there is nothing to do at once", path="operations",
            value=operations, allowed=allowed,
        )  # fmt: skip
    for place, each in enumerate(operations):
        if not isinstance(each, Call | Cast):
            raise InvalidArgument(
                "is no operation", path=f"operations[{place}]", value=each, allowed=allowed
            )
    return Concurrent([list(operations)] * count)


def _places(schedules: object, seeds: object) -> list[Place]:
    known = list(SCHEDULES)
    if isinstance(schedules, str) or not isinstance(schedules, Sequence) or not schedules:
        raise InvalidArgument(
            "must be a list, and not empty", path="schedules", value=schedules,
            allowed=f"some of {', '.join(map(repr, known))}",
        )  # fmt: skip
    names = [
        validate.choice(name, f"schedules[{place}]", known) for place, name in enumerate(schedules)
    ]
    if isinstance(seeds, str | bytes) or not isinstance(seeds, Iterable):
        raise InvalidArgument(
            "must be a list", path="seeds", value=seeds, allowed="whole numbers: range(200)"
        )
    numbers = [
        validate.number(seed, f"seeds[{place}]", low=0, high=2**63 - 1, integer=True)
        for place, seed in enumerate(seeds)
    ]
    if not numbers:
        raise InvalidArgument(
            "is an empty list: no schedule would be tried", path="seeds", value=seeds,
            allowed="whole numbers: range(200)",
        )  # fmt: skip
    return [(seed, name) for seed in numbers for name in names]


def _check_options(options: Mapping[str, object]) -> None:
    """Refuse what is no cluster's: a search has no faults, no invariants and no time to settle."""
    fields = [each.name for each in dataclasses.fields(ClusterSpec) if each.name != "seed"]
    for name, value in options.items():
        if name == "seed":
            raise InvalidArgument(
                "is none of a search: each of its schedules has its own", path=name, value=value,
                allowed="seeds=[7], or seeds=range(200)",
            )  # fmt: skip
        if name not in {"cluster", *fields}:
            raise InvalidArgument(
                "is no option of a search for races", path=name, value=value,
                allowed=f"cluster=ClusterSpec(…), or its fields: {', '.join(fields)}",
            )  # fmt: skip


def _nodes_for(system: object) -> Any:
    """Return how many nodes a system needs, by those that it names: ``n1`` to the highest."""
    if not isinstance(system, Mapping):
        return 1
    numbers = [str(name).removeprefix("n") for name in system]
    return max((int(each) for each in numbers if each.isdigit()), default=1)


class _Hunt:
    """One search.

    Args:
        race: What the processes do.
        places: Under which seeds and schedules.
        shown: Whether to say how far it is.
    """

    def __init__(self, race: Concurrent, places: Sequence[Place], *, shown: bool) -> None:
        self.race = race
        self._places = places
        self._shown = shown
        self._tried = 0
        self._undecided = 0
        self._by_chance: dict[int, Model] = {}

    def run(self, trial: Trial, model: Any) -> Races:
        """Search, shorten, and see the shortest fail once more."""
        # What a system replied alone is remembered from one schedule to the next, and from one seed
        # to the next as long as nothing is drawn by chance.
        self._model = model
        fast = trial.replaced(model=trial.replaced(model=model).pure_model())
        self._refuse_without_race(fast)
        with Line(len(self._places) + _MOST_SHORTENING, shown=self._shown) as line:
            found = self._first(fast, self._places, line)
            if found is None:
                line.end(len(self._places), f"no race found in {plain(self._tried, 'schedule')}")
                return self._races(trial, None, 0)
            shortest = self._shortest(fast, found, line)
            tried = plain(self._tried, "schedule")
            line.end(self._tried, f"found a race: {_told(shortest)} ({tried})")
        # The trial that people get names the model, and is what fails.
        last = shortest.trial
        told = trial.replaced(
            operations=last.operations, seed=last.seed, schedule=last.schedule, model=model
        )
        outcome = run_trial(told)
        if outcome.passed:
            # Something decides that no seed does: what is shown is what was seen to fail.
            shortest.trial = told
            return self._races(trial, shortest, _switches(shortest), again=False)
        return self._races(trial, outcome, _switches(outcome))

    def _races(
        self, trial: Trial, outcome: Outcome | None, switched: int, *, again: bool = True
    ) -> Races:
        return Races(
            asked=trial,
            outcome=outcome,
            tried=self._tried,
            undecided=self._undecided,
            switches=switched,
            again=again,
        )

    def _refuse_without_race(self, trial: Trial) -> None:
        """Refuse operations that fail when one follows the other."""
        one_by_one = run_trial(
            trial.replaced(operations=list(self.race.operations), schedule="fifo")
        )
        if one_by_one.failure is not None:
            # A crash is told with its reason; that two replies differ says nothing of why.
            model = one_by_one.failure.kind == "model"
            why = f" (a likely cause, if neither is wrong: {SHARED})" if model else ""
            raise InvalidArgument(
                f"fail when one follows the other, which is no race: {one_by_one.failure}{why}",
                path="operations", allowed="operations that are right one after the other",
            )  # fmt: skip

    def _first(self, trial: Trial, places: Sequence[Place], line: Line) -> Outcome | None:
        for done, (seed, schedule) in enumerate(places):
            line.tell(done, f"looking for a race: {done} of {plain(len(places), 'schedule')}")
            outcome = self._try(trial.replaced(seed=seed, schedule=schedule))
            if not outcome.passed:
                return outcome
        return None

    def _try(self, trial: Trial) -> Outcome:
        outcome = run_trial(self._with_own_chance(trial) if self._by_chance else trial)
        alone = Alone.of(outcome.trial.model)
        if alone is not None and alone.drawn and alone.seed != trial.seed:
            # What the system replied alone, under another seed, says nothing of this one.
            outcome = run_trial(self._with_own_chance(trial))
        self._tried += 1
        self._undecided += outcome.undecided
        return outcome

    def _with_own_chance(self, trial: Trial) -> Trial:
        """Return a trial whose model is run alone with the trial's own seed, not with the first."""
        if trial.seed not in self._by_chance:
            model = trial.replaced(model=self._model).pure_model()
            assert model is not None  # noqa: S101 - there is one, and it draws
            self._by_chance[trial.seed] = model
        return trial.replaced(model=self._by_chance[trial.seed])

    def _shortest(self, trial: Trial, found: Outcome, line: Line) -> Outcome:
        """Return the shortest that fails, as far as it is found in so many tries."""
        ends = self._tried + _MOST_SHORTENING
        began, best = self._tried, found
        progressing = True
        while progressing:
            progressing = False
            for race in shorter(_race_of(best)):
                fewer = self._fails(trial.replaced(operations=race), best, ends)
                line.tell(self._tried - began, f"shortening: {_told(best)}")
                if fewer is not None:
                    best, progressing = fewer, True
                    break
        for outcome in self._tries(trial.replaced(operations=_race_of(best)), best, ends):
            if not outcome.passed and _switches(outcome) < _switches(best):
                best = outcome
                line.tell(self._tried - began, f"shortening: {_told(best)}")
        return best

    def _fails(self, trial: Trial, like: Outcome, ends: int) -> Outcome | None:
        return next((each for each in self._tries(trial, like, ends) if not each.passed), None)

    def _tries(self, trial: Trial, like: Outcome, ends: int) -> Iterator[Outcome]:
        """Carry a trial out under the schedule that failed, then under others."""
        here: Place = (like.trial.seed, like.trial.schedule)
        others = [place for place in self._places if place != here]
        for seed, schedule in [here, *others[: _TRIES - 1]]:
            if self._tried >= ends:
                return
            yield self._try(trial.replaced(seed=seed, schedule=schedule))


def _race_of(outcome: Outcome) -> Concurrent:
    race = outcome.trial.operations
    assert isinstance(race, Concurrent)  # noqa: S101 - it was made so here
    return race


def _switches(outcome: Outcome) -> int:
    return switches([(rank, each.process) for each in outcome.history for rank in each.ranks])


def _told(outcome: Outcome) -> str:
    count = len(_race_of(outcome).operations)
    return f"{plain(count, 'operation')}, {plain(_switches(outcome), 'switch')}"
