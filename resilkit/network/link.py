"""One link: a proven connection to one peer, its outbox, its counters, its faults."""

from __future__ import annotations

import asyncio
import copy
from typing import TYPE_CHECKING, Any, Final

from resilkit.network.codec import Codec, Packed, measure
from resilkit.network.framing import DATA, FORWARD, LARGEST, FramedProtocol, frame
from resilkit.network.snapshots import ATOMS, as_sent
from resilkit.runtime.kinds import CALL, CAST, REPLY
from resilkit.runtime.ports import LinkFull

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilkit.network.forwarding import Entry
    from resilkit.network.handshake import Hello
    from resilkit.network.shaping import Shaper

__all__ = ["Link", "LinkCounters"]

Message = tuple[Any, ...]

_FRAME_BYTES: Final = 256 * 1024
"""About how large a frame is when many messages wait: what one read of the other end takes."""
_MOST_BATCH: Final = 512
"""Messages of a frame at most. The other end works on one while this end makes the next."""
_SMALL: Final = 64 * 1024
"""Bytes of a message that a full link still takes: names, events and errors have so many."""
_REQUESTS: Final = frozenset({CALL, CAST})
"""What a full link takes none of: who calls hears of it at once, and nobody waits for a cast."""
_ATOMIC: Final = ATOMS.issuperset


class LinkCounters:
    """What went over a link since this node started, in the sending direction.

    Attributes:
        peer: The node at the other end.
        messages: Messages sent.
        bytes: Bytes sent.
        drops: Messages lost to faults, cuts and full buffers.
    """

    __slots__ = ("bytes", "drops", "messages", "peer")

    def __init__(self, peer: str) -> None:
        self.peer = peer
        self.messages = 0
        self.bytes = 0
        self.drops = 0


