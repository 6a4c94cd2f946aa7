"""What `shrink` returns: the smallest case that still fails, and how it was found."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final, NamedTuple

from resilkit.importing import whole
from resilkit.reruns.replaying import HONESTLY
from resilkit.texts import plain, timed

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from resilkit.experiment.experiment import Experiment
    from resilkit.experiment.result import Result
    from resilkit.reruns.case import Case
    from resilkit.reruns.trying import Look

__all__ = ["Happening", "Shrunk"]

_ENDED: Final = {
    "smallest": "nothing smaller fails",
    "budget": "its budget of runs was used up",
    "seconds": "its time was over",
    "interrupted": "it was interrupted",
}


class Happening(NamedTuple):
    """What happens at an instant of a case: an operation, or a fault; see `Shrunk.story`."""

    at: float
    what: str
    whom: str


@dataclasses.dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Shrunk:
    """The smallest case that `shrink` found.

    Attributes:
        run: The run that failed; of an experiment, the first simulated run that did; ``None``
            where none did.
        experiment: The smallest case, as an experiment like any: it can be run, changed, swept.
            Where the failure did not show, what was run instead.
        schedule: In which order things happen in it: ``experiment.run("simulation",
            schedule=shrunk.schedule)``.
        failing: What fails: a criterion, or the name of the function that was given.
        result: What came of its last run; ``None`` where the failure did not show.
        reproduced: Whether the failure showed in the simulation.
        again: Whether it failed once more in the last run, as it does unless there was no time
            for that, or somebody interrupted it.
        why: Why the search ended: ``"smallest"`` (nothing smaller fails), ``"budget"``,
            ``"seconds"`` or ``"interrupted"``; where the failure did not show, why that may be.
        interrupted: Whether somebody interrupted the search.
        notes: What of the run could not come again, in words.
        runs: How many runs it took, all of them.
        seconds: How long, of the time that people have.
        first: What the search began with: the operations, faults, nodes and times of the run.
        case: The same of the smallest; ``None`` where the failure did not show.
        looks: What each run was; `steps` is a frame of it.
        condition: The function that was given, to say what fails; ``None`` for a criterion.
    """

    run: Result | None
    experiment: Experiment | None
    schedule: str
    failing: str
    result: Result | None
    reproduced: bool
    again: bool
    why: str
    interrupted: bool
    notes: tuple[str, ...]
    runs: int
    seconds: float
    first: Case | None = None
    case: Case | None = None
    looks: tuple[Look, ...] = ()
    condition: Callable[[Result], bool] | None = None

    @property
    def seed(self) -> int:
        """The seed of the smallest case."""
        return 0 if self.experiment is None else self.experiment.seed

    @property
    def words(self) -> str:
        """What became of what, in a line: ``37 operations, 3 faults → 2 operations, 1 fault``."""
        if self.case is None or self.first is None:
            return f"not reproduced: {self.why}"
        ended = "" if self.why == "smallest" else f"; {_ENDED[self.why]}"
        return f"{self.first.words} → {self.case.words} ({plain(self.runs, 'run')}{ended})"

    @property
    def steps(self) -> pd.DataFrame:
        """Every run of the search, in order, a row each.

        Columns: ``step`` (what the candidate was to be smaller in), ``failed``, ``operations``,
        ``faults``, ``nodes``, ``duration``, ``seed``, ``schedule`` and ``seconds`` (that it took).
        """
        whole("pandas")
        import pandas as pd

        from resilkit.reruns.trying import Look

        return pd.DataFrame(list(self.looks), columns=list(Look._fields))

    def story(self) -> list[Happening]:
        """Return all that happens in the smallest case, in order of time; none where there is none.

        Of each: ``at`` (seconds since the load began), ``what``, an operation's name or a fault as
        code, and ``whom``: who does it, or whom it hits.
        """
        case = self.case
        if case is None:
            return []
        told = [Happening(one.time, one.operation, f"by user {one.user}") for one in case.due]
        for fault in case.faults:
            targets: object = fault.targets
            whom = ", ".join(map(str, targets)) if isinstance(targets, tuple) else str(targets)
            told.append(Happening(case.warmup + (fault.at or 0.0), repr(fault), f"to {whom}"))
        return sorted(told, key=lambda one: one.at)

    def sentence(self) -> str:
        """Return in a few sentences what was found, and how far that can be trusted."""
        if not self.reproduced or self.case is None:
            real = self.run is not None and self.run.backend != "simulation"
            honestly = f" {HONESTLY} Another seed may show it: try more seeds." if real else ""
            return f"The failure did not show in the simulation: {self.why}.{honestly}"
        nodes = plain(len(self.case.nodes), "node")
        still = "still fails with" if self.condition is None else "is still true of"
        said = (
            f"{self.failing} {still} {self.case.words} on {nodes}, in "
            f"{timed(self.case.duration)} with seed {self.case.seed}"
        )
        said += ": run once more at the end, it failed again." if self.again else "."
        return f"{said} The search ended after {plain(self.runs, 'run')}, as {_ENDED[self.why]}."

    def script(self) -> str:
        """Return a Python script that runs the smallest case, and ends with an error as it fails.

        What can be imported is; what a notebook defined is written down with its source. Where
        something has neither, a remark in the script says so.

        Raises:
            InvalidArgument: The failure did not show: there is nothing to write down.
        """
        from resilkit.errors import InvalidArgument
        from resilkit.reruns.script import script_of

        if self.case is None or self.experiment is None:
            raise InvalidArgument(
                "did not show in the simulation: there is no case to write down", path="failure",
                value=self.failing or self.why,
            )  # fmt: skip
        return script_of(
            self.experiment,
            schedule=self.schedule,
            failing=self.condition or self.failing,
            remarks=[self.sentence()],
        )

    def __repr__(self) -> str:
        name = "" if self.experiment is None else f" {self.experiment.name!r}"
        failing = f"; {self.failing} fails" if self.reproduced else ""
        return f"<Shrunk{name}: {self.words}{failing}>"

    def _repr_html_(self) -> str:
        from resilkit.reruns.display import shrunk_html

        return shrunk_html(self)
