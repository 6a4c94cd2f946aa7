"""Restart storm: a child that cannot start without its neighbour wears its supervisor out."""

from __future__ import annotations

import resilkit as rk
from resilkit.errors import ClusterError
from resilkit.rng import stream
from resilkit.testing import Call, Trial

WARM_UP = 0.5


class Database(rk.Server):
    """Takes a while to be ready where it has run before: then there is a log to read."""

    def init(self):
        self.ready = self.now() + (WARM_UP if "ran" in self.storage else 0.0)
        self.storage.put("ran", True)
        self.storage.sync()

    def version(self):
        if self.now() < self.ready:
            raise rk.Refused("still reading the log")
        return 1


class Service(rk.Server):
    """Needs the database; ends with it, and starts anew."""

    async def init(self, patient):
        self.patient = patient
        self.version = None
        self.database = self.whereis("database").with_timeout(0.5)
        self.monitor(self.database)
        if patient:
            self.send_after(0.0, "connect")
        else:
            self.version = await self.database.call.version()

    async def info(self, message):
        match message:
            case "connect":
                try:
                    self.version = await self.database.call.version()
                except (ClusterError, rk.Refused):
                    self.send_after(0.1, "connect")
            case rk.Down():
                self.stop("the database is gone")

    def ask(self):
        return self.version


def nobody_gives_up(cluster):
    """The supervisor is there: it can restart what ends."""
    return cluster.whereis("services").alive()


def trial(seed, *, fixed):
    chance = stream(seed, "restart storm")
    storage = rk.SupervisorSpec(
        "storage", [rk.ChildSpec(Database, name="database")], max_restarts=10
    )
    service = rk.ChildSpec(Service, name="service", args=(fixed,))
    system = rk.SupervisorSpec("services", [storage, service], max_restarts=10, max_seconds=5.0)
    moments = sorted(round(chance.uniform(0.0, 3.0), 1) for _ in range(chance.randint(1, 3)))
    return Trial(
        system, [Call("ask", to="service") for _ in range(chance.randint(1, 6))],
        faults=[rk.faults.ServerCrash(targets="database", at=moment) for moment in moments],
        seed=seed, nodes=1, duration=3.5, settle=2.0, invariants=[nobody_gives_up], may_crash=True,
    )  # fmt: skip
