"""What is left of the code of a node that has died: nothing that it does is seen any more."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

import resilkit as rk
from tests.parity.grounds import eventually
from tests.parity.reaching import until_reaches
from tests.parity.servers import Counter

EFFECTS: dict[str, Callable[[Clinging], Any]] = {
    "put and sync": lambda self: (self.kept.put("after", 1), self.kept.sync()),
    "open, put and sync": lambda self: (self.storage.put("after", 1), self.storage.sync()),
    "delete": lambda self: (self.kept.delete("before"), self.kept.sync()),
    "synced": lambda self: (self.kept.put("after", 1), asyncio.ensure_future(self.kept.synced())),
    "cast": lambda self: self.witness.cast.increment(),
    "call": lambda self: asyncio.ensure_future(self.witness.call.increment()),
    "send": lambda self: self.witness.send("hello"),
    "publish": lambda self: self.publish("news", 1),
    "register": lambda self: asyncio.ensure_future(self.register("after")),
    "timer": lambda self: self.send_after(0.0, "later"),
    "exit": lambda self: self.witness.exit("broken"),
    "reply": lambda self: self.caller.reply("after"),
    "call back": lambda self: asyncio.get_running_loop().call_soon(
        self.witness.cast.increment, context=None
    ),
    "emit": lambda _: rk.telemetry.emit("after.the.crash"),
    "monitor": lambda self: self.monitor("witness"),
}


class Clinging(rk.Server):
    """Does what it can when its node dies in the midst of a handler."""

    def init(self) -> None:
        """Keep what it needs, so that nothing has to be asked for in the end."""
        self.kept = self.storage
        self.kept.put("before", 1)
        self.kept.sync()
        self.witness = self.whereis("witness")
        self.subscribe("nothing")

    def info(self, message: object) -> None:
        """Tell the witness."""
        self.witness.cast.increment()

    def terminate(self, reason: object) -> None:
        """Do all that there is."""
        self._do(*EFFECTS)

    def _do(self, *effects: str) -> None:
        for effect in effects:
            with suppress(BaseException):
                EFFECTS[effect](self)

    async def hold(self, effect: str) -> None:
        """Wait for the end."""
        self.caller = self.defer()
        await self.register("holds")
        try:
            await asyncio.sleep(3600)
        finally:
            self._do(effect)

    def leave(self, effect: str) -> None:
        """End its node, and go on."""
        self.caller = self.defer()
        try:
            os._exit(3)
        finally:
            self._do(effect)

    async def leave_later(self, effect: str) -> None:
        """End its node, and go on for as long as it can."""
        self.caller = self.defer()
        try:
            try:
                os._exit(3)
            except BaseException:
                await asyncio.sleep(0)
        finally:
            self._do(effect)

    def stored(self) -> dict[str, int]:
        """Return what is stored."""
        return dict(self.storage.items())


@contextmanager
def emitted() -> Iterator[list[str]]:
    """Collect what is emitted of the crash."""
    told: list[str] = []
    rk.telemetry.attach("crash", "after.**", lambda event, _numbers, _about: told.append(event))
    try:
        yield told
    finally:
        rk.telemetry.detach("crash")


@pytest.fixture
def cluster(cluster_of: Callable[..., rk.Cluster]) -> rk.Cluster:
    """Two nodes with a witness on the first one."""
    cluster = cluster_of(nodes=2)
    cluster.start(Counter, name="witness", node="n1")
    return cluster


@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize("how", ["hold", "leave", "leave_later"])
def test_nothing_that_a_dead_node_does_is_seen(cluster: rk.Cluster, how: str, effect: str) -> None:
    node = cluster.nodes["n2"]
    spec = rk.SupervisorSpec("all", [rk.ChildSpec(Clinging, name="clinging")])
    cluster.start(spec, node="n2")
    clinging, witness = cluster.whereis("clinging"), cluster.whereis("witness")
    with cluster.subscribe("news") as news, emitted() as told:
        getattr(clinging.cast, how)(effect)
        if how == "hold":
            eventually(cluster, lambda: "holds" in cluster.names())
            node.kill()
        eventually(cluster, lambda: node.status in {"killed", "crashed"})
        until_reaches(cluster, n1=["n1"])
        node.restart()
        assert clinging.call.stored() == {"before": 1}
        assert witness.call.get() == 0
        witness.sync()
        assert cluster.whereis("clinging").alive()
        assert list(cluster.names()) == ["all", "clinging", "witness"]
        cluster.publish("news", "the last")
        assert news.get(timeout=10.0).payload == "the last"
        assert told == []
    told = cluster.events.frame("alert")["event"]
    assert [event for event in told if event != "stalled"] == [], "a busy machine may stand still"
