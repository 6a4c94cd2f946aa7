"""Frames on a connection: four bytes of length, one of kind, and the body."""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DATA", "FORWARD", "HEARTBEAT", "LARGEST", "STATES", "FramedProtocol", "frame"]

DATA: Final = 0
"""Messages for the node at the other end."""
FORWARD: Final = 1
"""Messages for a node further on."""
STATES: Final = 2
"""Link states: who reaches whom."""
HEARTBEAT: Final = 3
"""A sign of life."""

LARGEST: Final = 1 << 28
"""The largest body in bytes; a longer one is garbage, or a mistake."""

_HEAD = struct.Struct(">IB")
_BUFFER = 1 << 18


def frame(kind: int, body: bytes) -> bytes:
    """Return a frame as bytes."""
    return _HEAD.pack(len(body), kind) + body


class FramedProtocol(asyncio.BufferedProtocol):
    """Cuts what arrives into frames.

    A buffered protocol reads into memory of its own: asyncio's plain one allocates 256 KiB a read.

    Args:
        on_frame: Called with (kind, body); the body is valid during the call only. What it raises
            goes to the loop's exception handler, and the next frame is handled.
        on_lost: Called once when the connection has ended.
        most_waiting: Bytes that may wait to be written before the connection counts as `full`.
        on_made: Called when there is something to write to.
        on_drained: Called when the connection was `full` and is not any more.
    """

    def __init__(
        self,
        on_frame: Callable[[int, memoryview], None],
        on_lost: Callable[[], None],
        *,
        most_waiting: int = 1 << 26,
        on_made: Callable[[], None] | None = None,
        on_drained: Callable[[], None] | None = None,
    ) -> None:
        self._on_frame = on_frame
        self._on_lost = on_lost
        self._on_made = on_made
        self._on_drained = on_drained
        self._most_waiting = most_waiting
        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)
        self._filled = 0
        self._lost: asyncio.Future[None] | None = None
        self.transport: asyncio.Transport | None = None
        self.full = False
        self.closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, or end it when it is not wanted any more."""
        self.transport = transport  # type: ignore[assignment]
        self._lost = asyncio.get_running_loop().create_future()
        if self.closing:
            transport.close()
            return
        self.transport.set_write_buffer_limits(self._most_waiting, self._most_waiting // 2)  # type: ignore[union-attr]
        if self._on_made is not None:
            self._on_made()

    def pause_writing(self) -> None:
        """Note that more than `most_waiting` bytes wait for a peer that does not read."""
        self.full = True

    def resume_writing(self) -> None:
        """Note that the peer reads again, and half of it is gone."""
        self.full = False
        if self._on_drained is not None:
            self._on_drained()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where the next bytes go."""
        del sizehint
        return self._view[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        """Hand out the frames that are complete."""
        self._filled += nbytes
        start = 0
        view, filled, size = self._view, self._filled, _HEAD.size
        while filled - start >= size:
            length, kind = _HEAD.unpack_from(view, start)
            if length > LARGEST:
                self._fail(ValueError(f"a frame of {length} bytes was announced"))
                return
            end = start + size + length
            if end > filled:
                if end - start > len(self._buffer):
                    self._move(start, end - start)
                    return
                break
            try:
                self._on_frame(kind, view[start + size : end])
            except Exception as error:  # noqa: BLE001 - one message's trouble is not the connection's
                self._complain("a frame could not be handled; the connection goes on", error)
            start = end
        if start == filled and len(self._buffer) > _BUFFER:
            self._move(start, _BUFFER)  # a large frame has gone: so does its memory
        elif start:
            # What is left of an incomplete frame moves to the front.
            rest = filled - start
            self._buffer[:rest] = self._buffer[start:filled]
            self._filled = rest

    def _move(self, start: int, size: int) -> None:
        fresh = bytearray(size)
        rest = self._filled - start
        fresh[:rest] = self._view[start : self._filled]
        self._buffer, self._view, self._filled = fresh, memoryview(fresh), rest

    def _complain(self, message: str, error: Exception) -> None:
        loop = asyncio.get_running_loop()
        loop.call_exception_handler({"message": message, "exception": error, "protocol": self})

    def _fail(self, error: Exception) -> None:
        self._complain("a peer sent garbage; its connection is closed", error)
        self.abort()

    def close(self) -> None:
        """End the connection when what waits has been written."""
        self.closing = True
        if self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        """End the connection now."""
        self.closing = True
        if self.transport is not None:
            self.transport.abort()

    def abandon(self) -> None:
        """Count as ended: making it was given up, and uvloop tells nobody of such an end."""
        self.abort()
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(None)

    async def wait_lost(self, timeout: float) -> None:
        """Return when the connection has ended; abort it after `timeout` seconds."""
        if self._lost is None or self._lost.done():
            return
        handle = asyncio.get_running_loop().call_later(timeout, self.abort)
        try:
            await asyncio.shield(self._lost)
        finally:
            handle.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell it once."""
        del exc
        self.closing = True
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(None)
        self._on_lost()
