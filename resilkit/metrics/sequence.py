"""From the messages of a trace to a sequence diagram: lifelines, and steps from one to another.

Where things stand is decided here, once for every way of drawing it. No heavy library is needed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

__all__ = [
    "OUTSIDE",
    "Diagram",
    "Look",
    "Span",
    "Step",
    "TracedMessage",
    "diagram",
    "fitted",
    "look_of",
    "outside",
    "text_of",
]

OUTSIDE: Final = (
    "@… is outside of the cluster's nodes: @notebook is the notebook or script that has the "
    "cluster; @g1, @g2, … generate load; @p1, @p2, … are the processes of a trial."
)
"""What explains the names that no node and no server has."""

_ACTS: Final = frozenset({"call", "cast", "request", "publish", "timer"})
"""What only a server does that is there. What it owes, and that it ended, is told after its end."""

_BLINK: Final = 0.1
"""Seconds in which a simulation may do a lot."""

_LONG: Final = 100.0
"""Seconds after which there is no room for parts of a millisecond."""

_PIXELS_A_CHARACTER: Final = 6.2
"""Of the fonts that are used, on the wide side."""


class TracedMessage(Protocol):
    """What is drawn: a `resilkit.cluster.trace_log.TraceMessage`, or a row of its frame."""

    @property
    def time(self) -> float:
        """Seconds, on any clock."""

    @property
    def kind(self) -> str:
        """What it is."""

    @property
    def sender(self) -> str:
        """Who sent it; ``""`` for a fault, which befalls all of them."""

    @property
    def receiver(self) -> str:
        """Who it was for; ``""`` for what befell the sender."""

    @property
    def method(self) -> str:
        """Its method, topic or request."""

    @property
    def payload(self) -> str:
        """What it carried, as text."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a kind of message is drawn.

    Attributes:
        tone: ``"call"``, ``"cast"``, ``"other"``, ``"good"`` or ``"bad"``: which colour.
        dashed: Whether the line is dashed, as that of an answer is.
        open: Whether the arrow's head is open, since nobody answers.
        sign: Stands before the text, for those who do not see the colour. Starts and ends have
            marks of their own.
    """

    tone: str
    dashed: bool = False
    open: bool = False
    sign: str = ""


_LOOKS: Final = {
    "call": Look("call"),
    "request": Look("call"),
    "reply": Look("call", dashed=True),
    "cast": Look("cast", open=True),
    "info": Look("other", open=True),
    "timer": Look("other", open=True, sign="◷"),
    "publish": Look("other", open=True, sign="◇"),
    "node": Look("other", open=True, sign="○"),
    "error": Look("bad", dashed=True, sign="✗"),
    "exit": Look("bad", open=True, sign="✗"),
    "down": Look("bad", open=True, sign="▽"),
    "started": Look("good"),
    "ended": Look("bad"),
    "fault": Look("other", dashed=True, sign="⚡"),
    "gap": Look("other", dashed=True),
}


def look_of(kind: str) -> Look:
    """Return how a kind is drawn; one that is not known is some message."""
    return _LOOKS.get(kind, Look("other", open=True))


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the diagram.

    Attributes:
        time: Seconds since the origin.
        kind: What it is; ``"gap"`` stands for those that are left out between two others.
        source: The lifeline where it begins.
        target: The one where it ends: the same for what befalls a server, and for its own timers.
            A fault or a gap goes from the first to the last.
        text: What stands at the arrow.
    """

    time: float
    kind: str
    source: int
    target: int
    text: str


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a lifeline in which a server was not there.

    Attributes:
        lifeline: Whose.
        first: The row in which it ended; -1: before all of them.
        last: The row in which it was there again; the number of rows: not any more.
    """

    lifeline: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Diagram:
    """A sequence diagram, before it is drawn.

    Attributes:
        names: The lifelines from left to right.
        steps: From top to bottom.
        gone: Where servers were not there.
        left_out: How many messages are not in it: older ones, or those of the gap.
    """

    names: tuple[str, ...]
    steps: tuple[Step, ...]
    gone: tuple[Span, ...]
    left_out: int

    def when(self, step: Step) -> str:
        """Return the time of a step as text: to 10 µs where all of them come within a blink."""
        first, last = self.steps[0].time, self.steps[-1].time
        fine = 0.0 < last - first < _BLINK and abs(first) < _LONG
        return f"{step.time:.5f}" if fine else f"{step.time:.3f}"


def diagram(
    messages: Iterable[TracedMessage],
    *,
    most: int,
    lifelines: int,
    origin: float | None = None,
    order: Sequence[str] = (),
    kept: Sequence[str] = (),
    oldest: int = 0,
) -> Diagram:
    """Lay messages out.

    Args:
        messages: The messages of one trace or several, in any order.
        most: Steps at most, the newest; the others are counted.
        lifelines: Lifelines at most, >= 2. Of more peers than that, those with the fewest messages
            share one, but not those who are `kept`.
        origin: The time that counts as 0; ``None`` for that of the first of the messages.
        order: Who stands left of whom; those who are not named follow as they appear.
        kept: Who has a lifeline however few messages he has, the first of them first. Of the others
            the one with the most messages has one too.
        oldest: How many of `most` are the oldest, if there are more, with a gap after them that is
            one of `most` too; 0 leaves out the beginning without one.

    Examples:
        >>> from collections import namedtuple
        >>> message = namedtuple("M", "time kind sender receiver method payload")
        >>> drawn = diagram(
        ...     [
        ...         message(3.0, "call", "teller", "bank", "pay", "5"),
        ...         message(3.5, "reply", "bank", "teller", "pay", "True"),
        ...     ],
        ...     most=10,
        ...     lifelines=5,
        ... )
        >>> drawn.names
        ('teller', 'bank')
        >>> [(step.time, step.source, step.target, step.text) for step in drawn.steps]
        [(0.0, 0, 1, 'pay(5)'), (0.5, 1, 0, 'True')]
    """
    rows = sorted(messages, key=lambda row: row.time)
    left_out = max(0, len(rows) - most)
    begin = oldest if left_out else 0
    if begin:
        left_out += 1  # for the row that says so
    shown = rows[:begin] + rows[begin + left_out :]
    places, names = _lifelines(shown, lifelines, order, kept)
    if not names:
        return Diagram((), (), (), 0)  # faults only: there is nobody whom they befall
    begun = origin if origin is not None or not rows else rows[0].time
    steps = []
    for row in shown:
        source = places[row.sender] if row.sender else 0
        target = places[row.receiver] if row.receiver else source
        if not row.sender:
            target = len(names) - 1
        steps.append(Step(row.time - (begun or 0.0), row.kind, source, target, text_of(row)))
    if begin:
        words = f"⋮ {left_out:,} left out ⋮"
        steps.insert(begin, Step(steps[begin].time, "gap", 0, len(names) - 1, words))
    gone = _gone(_in_rows(rows, begin, left_out), places, len(steps))
    return Diagram(names, tuple(steps), tuple(gone), left_out)


def _in_rows(
    rows: Sequence[TracedMessage], begin: int, left_out: int
) -> Iterator[tuple[int, TracedMessage]]:
    """Give each message with the row in which it is shown: in that of the gap, or in -1, if not."""
    for number, row in enumerate(rows):
        if number < begin:
            yield number, row
        elif number < begin + left_out:
            yield (begin or -1), row
        else:
            yield number - left_out + (begin > 0), row


def _lifelines(
    rows: Sequence[TracedMessage], most: int, order: Sequence[str], kept: Sequence[str]
) -> tuple[dict[str, int], tuple[str, ...]]:
    """Return the place of each name, and what stands there."""
    taking_part = {name for row in rows for name in (row.sender, row.receiver)}
    counts: Counter[str] = Counter({name: 0 for name in order if name in taking_part})
    for row in rows:
        counts.update(name for name in (row.sender, row.receiver) if name)
    if len(counts) <= most:
        return {name: place for place, name in enumerate(counts)}, tuple(map(printable, counts))
    first = [name for name in kept if name in counts][: max(0, most - 2)]
    ranked = dict.fromkeys([*first, *(name for name, _ in counts.most_common())])
    alone = set(list(ranked)[: most - 1])
    names = [name for name in counts if name in alone]
    places = {name: place for place, name in enumerate(names)}
    others = len(counts) - len(names)
    places |= dict.fromkeys(counts.keys() - alone, len(names))
    return places, (*map(printable, names), f"({others} others)")


def outside(names: Iterable[str]) -> str:
    """Return what explains those of the names that are outside of the nodes; ``""`` without any."""
    return OUTSIDE if any(name.startswith("@") for name in names) else ""


def text_of(row: TracedMessage) -> str:
    """Return what stands at a message's arrow: its sign, what it asks for, what it carries."""
    kind, payload = row.kind, row.payload
    if kind in {"call", "cast", "request"}:
        text = f"{row.method}({payload})"
    elif kind in {"exit", "down", "ended", "started"}:
        text = f"{kind}: {payload}" if payload else kind
    elif kind == "publish":
        text = f"{row.method}: {payload}"
    else:
        text = payload
    sign = look_of(kind).sign
    return printable(f"{sign} {text}" if sign else text)


