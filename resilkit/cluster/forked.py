"""What a fork of a node's process may do: anything but be the node.

A handler may fork, by `os.fork` or `multiprocessing`. The child has a copy of the node: its loop,
its servers, its connections. If it went on as the node, two processes would answer on one socket.
So it loses its part in them, and ends when it comes back to the loop or speaks to others.
"""

from __future__ import annotations

import asyncio
import os
import select
import socket
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from resilkit.runtime.context import current

if TYPE_CHECKING:
    from resilkit.runtime import Node

__all__ = ["disown_forks"]

_LAST_WORDS = (
    "resilkit: a fork of node {name} (process {pid}) came back to the node's loop, or spoke to "
    "others, and was ended: only the node itself may; end the child with os._exit or exec\n"
)


def disown_forks(node: Node, folder: Path) -> None:
    """From now on, keep every fork of this process from being `node`.

    Args:
        node: The node of this process.
        folder: The cluster's folder; connections to what listens there are the node's own.
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: _disown(node, folder))


def _disown(node: Node, folder: Path) -> None:
    end = _End(node.name)
    with suppress(OSError):
        _leave_connections(node.loop, folder)
    # Whatever comes next from the runtime finds nobody to run, and nothing more to handle.
    for process in node.processes.values():
        # The one whose handler forked is heard once more: by what ends this process.
        process.alive = process is current.get()
        process.mailbox.clear()
    node.processes.clear()
    node.routes_changed()
    node.transport = end  # type: ignore[assignment]
    # The first thing that the loop does when the present handler has returned; and what a thread
    # does that forked, since the loop's own does not exist here.
    node.loop.call_soon(end.now)
    node.loop.call_soon_threadsafe = end.now  # type: ignore[method-assign,assignment]


class _End:
    """Stands where the transport was: whoever uses it ends this process."""

    def __init__(self, name: str) -> None:
        self._name = name

    def now(self, *_: object, **__: object) -> NoReturn:
        """End this process, and nothing else: what it shares with the node stays as it is."""
        words = _LAST_WORDS.format(name=self._name, pid=os.getpid())
        with suppress(OSError):
            os.write(2, words.encode())
        os._exit(0)

    def __getattr__(self, name: str) -> Any:
        return self.now


def _leave_connections(loop: asyncio.AbstractEventLoop, folder: Path) -> None:
    """Put something harmless in the place of the node's sockets and of the loop's poll set.

    They are not closed by their owners: that would take them out of the poll set, which the kernel
    shares with the node. And their numbers stay taken, so that no file of the child's gets one
    that its copy of the loop still holds for a socket.
    """
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        for number in [int(name) for name in os.listdir("/dev/fd")]:  # noqa: PTH208
            if _is_ours(number, folder):
                os.dup2(null, number, inheritable=False)
    finally:
        os.close(null)
    poll_set = _poll_set(loop)
    if poll_set is not None:
        # An empty one: the loop may look into it once more before it runs what ends this process.
        with select.epoll() as empty:
            os.dup2(empty.fileno(), poll_set, inheritable=False)


def _is_ours(number: int, folder: Path) -> bool:
    try:
        if not stat.S_ISSOCK(os.fstat(number).st_mode):
            return False
        # A copy, since a socket object closes its descriptor.
        with socket.socket(fileno=os.dup(number)) as sock:
            ends = [sock.getsockname()]
            with suppress(OSError):  # one that listens has no peer
                ends.append(sock.getpeername())
    except OSError:
        return False  # among them the one that listed the others
    return any(isinstance(end, str) and Path(end).parent == folder for end in ends)


def _poll_set(loop: Any) -> int | None:
    """Return the descriptor of what the loop waits in, where a fork shares it."""
    if not hasattr(select, "epoll"):
        return None
    if hasattr(loop, "_get_backend_id"):  # uvloop's
        number: int = loop._get_backend_id()
        return number
    selector: Any = getattr(loop, "_selector", None)
    return selector.fileno() if hasattr(selector, "fileno") else None
