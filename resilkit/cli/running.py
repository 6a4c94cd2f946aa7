"""Running an experiment from the command line: live display, report, saved run, exit code."""

from __future__ import annotations

import dataclasses
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from resilkit.cli.interrupts import Interrupted
from resilkit.cli.output import print_json, print_result, result_document, say

if TYPE_CHECKING:
    from resilkit.experiment import Experiment, Result

__all__ = ["exit_code", "run_and_tell"]


def run_and_tell(
    experiment: Experiment,
    *,
    command: Sequence[str],
    report: Path | None,
    save: Path | None,
    as_json: bool,
) -> int:
    """Run `experiment`, write what was asked for, say what happened, and return the exit code.

    Args:
        experiment: What to run.
        command: The arguments that made it, without the seed; the report says how to repeat it.
        report: Where the HTML report goes; ``None`` for none.
        save: The folder where the run is saved; ``None`` for none.
        as_json: Print one JSON document on stdout and nothing else.

    Raises:
        Interrupted: Somebody pressed Ctrl-C while it ran; everything is stopped again.
    """
    from resilkit.cli.live import live_display

    with live_display(experiment, stream=sys.stderr, quiet=as_json) as display:
        try:
            result = experiment.run(progress=False, on_progress=display.update)
        except KeyboardInterrupt as error:
            # `run` has cleaned up before it lets an interrupt through.
            message = "interrupted: the cluster was stopped, nothing is left"
            raise Interrupted(message) from error
    rerun = ["resilkit", *command, "--seed", str(experiment.seed)]
    result = dataclasses.replace(result, rerun=shlex.join(rerun))
    # The save first: it is the one that cannot be made again from the other.
    saved = result.save(save) if save is not None else None
    written = result.report(report) if report is not None else None
    if as_json:
        paths = {"report": written and str(written), "saved": saved and str(saved)}
        print_json({**result_document(result), **paths})
        return exit_code(result)
    print_result(result)
    if written is not None:
        say(f"The report is {written}.")
    if saved is not None:
        say(f"The run is saved in {saved}.")
    say(f"Run it again: {result.rerun}")
    return exit_code(result)


def exit_code(result: Result) -> int:
    """Return 0 when all criteria held (also when there were none), else 1."""
    return 0 if (result.verdicts["verdict"] == "pass").all() else 1
