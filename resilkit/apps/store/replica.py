"""The server that holds one copy of every register."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import resilkit as rk
from resilkit.apps.store.names import coordinator_name, replica_name
from resilkit.apps.store.protocol import Fetch, Hello, Query, Snapshot, Store, Welcome
from resilkit.apps.store.registers import Joining, Registers

__all__ = ["Replica"]

_ASK = "ask the others again"
_ASK_EVERY = 0.1


class Replica(rk.Server):
    """One copy of all registers, on its node's durable storage.

    Coordinators cast `query` and `store`, and get the answer as a cast: a call would block them
    for a round trip. A replica that found its storage empty stays silent to coordinators until it
    knows that it is new, or has caught up; they ask again, and have a majority without it.
    """

    async def init(self, nodes: Sequence[str]) -> None:
        """Take up what the storage holds; with nothing there, begin to ask the others.

        Args:
            nodes: The nodes that have a replica, this one too. A replica goes by its node's name.
        """
        life = str(self.me.address)
        self.registers = Registers(self.node, self.storage, life)
        self.joining: Joining | None = None
        self.others = {
            each: self.whereis(replica_name(each), node=each) for each in nodes if each != self.node
        }
        self.coordinators = [self.whereis(coordinator_name(each)) for each in nodes]
        self.waiting: list[Any] = []
        if self.registers.serving:
            self._announce()
        else:
            self.joining = Joining(self.node, life, nodes)
            if self.joining.alone():
                await self._serve([])
            else:
                self._ask()

    def ready(self) -> Any:
        """Answer True as soon as this replica serves; the caller waits until then."""
        if self.registers.serving:
            return True
        self.waiting.append(self.defer())
        return rk.NO_REPLY

    def query(self, sender: rk.Reference, query: Query) -> None:
        """Tell `sender` which version is held."""
        if self.registers.serving:
            sender.cast.answered(self.registers.query(query))

    def store(self, sender: rk.Reference, store: Store) -> None:
        """Hold a value; `sender` is told when it is on disk."""
        if not self.registers.serving:
            return
        first = not self.registers.dirty
        answer = self.registers.store(store, sender)
        if answer is not None:
            sender.cast.answered(answer)
        elif first:
            # Group commit. This cast goes to the end of the mailbox, so every store that waits
            # there now is put before it, and all of them share its one sync. The busier the
            # replica, the longer the mailbox, the larger the batch: syncs never pile up.
            self.me.cast.commit()

    async def commit(self) -> None:
        """Put on disk what was stored since the last time, then answer for all of it."""
        batch = self.registers.seal()
        await self.storage.synced()
        for sender, answer in self.registers.committed(batch):
            sender.cast.answered(answer)

    def hello(self, hello: Hello) -> None:
        """Tell a replica with an empty disk who this one is."""
        other = self.others[hello.replica]
        if self.joining is not None and not self.joining.knows(hello.replica):
            # It was not there when it was asked. In a system that starts, to wait for the next
            # time would be a time in which one crash leaves no majority. Asked first, answered
            # second: then both hear that the other is new, and both are founders.
            question = self.joining.question()
            if isinstance(question, Hello):
                other.cast.hello(question)
        other.cast.welcome(self.registers.welcome(hello))

    async def fetch(self, fetch: Fetch) -> None:
        """Hand a copy of everything to a replica that lost its own."""
        if not self.registers.serving:
            return
        if self.registers.remember(fetch):
            await self.storage.synced()
        self.others[fetch.replica].cast.snapshot(self.registers.snapshot(fetch))

    async def welcome(self, welcome: Welcome) -> None:
        """Hear who another replica is."""
        if self.joining is None:
            return
        asked = self.joining.question()
        if self.joining.welcomed(welcome):
            await self._serve([])
        elif self.joining.question() != asked:
            self._send_question()

    async def snapshot(self, snapshot: Snapshot) -> None:
        """Hear what another replica holds."""
        snapshots = None if self.joining is None else self.joining.fetched(snapshot)
        if snapshots is not None:
            await self._serve(snapshots)

    def info(self, message: Any) -> None:
        """Ask again, as long as there is something to ask."""
        if message == _ASK and self.joining is not None:
            self._ask()

    async def _serve(self, snapshots: list[Snapshot]) -> None:
        joining, self.joining = self.joining, None
        if joining is not None:
            self.registers.serve(joining.epoch, snapshots)
            await self.storage.synced()
            self._announce()
            for caller in self.waiting:
                caller.reply(True)
            self.waiting.clear()

    def _announce(self) -> None:
        """Tell the coordinators that this replica answers: some have asked it in vain."""
        for coordinator in self.coordinators:
            coordinator.cast.returned(self.node)

    def _ask(self) -> None:
        self._send_question()
        self.send_after(_ASK_EVERY, _ASK)

    def _send_question(self) -> None:
        if self.joining is None:
            return
        question = self.joining.question()
        for other in self.others.values():
            if isinstance(question, Hello):
                other.cast.hello(question)
            else:
                other.cast.fetch(question)
