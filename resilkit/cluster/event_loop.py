"""Which event loop resilkit runs on."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

# At import, not when a loop is made: the launcher imports this once, before it forks the nodes, and
# loading uvloop takes longer than all the rest of a node's start.
try:
    import uvloop
except ImportError:  # not on every platform
    _make: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
else:
    _make = uvloop.new_event_loop

__all__ = ["new_loop"]


_STANDARD = 2  # the last of the three descriptors of the standard streams


def new_loop() -> asyncio.AbstractEventLoop:
    """Return a uvloop where there is one, else asyncio's own.

    A standard stream that this process was started without leads nowhere from then on.

    Raises:
        OSError: This process, or the machine, has too many files open.
    """
    _fill_standard_streams()
    return _make()


def _fill_standard_streams() -> None:
    """Open the null device on the descriptors of the standard streams that are closed.

    Else a socket would get one of them; libuv takes that for a fault of the program's when it
    closes the socket, and aborts the process. And what writes to the stream would write there.
    """
    while (null := os.open(os.devnull, os.O_RDWR)) <= _STANDARD:
        os.set_inheritable(null, True)  # as standard streams are, for what this process starts
    os.close(null)
