"""A simulation's trace while it grows: what happened, as lines that are the same in every run."""

from __future__ import annotations

import hashlib
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from resilkit.runtime.context import current
from resilkit.runtime.kinds import FAIL, REPLY, classify
from resilkit.runtime.traced import Mark
from resilkit.simulation.depiction import depict, shorten
from resilkit.simulation.trace import SimulationTrace, packed
from resilkit.simulation.words import in_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilkit.runtime.node import Node
    from resilkit.runtime.process import Process
    from resilkit.simulation.scheduler import Scheduler

__all__ = ["MOST_LINES", "Recorder"]

MOST_LINES: Final = 1_000_000
"""Lines that a recorder keeps: packed as they are, about 20 MB."""

_BLOCK: Final = 512


class Recorder:
    """Writes down what happens in a simulation, in bounded memory.

    Args:
        scheduler: Whose time and steps stand on the lines.
        label: Names the server with a number on a node.
        most: Lines that are kept, about. Of more than that the first half of it, where two runs
            differ first, and the last half, which tells how it ended. The others count in the
            digest all the same.

    Attributes:
        lines: How many there have been.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        label: Callable[[str, int], str],
        *,
        most: int = MOST_LINES,
    ) -> None:
        self._scheduler = scheduler
        self._label = label
        self._half = most // 2
        self._first = _Lines()
        self._last = _Lines(self._half)
        self._hash = hashlib.blake2b(digest_size=16)
        self._arrived: Any = None
        self._arrived_at = -1
        self.lines = 0

    def add(self, kind: str, source: str, target: str, text: str) -> None:
        """Write down one line, now."""
        scheduler = self._scheduler
        line = "\t".join(
            (str(scheduler.steps), repr(float(scheduler.now)), kind, source, target, text)
        )
        self.lines += 1
        self._hash.update(line.encode())
        self._hash.update(b"\n")
        (self._first if self.lines <= self._half else self._last).append(line)

    # What happens --------------------------------------------------------------------------------

    def message(self, source: str, target: str, message: Any) -> None:
        """Write down a message that has come from one node to another."""
        self._arrived = message = _unmarked(message)
        self._arrived_at = self._scheduler.steps
        text = in_words(message, lambda number: self._label(target, number))
        self.add(classify(message), source, target, text)

    def put(self, process: Process, message: Any) -> None:
        """Write down a message that comes into a server's mailbox from its own node."""
        if self._has_arrived(message):
            return
        node, sender = process.node.name, current.get()
        text = in_words(message, lambda _: process.label)
        if sender is not None and sender is not process:
            text = f"{text} by {sender.label}"
        self.add(classify(message), node, node, text)

    def _has_arrived(self, message: Any) -> bool:
        """Whether a message is the one that `message` has just written down.

        It is put into a mailbox once, in the step in which it arrives, or never. What looks the
        same afterwards is another one: small numbers and texts of programs are often one object.
        """
        if self._arrived is None or self._arrived_at != self._scheduler.steps:
            return False
        if not _is_same(message, self._arrived):
            return False
        self._arrived = None
        return True

    def answered(self, node: str, message: Any) -> None:
        """Write down an answer that a server gets from another one of its node."""
        self.add(classify(message), node, node, in_words(message, str))

    def event(self, event: Any) -> None:
        """Write down an event that the cluster's log has got."""
        kind = "event" if event.kind == "node" else event.kind
        about = "" if event.detail == "{}" else f" {event.detail}"
        at = "" if event.time == self._scheduler.now else f" (at {event.time!r})"
        self.add(shorten(kind), "", event.node, shorten(f"{event.event} {event.target}{about}{at}"))

    def befell(self, node: str, what: str, **about: Any) -> None:
        """Write down what befell a node."""
        told = ", ".join(f"{name}={depict(value)}" for name, value in about.items())
        self.add("node", "", node, f"{what} ({told})" if told else what)

    # Hooks ---------------------------------------------------------------------------------------

    def follow(self, node: Node) -> None:
        """Write down from now on what a node's servers get from each other."""
        node.watch = self.put
        calls, name = node.calls, node.name
        resolve, fail = calls.resolve, calls.fail

        def resolved(peer: str, number: int, value: object) -> None:
            if peer == name:
                self.answered(name, (REPLY, number, value))
            resolve(peer, number, value)

        def failed(peer: str, number: int, error: BaseException) -> None:
            if peer == name:
                self.answered(name, (FAIL, number, error))
            fail(peer, number, error)

        calls.resolve = resolved  # type: ignore[method-assign, assignment]
        calls.fail = failed  # type: ignore[method-assign, assignment]

    # What there is -------------------------------------------------------------------------------

    @property
    def digest(self) -> str:
        """A hash of all lines until now, as hexadecimal text."""
        return self._hash.hexdigest()

    def trace(self) -> SimulationTrace:
        """Return what was written down until now."""
        return SimulationTrace(
            self._first.parts(), self._last.parts(), lines=self.lines, digest=self.digest
        )


class _Lines:
    """Lines in little space.

    Args:
        most: How many are kept, the last ones, about; ``None``: all.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._blocks: deque[bytes] = deque()
        self._rest: list[str] = []

    def append(self, line: str) -> None:
        """Take in one more."""
        self._rest.append(line)
        if len(self._rest) >= _BLOCK:
            self._blocks.append(packed(self._rest))
            self._rest = []
            if self._most is not None and len(self._blocks) * _BLOCK > self._most + _BLOCK:
                self._blocks.popleft()

    def parts(self) -> list[bytes]:
        """Return all, in packed parts."""
        return [*self._blocks, *([packed(self._rest)] if self._rest else ())]


def _unmarked(message: Any) -> Any:
    """Return a message without what a user's trace has added to it."""
    return message[:-1] if type(message[-1]) is Mark else message


def _is_same(message: Any, other: Any) -> bool:
    """Whether two tuples are one, or copies of each other: nothing in them is asked for ``==``."""
    return message is other or (
        len(message) == len(other)
        and all(one is two for one, two in zip(message, other, strict=True))
    )
