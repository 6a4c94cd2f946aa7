"""One end of a simulated connection: what its node sends there, and what comes from there."""

from __future__ import annotations

from heapq import heappush
from typing import TYPE_CHECKING, Any, Final

from resilkit.network.byvalue import registry
from resilkit.network.codec import Codec, Packed, measure
from resilkit.network.shaping import Shaper
from resilkit.network.snapshots import ATOMS, as_sent
from resilkit.runtime.kinds import CALL, CAST, NAMES, REPLY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from resilkit.network.forwarding import Entry
    from resilkit.network.handshake import Hello
    from resilkit.simulation.transport import SimulatedTransport

__all__ = ["BEAT", "LOST", "Adopted", "Beat", "Forwarded", "SimulatedLink", "State", "WireCounters"]

Message = tuple[Any, ...]
_ATOMIC: Final = (ATOMS - {Packed}).issuperset
"""Types of what may arrive as it is. What was packed when it was given is one to a socket only."""
_codec: Final = Codec()
_described: Final[set[bytes]] = set()
"""Classes and functions that could be described to another process."""


class WireCounters:
    """What went over a link since its node started, in the sending direction.

    Attributes:
        peer: The node at the other end.
        messages: Messages sent.
        bytes: ``None``: nothing is made into bytes here, so nothing is measured.
        drops: Messages lost to faults and cuts.
    """

    __slots__ = ("bytes", "drops", "messages", "peer")

    def __init__(self, peer: str) -> None:
        self.peer = peer
        self.messages = 0
        self.bytes = None
        self.drops = 0


class Forwarded:
    """An entry of the forwarder's on its way to the next node."""

    __slots__ = ("entry",)

    def __init__(self, entry: Entry) -> None:
        self.entry = entry


class State:
    """What one end says of the link: whether it counts there, and whether it asks for the same."""

    __slots__ = ("usable", "want")

    def __init__(self, *, usable: bool, want: bool) -> None:
        self.usable = usable
        self.want = want


class Beat:
    """A sign of life that says whether its sender hears the other end."""

    __slots__ = ("hears",)

    def __init__(self, *, hears: bool) -> None:
        self.hears = hears


BEAT: Final = {True: Beat(hears=True), False: Beat(hears=False)}


class Adopted:
    """What comes first: the answer that makes the connection whole at the end that dialled.

    Attributes:
        usable: Whether the link counts at the end that was dialled.
        taken: Whether it is taken there to count at the end that dialled.
    """

    __slots__ = ("taken", "usable")

    def __init__(self, *, usable: bool, taken: bool) -> None:
        self.usable = usable
        self.taken = taken


LOST: Final = object()
"""What comes last of a node that is gone: its side of the connection was closed."""