def printable(text: str) -> str:
    r"""Return `text` on one line, with what cannot be printed as escapes.

    Examples:
        >>> printable("two\nlines")
        'two\\nlines'
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape", "replace").decode()
        for each in text
    )


def _gone(
    rows: Iterable[tuple[int, TracedMessage]], places: Mapping[str, int], count: int
) -> Iterable[Span]:
    """Return where servers were not there; what is left out may say so of what is shown."""
    ended: dict[int, int] = {}
    seen: set[int] = set()
    for place, row in rows:
        lifeline = places.get(row.sender)
        if lifeline is not None and row.kind == "ended":
            ended.setdefault(lifeline, place)
        elif lifeline is not None and row.kind == "started":
            first = ended.pop(lifeline, place if lifeline in seen else -1)
            if first < place and place >= 0:
                yield Span(lifeline, first, place)
        elif lifeline in ended and row.kind in _ACTS:
            # Another of the same name, on another node or among those who share a line, is there.
            first = ended.pop(lifeline)
            if place >= 0:
                yield Span(lifeline, first, place)
        seen |= {places[name] for name in (row.sender, row.receiver) if name in places}
    for lifeline, first in ended.items():
        yield Span(lifeline, first, count)


def fitted(text: str, pixels: float) -> str:
    """Return the beginning of `text` that has room in so many pixels.

    Examples:
        >>> fitted("transfer('ann', 'bob', 10)", 80)
        "transfer('a…"
    """
    most = max(1, int(pixels / _PIXELS_A_CHARACTER))
    return text if len(text) <= most else f"{text[: most - 1]}…"
