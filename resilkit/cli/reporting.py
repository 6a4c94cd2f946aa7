"""``resilkit report``: of a saved run, or of a notebook."""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TextIO

from resilkit import amounts, validate
from resilkit.cli.interrupts import Interrupted
from resilkit.cli.output import print_json, printable, result_document, say
from resilkit.cli.running import naming
from resilkit.errors import InvalidArgument, StorageError
from resilkit.importing import whole
from resilkit.settings import options

if TYPE_CHECKING:
    from rich.status import Status

    from resilkit.notebooks import Execution

__all__ = ["CellLines", "report_notebook", "report_run"]


def report_run(
    folder: Path, *, output: Path | None, execute: bool, timeout: str | None, as_json: bool
) -> int:
    """Write the report of a saved run; return the exit code.

    Raises:
        InvalidArgument: There is no run, or no place for the report.
        StorageError: The disk refused.
    """
    from resilkit.experiment import load

    for option, given in (("--no-execute", not execute), ("--timeout", timeout is not None)):
        if given:
            message = "is for notebooks, whose files end in .ipynb"
            raise InvalidArgument(message, path=option)
    with naming("RUN"):
        try:
            result = load(folder)
        except StorageError as error:
            if isinstance(error.__cause__, OSError):
                raise  # the machine refused to read it; else it is what stands there that is bad
            raise InvalidArgument(str(error), path="RUN") from error
    with naming("--output"):
        path = result.report(Path("report.html") if output is None else output)
    if as_json:
        print_json({**result_document(result), "report": str(path)})
        return 0
    say(result.sentence())
    say(f"The report is {path}.")
    return 0


def report_notebook(
    notebook: Path, *, output: Path | None, execute: bool, timeout: str | None, as_json: bool
) -> int:
    """Execute a notebook and write its page; return 0, or 1 when a cell failed.

    Raises:
        InvalidArgument: It is no notebook, or there is no place for the page; nothing was run.
        Unavailable: Jupyter, or the notebook's kernel, is missing.
        StorageError: The disk refused.
        Interrupted: Somebody pressed Ctrl-C; the kernel is stopped, and nothing written.
    """
    whole("resilkit.experiment.report")
    from resilkit.experiment.report import report_target
    from resilkit.experiment.storage import check_file
    from resilkit.notebooks import read_notebook, write_page

    path = Path(notebook.with_suffix(".html").name) if output is None else output
    limit = None
    if timeout is not None:
        text: object = timeout
        seconds = amounts.parse_duration(text, "--timeout")
        limit = validate.duration(seconds, "--timeout", allow_zero=False)
        if not execute:
            message = "is for cells that run, and --no-execute runs none"
            raise InvalidArgument(message, path="--timeout", value=timeout)
    with naming("--output"):
        target = report_target(path)
        check_file(target)
    with naming("NOTEBOOK"):
        read = read_notebook(notebook)
    folder = notebook.resolve().parent
    execution = _executed(read, folder, limit, quiet=as_json or options.quiet) if execute else None
    write_page(read, target, name=notebook.name, execution=execution, folder=folder)
    if as_json:
        print_json(_document(notebook, path, execution))
    else:
        _tell(path, execution)
    return 0 if execution is None or execution.failure is None else 1


def _executed(read: Any, folder: Path, limit: float | None, *, quiet: bool) -> Execution:
    from resilkit.notebooks import execute

    try:
        with CellLines(sys.stderr, quiet=quiet) as lines:
            return execute(read, folder, timeout=limit, on_cell=lines.tell)
    except KeyboardInterrupt as error:
        message = "interrupted: the kernel was stopped, and no report written"
        raise Interrupted(message) from error


def _document(notebook: Path, path: Path, execution: Execution | None) -> dict[str, object]:
    failure = None if execution is None else execution.failure
    return {
        "notebook": str(notebook),
        "report": str(path),
        "executed": execution is not None,
        "passed": None if execution is None else failure is None,
        "cells": execution and execution.cells,
        "ran": execution and execution.ran,
        "seconds": execution and execution.seconds,
        "failure": failure
        and {"cell": failure.cell, "error": failure.error, "message": failure.message},
    }


def _tell(path: Path, execution: Execution | None) -> None:
    if execution is not None and execution.failure is not None:
        failure = execution.failure
        say(f"Code cell {failure.cell} of {execution.cells} failed: {failure.sentence()}")
    elif execution is not None:
        say(f"All {execution.cells} code cells ran in {execution.seconds:.1f} s.")
    say(f"The report is {path}.")


class CellLines:
    """Tells which cell runs: a line that is replaced on a terminal, a line a cell elsewhere.

    Args:
        stream: Where to.
        quiet: Tell nothing.
    """

    def __init__(self, stream: TextIO, *, quiet: bool) -> None:
        self._stream = stream
        self._quiet = quiet
        self._status: Status | None = None

    def __enter__(self) -> Self:
        if not self._quiet and self._stream.isatty():
            from rich.console import Console

            self._status = Console(file=self._stream).status("starting a kernel")
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def tell(self, number: int, total: int, line: str) -> None:
        """Tell that a cell begins."""
        text = printable(f"cell {number} of {total}: {line}")
        if self._status is not None:
            from rich.text import Text

            self._status.update(Text(text, no_wrap=True, overflow="ellipsis"))
        elif not self._quiet:
            self._stream.write(f"{text}\n")
            self._stream.flush()
