"""Runs a notebook from top to bottom in a clean kernel, and stops at the first cell that fails."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from resilkit.clock import monotonic
from resilkit.errors import Unavailable
from resilkit.notebooks.reading import needs_lab

if TYPE_CHECKING:
    from nbclient import NotebookClient

__all__ = ["Execution", "Failure", "execute"]

_START_TIMEOUT = 60


@dataclass(frozen=True, slots=True)
class Failure:
    """What ended an execution.

    Attributes:
        cell: Which code cell it was, from 1.
        index: Its place among all cells, from 0.
        error: The error's name, such as ``"NameError"``.
        message: What it says, in one line.
    """

    cell: int
    index: int
    error: str
    message: str

    def sentence(self) -> str:
        """Return it in words."""
        return f"{self.error}: {self.message}" if self.message else self.error


@dataclass(frozen=True, slots=True)
class Execution:
    """What came of running a notebook.

    Attributes:
        cells: How many code cells there are.
        ran: How many of them were run, the one that failed too.
        seconds: How long that took, without the start of the kernel.
        failure: What ended it before the last cell; ``None`` when all went well.
    """

    cells: int
    ran: int
    seconds: float
    failure: Failure | None = None


Told = Callable[[int, int, str], None]
"""Called before each code cell: its number from 1, how many there are, and its first line."""


def execute(
    notebook: Any, folder: Path, *, timeout: float | None = None, on_cell: Told | None = None
) -> Execution:
    """Run all code cells in order, in a new kernel; their outputs take the place of the old ones.

    Cells tagged ``raises-exception`` may fail, and those tagged ``skip-execution`` are left out,
    as everywhere in Jupyter. An interrupt ends the kernel, too, and goes on to the caller.

    Args:
        notebook: The notebook; it is changed.
        folder: Where the kernel works: relative paths in the notebook begin there.
        timeout: Seconds that each cell may take; ``None`` for no limit.
        on_cell: Told of each cell before it runs.

    Raises:
        Unavailable: nbclient, or the notebook's kernel, is not installed, or that did not start.
    """
    try:
        from nbclient import NotebookClient
    except ModuleNotFoundError as error:
        raise needs_lab("executing a notebook", error) from error
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    # Of widgets only the number is in the outputs, and their state is of no use without them.
    notebook.metadata.pop("widgets", None)
    client = NotebookClient(
        notebook,
        timeout=timeout,
        startup_timeout=_START_TIMEOUT,
        store_widget_state=False,
        resources={"metadata": {"path": str(folder)}},
    )
    return asyncio.run(_execute(client, on_cell))


async def _execute(client: NotebookClient, on_cell: Told | None) -> Execution:
    code = [(at, cell) for at, cell in enumerate(client.nb.cells) if cell.cell_type == "code"]
    ran = 0
    began = monotonic()
    try:
        async with _kernel(client) as kernel:
            began = monotonic()
            for number, (index, cell) in enumerate(code, 1):
                if on_cell is not None:
                    on_cell(number, len(code), _first_line(cell.source))
                ran = number
                try:
                    await client.async_execute_cell(cell, index)
                except Exception as error:
                    if (task := asyncio.current_task()) and task.cancelling():
                        # nbclient takes an interrupt of ours for the end of the kernel.
                        raise asyncio.CancelledError from error
                    failure = Failure(number, index, *_told(error, kernel))
                    return Execution(len(code), ran, monotonic() - began, failure)
    finally:
        spent = monotonic() - began
    return Execution(len(code), ran, spent)


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep the signals as they are: nbclient makes of an interrupt a kernel that has died."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            asyncio.get_running_loop().remove_signal_handler(number)
            signal.signal(number, handler)


class _kernel:  # noqa: N801 - a context manager
    """The kernel, from its start to its end; why it does not start is told in a line."""

    def __init__(self, client: NotebookClient) -> None:
        self._client = client
        self._setup: Any = None
        # What its process writes by itself is of interest only when it dies.
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - closed at the exit

    async def __aenter__(self) -> Self:
        from jupyter_client.kernelspec import NoSuchKernel

        self._setup = self._client.async_setup_kernel(stderr=self._words)
        try:
            with _own_signals():
                await self._setup.__aenter__()
        except NoSuchKernel as error:
            raise Unavailable(
                f"the notebook needs the kernel {error.name!r}, which is not installed here"
            ) from error
        except RuntimeError as error:
            raise Unavailable(f"the kernel did not start: {self.last_words()}") from error
        return self

    async def __aexit__(self, *details: object) -> None:
        try:
            await self._setup.__aexit__(*details)
        finally:
            self._words.close()

    def last_words(self) -> str:
        """Return the last line that its process has written."""
        self._words.seek(max(0, self._words.seek(0, os.SEEK_END) - 2000))
        lines = self._words.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else "it has said nothing"


def _told(error: Exception, kernel: _kernel) -> tuple[str, str]:
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    if isinstance(error, CellExecutionError):
        return error.ename or "Error", _plain(error.evalue or "")
    if isinstance(error, CellTimeoutError):
        return "Timeout", "it took longer than it may"
    if isinstance(error, DeadKernelError):
        return "DeadKernel", f"the kernel has died; its last words: {kernel.last_words()}"
    return type(error).__name__, _plain(str(error))


def _plain(text: str) -> str:
    """Return the first line of a text, without what colours it in a terminal."""
    clean = re.sub(r"\x1b\[[0-9;]*m", "", text).strip()
    return clean.splitlines()[0][:300] if clean else ""


def _first_line(source: str) -> str:
    lines = [line.strip() for line in source.splitlines() if line.strip()]
    told = next((line for line in lines if not line.startswith("#")), lines[0] if lines else "")
    return told[:60]
