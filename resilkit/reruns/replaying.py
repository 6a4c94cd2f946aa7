"""Replays: what a run recorded, done again in a simulation, and judged by the same criteria."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from resilkit import validate
from resilkit.cluster.backend_names import check_backend
from resilkit.importing import whole
from resilkit.reruns.recorded import as_it_was, as_result, recorded, seed_of
from resilkit.settings import unchecked
from resilkit.texts import plain, together

if TYPE_CHECKING:
    import pandas as pd

    from resilkit.experiment.experiment import Experiment
    from resilkit.experiment.result import Result
    from resilkit.workload import Workload

__all__ = ["HONESTLY", "Replay", "failed_criteria", "replay"]

HONESTLY: Final = (
    "A run on processes cannot be replayed bit for bit: the operations, their draws and the faults "
    "are those of the run, the order of the messages and the time that they take are the "
    "simulation's."
)
"""What is true of every replay."""

_EXACTLY: Final = (
    "It was a simulated run, and the same happened again, step for step: the fingerprints agree."
)
_OTHERWISE: Final = (
    "The run was a simulated one and was run again, but another thing happened: by other code, or "
    "something that no seed decides (rk.check_determinism shows where)."
)
_BY_LIST: Final = (
    "The run was a simulated one, but was not simply run again, since {}: the operations, their "
    "draws and the faults are those of the run, the order of the messages and the time that they "
    "take may be others."
)
_NOT_TO_BE_HAD: Final = "its own experiment cannot be had again"

_AGAIN: Final = {"fail": True, "pass": False, "inconclusive": None}


@dataclasses.dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Replay:
    """A run, and what came of it when a simulation did the same.

    Attributes:
        run: The run that was replayed.
        result: What came of it in the simulation: a `Result` as any.
        experiment: What was run there. Its load is the list of the run's operations, its faults
            strike once each; it can be run again, changed, swept and shrunk. Of a simulated run
            that was simply run again, it is the run's own experiment.
        schedule: In which order things happened in the simulation.
        notes: What of the run could not come again, or not as it was, in words.
        why_listed: Why a simulated run was not simply run again; ``""`` where it was, and of one
            on processes, which never is.
    """

    run: Result
    result: Result
    experiment: Experiment
    schedule: str
    notes: tuple[str, ...] = ()
    why_listed: str = ""

    @property
    def exact(self) -> bool:
        """Whether the run was a simulated one, and the same happened again, step for step."""
        return bool(self.run.fingerprint) and self.run.fingerprint == self.result.fingerprint

    @property
    def reproduced(self) -> bool | None:
        """Whether what failed in the run failed again.

        ``True``: each criterion that had failed; ``False``: none of them. ``None``: some of them,
        or nobody can tell, or none had failed.
        """
        again = set(self.criteria.values())
        return next(iter(again)) if len(again) == 1 else None

    @property
    def criteria(self) -> dict[str, bool | None]:
        """Whether each criterion that had failed in the run failed again.

        ``True``: it did; ``False``: it held; ``None``: it was inconclusive, or was not judged.
        """
        words = dict(
            zip(self.result.verdicts["criterion"], self.result.verdicts["verdict"], strict=True)
        )
        return {name: self._again(name, words) for name in failed_criteria(self.run)}

    def _again(self, name: str, words: dict[str, str]) -> bool | None:
        if name in words:
            return _AGAIN[words[name]]
        # The verdict of an audit stands there only when it found the data wrong.
        audit = self.result.consistency
        return False if name == "audit" and audit is not None and audit.valid else None

    def frame(self) -> pd.DataFrame:
        """Return a row a criterion: ``criterion``, both verdicts and figures, ``reproduced``.

        Columns: ``criterion``, ``run`` and ``replay`` (``pass``, ``fail``, ``inconclusive``, or
        ``""`` where it was not judged), ``run_measured`` and ``replay_measured``, ``unit`` and
        ``reproduced`` (of those that had failed in the run: see `criteria`).
        """
        whole("pandas")
        import pandas as pd

        before, after = (
            {row["criterion"]: row for row in one.verdicts.to_dict("records")}
            for one in (self.run, self.result)
        )
        again, nothing = self.criteria, {"verdict": "", "measured": float("nan"), "unit": ""}
        rows = []
        for name in {**before, **after}:
            then, now = before.get(name, nothing), after.get(name, nothing)
            rows.append(
                {
                    "criterion": name,
                    "run": then["verdict"],
                    "replay": now["verdict"],
                    "run_measured": then["measured"],
                    "replay_measured": now["measured"],
                    "unit": then["unit"] or now["unit"],
                    "reproduced": again.get(name),
                }
            )
        frame = pd.DataFrame(
            rows,
            columns=[
                "criterion", "run", "replay", "run_measured", "replay_measured", "unit",
                "reproduced",
            ],
        )  # fmt: skip
        return frame.astype({"reproduced": object})

    def sentence(self) -> str:
        """Return in two or three sentences what failed again, and how far that can be trusted."""
        if self.exact:
            return f"{self._outcome()} {_EXACTLY}"
        if not self.run.fingerprint:
            return f"{self._outcome()} {HONESTLY}"
        how = _BY_LIST.format(self.why_listed) if self.why_listed else _OTHERWISE
        return f"{self._outcome()} {how}"

    def _outcome(self) -> str:
        again = self.criteria
        if not again:
            failed = failed_criteria(self.result)
            if not failed:
                return "Nothing failed in the run, and nothing failed in the simulation."
            return f"Nothing failed in the run, but in the simulation {together(failed)} failed."
        told = []
        for word, meaning in (
            (True, "failed again in the simulation"),
            (False, "did not fail in the simulation"),
            (None, "could not be decided in the simulation"),
        ):
            names = [name for name, found in again.items() if found is word]
            if names and len(again) == 1:
                return f"The one criterion that failed in the run, {names[0]}, {meaning}."
            if names:
                told.append(f"{together(names)} {meaning}")
        return f"Of {len(again)} criteria that failed in the run: {'; '.join(told)}."

    def __repr__(self) -> str:
        word = {True: "reproduced", False: "not reproduced", None: "partly reproduced"}
        said = word[self.reproduced] if self.criteria else "nothing had failed"
        again = sum(found is True for found in self.criteria.values())
        count = f" ({again} of {len(self.criteria)} failed again)" if self.criteria else ""
        return (
            f"<Replay of {self.run.name!r}: {said}{count}, "
            f"{plain(len(self.result.history), 'operation')}, "
            f"{plain(len(self.experiment.scenario.faults), 'fault')}>"
        )

    def _repr_html_(self) -> str:
        from resilkit.reruns.display import replay_html

        return replay_html(self)


def replay(
    run: Result | str | Path,
    *,
    system: Any = None,
    workload: Workload | None = None,
    seed: int | None = None,
    schedule: str | None = None,
) -> Replay:
    """Do in a simulation what a run recorded, and judge it by the same criteria.

    The operations are those of the run: the same names, users and draws, at the instants at which
    they were meant to start. So are the faults: each strike at its real moment, on those that it
    really hit, for as long as it was in. So a failure of a run on real processes may be looked at
    where everything can be repeated, and made small with `shrink`.

    It need not show there: the run's messages had an order, and took times, that nobody recorded.
    Try other seeds and schedules (``sweep(replay.experiment)``), which are other orders.

    A run that was a simulated one is simply run again, and the same happens, step for step; unless
    another `seed` or `schedule` is asked for, or a `workload` given.

    Args:
        run: A result, or the folder of a saved run. What is made again is imported, and so run:
            replay runs that you trust. The classes and functions that a notebook or a script
            defined are looked for in the one that replays, by their names, and are what they are
            there now: run their cells first.
        system: The system, for a run whose own cannot be had again: of a class that was defined
            in a function, say, or of a run that an older version saved. ``None``: the run's.
        workload: Likewise the workload whose operations were done.
        seed: The simulation's; ``None``: the run's. The operations draw as they did in any case.
        schedule: In which order what is ready happens; see `Experiment.run`. ``None``: as in the
            run, of one on processes ``"fifo"``: the plainest.

    Raises:
        InvalidArgument: There is no such run, it does not say how to make its system or its load
            again and neither is given, or what is given does not fit it.
        StorageError: The saved run is damaged.
        StartFailed: The system could not start in a simulation.

    Examples:
        ::

            again = rk.replay("runs/first")
            again.reproduced
            again.result.plot()
    """
    result = as_result(run)
    check_backend("simulation", schedule)
    if seed is not None:
        seed = validate.number(seed, "seed", low=0, high=2**63 - 1, integer=True)
    notes: tuple[str, ...] = ()
    why = _why_listed(result, workload, seed, schedule)
    experiment = None
    if result.backend == "simulation" and not why:
        experiment = as_it_was(result, system)
    order = schedule or result.schedule or "fifo"
    if experiment is None:
        found = recorded(result, system=system, workload=workload, seed=seed)
        experiment, notes = found.experiment, found.notes
        why = why or _NOT_TO_BE_HAD
    with unchecked():  # whether the same happens again is what it tells
        again = experiment.run("simulation", schedule=order, progress=False)
    return Replay(
        run=result,
        result=again,
        experiment=experiment,
        schedule=order,
        notes=notes,
        why_listed=why if result.backend == "simulation" else "",
    )


def _why_listed(
    result: Result, workload: Workload | None, seed: int | None, schedule: str | None
) -> str:
    """Return why a simulated run is not simply run again; that may be asked for as it was."""
    asked = []
    if seed is not None and seed != seed_of(result):
        asked.append("another seed was asked for")
    if schedule not in {None, result.schedule}:
        asked.append("another schedule was asked for")
    if workload is not None:
        asked.append("a workload was given")
    return together(asked) if asked else ""


def failed_criteria(result: Result) -> list[str]:
    """Return the criteria that failed in a run, that of its audit included."""
    verdicts = result.verdicts
    return [str(name) for name in verdicts.loc[verdicts["verdict"] == "fail", "criterion"]]
