"""The launcher as the notebook's process sees it: one for all its clusters."""

from __future__ import annotations

import atexit
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import weakref
from contextlib import suppress
from pathlib import Path
from typing import IO

from resilkit.cluster.frames import ROOT
from resilkit.errors import Unavailable

__all__ = [
    "LauncherProcess",
    "end_launcher",
    "keep_launcher",
    "leave_launcher",
    "retire_launcher",
    "shared_launcher",
]

_PATIENCE = 10.0  # seconds for the launcher to end by itself; it gives its own children 5
_RETIRED_PATIENCE = 1.0  # seconds for one that does not answer, or that nobody needs any more
_DOUBTED_PATIENCE = 1.0  # seconds for one on which somebody gave up; a sound one needs some ms
_MOST_SHOWN = 4000  # bytes of the launcher's last words

_lock = threading.Lock()
_shared: LauncherProcess | None = None
_idle_timeout: float | None = None
_sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
_retired: list[LauncherProcess] = []
_inherited: list[LauncherProcess] = []


class LauncherProcess:
    """A running launcher, and the root socket that keeps it alive.

    Attributes:
        answered: Whether it has answered a cluster: such a one has nothing to load any more.
        doubted: Whether somebody gave up waiting for it, and it has answered nobody since.
        users: The clusters on it.

    Raises:
        Unavailable: There is no fork here, or no Python interpreter to run.
    """

    def __init__(self) -> None:
        if not hasattr(os, "fork"):
            raise Unavailable(
                "clusters of processes need os.fork, which this system does not have; "
                'use Linux, macOS or WSL, or backend="simulation"'
            )
        if not sys.executable:
            raise Unavailable("clusters of processes need a Python interpreter: no sys.executable")
        self.answered = False
        self.doubted = False
        self.users: weakref.WeakSet[object] = weakref.WeakSet()
        self.root, theirs = socket.socketpair()
        _sockets.add(self.root)
        self._words: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - for the process's life
        boot = str(Path(__file__).with_name("boot.py"))
        flags = ["-P", *["-O"] * sys.flags.optimize, *["-B"] * sys.flags.dont_write_bytecode]
        extra = [str(Path(entry or ".").absolute()) for entry in sys.path]
        numbers = [str(theirs.fileno()), str(os.getpid())]
        try:
            self._process = subprocess.Popen(
                [sys.executable, *flags, boot, *numbers, *extra],
                stdin=subprocess.DEVNULL,
                stdout=self._words,
                stderr=self._words,
                pass_fds=[theirs.fileno()],
                # Interrupting a cell signals the whole group of the kernel's process.
                start_new_session=True,
            )
        except BaseException:
            self.root.close()
            self._words.close()
            raise
        finally:
            theirs.close()

    @property
    def pid(self) -> int:
        """The launcher's process id."""
        return self._process.pid

    def alive(self) -> bool:
        """Return whether its process is still there."""
        return self._process.poll() is None

    def patience(self, most: float) -> float | None:
        """Return the seconds to wait for its answer, `most` at the most; ``None``: no limit."""
        if not self.answered:
            return None  # it has much to load yet
        return min(most, _DOUBTED_PATIENCE) if self.doubted else most

    def adopt(self, sock: socket.socket) -> None:
        """Hand in the launcher's end of a new cluster's socket.

        Raises:
            OSError: The launcher is gone.
        """
        socket.send_fds(self.root, [ROOT.pack(b"c", 0.0)], [sock.fileno()])

    def set_idle_timeout(self, seconds: float | None) -> None:
        """Let the launcher end by itself when it had no cluster for so long; ``None``: never."""
        with suppress(OSError):
            self.root.send(ROOT.pack(b"i", -1.0 if seconds is None else seconds))

    def last_words(self) -> str:
        """Return the end of what the launcher printed: why it died, if it could say."""
        with suppress(ValueError):
            self._words.seek(0, os.SEEK_END)
            self._words.seek(max(0, self._words.tell() - _MOST_SHOWN))
            return self._words.read().decode(errors="replace").strip()
        return ""

    def end(self, timeout: float = _PATIENCE) -> None:
        """End the launcher and all that it hosts, and wait until it is gone.

        Args:
            timeout: Seconds until it is killed; the kernel then kills its children.
        """
        self.root.close()
        # One that somebody stopped goes on, to end in order what only it knows of.
        self._process.send_signal(signal.SIGCONT)
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._words.close()

    def disown(self) -> None:
        """Forget the launcher in a fork of the process that owns it."""
        self._process.returncode = 0  # not ours to wait for


def shared_launcher() -> LauncherProcess:
    """Return this process's launcher; start it when there is none, or the last one died.

    Raises:
        Unavailable: There is no fork here.
    """
    global _shared  # noqa: PLW0603 - one launcher a process is the point
    with _lock:
        if _shared is not None and not _shared.alive():
            _shared.end(0.0)
            _shared = None
        if _shared is None:
            _shared = LauncherProcess()
            if _idle_timeout is not None:
                _shared.set_idle_timeout(_idle_timeout)
        return _shared


def retire_launcher(launcher: LauncherProcess) -> None:
    """Give the next cluster a new launcher: `launcher` does not answer.

    It ends as soon as no cluster is on it, at once maybe: until then those keep their nodes, and
    it may have been stopped by somebody who lets it go on.
    """
    global _shared  # noqa: PLW0603
    with _lock:
        if _shared is launcher:
            _shared = None
            _retired.append(launcher)
        _end_unused()


def leave_launcher(launcher: LauncherProcess, user: object) -> None:
    """Take `user` from those on `launcher`, which ends if it was retired and nobody is left."""
    with _lock:
        launcher.users.discard(user)
        launcher.alive()  # asking takes the process of one that died out of the kernel's table
        _end_unused()


def _end_unused() -> None:
    for launcher in [each for each in _retired if not each.users]:
        _retired.remove(launcher)
        launcher.end(_RETIRED_PATIENCE)


def keep_launcher(idle_timeout: float | None) -> None:
    """Say how long the launcher stays when no cluster is left.

    Args:
        idle_timeout: Seconds; ``None`` (the default at first) keeps it until this process ends,
            so that the next cluster starts at once.
    """
    global _idle_timeout  # noqa: PLW0603
    with _lock:
        _idle_timeout = idle_timeout
        if _shared is not None:
            _shared.set_idle_timeout(idle_timeout)


def end_launcher() -> None:
    """End this process's launcher, with every cluster that it still hosts. Bounded."""
    global _shared
    with _lock:
        launcher, _shared = _shared, None
        retired, _retired[:] = _retired[:], ()
    for each in retired:
        each.end(_RETIRED_PATIENCE)
    if launcher is not None:
        launcher.end()


def own_socket(sock: socket.socket) -> None:
    """Have `sock` dropped in forks of this process, so that its end-of-file can come."""
    _sockets.add(sock)


def _forget_in_fork() -> None:
    """Let go, in a fork of the notebook's process, of what keeps its clusters alive."""
    global _shared, _lock  # noqa: PLW0603
    _lock = threading.Lock()  # the fork may have happened while another thread held it
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for sock in list(_sockets):
        # The number stays taken, so that closing the object cannot hit somebody else's file.
        if sock.fileno() >= 0:
            os.dup2(null, sock.fileno(), inheritable=False)
    os.close(null)
    for launcher in (*_retired, _shared):
        if launcher is not None:
            launcher.disown()
            _inherited.append(launcher)
    _retired.clear()
    _shared = None


atexit.register(end_launcher)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_fork)
