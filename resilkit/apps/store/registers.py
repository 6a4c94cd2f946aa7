"""A replica's mind: what it holds, what is on its disk, and when it may answer.

Pure but for the storage that it is handed. `Registers` is a replica that serves; `Joining` is one
that found its disk empty and does not yet know whether it is new or has lost its memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from resilkit.apps.store.protocol import (
    ABSENT,
    Answer,
    Fetch,
    Hello,
    Query,
    QuorumCall,
    Snapshot,
    Store,
    Version,
    Welcome,
    covering,
    majority_of,
)

__all__ = ["Batch", "Joining", "Registers", "Storage"]

_MEMBER = "member"
_REGISTER = "register/"


class Storage(Protocol):
    """The part of a server's durable storage that a replica uses; syncing is its caller's work."""

    def get(self, key: str, default: Any = None) -> Any:
        """Return what was last put under `key`, synced or not."""
        ...

    def put(self, key: str, value: Any) -> None:
        """Hold `value` under `key`; it survives a crash only after the next sync."""
        ...

    def items(self) -> Iterable[tuple[str, Any]]:
        """Return all keys and values."""
        ...


class Batch(NamedTuple):
    """Stores that share one sync: who waits, for which request and version, and what is new."""

    waiting: list[tuple[Any, str, Version]]
    versions: dict[str, Version]


class Registers:
    """One replica's registers, on a storage that forgets at a crash what was not synced.

    Args:
        name: The replica's name.
        storage: Where the registers live.
        life: A text that no other life of this replica uses.
    """

    def __init__(self, name: str, storage: Storage, life: str) -> None:
        self.name = name
        self.life = life
        self.founder = False
        self._storage = storage
        self._unsynced: dict[str, Version] = {}
        self._waiting: list[tuple[Any, str, Version]] = []
        member = storage.get(_MEMBER)
        self.serving = member is not None
        self.epoch: int = member[0] if member else 0
        self.crashes: dict[str, int] = dict(member[1]) if member else {}

    def query(self, query: Query) -> Answer:
        """Answer with the version held; `durable` says whether it would survive a crash."""
        version, value = self._storage.get(_REGISTER + query.key) or (ABSENT, None)
        durable = query.key not in self._unsynced
        return Answer(query.request, self.name, self.epoch, self.crashes, version, value, durable)

    def store(self, store: Store, sender: Any) -> Answer | None:
        """Hold the value unless a newer one is there.

        Returns:
            The answer when what it must promise is on disk already; else None, and the answer
            comes from `committed` after the next sync. A replica that answered before its sync
            would make a majority that one power cut can forget.
        """
        held = self._storage.get(_REGISTER + store.key)
        version = held[0] if held else ABSENT
        if store.version > version:
            version = store.version
            self._storage.put(_REGISTER + store.key, (version, store.value))
            self._unsynced[store.key] = version
        elif store.key not in self._unsynced:
            return self._stored(store.request, version)
        self._waiting.append((sender, store.request, version))
        return None

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the storage, an open file: then the server's state can be looked at."""
        return {name: value for name, value in vars(self).items() if name != "_storage"}

    @property
    def dirty(self) -> bool:
        """Whether somebody waits for a sync."""
        return bool(self._waiting)

    def seal(self) -> Batch:
        """Take what waits now as one batch: sync the storage, then call `committed` with it."""
        batch = Batch(self._waiting, dict(self._unsynced))
        self._waiting = []
        return batch

    def committed(self, batch: Batch) -> list[tuple[Any, Answer]]:
        """Return who gets which answer, now that the sync that began after `seal` has ended."""
        for key, version in batch.versions.items():
            # A newer version that was put during the sync may have missed it.
            if self._unsynced.get(key) == version:
                del self._unsynced[key]
        return [
            (sender, self._stored(request, version)) for sender, request, version in batch.waiting
        ]

    def _stored(self, request: str, version: Version) -> Answer:
        return Answer(request, self.name, self.epoch, self.crashes, version, None, durable=True)

    def welcome(self, hello: Hello) -> Welcome:
        """Tell a replica with an empty disk who this one is."""
        return Welcome(
            self.name, hello.life, hello.round, self.life,
            self.serving, self.founder, dict(self.crashes),
        )  # fmt: skip

    def remember(self, fetch: Fetch) -> bool:
        """Note the new epoch of a replica that lost its disk; return whether it is news.

        It must be synced before `snapshot` is sent: a replica that forgot it could vouch again
        for an answer from before the loss.
        """
        news = fetch.epoch > self.crashes.get(fetch.replica, 0)
        if news:
            self.crashes = {**self.crashes, fetch.replica: fetch.epoch}
            self._storage.put(_MEMBER, (self.epoch, self.crashes))
        return news

    def snapshot(self, fetch: Fetch) -> Snapshot:
        """Copy all registers, for a replica that lost its own."""
        registers = {
            key.removeprefix(_REGISTER): value
            for key, value in self._storage.items()
            if key.startswith(_REGISTER)
        }
        return Snapshot(self.name, fetch.life, self.epoch, dict(self.crashes), registers)

    def serve(self, epoch: int, snapshots: Sequence[Snapshot] = ()) -> None:
        """Begin to serve with what `snapshots` hold; the caller syncs before anyone is answered.

        Without any, this replica is one of those that began the system.
        """
        self.epoch, self.crashes, self.founder = epoch, {}, not snapshots
        for snapshot in snapshots:
            for replica, known in snapshot.crashes.items():
                self.crashes[replica] = max(known, self.crashes.get(replica, 0))
            for key, (version, value) in snapshot.registers.items():
                held = self._storage.get(_REGISTER + key)
                if held is None or version > held[0]:
                    self._storage.put(_REGISTER + key, (version, value))
        # Last: the mark says that all before it is there. (One sync writes them together.)
        self._storage.put(_MEMBER, (self.epoch, self.crashes))
        self.serving = True