class Link:
    """Sends and receives on one connection.

    All that one tick of the loop sends goes as one pickled list in one frame. A message in which
    its sender, or anybody else, could change something until then is pickled when it is sent.
    """

    __slots__ = (
        "_batch", "_beyond", "_codec", "_forwards", "_loop", "_lost", "_most", "_on_drained",
        "_outbox", "_own", "_protocol", "_refused", "_refusing", "_scheduled",
        "confirmed", "counters", "heard", "hears_us", "on_frame", "peer", "shaper",
    )  # fmt: skip

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        own: Hello,
        peer: Hello,
        *,
        shaper: Shaper,
        counters: LinkCounters,
        most: int,
        on_frame: Callable[[Link, int, memoryview], None],
        on_lost: Callable[[Link], None],
        on_drained: Callable[[Link, int], None],
        refused: Callable[[str, Message, BaseException], None],
    ) -> None:
        self._own = own
        self.peer = peer
        self.shaper = shaper
        self.counters = counters
        self.heard = loop.time()
        self.hears_us = True
        self.confirmed = True
        self._loop = loop
        self._most = most
        self._beyond = 0  # bytes of what went since the link was full
        self._lost = 0  # since the link was full
        self._on_drained = on_drained
        self._refusing = False
        self._codec = Codec()
        self._outbox: list[Any] = []
        self._forwards: list[Entry] = []
        self._scheduled = False
        self._batch = _MOST_BATCH
        self._refused = refused
        self._protocol = FramedProtocol(
            lambda kind, body: on_frame(self, kind, body),
            lambda: on_lost(self),
            most_waiting=most,
            on_made=self.flush,
            on_drained=self._drained,
        )

    @property
    def protocol(self) -> FramedProtocol:
        """What the connection is made with."""
        return self._protocol

    @property
    def full(self) -> bool:
        """Whether the peer does not read (it is stopped, say) and too much waits for it."""
        return self._protocol.full

    def send(self, message: Message) -> bool:
        """Send a message to the peer, through the link's faults if there are any.

        Returns:
            ``False`` when the link is full: the message is lost. Small ones that are no requests
            are taken all the same, until as much again waits.
        """
        if self._protocol.full and not self._takes(message):
            self._lose(DATA, message, tell=message[0] not in _REQUESTS)
            return False
        # The commonest messages that nobody can change are seen here, the others by `as_sent`.
        sent: Any = message
        kind = message[0]
        if (kind == CAST or kind == CALL) and len(message) > 4:  # noqa: PLR1714 - faster than `in`
            args, kwargs = message[3], message[4]
            if (args and not _ATOMIC(map(type, args))) or (
                kwargs and not _ATOMIC(map(type, kwargs.values()))
            ):
                sent = self._as_sent(DATA, message, message)
        elif kind != REPLY or type(message[-1]) not in ATOMS:
            sent = self._as_sent(DATA, message, message)
        if sent is None:
            return True
        shaper = self.shaper
        if shaper.faults or shaper._held:  # `not idle`, written out
            # Not here: what a closure holds costs every call of this.
            self._shape_data(message, sent)
        else:
            outbox = self._outbox
            outbox.append(sent)
            if not self._scheduled:
                self._scheduled = True
                self._loop.call_soon(self.flush)
            elif len(outbox) >= self._batch:
                self.flush()
        return True

    def _as_sent(self, kind: int, sent: Any, message: Message) -> Message | Packed | None:
        """Return what is to be written for a message; ``None`` when it cannot travel."""
        try:
            return as_sent(message, self._codec.pack)
        except BaseException as error:  # noqa: BLE001 - whatever user code raised, a sys.exit too
            self.counters.drops += 1
            self._refuse(kind, sent, error)
            return None

    def forward(self, entry: Entry) -> bool:
        """Send a message to a node further on; ``False`` when the link is full."""
        message = entry[-1]
        if self._protocol.full and not self._takes(message):
            self._lose(FORWARD, entry, tell=message[0] not in _REQUESTS)
            return False
        if entry[:2] == (self._own.name, self._own.incarnation):
            # Nobody has another's, which has just been read.
            sent = self._as_sent(FORWARD, entry, message)
            if sent is None:
                return True
            entry = (*entry[:-1], sent)  # type: ignore[assignment]

        def put(sent: Any) -> None:
            self._forwards.append((*entry[:-1], sent))
            self._schedule(len(self._forwards))

        def put_own() -> None:
            own = self._copy_of(FORWARD, entry, entry[-1])
            if own is not None:
                put(own)

        if self.shaper.idle:
            put(entry[-1])
        else:
            self._shape(message, put_own)
        return True

    def _shape_data(self, message: Message, sent: Any) -> None:
        def put_own() -> None:
            own = self._copy_of(DATA, sent, sent)
            if own is not None:
                self._put(own)

        self._shape(message, put_own)

    def _copy_of(self, kind: int, sent: Any, message: Any) -> Message | Packed | None:
        """Return a message for one delivery: of what a fault duplicates, each makes its own.

        What is one object here would be one where it arrives, too, if both came in one frame.
        """
        if isinstance(message, Packed):
            return copy.copy(message)
        return self._as_sent(kind, sent, message)

    def _shape(self, message: Message, put: Callable[[], None]) -> None:
        def drop() -> None:
            self.counters.drops += 1

        self.shaper.shape(message, lambda: measure(message), put, drop)

    def _put(self, message: Any) -> None:
        self._outbox.append(message)
        self._schedule(len(self._outbox))

    def _schedule(self, waiting: int) -> None:
        if waiting >= self._batch:
            self.flush()
        elif not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self.flush)

    def flush_if_waiting(self) -> None:
        """Write what waits, if anything does."""
        if self._outbox or self._forwards:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        self._scheduled = False
        if self._protocol.transport is None:
            return  # not connected yet: it is flushed when it is
        outbox, self._outbox = self._outbox, []
        forwards, self._forwards = self._forwards, []
        if outbox:
            self._write_all(DATA, outbox)
        if forwards:
            self._write_all(FORWARD, forwards)

    def _write_all(self, kind: int, messages: list[Any]) -> None:
        """Write messages in frames of a bounded size; when the link is full, only what it takes."""
        start = 0
        while start < len(messages):
            if self._protocol.closing:
                self.counters.drops += len(messages) - start
                return
            if self._protocol.full:
                for sent in messages[start:]:
                    if self._takes(_message(kind, sent)):
                        before = self.counters.bytes
                        self._write(kind, [sent])
                        self._beyond += self.counters.bytes - before
                    else:
                        self._lose(kind, sent, tell=True)
                return
            end = start + self._batch
            self._write(kind, messages[start:end] if start or end < len(messages) else messages)
            start = end

    def _takes(self, message: Message) -> bool:
        """Whether the link, though full, takes a message: a small one that is no request."""
        if message[0] in _REQUESTS or self._beyond >= self._most:
            return False
        try:
            return measure(message) <= _SMALL
        except BaseException:  # noqa: BLE001 - it is refused when it is written
            return True

    def _lose(self, kind: int, sent: Any, *, tell: bool) -> None:
        """Lose a message to the full link; `tell` whoever waits for it, if it began here."""
        self.counters.drops += 1
        self._lost += 1
        if tell and not self._refusing:
            # What is told may find the link too full for itself: that is not told again.
            self._refusing = True
            try:
                self._refuse(kind, sent, LinkFull("too much waits for its receiver"))
            finally:
                self._refusing = False

    def _drained(self) -> None:
        """Say how much was lost, now that there is room again."""
        self._beyond = 0
        lost, self._lost = self._lost, 0
        if lost:
            self._on_drained(self, lost)

    def _write(self, kind: int, messages: list[Any]) -> None:
        try:
            body = self._codec.encode(messages, limit_bytes=LARGEST)
        except BaseException as error:  # noqa: BLE001 - find the one that cannot travel, even by sys.exit
            if len(messages) == 1:
                self.counters.drops += 1
                self._refuse(kind, messages[0], error)
                return
            middle = len(messages) // 2
            self._write(kind, messages[:middle])
            self._write(kind, messages[middle:])
            return
        count = len(messages)
        if len(body) > _FRAME_BYTES or count == self._batch:
            # The next frames are to be about this large.
            self._batch = max(1, min(_MOST_BATCH, count * _FRAME_BYTES // len(body)))
        self.counters.messages += count
        self.counters.bytes += len(body)
        self.write(kind, body)

    def _refuse(self, kind: int, sent: Any, error: BaseException) -> None:
        """Tell of a message that cannot travel, if it began here: nobody here waits for another."""
        message = _message(kind, sent)
        if kind == DATA:
            self._refused(self.peer.name, message, error)
        elif sent[:2] == (self._own.name, self._own.incarnation):
            self._refused(sent[2], message, error)

    def write(self, kind: int, body: bytes) -> None:
        """Write one frame."""
        transport = self._protocol.transport
        if transport is not None and not transport.is_closing():
            transport.write(frame(kind, body))

    def decode(self, body: memoryview) -> tuple[list[Any], list[tuple[BaseException, Any]]]:
        """Return the messages of a frame that can be read, and why others cannot.

        With each error stands what is left of its message, ``None`` when nothing is.
        """
        try:
            return self._codec.decode(body), []
        except BaseException as error:  # noqa: BLE001 - the others must arrive; even of a sys.exit
            try:
                return self._codec.salvage(body)
            except BaseException:  # noqa: BLE001 - the first error says more
                return [], [(error, None)]

    def drop_waiting(self) -> None:
        """Lose what has not been written yet: the link was cut."""
        self.counters.drops += len(self._outbox) + len(self._forwards) + self.shaper.clear()
        self._outbox.clear()
        self._forwards.clear()

    def close(self) -> None:
        """End the connection; what was written before still goes out, if the peer reads."""
        self.shaper.clear()
        self._protocol.close()

    def abort(self) -> None:
        """End the connection now, with all that waits."""
        self.shaper.clear()
        self._protocol.abort()

    async def closed(self, timeout: float) -> None:
        """Return when the connection has ended; after `timeout` seconds it is cut off."""
        await self._protocol.wait_lost(timeout)


def _message(kind: int, sent: Any) -> Message:
    """Return the message itself of what waits in a link."""
    message = sent if kind == DATA else sent[-1]
    return message.packed if isinstance(message, Packed) else message
