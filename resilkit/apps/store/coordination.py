"""A coordinator's mind: many puts and gets at once, each with its phases, deadline and repeats.

Pure: it is told what happened and when, and returns what to do. The server in `coordinator.py`
does it, and the tests do it on a network of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

from resilkit.apps.store.protocol import Answer, Query, QuorumCall, Store, Version

__all__ = ["Action", "Coordination", "Done", "Failed", "Send"]


class Send(NamedTuple):
    """Send `message` to `replicas`."""

    message: Query | Store
    replicas: Sequence[str]


class Done(NamedTuple):
    """The operation begun with `token` succeeded: the version written or read, and its value."""

    token: Any
    version: Version
    value: Any


class Failed(NamedTuple):
    """The operation begun with `token` failed; `definite` means that it had no effect."""

    token: Any
    reason: str
    definite: bool


Action: TypeAlias = Send | Done | Failed


@dataclass(slots=True)
class _Open:
    """An operation that has not ended."""

    kind: Literal["put", "get"]
    token: Any
    value: Any
    message: Query | Store
    quorum: QuorumCall
    deadline: float
    asked: float = 0.0
    resend: float = 0.0
    wait: float = 0.0


class Coordination:
    """The two phases of the protocol, for any number of operations at once.

    A *put* asks a majority for the highest version, takes the next, stores it on a majority, and
    is done. A *get* asks a majority, and stores the highest version back on a majority before it
    is done. Without the second phase a get could return a value that is on a minority, from a put
    that is still running, and a later get could miss it: time would run backwards for the reader.

    Args:
        writer: A text that no other coordinator, and no other life of this one, ever uses: see
            `Version` for what happens otherwise.
        replicas: The names of all replicas.
        timeout: Seconds after which an operation without a majority fails.
        resend: Seconds after which a replica that has not answered is asked again, at the least.
            All messages can be repeated without harm, and over a lossy link that is all that
            saves an operation.
    """

    def __init__(
        self, writer: str, replicas: Sequence[str], *, timeout: float = 1.0, resend: float = 0.1
    ) -> None:
        self._writer = writer
        self._replicas = tuple(replicas)
        self._timeout = timeout
        self._resend = resend
        self._usual = 0.0
        self._number = 0
        self._open: dict[str, _Open] = {}

    def __len__(self) -> int:
        """Return how many operations are open."""
        return len(self._open)

    def put(self, token: Any, key: str, value: Any, now: float) -> list[Action]:
        """Begin to write `value` under `key`."""
        return self._begin("put", token, key, value, now)

    def get(self, token: Any, key: str, now: float) -> list[Action]:
        """Begin to read `key`."""
        return self._begin("get", token, key, None, now)

    def answered(self, answer: Answer, now: float) -> list[Action]:
        """Count a replica's answer; return what follows from it."""
        operation = self._open.get(answer.request)
        # Late answers, to a phase that has its majority, find nothing: each phase is a request of
        # its own, or an answer to "what do you hold?" could count as "I have stored it".
        if operation is None or not operation.quorum.add(answer):
            return []
        del self._open[answer.request]
        self._usual += (now - operation.asked - self._usual) / 8
        if isinstance(operation.message, Query):
            return self._queried(operation, operation.message, now)
        return self._stored(operation, operation.message)

    def returned(self, replica: str) -> list[Action]:
        """Ask `replica` again, now that it can be reached, what it has not answered."""
        return [
            Send(operation.message, [replica])
            for operation in self._open.values()
            if replica in operation.quorum.silent()
        ]

    def expire(self, now: float, *, isolated: bool = False) -> list[Action]:
        """Ask the silent again, and end what took too long.

        Args:
            now: The time.
            isolated: Whether no majority can be reached: then what can fail without doubt does so
                at once, and the client can go to another coordinator.
        """
        actions: list[Action] = []
        for request, operation in list(self._open.items()):
            # A get has no effect, and a put has none before its value has left.
            definite = operation.kind == "get" or isinstance(operation.message, Query)
            if now >= operation.deadline or (isolated and definite):
                del self._open[request]
                # Without the key: errors of one kind are counted together.
                actions.append(
                    Failed(operation.token, "no majority of the replicas answered", definite)
                )
            elif now >= operation.resend:
                operation.wait *= 2
                operation.resend = now + operation.wait
                actions.append(Send(operation.message, operation.quorum.silent()))
        return actions

    def _next(self) -> str:
        self._number += 1
        return f"{self._writer}/{self._number}"

    def _begin(
        self, kind: Literal["put", "get"], token: Any, key: str, value: Any, now: float
    ) -> list[Action]:
        message = Query(self._next(), key)
        self._open[message.request] = _Open(
            kind,
            token,
            value,
            message,
            QuorumCall(self._replicas),
            now + self._timeout,
        )
        return [Send(message, self._ask(self._open[message.request], now))]

    def _ask(self, operation: _Open, now: float) -> Sequence[str]:
        """Begin a phase: note when to ask again, and return whom to ask now."""
        operation.asked = now
        # As TCP does: not before an answer is overdue by what is usual now, and each time after
        # twice as long. Replicas that are slow because they are busy must not get the more to do.
        operation.wait = max(self._resend, 2 * self._usual)
        operation.resend = now + operation.wait
        return operation.quorum.silent()

    def _queried(self, operation: _Open, query: Query, now: float) -> list[Action]:
        """A majority has told what it holds: choose the version, and store it on a majority."""
        highest = operation.quorum.highest()
        request = self._next()
        stored = QuorumCall(self._replicas)
        if operation.kind == "put":
            # The request is a text of this one write's own, so it serves as the writer too.
            version: Version = (highest.version[0] + 1, request)
        else:
            version, operation.value = highest.version, highest.value
            # Who holds this very version on disk has stored it already. When that is a majority,
            # the get is done: storing it again would change nothing.
            for answer in operation.quorum.answers:
                holds = isinstance(answer, Answer) and answer.durable and answer.version == version
                if holds and stored.add(answer):
                    return [Done(operation.token, version, operation.value)]
        operation.message = Store(request, query.key, version, operation.value)
        operation.quorum = stored
        self._open[request] = operation
        return [Send(operation.message, self._ask(operation, now))]

    def _stored(self, operation: _Open, store: Store) -> list[Action]:
        """A majority holds it on disk: only now may anybody be told."""
        return [Done(operation.token, store.version, operation.value)]
