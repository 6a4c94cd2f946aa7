"""A saved run on the command line: replayed, or made small."""

from __future__ import annotations

import dataclasses
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from resilkit import amounts, validate
from resilkit.cli.interrupts import Interrupted
from resilkit.cli.output import print_json, print_result, result_document, say
from resilkit.cli.plain_lines import plain_lines
from resilkit.cli.running import exit_code, naming, warnings_as_lines
from resilkit.errors import InvalidArgument, StorageError
from resilkit.texts import plain, timed

if TYPE_CHECKING:
    from resilkit.experiment import Result
    from resilkit.reruns import Replay, Shrunk

__all__ = ["replay_and_tell", "shrink_and_tell"]

_SHOWN: Final = 30
"""Lines of a case that are told; ``--json`` has them all."""
_OURS: Final = {"seed": "--seed", "schedule": "--schedule", "failing": "--failing",
                "seconds": "--seconds", "run": "RUN", "system": "--system",
                "workload": "--system"}  # fmt: skip


def replay_and_tell(
    folder: Path,
    *,
    system: str | None,
    seed: int | None,
    schedule: str | None,
    report: Path | None,
    as_json: bool,
) -> int:
    """Replay a saved run, say what came of it, and return the exit code.

    Raises:
        InvalidArgument: There is no run, or its parts cannot be had again; nothing was run.
        StorageError: The disk refused.
    """
    from resilkit.experiment.report import report_target
    from resilkit.experiment.storage import check_file

    if report is not None:
        with naming("--report"):
            check_file(report_target(report))
    run = _run_of(folder)
    with _in_our_words(), warnings_as_lines(how_often="once"):
        done = _replayed(run, system, seed=seed, schedule=schedule)
    command = ["resilkit", "replay", str(folder)]
    for option, value in (("--system", system), ("--seed", seed), ("--schedule", schedule)):
        command += [] if value is None else [option, str(value)]
    result = dataclasses.replace(done.result, rerun=shlex.join(command))
    with naming("--report"):
        written = None if report is None else result.report(report)
    if as_json:
        print_json(
            {
                **result_document(result),
                "run": str(folder),
                "reproduced": done.reproduced,
                "exact": done.exact,
                "criteria": done.frame().to_dict("records"),
                "notes": list(done.notes),
                "report": written and str(written),
            }
        )
        return exit_code(result, len(done.experiment.scenario.criteria))
    print_result(result)
    say(done.sentence())
    for each in done.notes:
        say(f"  ! {each}")
    if written is not None:
        say(f"The report is {written}.")
    return exit_code(result, len(done.experiment.scenario.criteria))


def shrink_and_tell(
    folder: Path,
    *,
    system: str | None,
    limits: Mapping[str, Any],
    out: Path | None,
    as_json: bool,
) -> int:
    """Make a saved run small, say what is left, and return the exit code.

    Args:
        folder: The run.
        system: What was tested, where the run does not say.
        limits: ``failing``, ``budget``, ``seconds`` and ``seeds`` of `rk.shrink`.
        out: Where the script goes; ``None`` for none.
        as_json: Print one JSON document on stdout and nothing else.

    Raises:
        InvalidArgument: There is no run, it failed nothing, or its parts cannot be had again;
            nothing was made small.
        StorageError: The disk refused; what was found has been told.
        Interrupted: Somebody pressed Ctrl-C; the best so far has been told.
    """
    from resilkit.experiment.storage import check_file, write_file
    from resilkit.reruns import shrink

    if out is not None:
        with naming("--out"):
            check_file(out)
    seconds = amounts.parse_duration(limits["seconds"], "--seconds")
    saved = _run_of(folder)
    run: Result | Replay = saved
    lines = plain_lines(sys.stderr, f"{saved.name}, made small", quiet=as_json)
    with _in_our_words(), warnings_as_lines(how_often="once"):
        if system is not None:
            run = _replayed(saved, system)
        found = shrink(
            run,
            failing=limits["failing"],
            budget=limits["budget"],
            seconds=seconds,
            seeds=limits["seeds"],
            progress=not as_json,
            on_progress=lines,
        )
    script = found.script() if found.reproduced else None
    if as_json:
        print_json(_document(found, folder, None if script is None else out, script))
    else:
        _print(found)
    if out is not None and script is not None:
        write_file(out, script.encode)
        if not as_json:
            say(f"The script is {out}.")
    elif script is not None and not as_json:
        say("With --out FILE there is a script that fails by itself.")
    if found.interrupted:
        raise Interrupted(f"interrupted after {plain(found.runs, 'run')}")
    return 1 if found.reproduced else 0


