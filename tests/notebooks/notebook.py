"""A notebook that nbclient executes cell by cell, in a kernel that the test may ill-treat."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import os
import secrets
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError

from tests.scripts.place import DEADLINE, Place
from tests.turns import turns

__all__ = ["Cell", "Gate", "Notebook", "opened"]

_CELL_TIMEOUT = 60


class Cell:
    """What a cell has put out."""

    def __init__(self, outputs: list[Any]) -> None:
        self.outputs = outputs

    @property
    def error(self) -> str:
        """The name of the exception that ended the cell; empty when it ended well."""
        return next((each.ename for each in self.outputs if each.output_type == "error"), "")

    @property
    def traceback(self) -> str:
        """The whole traceback."""
        return "\n".join(
            line for each in self.outputs if each.output_type == "error" for line in each.traceback
        )

    @property
    def text(self) -> str:
        """What the cell printed, on both streams."""
        return "".join(each.text for each in self.outputs if each.output_type == "stream")

    def shown(self, kind: str) -> str:
        """Return the displays and the value of a kind, such as ``"text/html"``."""
        return "".join(each.data.get(kind, "") for each in self.outputs if "data" in each)

    @property
    def value(self) -> str:
        """The representation of the cell's value."""
        return next(
            (e.data["text/plain"] for e in self.outputs if e.output_type == "execute_result"), ""
        )


class Gate:
    """A named pipe that code elsewhere passes by writing to it, so that a test knows how far it is.

    It must not write in a destructor, as ``open(gate, "w").write(".")`` does: an interrupt that
    comes just then is ignored by Python.
    """

    def __init__(self, place: Place) -> None:
        self.path = str(place.root / f"gate-{secrets.token_hex(4)}")
        os.mkfifo(self.path)
        self._fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)

    async def passed(self) -> None:
        """Return once somebody has passed."""
        loop, event = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._fd, event.set)
        try:
            async with asyncio.timeout(DEADLINE):
                await event.wait()
        finally:
            loop.remove_reader(self._fd)

    def close(self) -> None:
        """Have nobody wait in vain for somebody who reads."""
        os.close(self._fd)


class Notebook:
    """A notebook with a live kernel."""

    def __init__(self, client: NotebookClient, place: Place, runner: asyncio.Runner) -> None:
        self._client = client
        self._manager: AsyncKernelManager = client.km
        self._runner = runner
        self.gates: list[Gate] = []
        self.place = place

    @property
    def pid(self) -> int:
        """The process id of the kernel."""
        return int(self._manager.provisioner.pid)

    def gate(self) -> Gate:
        """Return a new gate; it stays open as long as the notebook."""
        self.gates.append(Gate(self.place))
        return self.gates[-1]

    def wait(self, gate: Gate) -> None:
        """Return once somebody has passed the gate."""
        self._runner.run(gate.passed())

    def execute(self, code: str) -> Cell:
        """Run `code` in a new cell."""
        return self._runner.run(self._execute(code))

    async def _execute(self, code: str) -> Cell:
        cells = self._client.nb.cells
        cells.append(nbformat.v4.new_code_cell(code))
        cell = await self._client.async_execute_cell(cells[-1], len(cells) - 1)
        return Cell(cell.outputs)

    def run(self, code: str) -> Cell:
        """Run `code` in a new cell; fail when it raises."""
        cell = self.execute(code)
        assert not cell.error, cell.traceback
        return cell

    def value(self, code: str) -> Any:
        """Run `code` in a new cell, and return the value of its last line."""
        return ast.literal_eval(self.run(code).value)

    def begin(self, code: str, gate: Gate) -> asyncio.Task[Cell]:
        """Run `code` in a new cell; return when it has passed the gate, and still runs."""

        async def begin() -> asyncio.Task[Cell]:
            running = asyncio.ensure_future(self._execute(code))
            passing = asyncio.ensure_future(gate.passed())
            await asyncio.wait((running, passing), return_when=asyncio.FIRST_COMPLETED)
            assert not running.done(), running.result().traceback
            await passing
            return running

        return self._runner.run(begin())

    def interrupted(self, code: str, gate: Gate, *, times: int = 1) -> tuple[Cell, float]:
        """Run `code`, interrupt it once it has passed the gate; return what it put out.

        Returns:
            The cell, and the seconds that it went on after the interrupt, as `turns` counts.
        """
        running = self.begin(code, gate)

        async def interrupt() -> tuple[Cell, float]:
            with turns() as had:
                for _ in range(times):
                    await self._manager.interrupt_kernel()
                # An idle kernel that awaits hears of the interrupt with its next message; every
                # front end sends some.
                self._client.kc.kernel_info()
                async with asyncio.timeout(DEADLINE):
                    cell = await running
            return cell, had.seconds

        return self._runner.run(interrupt())

    def restart(self, *, now: bool) -> None:
        """Restart the kernel: ask it to end, or kill it at once; return when the next one runs."""

        async def restart() -> None:
            async with asyncio.timeout(DEADLINE):
                await self._manager.restart_kernel(now=now)
                await self._client.kc.wait_for_ready(timeout=DEADLINE)

        self._runner.run(restart())

    def kill(self) -> None:
        """Kill the kernel with SIGKILL, as the system does when memory runs out."""
        os.kill(self.pid, signal.SIGKILL)

    def wait_dead(self, running: asyncio.Task[Cell]) -> None:
        """Return when a cell has ended because its kernel has."""

        async def dead() -> None:
            async with asyncio.timeout(DEADLINE):
                with pytest.raises(DeadKernelError):
                    await running

        self._runner.run(dead())


@contextlib.contextmanager
def opened(place: Place) -> Iterator[Notebook]:
    """Open an empty notebook; its kernel ends with the block."""
    with asyncio.Runner() as runner:
        client = NotebookClient(
            nbformat.v4.new_notebook(),
            timeout=_CELL_TIMEOUT,
            allow_errors=True,
            resources={"metadata": {"path": str(place.work)}},
        )
        client.km = AsyncKernelManager(
            kernel_name="python3", connection_file=str(Path(place.root, "kernel.json"))
        )
        client.owns_km = True
        kernel = client.async_setup_kernel(env=place.env)
        runner.run(kernel.__aenter__())
        notebook = Notebook(client, place, runner)
        try:
            yield notebook
        finally:
            runner.run(kernel.__aexit__(None, None, None))
            for gate in notebook.gates:
                gate.close()
