"""`resilkit lab`: JupyterLab on the notebooks that come with resilkit, and nothing left of it."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from resilkit.notebooks.shipped import FIRST
from tests.cli.test_commands import refuses, run
from tests.cluster.traces import wait_gone
from tests.scripts.place import until

ROOT = Path(__file__).parents[2]


@contextmanager
def opened(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command until it serves; give the process and the address that it tells."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    env |= {
        "PYTHONPATH": f"{ROOT}:{ROOT / 'widgets'}",
        "HOME": str(folder),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "IPYTHONDIR": str(folder / "ipython"),
    }
    command = [sys.executable, "-m", "resilkit", "lab", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=folder, env=env, stdout=pipe, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        told = ""
        try:
            for line in process.stdout:
                told += line
                if found := re.search(r"http://127\.0\.0\.1:\d+/lab\S*", line):
                    # It tells its address before it listens.
                    until(lambda at=found[0]: "" if listens(at) else "nobody listens")
                    yield process, found[0]
                    return
            raise AssertionError(told)
        finally:
            if process.poll() is None:
                process.kill()


def listens(address: str) -> bool:
    """Return whether somebody listens where the address says."""
    port = int(re.search(r":(\d+)/", address)[1])  # type: ignore[index]
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == 0


def request(address: str, of: str, **data: Any) -> Any:
    """Ask the server something, with the token of the address that it told."""
    base, token = re.match(r"(http://[^/]+).*token=(\w+)", address).groups()  # type: ignore[union-attr]
    body = json.dumps(data).encode() if data else None
    headers = {"Authorization": f"token {token}", "Content-Type": "application/json"}
    asked = urllib.request.Request(f"{base}{of}", body, headers)  # noqa: S310
    # Straight there: a proxy that the environment names knows no server of this machine.
    straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with straight.open(asked) as answer:
        return json.loads(answer.read())


def test_it_serves_the_copied_notebooks_and_an_interrupt_ends_all(tmp_path: Path) -> None:
    with opened(tmp_path, "books", "--no-browser") as (process, address):
        assert f"/lab/tree/{FIRST}?token=" in address
        assert (tmp_path / "books" / FIRST).is_file()
        names = [each["name"] for each in request(address, "/api/contents")["content"]]
        assert FIRST in names
        kernel = {"name": "python3"}
        request(address, "/api/sessions", path=FIRST, type="notebook", name="", kernel=kernel)
        kernels = [child.pid for child in psutil.Process(process.pid).children(recursive=True)]
        assert kernels
        process.send_signal(signal.SIGINT)
        told, _ = process.communicate(timeout=60)
        assert process.returncode == 0, told
        wait_gone(kernels)


@pytest.fixture
def never_begun(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Fail when the server would begin."""

    def begin(*_: object) -> None:
        raise AssertionError("it began")

    monkeypatch.setattr(os, "execv", begin)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("never_begun")
def test_without_jupyterlab_it_says_what_to_install_and_copies_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there: Callable[[str], Any] = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "jupyterlab" else there(name)
    )
    done = run("lab")
    assert done.returncode == 3
    assert done.stderr.startswith(
        "resilkit: jupyterlab is not installed: pip install 'resilkit[lab]'"
    )
    assert list(Path().iterdir()) == []


@pytest.mark.usefixtures("never_begun")
def test_a_port_that_is_taken_is_told_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("lab", "--port", port)
    assert done.returncode == 3
    assert f"the port {port} cannot be used" in done.stderr
    assert list(Path().iterdir()) == []


@pytest.mark.usefixtures("never_begun")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["file"], "DIR: is no folder"),
        (["--port", "0"], "--port"),
        (["--port", "70000"], "--port"),
        (["--prot", "1"], "--prot"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], words: str) -> None:
    Path("file").touch()
    assert words in refuses("lab", *arguments)