def _run_of(folder: Path) -> Result:
    """Return the saved run; what stands in the working directory can be imported, too."""
    from resilkit.experiment import load

    if "" not in sys.path:
        sys.path.insert(0, "")  # as `python -m` does
    with naming("RUN"):
        try:
            return load(folder)
        except StorageError as error:
            if isinstance(error.__cause__, OSError):
                raise  # the machine refused to read it; else it is what stands there that is bad
            raise InvalidArgument(str(error), path="RUN") from error


def _replayed(run: Any, system: str | None, **options: Any) -> Replay:
    """Return the replay of a run, with the system of a file where one is given."""
    from resilkit.cli.systems import completed, find_system
    from resilkit.cluster import ClusterSpec
    from resilkit.reruns import replay

    if system is None:
        return replay(run, **options)
    module, tested = find_system(system)
    nodes = ClusterSpec.from_dict(run.description.get("cluster")).names
    parts = completed(tested, module, nodes, system)
    try:
        return replay(run, system=parts, **options)
    except InvalidArgument as error:
        if error.path != "workload":
            raise
    load = parts.workload
    return replay(run, system=parts, workload=load(nodes) if callable(load) else load, **options)


@contextmanager
def _in_our_words() -> Iterator[None]:
    """Have an error name the option, and not the argument in Python."""
    try:
        yield
    except InvalidArgument as error:
        if error.path not in _OURS:
            raise
        message, _, lacking = error.message.partition("; give it: ")
        ours = validate.relocated(error, _OURS[error.path])
        if "failing=" in error.allowed:  # a function, which no option can give
            ours = InvalidArgument(
                message,
                path=ours.path,
                value=str(error.value),
                allowed="a run of which a criterion failed; any other condition can be given in "
                "Python: rk.shrink(run, failing=a function of the result)",
            )
        if lacking:
            why = message.partition("(")[2].removesuffix(")")
            why = why.partition(": run the cell")[0]  # at a shell there is none
            ours = InvalidArgument(
                f"is needed: the run does not say how to make its {error.path} again, as {why}",
                path="--system",
                allowed="what holds its system and its workload: file.py, or file.py:object",
            )
        raise ours from None


def _print(found: Shrunk) -> None:
    if found.case is not None:
        for row in found.story()[:_SHOWN]:
            say(f"  {timed(row.at):>11}  {row.what}  ({row.whom})")
        more = len(found.story()) - _SHOWN
        if more > 0:
            say(f"  … and {more:,} more; --json lists them all")
        say(f"{found.words}.")
    say(found.sentence())
    for each in found.notes:
        say(f"  ! {each}")


def _document(
    found: Shrunk, folder: Path, out: Path | None, script: str | None
) -> dict[str, object]:
    return {
        "run": str(folder),
        "reproduced": found.reproduced,
        "again": found.again,
        "why": found.why,
        "interrupted": found.interrupted,
        "failing": found.failing,
        "sentence": found.sentence(),
        "seed": found.seed if found.reproduced else None,
        "schedule": found.schedule if found.reproduced else None,
        "nodes": None if found.case is None else list(found.case.nodes),
        "duration": None if found.case is None else found.case.duration,
        "story": [row._asdict() for row in found.story()],
        "notes": list(found.notes),
        "runs": found.runs,
        "seconds": found.seconds,
        "script": script,
        "out": out and str(out),
    }