class SimulatedLink:
    """One end of a connection between two nodes.

    Attributes:
        place: Where it is: what arrives waits while that place is held up.
        peer: Who is at the other end.
        far: The other end.
        confirmed, hears, hears_us: As in `resilkit.network.signs`.
        usable: Whether the link counts as up at this end.
        far_usable: Whether it does at the other end, as last heard.
        up: Whether it does at both, as this end has noted.
        silent_since: Since when nothing can come; ``None`` while something can.
        closed: Whether the connection is over.
    """

    __slots__ = (
        "_last", "_send_state", "closed", "confirmed", "counters", "far", "far_usable", "heap",
        "hears", "hears_us", "peer", "place", "scheduler", "shaper", "silent_since", "transport",
        "travel", "up", "usable",
    )  # fmt: skip

    def __init__(self, transport: SimulatedTransport, peer: Hello) -> None:
        self.transport = transport
        self.place = transport.place
        self.scheduler = transport.place.scheduler
        self.heap = self.scheduler.heap
        self.travel = self.scheduler.travel
        self.peer = peer
        self.far: SimulatedLink
        # Only where there are faults: most links never have one, and there may be a million.
        self.shaper: Shaper | None = transport.shaper_now(peer)
        self.counters = transport.counters_for(peer.name)
        self.confirmed = self.hears = self.hears_us = True
        self.usable = self.far_usable = self.up = False
        self.silent_since: float | None = None
        self.closed = False
        self._last = 0.0

    # Sending -------------------------------------------------------------------------------------

    def send(self, message: Message) -> bool:
        """Send a message to the peer, through the link's faults if there are any."""
        sent: Any = message
        kind = message[0]
        if (kind == CAST or kind == CALL) and len(message) > 4:  # noqa: PLR1714 - as in `Link.send`
            args, kwargs = message[3], message[4]
            if (args and not _ATOMIC(map(type, args))) or (
                kwargs and not _ATOMIC(map(type, kwargs.values()))
            ):
                sent = self._as_sent(message)
        elif kind != NAMES and (kind != REPLY or type(message[-1]) not in ATOMS):
            sent = self._as_sent(message)
        if sent is None:
            return True
        shaper = self.shaper
        if shaper is not None and (shaper.faults or shaper._held):
            if sent is not message:
                sent = _packed(sent)
            self._shape(shaper, message, lambda: self.put(sent))
        elif (place := self.place).state:
            self.put(sent)
        else:
            # `put`, written out.
            self.counters.messages += 1
            scheduler = self.scheduler
            start, busy = scheduler.now, place.busy_until
            # What a handler sends after it was busy for a while goes when that is over.
            due = (busy if busy > start else start) + self.travel(place.name, self.peer.name)  # noqa: FURB136 - `max` takes twice as long
            if due < self._last:
                due = self._last
            else:
                self._last = due
            heappush(self.heap, (due, next(scheduler.numbers), self.far, sent))
        return True

    def forward(self, entry: Entry) -> bool:
        """Send a message to a node further on."""
        message = entry[-1]
        own = self.transport.hello
        if entry[:2] == (own.name, own.incarnation):
            sent = self._as_sent(message)
            if sent is None:
                return True
            # Packed, so that each of two that a fault makes of it is unpacked to a copy of its own.
            packed: Any = sent if sent is message else _packed(sent)
            entry = (*entry[:-1], packed)
        shaper = self.shaper
        if shaper is None or shaper.idle:
            self.put(Forwarded(entry))
        else:
            # Of somebody else's that only passes here, faults ask about what was packed.
            seen = message.packed if isinstance(message, Packed) else message
            self._shape(shaper, seen, lambda: self.put(Forwarded(entry)))
        return True

    def put(self, sent: Any) -> None:
        """Put something on the wire: what goes that way arrives in order."""
        self.counters.messages += 1
        self.say(sent)

    def say(self, sent: Any) -> None:
        """Do the same with what is no message, and is not counted."""
        scheduler = self.scheduler
        start = max(scheduler.now, self.place.busy_until)
        self._last = due = max(start + self.travel(self.transport.name, self.peer.name), self._last)
        heappush(self.heap, (due, next(scheduler.numbers), self.far, sent))

    def _as_sent(self, message: Message) -> Any:
        try:
            pack = _codec.pack
            sent = pack(message) if _holds_packed(message) else as_sent(message, pack)
            if sent.__class__ is Packed and sent.tokens:
                _describe(sent.tokens)
        except BaseException as error:  # noqa: BLE001 - whatever user code raised, a sys.exit too
            self.counters.drops += 1
            self.transport.receiver.on_unsendable(self.peer.name, message, error)
            return None
        return sent

    def _shape(self, shaper: Shaper, message: Message, put: Any) -> None:
        def drop() -> None:
            self.counters.drops += 1

        shaper.shape(message, lambda: measure(message), put, drop)

    def drop_waiting(self) -> None:
        """Lose what has not left yet: the link was cut."""
        self.counters.drops += self.clear()

    def clear(self) -> int:
        """Drop what faults hold back; return how many messages that were."""
        return 0 if self.shaper is None else self.shaper.clear()

    def end(self) -> None:
        """Be over: nothing goes or comes any more."""
        self.closed = True
        self.clear()

    # Receiving -----------------------------------------------------------------------------------

    def run(self, sent: Any) -> None:
        """Take what arrives."""
        if self.closed:
            return
        transport = self.transport
        kind = sent.__class__
        if kind is tuple:
            transport.take(self, sent)
        elif kind is Packed:
            transport.take_packed(self, sent)
        elif kind is Forwarded:
            transport.take_forwarded(self, sent.entry)
        else:
            transport.hear(self, sent)


def _describe(tokens: Iterable[bytes]) -> None:
    """Raise what a socket would where a class cannot be described: one that keeps a lock, say.

    Here nobody needs the description, so it is made once, and not for each connection.
    """
    fresh = [token for token in tokens if token not in _described]
    if fresh:
        _described.update(each[0] for each in registry.definitions(fresh))


def _packed(sent: Any) -> Packed:
    return sent if isinstance(sent, Packed) else _codec.pack(sent)


def _holds_packed(message: Message) -> bool:
    """Whether some of it was packed when it was given to be sent: then all of it has to be."""
    for value in message:
        if value.__class__ is Packed:
            return True
        if value.__class__ is tuple and any(each.__class__ is Packed for each in value):
            return True
        if value.__class__ is dict and any(each.__class__ is Packed for each in value.values()):
            return True
    return False