class Joining:
    """How a replica with an empty disk finds out what it is, and catches up.

    An empty disk means one of two things. In a system that was never used, everybody's is empty:
    when a majority is so at one time, there is nothing to catch up with. In one that was used, this
    replica has lost what it had promised to keep, and must not speak until so many others have told
    it what they hold that each majority has a member among them: then each acknowledged write is
    among what they hold. The two cannot be confused as long as fewer than a majority of the
    replicas are without their disk at the same time, and with more lost no protocol helps.

    "At one time" is what a question cannot tell. Counterexample with five replicas, of which c has
    lost its disk and reaches a and b alone: a loses its disk, tells c that it is empty, and catches
    up from the rest; then b does the same. Never were more than two empty, but c has heard of two
    others, and with itself that is a majority. So all are asked twice, the second time when enough
    have answered the first. Who was empty both times in one life was so at the moment in between.
    Or it has begun the system meanwhile: that was new then, and who was empty before has nothing
    to catch up with either.

    Args:
        name: The replica's name.
        life: A text that no other life of this replica uses: answers to an earlier life's
            questions must not count.
        replicas: The names of all replicas, this one too.
    """

    def __init__(self, name: str, life: str, replicas: Sequence[str]) -> None:
        self.name = name
        self.life = life
        self.others = [replica for replica in replicas if replica != name]
        self.epoch = 0
        self._founders = majority_of(len(replicas))
        self._needed = covering(len(replicas))
        self._round = 0
        self._before: dict[str, str] = {}  # who was empty in the last round, and in which life
        self._now: dict[str, str] = {}  # who is in this one
        self._empty: dict[str, str] = {}  # who was when it was last heard of being so
        self._serving: dict[str, Welcome] = {}
        self._fetching: QuorumCall | None = None

    def question(self) -> Hello | Fetch:
        """Return what to ask all the others now (again and again: questions get lost)."""
        if self._fetching is None:
            return Hello(self.name, self.life, self._round)
        return Fetch(self.name, self.life, self.epoch)

    def alone(self) -> bool:
        """Return whether this replica is a majority by itself: the only one there is."""
        return not self.others

    def knows(self, replica: str) -> bool:
        """Return whether `replica` has told who it is."""
        return replica in self._empty or replica in self._serving

    def welcomed(self, welcome: Welcome) -> bool:
        """Count an answer to `Hello`; return whether this replica is one of the founders."""
        if welcome.life != self.life or self._fetching is not None:
            return False
        if not welcome.serving:
            return self._is_empty(welcome)
        if welcome.founder and self._empty.get(welcome.replica) == welcome.born:
            return True
        self._serving[welcome.replica] = welcome
        if len(self._serving) >= self._needed:
            # Above all that a majority knows, so above every epoch that this replica served in.
            known = [each.crashes.get(self.name, 0) for each in self._serving.values()]
            self.epoch = 1 + max(known)
            self._fetching = QuorumCall(self.others, needed=self._needed)
        return False

    def _is_empty(self, welcome: Welcome) -> bool:
        self._serving.pop(welcome.replica, None)
        self._empty[welcome.replica] = welcome.born
        if welcome.round != self._round:
            return False
        self._now[welcome.replica] = welcome.born
        if len(self._now) + 1 < self._founders:
            return False
        both = self._now.items() & self._before.items()
        self._before, self._now = self._now, {}
        self._round += 1
        return len(both) + 1 >= self._founders

    def fetched(self, snapshot: Snapshot) -> list[Snapshot] | None:
        """Count a snapshot; return all that count when they are enough to serve with."""
        if snapshot.life != self.life or self._fetching is None:
            return None
        if not self._fetching.add(snapshot):
            return None
        return [each for each in self._fetching.answers if isinstance(each, Snapshot)]
