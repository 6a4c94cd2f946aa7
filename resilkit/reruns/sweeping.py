"""An experiment over many seeds: which of them fail."""

from __future__ import annotations

import itertools
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from resilkit import __version__, clock, validate
from resilkit.chaos.criteria import as_criteria
from resilkit.cluster.backend_names import check_backend, check_faults
from resilkit.errors import InvalidArgument
from resilkit.experiment.experiment import Experiment
from resilkit.experiment.line import Line
from resilkit.experiment.repeating import check_run
from resilkit.network.codec import by_value
from resilkit.reruns.crew import Crew, Lost
from resilkit.reruns.first_imports import import_first
from resilkit.reruns.identity import identity
from resilkit.reruns.ledger import Ledger
from resilkit.reruns.likeness import likeness
from resilkit.reruns.parameters import check_names
from resilkit.reruns.rows import MOST_SEEDS, failed_row, frame_of, ran_out_of_time, word_of
from resilkit.reruns.worker import run_seed
from resilkit.runtime import reasons
from resilkit.settings import options
from resilkit.texts import plain

if TYPE_CHECKING:
    import pandas as pd

    from resilkit.reruns.rows import Row

__all__ = ["sweep"]

_ALLOWED = "an Experiment, or a function that makes one of the parameters"


def sweep(
    experiment: Experiment | Callable[..., Experiment],
    *,
    seeds: int | Iterable[int] = 100,
    parameters: Mapping[str, Sequence[Any]] | None = None,
    backend: str = "simulation",
    schedule: str | None = None,
    processes: int | None = None,
    timeout: float | None = None,
    stop_after: int | None = None,
    resume: str | Path | None = None,
    progress: bool = True,
    on_progress: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """Run an experiment once a seed, and return a table: the seeds that fail stand first.

    The seed decides what the load draws, when and whom faults hit, the chance of the cluster and,
    in a simulation, in which order things happen: ``experiment.changed(seed=…).run("simulation")``
    is the run of a row again. A run that fails by itself costs its own seed, and so does a worker
    process that dies: the row's ``error`` says why. An interrupt ends it, and what is done is
    returned, with ``frame.attrs["interrupted"]``.

    Args:
        experiment: What to run; or, with `parameters`, a function that makes it of them.
        seeds: The seeds, at most 1,000,000; a number means so many, from 0.
        parameters: What else to try, by the name of the function's parameter: each combination of
            the values is run with each seed, and each parameter has a column.
        backend: Where it runs: ``"simulation"`` or ``"processes"``.
        schedule: As for `Experiment.run`.
        processes: How many workers; 1 runs all in this process, where only the operations must be
            such as can travel. ``None``: as many as there are cores in a simulation; else 1, since
            clusters of processes would disturb each other.
        timeout: Seconds, of the time that people have, that a run may take: then its row's
            ``error`` is ``time was up after 30 s``. What a worker loads before its first run does
            not count. ``None``: as long as it takes.
        stop_after: After so many seeds that fail no more are begun; ``None``: all are run.
        resume: A folder where each row is written as soon as it is there. A sweep of the same
            experiment does not run again what is there, but for seeds whose time was up; one of
            other code or arguments is refused, and so is a folder that another sweep uses.
        progress: Whether to show how far it is, in a notebook or a terminal.
        on_progress: Called with how far it is, in words, instead of showing it.

    Returns:
        A row a seed, those that failed first, then those whose run itself failed, what could not be
        decided, and what passed. Columns: the parameters, ``seed``, ``passed`` (``True``,
        ``False``, ``None``), ``failed`` and ``inconclusive`` (which criteria, ``; `` between),
        each criterion with what was measured (0.96 is 96 %), ``operations``, ``errors`` (those not
        ok), ``ran`` (seconds of load), ``wall`` (seconds that it took), ``fingerprint`` (of what
        a simulation did where and when) and ``error``. ``frame.attrs`` says what was run.

    Raises:
        InvalidArgument: An argument is wrong, a fault is not for the backend, an experiment cannot
            travel, or the folder is of another sweep. Nothing has run.
        StartFailed: A worker cannot start or read the experiment.
        StorageError: The folder cannot be read or written.
        Nondeterministic: One seed was checked, as `options` has it in CI, and differs; the error's
            ``outcome`` is the frame.

    Examples:
        ::

            found = rk.sweep(experiment, seeds=range(1000))
            experiment.changed(seed=int(found["seed"][0])).run("simulation").report("worst.html")
    """
    made = _Sweep(
        _cases(experiment, parameters),
        _seeds(seeds),
        _where(backend, schedule, timeout),
        None if stop_after is None else _whole(stop_after, "stop_after"),
    )
    for case in made.cases:
        check_faults(backend, case.experiment.scenario.faults, "experiment.scenario.faults")
    workers = _workers(processes, backend, len(made.all))
    shown = validate.boolean(progress, "progress")
    checked = backend == "simulation" and options.check_determinism
    made.run(resume, workers, partial(Line, len(made.all), shown=shown, listener=on_progress))
    found = made.frame(workers)
    if checked:
        made.check(found)
    return found


class _Case(NamedTuple):
    """One experiment of a sweep, and the parameters that made it."""

    experiment: Experiment
    parameters: dict[str, Any]


class _Sweep:
    """What a sweep knows while it goes on."""

    def __init__(
        self, cases: list[_Case], seeds: list[int], where: dict[str, Any], enough: int | None
    ) -> None:
        self.cases, self.seeds, self.where = cases, seeds, where
        # Seed by seed: what fails for one set of parameters early is seen beside the others.
        self.all = [(number, seed) for seed in seeds for number in range(len(cases))]
        self._enough = enough
        self._rows: dict[tuple[int, int], Row] = {}
        self._left: list[tuple[int, int]] = []
        self._interrupted = False
        self._began = clock.monotonic()
        self._job = b""

    def run(self, folder: str | Path | None, workers: int, telling: Callable[[], Line]) -> None:
        """Run what is left to run, and write it down in a folder if there is one.

        Raises:
            InvalidArgument: What is to run cannot travel where it must.
        """
        experiments = [case.experiment for case in self.cases]
        if workers > 1:
            self._job = by_value_or_refuse({"experiments": experiments, "where": self.where})
        else:
            for one in experiments:
                _check_operations(one)
        with ExitStack() as stack:
            ledger = None
            if folder is not None:
                ledger = stack.enter_context(Ledger(folder, self._about()))
                kept = {key: row for key, row in ledger.rows.items() if not ran_out_of_time(row)}
                self._rows = {key: kept[key] for key in self.all if key in kept}
            self._left = [key for key in self.all if key not in self._rows]
            line = stack.enter_context(telling())
            try:
                for key, row in self._outcomes(self._left, workers):
                    self._rows[key] = row
                    if ledger is not None:
                        ledger.add(key, row)
                    line.tell(len(self._rows), self._text())
            except KeyboardInterrupt:
                self._interrupted = True
            line.end(len(self._rows), self._text())

    def check(self, found: pd.DataFrame) -> None:
        """Check a run that failed, if one did, of those that ran now.

        Raises:
            Nondeterministic: It is not the same each time.
        """
        ran = [key for key in self._left if key in self._rows and not self._rows[key]["error"]]
        if not ran or self._interrupted:
            return
        number, seed = min(ran, key=lambda key: word_of(self._rows[key]) != "fail")
        check_run(self.cases[number].experiment.changed(seed=seed), self.where["schedule"], found)

    def _about(self) -> dict[str, dict[str, str]]:
        where = {key: str(self.where[key]) for key in ("backend", "schedule")}
        return {
            str(number): {
                **identity(case.experiment),
                **where,
                "parameters": json.dumps(likeness(case.parameters)),
            }
            for number, case in enumerate(self.cases)
        }

    def _outcomes(
        self, left: list[tuple[int, int]], workers: int
    ) -> Iterator[tuple[tuple[int, int], Row]]:
        if not left or self._has_enough():
            return
        if workers == 1:
            import_first()
            for number, seed in left:
                yield (number, seed), run_seed(self.cases[number].experiment, seed, self.where)
                if self._has_enough():
                    return
            return
        with Crew(min(workers, len(left)), self._job, timeout=self.where["timeout"]) as crew:
            for key, answer in crew.do(left, until=self._has_enough):
                if isinstance(answer, Lost):
                    yield key, failed_row(key[1], answer.why, answer.took)
                else:
                    yield key, answer

    def _has_enough(self) -> bool:
        if self._enough is None:
            return False
        return sum(word_of(row) == "fail" for row in self._rows.values()) >= self._enough

    def _text(self) -> str:
        words = [word_of(row) for row in self._rows.values()]
        parts = [f"{words.count('fail'):,} failed"]
        if words.count("inconclusive"):
            parts.append(f"{words.count('inconclusive'):,} inconclusive")
        late = sum(map(ran_out_of_time, self._rows.values()))
        if late:
            parts.append(f"{late:,} out of time")
        if words.count("error") > late:
            parts.append(plain(words.count("error") - late, "error"))
        ended = ", interrupted" if self._interrupted else ""
        runs = "seeds" if len(self.cases) == 1 else "runs"
        return f"{len(words):,} of {len(self.all):,} {runs}, {', '.join(parts)}{ended}"

    def frame(self, workers: int) -> pd.DataFrame:
        """Return the table."""
        rows = [
            {**self._rows[key], "parameters": self.cases[key[0]].parameters}
            for key in self.all
            if key in self._rows
        ]
        criteria = [
            str(criterion)
            for case in self.cases
            for criterion in as_criteria(case.experiment.scenario.criteria)
        ]
        names = list(self.cases[0].parameters)
        frame: pd.DataFrame = frame_of(rows, list(dict.fromkeys(criteria)), names)
        frame.attrs.update(
            experiment=self.cases[0].experiment.name,
            description=self.cases[0].experiment.describe(),
            seeds=len(self.seeds),
            runs=len(self.all),
            done=len(rows),
            interrupted=self._interrupted,
            wall=round(clock.monotonic() - self._began, 3),
            resilkit=__version__,
            backend=self.where["backend"],
            schedule=self.where["schedule"] or "",
            processes=workers,
        )
        return frame


def _cases(given: Any, parameters: Mapping[str, Sequence[Any]] | None) -> list[_Case]:
    if parameters is None:
        made = given
        if callable(given) and not isinstance(given, Experiment):
            check_names(given, [])
            made = given()
        return [_Case(_experiment(made, "experiment"), {})]
    if not isinstance(parameters, Mapping) or not parameters:
        raise InvalidArgument(
            "must be a mapping of names to values", path="parameters", value=parameters,
            allowed="such as {'nodes': [3, 5]}",
        )  # fmt: skip
    if not callable(given):
        message = "must be a function that makes an experiment of the parameters"
        raise InvalidArgument(message, path="experiment", value=given, allowed=_ALLOWED)
    for name, values in parameters.items():
        if isinstance(values, str) or not isinstance(values, Sequence) or not values:
            raise InvalidArgument(
                "must be a list of values", path=f"parameters.{name}", value=values
            )
    check_names(given, list(parameters))
    cases = []
    for values in itertools.product(*parameters.values()):
        chosen = dict(zip(parameters, values, strict=True))
        cases.append(_Case(_experiment(given(**chosen), f"experiment({chosen})"), chosen))
    return cases


def _experiment(made: Any, path: str) -> Experiment:
    if not isinstance(made, Experiment):
        raise InvalidArgument("is no experiment", path=path, value=made, allowed=_ALLOWED)
    if made.system is None:
        raise InvalidArgument(
            "has no system of its own to start", path=f"{path}.system", value=None,
            allowed="an Experiment with a system",
        )  # fmt: skip
    return made.changed()  # without its last result, which would travel too


def _seeds(given: Any) -> list[int]:
    if isinstance(given, int) and not isinstance(given, bool):
        given = range(validate.number(given, "seeds", low=1, high=MOST_SEEDS, integer=True))
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise InvalidArgument(
            "must be seeds", path="seeds", value=given, allowed="a number, a range or a list"
        )
    listed = [
        validate.number(seed, f"seeds[{place}]", low=0, high=2**63 - 1, integer=True)
        for place, seed in enumerate(itertools.islice(given, MOST_SEEDS + 1))
    ]
    if len(listed) > MOST_SEEDS:
        raise InvalidArgument("are too many", path="seeds", value=given, allowed=f"{MOST_SEEDS:,}")
    if not listed:
        raise InvalidArgument("must not be empty", path="seeds", value=given)
    return list(dict.fromkeys(listed))


def _whole(given: object, path: str) -> int:
    return validate.number(given, path, low=1, integer=True)


def _where(backend: str, schedule: str | None, timeout: float | None) -> dict[str, Any]:
    check_backend(backend, schedule)
    seconds = validate.duration(timeout, "timeout", allow_zero=False, allow_none=True)
    return {"backend": backend, "schedule": schedule, "timeout": seconds}


def _workers(given: Any, backend: str, runs: int) -> int:
    if given is not None:
        return validate.number(given, "processes", low=1, high=1000, integer=True)
    return min(_cores(), runs) if backend == "simulation" else 1


def _cores() -> int:
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _check_operations(experiment: Experiment) -> None:
    # Each run would say so itself, a row a seed.
    operations = experiment.workload.operations
    try:
        by_value(operations)
    except Exception as error:
        raise InvalidArgument(
            "cannot travel to the process of a load generator: "
            f"{reasons.describe(error)}; make what they need inside of them",
            path="experiment.workload.operations",
            value=[operation.name for operation in operations],
            allowed="functions that cloudpickle can send",
        ) from error


def by_value_or_refuse(job: Any) -> bytes:
    """Return what workers are sent as bytes.

    Raises:
        InvalidArgument: It cannot travel.
    """
    try:
        return by_value(job)
    except Exception as error:
        # Pickling runs the user's own code, which may raise anything.
        raise InvalidArgument(
            f"cannot travel to another process: {reasons.describe(error)}; make what it needs "
            "inside its servers and operations, or run all in this process",
            path="experiment",
            value=job["experiments"][0],
            allowed="what cloudpickle can send, or processes=1",
        ) from error
