"""Reports of servers that crashed, for people to read: what a node writes into its log.

As OTP's: for a server that ends abnormally by what it does itself, in a handler, in ``init`` or in
``terminate``. One that an exit signal ends (a kill, a link, a fault) gives none: whoever sent the
signal knows why, and events tell of it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from resilkit.runtime import reasons
from resilkit.runtime.kinds import BY_PARENT, CALL, CAST, INFO, SYSTEM
from resilkit.runtime.tracebacks import frames_of

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from resilkit.clock import Clock
    from resilkit.runtime.ports import Message
    from resilkit.runtime.server_process import ServerProcess

__all__ = ["CrashReports"]

_BURST: Final = 20
"""Reports that may come at once; then one each second. A server that crashes for hours on end must
not fill the disk, nor cost the others the time that it takes to write."""

_MOST_TRACEBACK: Final = 4_000
_MOST_NAME: Final = 200
"""Characters of a traceback, and of each name."""


class CrashReports:
    """Writes the reports of one node. It never raises, whatever a reason or the writer does.

    Args:
        loop: The node's event loop.
        clock: The node's clock.
        write: Takes each report, lines of text; ``None``: there are none.
    """

    __slots__ = ("_at", "_clock", "_left_out", "_loop", "_room", "_timer", "_write")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, clock: Clock, write: Callable[[str], None] | None
    ) -> None:
        self._loop = loop
        self._clock = clock
        self._write = write
        self._room = float(_BURST)
        self._at = 0.0
        self._left_out = 0
        self._timer: asyncio.TimerHandle | None = None

    def tell(self, process: ServerProcess, doing: Message | str | None, reason: Any) -> None:
        """Report that a server ends, unless `reason` is ``normal`` or a shutdown, or its parent's.

        Args:
            process: The server's.
            doing: The message that it was handling, or in words what it did; ``None``: unknown.
            reason: Why it ends; an exception is one that `reasons.portable` returned.
        """
        if self._write is None or reasons.is_shutdown(reason) or _by_parent(doing):
            return
        try:
            if self._has_room():
                self._write(_report(self._clock.wall(), process, doing, reason))
            else:
                self._leave_out()
        except BaseException:  # noqa: BLE001 - a closed log or a full disk must not end the node
            self._left_out += 1

    def _has_room(self) -> bool:
        now = self._clock.now()
        self._room = min(float(_BURST), self._room + now - self._at)
        self._at = now
        if self._room < 1.0:
            return False
        self._room -= 1.0
        return True

    def _leave_out(self) -> None:
        self._left_out += 1
        if self._timer is None:
            self._timer = self._loop.call_later(1.0, self._tell_left_out)

    def _tell_left_out(self) -> None:
        self._timer = None
        count = self._left_out
        try:
            if self._write is not None:
                self._write(f"… {count} more crash reports were left out\n")
        except BaseException:  # noqa: BLE001 - as above; told with those to come
            return
        self._left_out -= count


def _by_parent(doing: Message | str | None) -> bool:
    """Whether it is an exit signal of the parent that a server which traps exits acts on."""
    return isinstance(doing, tuple) and doing[0] == SYSTEM and doing[2] == BY_PARENT


def _report(wall: float, process: ServerProcess, doing: Message | str | None, reason: Any) -> str:
    when = datetime.fromtimestamp(wall, UTC).isoformat(sep=" ", timespec="milliseconds")
    name = _cut(process.label, _MOST_NAME)
    kind = _cut(type(process.server).__name__, _MOST_NAME)
    lines = [f"=== {when} server {name} ({kind}, {process.pid}) crashed"]
    if doing is not None:
        lines.append(f"while handling: {doing if isinstance(doing, str) else _handled(doing)}")
    lines.append(f"reason: {reasons.describe(reason)}")
    shown = _traceback(reason).rstrip()
    if shown:
        lines.append(shown)
    return "\n".join(lines) + "\n"


def _handled(message: Message) -> str:
    kind = message[0]
    if kind == CALL:
        return f"call of {_cut(message[2], _MOST_NAME)}, from {message[5]}"
    if kind == CAST:
        return f"cast of {_cut(message[2], _MOST_NAME)}"
    if kind == INFO:
        sent = message[2]
        shown = repr(sent) if type(sent) is str else type(sent).__name__
        return f"info of {_cut(shown, _MOST_NAME)}"
    return "request to end"


def _traceback(reason: Any) -> str:
    """Return the server's own lines, and those that came with an error of another server."""
    carried = reasons.traceback_of(reason)
    own = reasons.text_of(reason, frames_of) if issubclass(type(reason), BaseException) else ""
    # By its beginning: a long one has been cut in what is carried.
    if not own or own[:1000] in carried:
        return _cut(carried, _MOST_TRACEBACK)
    own = f"Traceback (most recent call last):\n{_cut(own, _MOST_TRACEBACK)}".rstrip()
    came = f"\nit came with this:\n{_cut(carried, _MOST_TRACEBACK)}" if carried else ""
    return f"{own}{came}"


def _cut(text: str, most: int) -> str:
    """Return `text` without its middle if it is long: the ends say where, and what."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}\n… ({len(text)} characters) …\n{text[-half:]}"
