"""A real JupyterLab in a real Chromium, for tests that look at what a user sees."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Page

from tests.scripts.place import DEADLINE, Place, until

__all__ = ["GATE", "PATIENCE_MS", "Lab", "opened_lab"]

GATE = "go_on"
PATIENCE_MS = 60_000
"""For what a browser waits for: JupyterLab alone takes many seconds to come up."""

_STRAIGHT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Asks without a proxy: one that the environment names knows no server of this machine."""


class Lab:
    """A JupyterLab, and a page on it with one notebook after the other.

    Attributes:
        page: The page; a test has one of its own.
    """

    page: Page

    def __init__(self, address: str, place: Place) -> None:
        self.place = place
        self._address = address
        self._own = set(place.processes())
        self._opened = 0

    def open(self, page: Page, cells: list[str]) -> None:
        """Open a new notebook with these cells; return when its kernel is there."""
        self.open_notebook(page, [nbformat.v4.new_code_cell(cell) for cell in cells])

    def open_notebook(self, page: Page, cells: list[Any]) -> None:
        """Open a notebook with these cells as they are; outputs that it has are not trusted."""
        self.page = page
        self._opened += 1
        (self.place.work / GATE).unlink(missing_ok=True)
        notebook = nbformat.v4.new_notebook(
            cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        )
        nbformat.write(notebook, self._notebook)
        self.reload()

    @property
    def _notebook(self) -> Path:
        return self.place.work / f"test-{self._opened}.ipynb"

    def reload(self) -> None:
        """Load the page anew, without what an old workspace remembers."""
        address = f"{self._address}/lab/tree/{self._notebook.name}?reset"
        self.page.goto(address, timeout=PATIENCE_MS)
        self.page.wait_for_function(
            "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel"
            "?.status === 'idle'",
            timeout=PATIENCE_MS,
        )

    def command(self, name: str) -> None:
        """Carry out one of JupyterLab's commands; do not wait for what it starts."""
        self.page.evaluate("name => { window.jupyterapp.commands.execute(name); }", name)

    def run_all(self) -> None:
        """Run every cell."""
        self.command("notebook:run-all-cells")

    def saved(self) -> Any:
        """Save the notebook, and return it as it stands in its file."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
        return nbformat.read(self._notebook, as_version=4)

    def let_go(self) -> None:
        """Let the cells go on that wait for the file `GATE` to be there."""
        (self.place.work / GATE).touch()

    def close(self) -> None:
        """Shut the notebook's kernel down; return when nothing of it is left."""
        for session in json.loads(self._ask("GET", "sessions")):
            self._ask("DELETE", f"sessions/{session['id']}")
        self.place.wait_only(self._own)

    def _ask(self, method: str, what: str) -> bytes:
        address = f"{self._address}/api/{what}"
        asked = urllib.request.Request(address, method=method)  # noqa: S310 - our own
        with _STRAIGHT.open(asked, timeout=DEADLINE) as answer:
            return bytes(answer.read())


@contextlib.contextmanager
def opened_lab(place: Place) -> Iterator[Lab]:
    """Start a JupyterLab for `place`; it ends with the block, and its kernels with it."""
    config = Path(place.env["JUPYTER_CONFIG_DIR"]) / "labconfig"
    config.mkdir(parents=True)
    announcements = {"@jupyterlab/apputils-extension:announcements": True}
    (config / "page_config.json").write_text(json.dumps({"disabledExtensions": announcements}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {
        "ServerApp.port": port,
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.root_dir": str(place.work),
        "IdentityProvider.token": "",
        "ServerApp.disable_check_xsrf": True,  # the tests end kernels without a page
        "LabApp.expose_app_in_browser": True,
    }
    log = (place.root / "lab.log").open("wb")
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root",
         *(f"--{name}={value}" for name, value in options.items())],
        cwd=place.work, env=place.env, stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip
    told = Path(place.env["JUPYTER_RUNTIME_DIR"]) / f"jpserver-{server.pid}.json"
    try:
        until(lambda: "" if _address(told) else "no server", patience=60.0)
        address = _address(told)
        until(lambda: "" if _answers(address) else "no answer", patience=60.0)
        yield Lab(address, place)
    finally:
        server.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()
        log.close()


def _address(told: Path) -> str:
    """Return where a server listens, as it tells; where its port was taken meanwhile, at another.

    Empty while it tells nothing yet.
    """
    try:
        return f"http://127.0.0.1:{json.loads(told.read_bytes())['port']}"
    except (FileNotFoundError, json.JSONDecodeError):
        return ""


def _answers(address: str) -> bool:
    try:
        _STRAIGHT.open(f"{address}/api", timeout=2).close()
    except OSError:
        return False
    return True
