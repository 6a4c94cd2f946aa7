"""The server that clients talk to: it runs their puts and gets on the replicas."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import resilkit as rk
from resilkit.apps.store.coordination import Action, Coordination, Done, Failed
from resilkit.apps.store.names import replica_name
from resilkit.apps.store.protocol import Answer, Query, Version

__all__ = ["Coordinator"]

_TICK = "tick"
_TICK_EVERY = 0.05
_LIVES = "coordinator lives"


class Coordinator(rk.Server):
    """Runs any number of operations at once, for any number of clients.

    A server handles one message at a time, so a handler that awaited its replicas would serve one
    client after the other, a round trip each. Here no handler waits: an operation casts to the
    replicas, keeps its place in a table, and replies when their answers, casts as well, make a
    majority.
    """

    async def init(
        self,
        nodes: Sequence[str],
        *,
        rules: type[Coordination] = Coordination,
        patience: float = 1.0,
    ) -> None:
        """Begin with no operations: those of an earlier life were never acknowledged.

        Args:
            nodes: The nodes that have a replica.
            rules: The rules of the protocol, right or (`resilkit.apps.store.broken`) wrong.
            patience: Seconds after which an operation without a majority fails. Clients should
                wait for longer than that: then they learn whether there was an effect.
        """
        # Nobody may ever use the same writer again. A pid is unique while the cluster runs. (What
        # `self.rng` draws is not: a restarted server draws the same again, as its seed says.)
        # When the storage outlives the cluster, the pids of the next one begin anew; then the
        # number of lives, kept in that storage, tells them apart.
        lives = self.storage.get(_LIVES, 0) + 1
        self.storage.put(_LIVES, lives)
        await self.storage.synced()
        self.here = self.me
        self.rules = rules(f"{self.here.address}{lives}", nodes, timeout=patience)
        self.replicas = {node: self.whereis(replica_name(node), node=node) for node in nodes}
        self.ticking = False
        self.monitor_nodes()

    def put(self, key: str, value: Any) -> Any:
        """Write `value` under `key`.

        Returns:
            The version written, once a majority has it on disk.

        Raises:
            Refused: No majority could be asked: nothing was written.
            CallTimeout: No majority answered in time: it may be written, or be written later.
        """
        self._admit([key])
        self._do(self.rules.put((self.defer(), "put"), key, value, self.now()))
        return rk.NO_REPLY

    def get(self, key: str) -> Any:
        """Read `key`.

        Returns:
            (version, value) of the newest write; ``((0, ""), None)`` when there is none.

        Raises:
            Refused: No majority answered in time. (A get has no effect, so this is definite.)
        """
        self._admit([key])
        self._do(self.rules.get((self.defer(), "get"), key, self.now()))
        return rk.NO_REPLY

    def get_many(self, keys: Collection[str]) -> Any:
        """Read many keys at once, each by itself: this is no snapshot of one moment.

        Returns:
            Key to (version, value), as `get` returns it.

        Raises:
            Refused: No majority answered in time for one of them.
        """
        self._admit(keys)
        gather = _Gather(self.defer(), keys)
        for key in list(gather.missing):
            self._do(self.rules.get((gather, key), key, self.now()))
        gather.reply_if_complete()
        return rk.NO_REPLY

    def answered(self, answer: Answer) -> None:
        """Count a replica's answer."""
        self._do(self.rules.answered(answer, self.now()))

    def returned(self, node: str) -> None:
        """Ask the replica of `node` at once what it was asked in vain: it answers again."""
        self._do(self.rules.returned(node))

    def info(self, message: Any) -> None:
        """Ask silent replicas again, and end what took too long."""
        if message == _TICK:
            self.ticking = False
            self._do(self.rules.expire(self.now(), isolated=not self.majority()))
        elif isinstance(message, rk.NodeUp):
            self.returned(message.node)
        elif isinstance(message, rk.NodeLost) and not self.majority():
            self._do(self.rules.expire(self.now(), isolated=True))

    def _admit(self, keys: object) -> None:
        listed = list(keys) if isinstance(keys, (list, tuple, set, frozenset)) else [None]
        if not all(isinstance(key, str) and key for key in listed):
            # Refused, not raised: a client's slip must not end the operations of all others.
            raise rk.Refused("a key is a text that is not empty")
        if not self.majority():
            # At once: the client can go to a coordinator on the other side of the partition.
            raise rk.Refused(f"{self.node} reaches no majority of the nodes; nothing was done")

    def _do(self, actions: Iterable[Action]) -> None:
        for action in actions:
            if isinstance(action, Done):
                _succeed(action)
            elif isinstance(action, Failed):
                _fail(action)
            else:
                message = action.message
                for name in action.replicas:
                    replica = self.replicas[name]
                    if isinstance(message, Query):
                        replica.cast.query(self.here, message)
                    else:
                        replica.cast.store(self.here, message)
        if not self.ticking and len(self.rules):
            self.ticking = True
            self.send_after(_TICK_EVERY, _TICK)


class _Gather:
    """The reply to `get_many`, while it is not complete."""

    def __init__(self, reply: Any, keys: Iterable[str]) -> None:
        self.missing = dict.fromkeys(keys)
        self._found: dict[str, tuple[Version, Any]] = {}
        self._reply = reply
        self._ended = False

    def found(self, key: str, version: Version, value: Any) -> None:
        self.missing.pop(key, None)
        self._found[key] = (version, value)
        self.reply_if_complete()

    def reply_if_complete(self) -> None:
        if not self.missing and not self._ended:
            self._ended = True
            self._reply.reply(self._found)

    def fail(self, error: Exception) -> None:
        if not self._ended:
            self._ended = True
            self._reply.fail(error)


def _succeed(done: Done) -> None:
    reply, kind = done.token
    if isinstance(reply, _Gather):
        reply.found(kind, done.version, done.value)
    elif kind == "put":
        reply.reply(done.version)
    else:
        reply.reply((done.version, done.value))


def _fail(failed: Failed) -> None:
    reply, _ = failed.token
    reply.fail(rk.Refused(failed.reason) if failed.definite else rk.CallTimeout(failed.reason))
