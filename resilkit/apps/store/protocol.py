"""What travels between coordinators and replicas, and when a majority has spoken.

Plain data and bookkeeping, with no clock, no network and no disk: the tests run all of it on a
network of their own that loses, repeats and reorders whatever it likes.

The protocol is the register of Attiya, Bar-Noy and Dolev ("Sharing Memory Robustly in
Message-Passing Systems", 1995), with several writers as Lynch and Shvartsman made it (1997):
each key is a register, and each value of it bears a version. A replica that lost its disk comes
back under a new epoch, by the *crash vectors* of Michael, Ports, Sharma and Szekeres
("Recovering Shared Objects Without Stable Storage", 2017).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

__all__ = [
    "ABSENT",
    "Answer",
    "Crashes",
    "Fetch",
    "Hello",
    "Query",
    "QuorumCall",
    "Snapshot",
    "Store",
    "Version",
    "Welcome",
    "covering",
    "majority_of",
]

Version: TypeAlias = tuple[int, str]
"""(counter, writer), compared in that order.

The counter alone does not do: two coordinators that ask a majority at the same time see the same
highest counter, and both pick the next. Nor does (counter, coordinator's name): one coordinator
runs many writes to one key at once, and a coordinator that crashed after its write had reached a
minority comes back, is told the same highest counter by the other majority, and uses the same
version for another value. Then two values share a version, each replica keeps the one that came
first, and an acknowledged write is gone although no version is missing. So the writer in a version
names one single write: the coordinator, its life, and the number of the write in that life.
"""

Crashes: TypeAlias = Mapping[str, int]
"""For each replica that ever lost its disk: the least epoch whose word still counts."""

ABSENT: Version = (0, "")
"""The version of a key that nobody has written. It is below every other."""


def majority_of(count: int) -> int:
    """Return how many of `count` replicas are a majority: any two majorities share a member.

    Examples:
        >>> [majority_of(count) for count in (1, 2, 3, 4, 5)]
        [1, 2, 2, 3, 3]
    """
    return count // 2 + 1


def covering(count: int) -> int:
    """Return how many of `count` replicas share a member with every majority, at the least.

    Examples:
        >>> [covering(count) for count in (1, 2, 3, 4, 5)]
        [1, 1, 2, 2, 3]
    """
    return count - majority_of(count) + 1


class Query(NamedTuple):
    """Which version of `key` do you hold?"""

    request: str
    key: str


class Store(NamedTuple):
    """Hold this, unless you hold something newer; answer when it is on your disk."""

    request: str
    key: str
    version: Version
    value: Any


class Answer(NamedTuple):
    """A replica's answer to a `Query` or a `Store`.

    Attributes:
        request: The request that it answers.
        replica: Who speaks.
        epoch: How often the speaker had lost its disk when it spoke.
        crashes: What the speaker knows of others that lost theirs.
        version: The version that it holds now (after a `Store`: at least the one that was sent).
        value: The value of that version; None after a `Store`, and for a key that is absent.
        durable: Whether that version is on its disk, and so survives a crash.
    """

    request: str
    replica: str
    epoch: int
    crashes: Crashes
    version: Version
    value: Any
    durable: bool


class Hello(NamedTuple):
    """A replica with an empty disk asks the others who they are.

    Attributes:
        replica: Who asks.
        life: Unique to its life.
        round: How often it has asked them all before in this life.
    """

    replica: str
    life: str
    round: int


class Welcome(NamedTuple):
    """The answer to `Hello`.

    Attributes:
        replica: Who speaks.
        life: The life of the one that asked.
        round: The round in which it asked.
        born: The life of the speaker.
        serving: Whether the speaker serves.
        founder: Whether it serves because in this very life it found the system to be new.
        crashes: What it knows of others that lost their disks.
    """

    replica: str
    life: str
    round: int
    born: str
    serving: bool
    founder: bool
    crashes: Crashes


class Fetch(NamedTuple):
    """A replica that lost its disk announces its new epoch, and asks for everything."""

    replica: str
    life: str
    epoch: int


class Snapshot(NamedTuple):
    """The answer to `Fetch`: all registers of the speaker, once the new epoch is on its disk."""

    replica: str
    life: str
    epoch: int
    crashes: Crashes
    registers: Mapping[str, tuple[Version, Any]]


class QuorumCall:
    """Who has answered one request, and whether those who still count are a majority.

    Answers may come late, twice and in any order. One does not count any more when another answer
    shows that its speaker has lost its disk since. Counterexample with replicas a, b and c: b
    stores a write and says so; b loses its disk, and copies a and c, which have not seen the
    write; now c stores it. Counting b and c as a majority would acknowledge a write that only c
    holds, and a read that asks a and b would not find it.

    Args:
        replicas: The names of all replicas.
        needed: How many answers it takes; a majority of `replicas` unless told otherwise.

    Examples:
        >>> call = QuorumCall(["a", "b", "c"])
        >>> call.add(Answer("1", "a", 0, {}, (4, "w"), "old", True))
        False
        >>> call.add(Answer("1", "b", 0, {}, (5, "w"), "new", True))
        True
        >>> call.highest().value, call.silent()
        ('new', ['c'])
    """

    __slots__ = ("_answers", "_epochs", "needed", "replicas")

    def __init__(self, replicas: Sequence[str], *, needed: int | None = None) -> None:
        self.replicas = replicas
        self.needed = majority_of(len(replicas)) if needed is None else needed
        self._answers: dict[str, Answer | Snapshot] = {}
        self._epochs: dict[str, int] = {}

    def add(self, answer: Answer | Snapshot) -> bool:
        """Count `answer`; return whether those that count are enough now."""
        earlier = self._answers.get(answer.replica)
        if earlier is None or earlier.epoch <= answer.epoch:
            self._answers[answer.replica] = answer
        # Without a lost disk anywhere, both are empty and nothing needs to be looked at.
        if answer.crashes or self._epochs:
            for replica, epoch in answer.crashes.items():
                self._epochs[replica] = max(epoch, self._epochs.get(replica, 0))
            for replica, epoch in self._epochs.items():
                spoke = self._answers.get(replica)
                if spoke is not None and spoke.epoch < epoch:
                    del self._answers[replica]
        return len(self._answers) >= self.needed

    @property
    def answers(self) -> list[Answer | Snapshot]:
        """The answers that count, in the order of their first arrival."""
        return list(self._answers.values())

    def highest(self) -> Answer:
        """Return the answer with the highest version (one must be there)."""
        return max(
            (answer for answer in self._answers.values() if isinstance(answer, Answer)),
            key=lambda answer: answer.version,
        )

    def silent(self) -> list[str]:
        """Return the replicas whose answer is still missing, so that they can be asked again."""
        return [replica for replica in self.replicas if replica not in self._answers]
