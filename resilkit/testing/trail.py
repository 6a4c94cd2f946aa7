"""The messages of the servers in a trial, for a sequence diagram."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any, Final, Protocol

from resilkit.cluster.trace_log import TraceMessage
from resilkit.runtime.trace_filter import TraceFilter
from resilkit.runtime.tracing import Tracing
from resilkit.runtime.watch import Watch, brief_arguments

if TYPE_CHECKING:
    from resilkit.cluster.cluster import Cluster
    from resilkit.cluster.trace import Trace
    from resilkit.runtime import Node
    from resilkit.runtime.watch import Row
    from resilkit.testing.performed import Performed

__all__ = ["LookingOn", "Traced", "Trail", "merged", "without_questions"]

_ALL_OF_THEM: Final = 1e9
_NOTEBOOK: Final = "@notebook"


class Trail(Protocol):
    """What records the messages of servers from its making on."""

    def messages(self) -> list[TraceMessage]:
        """Return what was recorded, each message once, in order."""
        ...

    def stop(self) -> None:
        """Record no more."""
        ...


class LookingOn:
    """Records the messages of servers in a simulation, from outside.

    It sends nothing, takes no time and draws no chance: what happens is what would have happened
    without it.

    Args:
        cluster: The cluster.
        names: The names of the servers.
    """

    def __init__(self, cluster: Cluster, names: Iterable[str]) -> None:
        self._names = tuple(names)
        self._places = count(1)
        self._watched: list[tuple[str, str, _InOrder]] = []
        self._standing: list[Tracing] = []
        self._backend: Any = cluster._session.backend
        self._now = cluster.clock.now
        cluster._session.launcher.observe(self._observe, self._mourn)

    def stop(self) -> None:
        """Record no more, and leave nothing behind."""
        self._backend.observers.remove(self._observe)
        self._backend.mourners.remove(self._mourn)
        for tracing in self._standing:
            for name in self._names:
                tracing.remove(_id_of(name))

    def _observe(self, node: Node) -> None:
        tracing = Tracing(node)
        self._standing.append(tracing)
        for name in self._names:
            watch = Watch(
                _id_of(name),
                name,
                filter=TraceFilter(kinds=None, methods=None, direction=None, peers=None),
                rate=_ALL_OF_THEM,
                now=node.clock.now,
                ready=_nothing,
            )
            watch.rows = rows = _InOrder(self._places)
            self._watched.append((node.name, name, rows))
            tracing.add(watch)

    def _mourn(self, node: str) -> None:
        """Note the end of the servers on a node that has ended: they could not say so."""
        for where, name, rows in self._watched:
            if where == node and rows.are_of_one_there:
                why = f"node {node} ended"  # as a trace has it
                rows.append((self._now(), "", "ended", name, "", "", why, 0, 0))

    def messages(self) -> list[TraceMessage]:
        """Return what was recorded, each message once, in order."""
        return merged([(name, rows.messages(node)) for node, name, rows in self._watched])


class _InOrder(list[Any]):
    """The rows of one server on one node, with the place of each among those of all.

    Time alone is no order: at one virtual instant a call comes, and what it has its server send.

    Args:
        places: Gives the next place.
    """

    def __init__(self, places: Iterator[int]) -> None:
        super().__init__()
        self._next = places
        self._places: list[int] = []

    def append(self, row: Row) -> None:
        self._places.append(next(self._next))
        super().append(row)

    @property
    def are_of_one_there(self) -> bool:
        """Whether the server did or got something, and has not ended since."""
        befell = (row[2] for row in reversed(self) if row[2] in {"started", "ended"})
        return bool(self) and next(befell, "started") == "started"

    def messages(self, node: str) -> list[TraceMessage]:
        """Return the rows as messages, numbered by their places."""
        return [
            TraceMessage._make((*row[:7], node, place, self._place_of(row[8])))
            for row, place in zip(self, self._places, strict=True)
        ]

    def _place_of(self, number: int) -> int | None:
        return self._places[number - 1] if number else None


class Traced:
    """Records the messages of servers on any backend, by traces that the nodes are told of.

    Args:
        cluster: The cluster.
        names: The names of the servers.
    """

    def __init__(self, cluster: Cluster, names: Iterable[str]) -> None:
        self._traces: list[Trace] = [cluster.whereis(name).trace() for name in names]

    def stop(self) -> None:
        """Record no more."""
        for trace in self._traces:
            trace.stop()

    def messages(self) -> list[TraceMessage]:
        """Return what was recorded, each message once, in order."""
        return merged([(trace.name, trace.messages) for trace in self._traces])


def merged(told: Sequence[tuple[str, Iterable[TraceMessage]]]) -> list[TraceMessage]:
    """Put together what several servers told: of a message between two of them both tell.

    Args:
        told: The name of each server, and its messages.

    Returns:
        All in order of time, then of their numbers. Of two tellings that of the receiver stays
        for requests, and that of the sender for answers.
    """
    names = {name for name, _ in told}
    kept = [
        (row, teller)
        for teller, (_, rows) in enumerate(told)
        for row in rows
        if not _is_told_by_the_other(row, names)
    ]
    kept.sort(key=lambda each: (each[0].time, each[0].id))
    numbers = {(teller, row.id): number for number, (row, teller) in enumerate(kept, start=1)}
    return [
        row._replace(id=number, answers=numbers.get((teller, row.answers or 0)))
        for number, (row, teller) in enumerate(kept, start=1)
    ]


def without_questions(
    messages: Sequence[TraceMessage], history: Sequence[Performed], since: float, *, slack: float
) -> list[TraceMessage]:
    """Leave out what the notebook asked beside the operations, and what was answered to that.

    Invariants ask all the time: operations could not be found among their questions.

    Args:
        messages: The messages, in order.
        history: What was done.
        since: When the operations began, on the clock of the messages.
        slack: Seconds by which that clock may be off.
    """
    mine = [each for each in history if each.by == _NOTEBOOK]
    asked: set[int] = set()
    kept = []
    for row in messages:
        if row.answers in asked:
            continue
        if row.sender == _NOTEBOOK and row.kind in {"call", "cast", "request"}:
            done = next((each for each in mine if _is_of(row, each, since, slack)), None)
            if done is None:
                asked.add(row.id)
                continue
            mine.remove(done)
        kept.append(row)
    numbers = {row.id: number for number, row in enumerate(kept, start=1)}
    return [row._replace(id=numbers[row.id], answers=numbers.get(row.answers or 0)) for row in kept]


def _is_of(row: TraceMessage, each: Performed, since: float, slack: float) -> bool:
    """Whether an operation may have sent this."""
    operation, time = each.operation, row.time - since
    ended = float("inf") if each.ended is None else each.ended
    return (
        operation.method == row.method
        and each.began - slack <= time <= ended + slack
        and brief_arguments(operation.args, dict(operation.kwargs)) == row.payload
    )


def _is_told_by_the_other(row: TraceMessage, names: set[str]) -> bool:
    if row.kind in {"reply", "error"}:
        return row.direction == "in" and row.sender in names
    return row.direction == "out" and row.receiver in names


def _id_of(name: str) -> str:
    return f"trial-{name}"


def _nothing() -> None:
    """Tell nobody that there is something to take."""
