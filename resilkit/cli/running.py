"""Running an experiment from the command line: live display, report, saved run, exit code."""

from __future__ import annotations

import dataclasses
import shlex
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from resilkit.cli.interrupts import Interrupted
from resilkit.cli.output import print_json, print_result, printable, result_document, say
from resilkit.errors import InvalidArgument, Nondeterministic, ResilkitError, StorageError
from resilkit.importing import whole

if TYPE_CHECKING:
    from resilkit.experiment import Experiment, Result

__all__ = ["Where", "exit_code", "naming", "run_and_tell", "warnings_as_lines"]


@dataclasses.dataclass(frozen=True)
class Where:
    """On which backend a command runs something.

    Attributes:
        backend: ``"processes"`` or ``"simulation"``.
        schedule: In which order, in a simulation; ``None`` for its own choice.
    """

    backend: str
    schedule: str | None

    @classmethod
    def checked(cls, backend: str, schedule: str | None) -> Where:
        """Return what the options mean.

        Raises:
            InvalidArgument: One of them is wrong, by its name on the command line.
        """
        from resilkit.cluster.backend_names import check_backend

        try:
            check_backend(backend, schedule)
        except InvalidArgument as error:
            # It is not Python that somebody has written there.
            allowed = (error.allowed or "").replace("backend=", "--backend ").replace("'", "")
            allowed = allowed.removeprefix("None, or ")
            raise InvalidArgument(
                error.message, path=f"--{error.path}", value=error.value, allowed=allowed
            ) from None
        return cls(backend, schedule)

    def options(self) -> list[str]:
        """Return the options that say the same again; none where it is the usual."""
        given = [] if self.backend == "processes" else ["--backend", self.backend]
        return given if self.schedule is None else [*given, "--schedule", self.schedule]


def run_and_tell(
    experiment: Experiment,
    *,
    command: Sequence[str],
    where: Where,
    report: Path | None,
    save: Path | None,
    as_json: bool,
) -> int:
    """Run `experiment`, write what was asked for, say what happened, and return the exit code.

    Args:
        experiment: What to run.
        command: The arguments that made it, without the seed; the report says how to repeat it.
        where: On which backend.
        report: Where the HTML report goes; ``None`` for none.
        save: The folder where the run is saved; ``None`` for none.
        as_json: Print one JSON document on stdout and nothing else.

    Raises:
        InvalidArgument: `report` or `save` is no place for one, or a fault is not for the
            backend; nothing was run.
        StorageError: The disk refused; when it did so after the run, the outcome is told first.
        Nondeterministic: The run was checked in CI, and differs; the outcome is told first.
        Interrupted: Somebody pressed Ctrl-C while it ran; everything is stopped again.
    """
    from resilkit.cli.live import live_display
    from resilkit.cluster.backend_names import check_faults

    _check_targets(report, save)
    check_faults(where.backend, experiment.scenario.faults, "scenario.faults")

    simulated = where.backend == "simulation"
    refusals: list[ResilkitError] = []
    with live_display(experiment, stream=sys.stderr, quiet=as_json, simulated=simulated) as display:
        try:
            with warnings_as_lines():
                result = experiment.run(
                    backend=where.backend,
                    schedule=where.schedule,
                    progress=False,
                    on_progress=display.update,
                )
        except Nondeterministic as error:
            result = error.outcome
            refusals.append(error)
        except KeyboardInterrupt as error:
            # `run` has cleaned up before it lets an interrupt through.
            message = "interrupted: the cluster was stopped, nothing is left"
            raise Interrupted(message) from error
    rerun = ["resilkit", *command, "--seed", str(experiment.seed), *where.options()]
    result = dataclasses.replace(result, rerun=shlex.join(rerun))
    # The save first: it is the one that cannot be made again from the other.
    saved = _written(result.save, save, refusals)
    written = _written(result.report, report, refusals)
    if as_json:
        paths = {"report": written and str(written), "saved": saved and str(saved)}
        print_json({**result_document(result), **paths})
    else:
        print_result(result)
        if written is not None:
            say(f"The report is {written}.")
        if saved is not None:
            say(f"The run is saved in {saved}.")
        say(f"Run it again: {result.rerun}")
    if refusals:
        raise refusals[0]
    return exit_code(result, len(experiment.scenario.criteria))


@contextmanager
def warnings_as_lines(*, how_often: Literal["always", "once"] = "always") -> Iterator[None]:
    """Show a warning as a line of this command: the place in the code that gave it says nothing.

    Args:
        how_often: Whether each is told as often as it comes.
    """

    def show(message: Warning | str, *_: object, **__: object) -> None:
        typer.echo(f"resilkit: warning: {printable(str(message))}", err=True)

    with warnings.catch_warnings():
        warnings.filterwarnings(how_often, r"(scenario|workload)\.")  # told, whatever -W says
        warnings.showwarning = show
        yield


def _check_targets(report: Path | None, save: Path | None) -> None:
    """Refuse a bad place before the run, not after it."""
    whole("resilkit.experiment.report")
    from resilkit.experiment.report import report_target
    from resilkit.experiment.saved import is_run, run_target
    from resilkit.experiment.storage import check_file, check_folder

    if save is not None:
        with naming("--save"):
            check_folder(run_target(save), may_replace=is_run)
    if report is not None:
        with naming("--report"):
            check_file(report_target(report))


@contextmanager
def naming(option: str) -> Iterator[None]:
    """Have an error about ``path`` name the option, which is what the user wrote."""
    try:
        yield
    except InvalidArgument as error:
        if error.path != "path":
            raise
        value, allowed = error.value, error.allowed
        raise InvalidArgument(error.message, path=option, value=value, allowed=allowed) from None


def _written(
    write: Callable[[Path], Path], target: Path | None, refusals: list[ResilkitError]
) -> Path | None:
    if target is None:
        return None
    try:
        return write(target)
    except (InvalidArgument, StorageError) as error:
        # The outcome of the run is told all the same: nobody could have it again.
        refusals.append(error)
        return None


def exit_code(result: Result, criteria: int = 0) -> int:
    """Return 0 when all criteria held (also when there were none), else 1.

    Args:
        result: The outcome.
        criteria: How many there were: one that has no verdict did not hold either.
    """
    verdicts = result.verdicts["verdict"]
    return 0 if len(verdicts) >= criteria and (verdicts == "pass").all() else 1
