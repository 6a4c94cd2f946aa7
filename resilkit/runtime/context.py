"""Which process is running: what a reference inside a server sends as."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import TYPE_CHECKING

from resilkit.errors import InvalidArgument

if TYPE_CHECKING:
    from resilkit.runtime.process import Process

__all__ = ["current", "ended", "require_current"]

current: ContextVar[Process | None] = ContextVar("resilkit_process", default=None)


def require_current() -> Process:
    """Return the running process, or raise: a bare reference means nothing outside a server."""
    process = current.get()
    if process is None:
        raise InvalidArgument(
            "this reference belongs to no cluster here: it can be used inside a server or an "
            "operation; in a notebook use the references that cluster.whereis() returns"
        )
    return process


def ended(process: Process) -> asyncio.CancelledError:
    """Return what code of a process that has ended gets instead of an answer.

    Nothing comes from a process after its end (OTP). A handler that swallowed its cancellation is
    cancelled by what it does next, and a task of its own that the server left behind, too; what
    needs no answer (a cast, a publication) is dropped.
    """
    return asyncio.CancelledError(f"{process.label} has ended")
