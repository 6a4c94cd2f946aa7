"""What reaches out of a simulation into the real world: let through, and reported."""

from __future__ import annotations

import functools
import os
import socket
import subprocess
import threading
import uuid
from typing import TYPE_CHECKING, Any, Final

from resilkit.simulation.driving import driver
from resilkit.simulation.patching import Replacement

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["replacements"]

_THREAD: Final = "a thread runs in real time, and when it runs no seed decides"
_PROCESS: Final = "another process runs in real time, and what it does no seed decides"
_SOCKET: Final = "a socket leads into the real world, and what comes from there no seed decides"
_UUID: Final = "it goes on from the last one that the machine's clock gave"

_REPORTED: Final[tuple[tuple[Any, str, str, str], ...]] = (
    (threading.Thread, "start", "threading.Thread.start", _THREAD),
    (socket.socket, "__init__", "socket.socket", _SOCKET),
    (subprocess.Popen, "__init__", "subprocess.Popen", _PROCESS),
    (os, "fork", "os.fork", _PROCESS),
    (os, "forkpty", "os.forkpty", _PROCESS),
    (os, "posix_spawn", "os.posix_spawn", _PROCESS),
    (os, "posix_spawnp", "os.posix_spawnp", _PROCESS),
    (os, "system", "os.system", _PROCESS),
    (uuid, "uuid6", "uuid.uuid6", _UUID),
    (uuid, "uuid7", "uuid.uuid7", _UUID),
)


def replacements() -> Iterator[Replacement]:
    """Yield what is to be watched."""
    for owner, name, what, why in _REPORTED:
        yield Replacement(owner, name, functools.partial(_reported, what, why))


def _reported(what: str, why: str, original: Any) -> Any:
    @functools.wraps(original)
    def watched(*args: Any, **options: Any) -> Any:
        by = driver()
        if by is not None:
            by.tell(what, why)
        return original(*args, **options)

    return watched
