"""A place where a test runs somebody's code: folders of its own, and all that the code leaves."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import psutil

import resilkit
from resilkit.clock import monotonic

__all__ = ["DEADLINE", "Place", "Script", "own_place", "until"]

DEADLINE = 20.0  # seconds that a test waits for what must come, before it fails
_TAG = "RESILKIT_TEST_TAG"
_LOOK_EVERY = 0.02
_SHARED_MEMORY = Path("/dev/shm")
_DROPPED = ("DISPLAY", "MPLBACKEND", "PYTEST_CURRENT_TEST", "PYTHONSTARTUP", "WAYLAND_DISPLAY")


def until(condition: Callable[[], object], *, patience: float = DEADLINE) -> None:
    """Return as soon as `condition` returns nothing any more; fail with what it returned."""
    deadline = monotonic() + patience
    pause = threading.Event()
    while found := condition():
        assert monotonic() < deadline, f"after {patience:g} s there is still {found}"
        pause.wait(_LOOK_EVERY)


class Place:
    """Folders, an environment, and a tag in it that every process inherits.

    Attributes:
        tmp: Where the code's temporary files go, those of clusters among them.
        work: The current folder.
        env: The environment that makes the code use them.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tmp, self.work, home = root / "tmp", root / "work", root / "home"
        for folder in (self.tmp, self.work, home):
            folder.mkdir()
        self._tag = secrets.token_hex(8)
        self._shared_memory = _shared_memory()
        self.env = {key: value for key, value in os.environ.items() if key not in _DROPPED}
        self.env |= {
            _TAG: self._tag,
            "HOME": str(home),
            "TMPDIR": str(self.tmp),
            "IPYTHONDIR": str(home / "ipython"),
            "JUPYTER_CONFIG_DIR": str(home / "config"),
            "JUPYTER_DATA_DIR": str(home / "data"),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            "JUPYTER_PLATFORM_DIRS": "1",
            "XDG_CACHE_HOME": str(home / "cache"),
            # A new home would have the fonts of the machine listed anew, for many seconds.
            "MPLCONFIGDIR": _matplotlib_folder(),
            "PYTHONPATH": str(Path(resilkit.__file__).parents[1]),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    # What is there -------------------------------------------------------------------------------

    def processes(self) -> dict[int, str]:
        """Return every process, however it was started, that has inherited this place's tag."""
        tag = f"{_TAG}={self._tag}".encode()
        found = {}
        for pid in psutil.pids():
            with contextlib.suppress(OSError):
                process = Path(f"/proc/{pid}")
                if tag in (process / "environ").read_bytes().split(b"\0"):
                    command = (process / "cmdline").read_bytes().replace(b"\0", b" ")
                    found[pid] = command.decode(errors="replace")[:100]
        return found

    def launchers(self) -> set[int]:
        """Return the launchers: nodes, which they forked, have the same command line."""
        boots = {pid for pid, line in self.processes().items() if "cluster/boot.py" in line}
        return {pid for pid in boots if _parent(pid) not in boots}

    def clusters(self) -> list[str]:
        """Return the private folders of clusters."""
        return [path.name for path in self.tmp.glob("resilkit-*")]

    def sockets(self) -> list[str]:
        """Return the paths of the Unix sockets that somebody holds open here."""
        table = Path("/proc/net/unix").read_text(encoding="utf-8", errors="replace").split()
        return [path for path in table if path.startswith(str(self.root))]

    def files(self) -> list[str]:
        """Return the temporary files of every kind."""
        return [str(path.relative_to(self.tmp)) for path in self.tmp.rglob("*")]

    # Waiting -------------------------------------------------------------------------------------

    def expect(self, *, nodes: int, clusters: int = 1) -> None:
        """Check that what should be found later by `wait_empty` is found while it is there."""
        assert len(self.launchers()) == 1
        assert len(self.processes()) >= nodes + 2  # the code's own process, and the launcher
        assert len(self.clusters()) == clusters
        assert len(self.sockets()) >= nodes

    def wait_gone(self, pids: Collection[int]) -> None:
        """Return when none of these processes is left."""
        until(lambda: self.processes().keys() & set(pids))

    def wait_only(self, pids: Collection[int]) -> None:
        """Return when no process but these is left, and no cluster, socket or file of one."""
        until(lambda: {pid: line for pid, line in self.processes().items() if pid not in pids})
        until(self.clusters)
        until(self.sockets)

    def wait_empty(self) -> None:
        """Return when no process, socket, file or shared memory is left."""
        until(self.processes)
        until(self.sockets)
        # The launcher is the last to go, after its last file.
        assert self.files() == []
        # Others may use it for a while meanwhile: nobody's name stands in it.
        until(lambda: _shared_memory() - self._shared_memory)

    # Running -------------------------------------------------------------------------------------

    def write(self, name: str, code: str) -> Path:
        """Write a file beside the code that runs here, and return its path."""
        path = self.root / name
        path.write_text(code, encoding="utf-8")
        return path

    def run(self, *arguments: str, code: str = "") -> str:
        """Run Python to its end with `code` typed into it; return what it wrote on both streams."""
        ended = subprocess.run(
            [sys.executable, *arguments],
            input=code,
            cwd=self.work,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=100,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout
        return ended.stdout

    @contextlib.contextmanager
    def script(self, code: str) -> Iterator[Script]:
        """Run `code` as a script, from another folder than its own, and talk with it.

        In it, ``say(value)`` hands a value to the test and ``hear()`` waits until it is told to
        go on.
        """
        path = self.write("script.py", f"{_TALKING}{code}")
        errors = self.root / "stderr"
        with (
            errors.open("w", encoding="utf-8") as stream,
            subprocess.Popen(
                [sys.executable, str(path)],
                cwd=self.work,
                env=self.env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
                text=True,
                start_new_session=True,
            ) as process,
        ):
            try:
                yield Script(process, errors)
            finally:
                process.kill()


_TALKING = """\
import json, sys
def say(value): print(json.dumps(value), flush=True)
def hear(): return sys.stdin.readline()
"""


class Script:
    """A script that runs, and speaks with the test over its standard streams."""

    def __init__(self, process: subprocess.Popen[str], errors: Path) -> None:
        self.process = process
        self._errors = errors

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def heard(self) -> Any:
        """Return the next value that the script says."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the script ended without a word\n{self.errors()}"
        return json.loads(line)

    def tell(self) -> None:
        """Let the script go on."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def errors(self) -> str:
        """Return what it wrote to standard error."""
        return self._errors.read_text(encoding="utf-8")

    def ended(self) -> int:
        """Return its exit status, once it has ended."""
        return self.process.wait(DEADLINE)


@contextlib.contextmanager
def own_place() -> Iterator[Place]:
    """Make a place, and fail when something of it is left at the end."""
    # Not pytest's own folders: their paths are too long for sockets.
    with tempfile.TemporaryDirectory(prefix="p") as folder:
        place = Place(Path(folder))
        try:
            yield place
            place.wait_empty()
        finally:
            for pid in place.processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def _parent(pid: int) -> int:
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).ppid()
    return 0


def _shared_memory() -> set[str]:
    return {str(path) for path in _SHARED_MEMORY.iterdir()} if _SHARED_MEMORY.is_dir() else set()


def _matplotlib_folder() -> str:
    import matplotlib as mpl

    return str(mpl.get_cachedir())
