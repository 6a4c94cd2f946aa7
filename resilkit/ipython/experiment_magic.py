"""``%run_experiment``: run an experiment of the notebook, show and keep what came out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from resilkit.errors import InvalidArgument, ResilkitError
from resilkit.experiment import Experiment
from resilkit.experiment.report import report_target
from resilkit.experiment.saved import is_run, run_target
from resilkit.experiment.storage import check_file, check_folder
from resilkit.ipython.commands import Line, Parser, read
from resilkit.ipython.namespace import free_name, look_up, named_cluster
from resilkit.validate import relocated

if TYPE_CHECKING:
    from resilkit.experiment import Result

__all__ = ["PARSER", "run"]

_ABOUT = """\
Run an experiment of this notebook, and show its verdicts.

  %run_experiment experiment --save runs/first --report report.html

The variable `result` has what came out. An interrupted run leaves there what was measured until
then.
"""


def _grammar() -> Parser:
    parser = Parser("%run_experiment", _ABOUT, usage="%%run_experiment EXPERIMENT [OPTIONS]")
    parser.add_argument("experiment", metavar="EXPERIMENT", help="the variable that holds it")
    parser.add_argument("--save", type=Path, metavar="FOLDER", help="save the run as this folder")
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="write the HTML report to this file"
    )
    parser.add_argument(
        "--abort-on-breach",
        action="store_true",
        help="end the load as soon as a criterion has failed for a second",
    )
    parser.add_argument(
        "--cluster", metavar="NAME", help="run it on this cluster, which goes on afterwards"
    )
    parser.add_argument(
        "--as", dest="name", default="result", metavar="NAME", help="the variable that gets it"
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    return parser


PARSER = _grammar()


def run(shell: Any, line: str) -> Any:
    """Do what a line of ``%run_experiment`` says; return the result, to be shown."""
    given = read(PARSER, line)
    if given is None:
        return None
    experiment, name = (
        _experiment(shell.user_ns, given.experiment),
        free_name(given.name, shell.user_ns),
    )
    cluster = None if given.cluster is None else named_cluster(shell.user_ns, given.cluster)
    _check_targets(given)
    try:
        result = experiment.run(
            progress=not given.quiet,
            cluster=cluster,
            abort_on_breach=True if given.abort_on_breach else None,
        )
    except KeyboardInterrupt:
        raise UsageError(_interrupted(shell, experiment, name)) from None
    shell.push({name: result})
    _keep(result, given, name)
    return result


def _experiment(namespace: Any, name: str) -> Experiment:
    try:
        found = look_up(namespace, name)
    except (LookupError, AttributeError):
        raise UsageError(f"there is no {name!r} in this notebook") from None
    if not isinstance(found, Experiment):
        kind = type(found).__name__
        raise UsageError(f"{name!r} is no Experiment: it is an object of the type {kind}")
    return found


def _interrupted(shell: Any, experiment: Experiment, name: str) -> str:
    if experiment.last is None:
        return "interrupted before the load began: nothing is left"
    shell.push({name: experiment.last})
    return f"interrupted: all is stopped, and what was measured until then is in `{name}`"


def _check_targets(given: Line) -> None:
    """Refuse a bad place before the run, not after it."""
    if given.save is not None:
        with _naming("--save"):
            check_folder(run_target(given.save), may_replace=is_run)
    if given.report is not None:
        with _naming("--report"):
            check_file(report_target(given.report))


@contextmanager
def _naming(option: str) -> Iterator[None]:
    try:
        yield
    except InvalidArgument as error:
        raise relocated(error, option) from None


def _keep(result: Result, given: Line, name: str) -> None:
    """Write what was asked for; what the disk refuses does not lose the result."""
    refused = []
    wanted: list[tuple[str, Callable[[Path], Path], Path | None]] = [
        ("the run is saved in", result.save, given.save),
        ("the report is", result.report, given.report),
    ]
    for told, write, target in wanted:
        if target is None:
            continue
        try:
            print(f"{told} {write(target)}")
        except ResilkitError as error:
            refused.append(str(error))
    if refused:
        raise UsageError(f"{'; '.join(refused)} (the result is in `{name}`)")
