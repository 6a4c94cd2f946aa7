"""What reaches out of a simulation into the real world: let through, and reported."""

from __future__ import annotations

import _thread
import builtins
import functools
import io
import os
import socket
import subprocess
import sys
import threading
import uuid
from typing import TYPE_CHECKING, Any, Final

from resilkit.simulation.callers import asks_for_itself
from resilkit.simulation.driving import driver
from resilkit.simulation.patching import Replacement

if TYPE_CHECKING:
    from collections.abc import Iterator

try:
    import resource
except ImportError:  # not on this system
    resource = None  # type: ignore[assignment]

__all__ = ["replacements"]

_THREAD: Final = "a thread runs in real time, and when it runs no seed decides"
_PROCESS: Final = "another process runs in real time, and what it does no seed decides"
_SOCKET: Final = "a socket leads into the real world, and what comes from there no seed decides"
_UUID: Final = "it goes on from the last one that the machine's clock gave"
_LOAD: Final = "how busy the machine is no seed decides"
_USAGE: Final = "it tells of the process that runs the whole simulation, in real time"
_SHARED: Final = (
    "it changes the process that runs the whole simulation, so all its nodes and who drives it, "
    "and is not undone when the node ends; give servers what they need as arguments or config"
)
_DEVICE: Final = "what it gives no seed decides; os.urandom() is seeded"

_REPORTED: Final[tuple[tuple[Any, str, str, str], ...]] = (
    (threading.Thread, "start", "threading.Thread.start", _THREAD),
    # Not what `threading` calls, which took them by name.
    (_thread, "start_new_thread", "_thread.start_new_thread", _THREAD),
    (_thread, "start_new", "_thread.start_new", _THREAD),
    (_thread, "start_joinable_thread", "_thread.start_joinable_thread", _THREAD),
    (socket.socket, "__init__", "socket.socket", _SOCKET),
    (subprocess.Popen, "__init__", "subprocess.Popen", _PROCESS),
    (os, "fork", "os.fork", _PROCESS),
    (os, "forkpty", "os.forkpty", _PROCESS),
    (os, "posix_spawn", "os.posix_spawn", _PROCESS),
    (os, "posix_spawnp", "os.posix_spawnp", _PROCESS),
    (os, "system", "os.system", _PROCESS),
    (uuid, "uuid6", "uuid.uuid6", _UUID),
    (uuid, "uuid7", "uuid.uuid7", _UUID),
    (os, "getloadavg", "os.getloadavg", _LOAD),
    *(() if resource is None else ((resource, "getrusage", "resource.getrusage", _USAGE),)),
)

# What `os.environ[…] = …` and `del os.environ[…]` call as well.
_CHANGES: Final = ("chdir", "fchdir", "umask", "putenv", "unsetenv")

_DEVICES: Final = ("/dev/random", "/dev/urandom", "/dev/hwrng")


def replacements() -> Iterator[Replacement]:
    """Yield what is to be watched."""
    for owner, name, what, why in _REPORTED:
        yield Replacement(owner, name, functools.partial(_reported, what, why))
    for name in _CHANGES:
        yield Replacement(os, name, functools.partial(_told_of_servers, f"os.{name}", _SHARED))
    for owner, name in ((builtins, "open"), (io, "open"), (os, "open")):
        yield Replacement(owner, name, _Opening)
    # What stands for `open` in the cells of a notebook took it by name.
    shell = sys.modules.get("IPython.core.interactiveshell")
    if shell is not None:
        yield Replacement(shell, "io_open", _Opening)


def _reported(what: str, why: str, original: Any) -> Any:
    @functools.wraps(original)
    def watched(*args: Any, **options: Any) -> Any:
        by = driver()
        if by is not None:
            by.tell(what, why)
            by.threads = by.threads or why is _THREAD
        return original(*args, **options)

    return watched


def _told_of_servers(what: str, why: str, original: Any) -> Any:
    @functools.wraps(original)
    def watched(*args: Any, **options: Any) -> Any:
        by = driver()
        # A module that is imported may set something up, in whatever process.
        if by is not None and not asks_for_itself():
            by.tell(what, why)
        return original(*args, **options)

    return watched


class _Opening:
    """Opens files, and tells of those that are devices which give chance.

    No function: one that is written in Python and kept in a class would become its method, which
    what it stands for does not.
    """

    __qualname__: str

    def __init__(self, original: Any) -> None:
        functools.update_wrapper(self, original)
        self._original = original

    def __call__(self, *args: Any, **options: Any) -> Any:
        by = driver()
        if by is not None:
            path = _path(args[0] if args else options.get("file", options.get("path")))
            if path in _DEVICES:
                by.tell(path, _DEVICE)
        return self._original(*args, **options)

    def __reduce__(self) -> str:
        return str(self.__qualname__)


def _path(given: Any) -> str:
    """Return where a path leads; "" for what is none."""
    try:
        return os.path.normpath(os.fsdecode(given))
    except (TypeError, ValueError, OSError):
        return ""
