"""Names: on one node, and across the cluster.

Across the cluster there is one holder a name while the nodes can reach each other (OTP's
``global``, with an arbiter instead of a lock on every node): the reachable node with the smallest
name decides, and answers only when every reachable node has noted it, so that a `whereis` after a
successful `register` finds the name on every node. Every node keeps the whole table, so a look-up
asks nobody. In a partition each side goes on with its own arbiter, and names held on the other
side become free; when it heals, a name with two holders keeps one of them, as the resolver says,
and the other is killed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from resilkit.errors import AlreadyStarted, NoProcess
from resilkit.runtime.agreement import Agreement, incarnation_of
from resilkit.runtime.given_back import GivenBack
from resilkit.runtime.holders import Holders, HoldersOfAllSides
from resilkit.runtime.kinds import NAMES
from resilkit.runtime.messages import Pid
from resilkit.runtime.reference import Reference
from resilkit.runtime.repeating import Repeater

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from resilkit.runtime.node import Node
    from resilkit.runtime.process import Process

__all__ = ["Names", "keep_lower"]

_MOST_FREED = 1000
"""Names that are remembered though nobody holds them any more."""


def keep_lower(name: str, one: Pid, other: Pid) -> Pid:  # noqa: ARG001 - a resolver's signature
    """Keep the holder on the node with the smaller name: both sides decide the same alone.

    Examples:
        >>> keep_lower("bank", Pid("n2", 7, 1), Pid("n1", 9, 1)).node
        'n1'
    """
    return min(one, other)


class Names:
    """One node's part of the registry.

    Attributes:
        resolver: Called with (name, pid, pid) when both hold a name after a partition has healed;
            returns the one that keeps it, or ``None`` to kill both. It must be a pure function:
            each node calls it alone.
        why_ended: Called with a name that nobody holds any more, for the error; returns why its
            holder is not back, ``""`` for no more than that.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        kind = HoldersOfAllSides if node.role == "client" else Holders
        self._holders = kind(node.ways.changed)
        self._table = self._holders.table
        self._local: dict[str, Pid] = {}
        self._asking: dict[str, asyncio.Lock] = {}
        self._given_back = GivenBack()
        # The last incarnation of each node that was lost.
        self._lost: dict[str, int] = {}
        # Where names were held that nobody holds any more, the newest last: for the error.
        self._freed: dict[str, str] = {}
        # The nodes that have told their names since they were reached, and who hears of the next.
        self.told_by: set[str] = set()
        self.on_told: Callable[[], None] = lambda: None
        # Counts what this node registers, so that a process may take a name again.
        self._stamp = 0
        self._repeater = Repeater(node)
        self._agreement = Agreement(node, self._holders, self._given_back, self._repeater)
        self.resolver: Callable[[str, Pid, Pid], Pid | None] = keep_lower
        self.why_ended: Callable[[str], str] = lambda name: ""  # noqa: ARG005 - as it is called

    # Looking up --------------------------------------------------------------------------------

    def whereis(self, address: str | tuple[str, str]) -> Pid | None:
        """Return who holds a name: of the cluster, or (name, node) on one node."""
        if isinstance(address, str):
            if self._local and (pid := self._local.get(address)) is not None:
                return pid
            return self._table.get(address)
        name, node = address
        if node == self._node.name:
            return self._local.get(name)
        return self._table.get(f"{name}\0{node}")

    def missing(self, address: object) -> NoProcess:
        """Return the error for a name that nobody holds."""
        node = address[1] if isinstance(address, tuple) else self._freed.get(str(address))
        away = node not in {None, self._node.name, *self._node.reached}
        why = f"; it was on node {node}, which cannot be reached" if away else ""
        if node is not None and not away and isinstance(address, str):
            why = f"; what had that name on node {node} has ended, and is not back"
            why += f": {cause}" if (cause := self.why_ended(address)) else ""
        return NoProcess(f"no process is called {address!r}{why}")

    def all(self) -> dict[str, Pid]:
        """Return the names of the cluster that this node knows, and their holders."""
        # A copy first, in one step: threads of the notebook ask while the loop goes on.
        return {name: pid for name, pid in dict(self._table).items() if "\0" not in name}

    # Registering -------------------------------------------------------------------------------

    async def register(self, name: str, process: Process, *, scope: str = "cluster") -> None:
        """Give `process` the name, or raise `AlreadyStarted` with the holder."""
        if scope == "node":
            self._register_local(name, process)
            return
        found = self._found()
        try:
            holder = await self._ask_for(name, process.pid)
        except BaseException:
            # It ended, or gave up. Others have noted the name by now, or do so later, and tell it.
            if name not in process.names:
                self._given_back.add(name, process.pid, self._stamp)
                self._unset(name, process.pid)
            raise
        if holder != process.pid:
            raise AlreadyStarted(f"the name {name!r} is held by {holder}", ref=Reference(holder))
        if not process.alive:
            # It ended while the others noted the name; a note that came after the end's own
            # "unset" would keep a dead holder for ever.
            self._unset(name, process.pid)
            return
        process.names.append(name)
        self._tell_clients(name, process.pid)
        for peer, count in self._found().items():
            if found.get(peer) != count:
                # Found meanwhile: too late for the arbiter to tell it, and too soon for what this
                # node tells whom it finds.
                self._tell_mine(peer, ask=False)

    def _found(self) -> dict[str, int]:
        """Return the nodes that are reached, and how often each has been found."""
        membership = self._node.membership
        return {peer: membership.found(peer) for peer in self._node.transport.peers()}

    async def _ask_for(self, name: str, pid: Pid) -> Pid:
        # One at a time asks for a name on a node: of its own processes a node knows itself which
        # are alive, so the arbiter may take a holder on the asker's node for one that has ended.
        lock = self._asking.setdefault(name, asyncio.Lock())
        try:
            async with lock:
                while True:
                    held = self._table.get(name)
                    if held is not None and held != pid and self._runs_here(held):
                        return held
                    self._stamp += 1
                    holder = await self._agreement.agree(name, pid, self._stamp)
                    if holder is not None:
                        return holder
        finally:
            if not lock.locked():
                self._asking.pop(name, None)

    def _runs_here(self, pid: Pid) -> bool:
        process = self._node.processes.get(pid.number)
        return process is not None and process.pid == pid

    def _register_local(self, name: str, process: Process) -> None:
        holder = self._local.get(name)
        if holder is not None:
            raise AlreadyStarted(f"the name {name!r} is held by {holder}", ref=Reference(holder))
        self._local[name] = process.pid
        self._node.ways.changed()
        process.names.append(name)
        # Other nodes learn it as (name, node); no agreement is needed for a name of one's own.
        self._spread("note", f"{name}\0{self._node.name}", process.pid)

    def unregister(self, name: str, process: Process) -> bool:
        """Free a name that `process` holds; return whether it held it."""
        if name not in process.names:
            return False
        process.names.remove(name)
        self._free(name, process.pid)
        return True

    def drop(self, process: Process) -> None:
        """Free all names of a process that ends, before anybody is told of its end."""
        for name in process.names:
            self._free(name, process.pid)

    def _free(self, name: str, pid: Pid) -> None:
        if self._local.get(name) == pid:
            del self._local[name]
            self._node.ways.changed()
            self._spread("unset", f"{name}\0{self._node.name}", pid)
        else:
            self._unset(name, pid)

    def _unset(self, name: str, pid: Pid) -> None:
        self._holders.drop(name, pid)
        self._spread("unset", name, pid)

    def _spread(
        self, request: str, name: str, pid: Pid, done: Callable[[], None] = lambda: None
    ) -> None:
        """Tell every node, until each has said that it knows; clients once."""
        peers = self._node.transport.peers()
        self._stamp += request == "note"
        stamp = self._stamp
        self._repeater.send(peers, lambda number: (NAMES, request, number, name, pid, stamp), done)
        for client in self._node.membership.clients():
            self._node.transport.send(client, (NAMES, request, 0, name, pid, stamp))

    def _tell_clients(self, name: str, pid: Pid) -> None:
        for client in self._node.membership.clients():
            self._node.transport.send(client, (NAMES, "note", 0, name, pid, self._stamp))

    # The protocol ------------------------------------------------------------------------------

    def receive(self, source: str, message: tuple[Any, ...]) -> None:
        """Take one message of the registry's protocol."""
        request, number = message[1], message[2]
        if request == "note":
            # Who sends it has decided, or holds it: what this node has not heard yet (the old
            # holder's end, by another way) must not look like a conflict.
            self._take(*message[3:])
            self._acknowledge(source, number)
        elif request == "unset":
            name, pid, stamp = message[3:]
            self._holders.drop(name, pid)
            self._note_freed(name, pid.node)
            self._given_back.add(name, pid, stamp)
            self._acknowledge(source, number)
        elif request == "hear":
            self._acknowledge(source, number)
        elif request == "noted":
            self._repeater.acknowledged(source, number)
        elif request == "ask":
            self._agreement.asked(source, number, *message[3:])
        elif request == "decided":
            self._agreement.decided(source, number, message[3])
        elif request == "all":
            self._take_all(source, *message[2:])
        elif request == "lose":
            self._lose(*message[3:])
            self._acknowledge(source, number)

    def _take(self, name: str, pid: Pid, stamp: int) -> None:
        if not self._given_back.outdates(name, pid, stamp) and not self._is_lost(pid):
            self._holders.put(name, pid)

    def _is_lost(self, pid: Pid) -> bool:
        """Whether a holder has ended here or its node was lost: a note of it came too late."""
        if pid.node == self._node.name and not self._runs_here(pid):
            return True
        # News of a node that this one has yet to reach are no such thing.
        now = incarnation_of(self._node, pid.node)
        if now is None:
            return pid.incarnation <= self._lost.get(pid.node, 0)
        return pid.incarnation < now

    def _acknowledge(self, source: str, number: int) -> None:
        if number:
            self._node.transport.send(source, (NAMES, "noted", number))

    def _note(self, name: str, pid: Pid) -> None:
        """Note a holder; two holders of one name are a partition's heirs: keep one."""
        if self._is_lost(pid):
            return
        held = self._table.get(name)
        if held is None or held == pid or self._node.role == "client":
            self._holders.put(name, pid)
            return
        if held.node == pid.node:
            # One node cannot hold a name twice: the later news is the true one.
            self._holders.put(name, pid)
            return
        keeper = self.resolver(name, *sorted((held, pid)))
        if keeper is None:
            self._holders.drop(name, held)
        else:
            self._holders.put(name, keeper)
            if keeper.node == self._node.name:
                # A client takes no part in this: it holds for true what it heard last.
                self._tell_clients(name, keeper)
        for loser in (held, pid):
            if loser != keeper and loser.node == self._node.name:
                self._lose(name, loser)
            elif keeper is None:
                # It may hear of this node's holder only when that has given the name back, and
                # know of no conflict: with neither to keep, one would be left.
                self._tell_loser(name, loser)

    def _tell_loser(self, name: str, loser: Pid) -> None:
        self._repeater.send([loser.node], lambda number: (NAMES, "lose", number, name, loser))

    def _lose(self, name: str, loser: Pid) -> None:
        process = self._node.processes.get(loser.number)
        if process is not None and process.pid == loser:
            self._node.emit("supervision", "name_conflict", name, loser=str(loser))
            if name in process.names:
                process.names.remove(name)
                self._unset(name, loser)
            process.end("killed")

    # Nodes that come and go --------------------------------------------------------------------

    def peer_up(self, peer: str, role: str) -> None:
        """Tell a node that can be reached (again) the names that are held here."""
        now = self._node.reached.get(peer)
        for name, pid in self._holders.on(peer).items():
            if pid.incarnation != now:
                self._holders.drop(name, pid)
        if self._node.role == "client":
            return
        if role == "client":
            self._node.transport.send(
                peer, (NAMES, "all", 0, (self._mine(), self._stamp, 0, False))
            )
        else:
            # It may have told its own too soon, while this node took it for lost.
            self._tell_mine(peer, ask=True)

    @property
    def blank(self) -> bool:
        """Whether no name is known here, and none has been."""
        return not (self._stamp or self._table or self._local or self._freed or self._asking)

    def meet(self, peers: Iterable[str]) -> None:
        """Take it that some nodes have told their names: neither they nor this one hold any."""
        self.told_by.update(peers)
        self.on_told()

    def _mine(self) -> tuple[tuple[str, Pid], ...]:
        """Return the names that are held here, as what nobody can change: it travels unpickled."""
        local = [(f"{name}\0{self._node.name}", pid) for name, pid in self._local.items()]
        return (*self._holders.on(self._node.name).items(), *local)

    def _tell_mine(self, peer: str, *, ask: bool) -> None:
        what = (self._mine(), self._stamp, self._node.membership.found(peer), ask)
        self._repeater.send([peer], lambda number: (NAMES, "all", number, what))

    def _take_all(self, source: str, number: int, what: tuple[Any, ...]) -> None:
        pairs, stamp, found, ask = what
        names = dict(pairs)
        self._acknowledge(source, number)
        if found:
            self._node.membership.found_by(source, found)
        if self._node.role == "client":
            # It tells a client all at first, and when the client has missed something since.
            for name, pid in self._holders.on(source).items():
                if name not in names:
                    self._holders.drop(name, pid)
        for name, pid in names.items():
            # Repeated, it may be older than the end of a holder.
            if not self._given_back.outdates(name, pid, stamp):
                self._note(name, pid)
        if ask:
            self._tell_mine(source, ask=False)
        if source in self._node.reached:
            self.told_by.add(source)
            self.on_told()

    def peer_down(self, peer: str, incarnation: int) -> None:
        """Free the names that were held on a lost node; ask anew what it was asked."""
        self._lost[peer] = incarnation
        self.told_by.discard(peer)
        for name, pid in self._holders.on(peer).items():
            self._holders.drop(name, pid)
            self._note_freed(name, peer)
        self._repeater.lost(peer)

    def _note_freed(self, name: str, node: str) -> None:
        self._freed.pop(name, None)
        self._freed[name] = node
        if len(self._freed) > _MOST_FREED:
            del self._freed[next(iter(self._freed))]

    def close(self) -> None:
        """Repeat nothing any more."""
        self._repeater.close()
