"""Several nodes in one event loop: real servers and storage, messages by pickle and no sockets."""

from __future__ import annotations

import asyncio
import pickle
import shutil

from resilkit.apps.store.system import applications
from resilkit.clock import SystemClock
from resilkit.runtime import Node, Reference, spawn
from resilkit.runtime.context import current
from resilkit.runtime.folder_disk import FolderDisk

CLIENT = "@client"


class _Transport:
    def __init__(self, cluster, name):
        self._cluster, self._name = cluster, name
        self._batches = {}

    def send(self, node, message):
        if not self._cluster.linked(self._name, node):
            return False
        batch = self._batches.get(node)
        if batch is None:
            batch = self._batches[node] = []
            asyncio.get_running_loop().call_soon(self._flush, node)
        batch.append(message)
        return True

    def straight(self, node):
        return None

    def _flush(self, node):
        batch = self._batches.pop(node)
        target = self._cluster.nodes.get(node)
        source = self._cluster.nodes.get(self._name)
        if target is not None and source is not None:
            target.deliver(self._name, source.incarnation, pickle.loads(pickle.dumps(batch)))

    def peers(self):
        return {
            name: node.incarnation
            for name, node in self._cluster.nodes.items()
            if node.role == "member" and self._cluster.linked(self._name, name)
        }

    def members(self):
        return self._cluster.names


class MemoryCluster:
    """`names` with a store on each, and a client that may use references bare."""

    def __init__(
        self, folder, names=("n1", "n2", "n3"), *, early_ack=False, patience=1.0, rules=None
    ):
        self.names = list(names)
        self.nodes = {}
        self._folder = folder
        self._incarnations = dict.fromkeys(self.names, 0)
        self._cut = set()
        self._specs = applications(self.names, early_ack=early_ack)
        for (spec,) in self._specs.values():
            spec.children[1].kwargs["patience"] = patience
            if rules is not None:
                spec.children[1].kwargs["rules"] = rules

    async def __aenter__(self):
        self._join(Node(CLIENT, loop=self._loop, clock=SystemClock(), role="client"))
        current.set(self.nodes[CLIENT].client())
        for name in self.names:
            self._boot(name)
        await asyncio.gather(*(self._start(name) for name in self.names))
        await asyncio.gather(*(self.replica(name).call.ready() for name in self.names))
        return self

    async def __aexit__(self, *_):
        for name in list(self.nodes):
            self._leave(name)

    @property
    def _loop(self):
        return asyncio.get_running_loop()

    def linked(self, one, other):
        return one != other and other in self.nodes and frozenset((one, other)) not in self._cut

    def coordinator(self, node, *, timeout=5.0):
        return Reference(f"coordinator-{node}").with_timeout(timeout)

    def replica(self, node):
        return Reference((f"replica-{node}", node))

    def server(self, name):
        """Return the server object itself, to tamper with."""
        return next(
            process.server
            for node in self.nodes.values()
            for process in node.processes.values()
            if name in process.names
        )

    def crash(self, name, *, wipe=False):
        """Lose the node, with all that it had not synced, and perhaps with its disk."""
        self._leave(name)
        if wipe:
            shutil.rmtree(self._folder / name)

    async def restart(self, name):
        self._boot(name)
        await self._start(name)

    def cut(self, name):
        """Cut `name` from the other nodes; clients still reach it."""
        for other in self.names:
            if self.linked(name, other):
                self._cut.add(frozenset((name, other)))
                for here, there in ((name, other), (other, name)):
                    self.nodes[here].peer_down(there, self._incarnations[there])

    def _boot(self, name):
        self._incarnations[name] += 1
        self._join(
            Node(
                name,
                incarnation=self._incarnations[name],
                loop=self._loop,
                clock=SystemClock(),
                storage=FolderDisk(self._folder / name),
            )
        )

    async def _start(self, name):
        for spec in self._specs[name]:
            await spawn(self.nodes[name], spec)

    def _join(self, node):
        node.transport = _Transport(self, node.name)
        self.nodes[node.name] = node
        for other in self.nodes.values():
            if self.linked(node.name, other.name):
                other.peer_up(node.name, node.incarnation, node.role)
                node.peer_up(other.name, other.incarnation, other.role)

    def _leave(self, name):
        node = self.nodes.pop(name)
        for process in list(node.processes.values()):
            process.end("killed")
        for other in self.nodes.values():
            other.peer_down(name, node.incarnation)
