"""Early acknowledgement: a primary answers before its backup has what it answers for."""

from __future__ import annotations

import resilkit as rk
from resilkit.rng import stream
from resilkit.testing import Call, Trial

BATCH_SECONDS = 0.05


class Backup(rk.Server):
    """Keeps what the primary tells it."""

    def init(self):
        self.values = {}

    def keep(self, values):
        self.values.update(values)

    def all(self):
        return dict(self.values)


class Primary(rk.Server):
    """Answers for the values; starts with what the backup has."""

    async def init(self, careful):
        self.careful = careful
        self.backup = self.whereis("backup").with_timeout(1.0)
        self.values = await self.backup.call.all()
        self.fresh = {}

    async def put(self, key, value):
        self.values[key] = value
        if self.careful:
            await self.backup.call.keep({key: value})
            return "stored"
        if not self.fresh:
            self.send_after(BATCH_SECONDS, "replicate")
        self.fresh[key] = value
        return "stored"

    def get(self, key):
        return self.values.get(key)

    def info(self, message):
        if message == "replicate":
            self.backup.cast.keep(self.fresh)
            self.fresh = {}


def acknowledged_is_there(cluster, history):
    """What was said to be stored is there, or something later is."""
    primary = cluster.whereis("primary").with_timeout(0.5)
    wanted, possible = {}, {}
    for each in history:
        key, value = each.operation.args
        if each.status == "ok":
            wanted[key], possible[key] = value, {value}
        else:
            possible.setdefault(key, {None}).add(value)
    return all(primary.call.get(key) in possible[key] for key in wanted)


def trial(seed, *, fixed):
    chance = stream(seed, "early acknowledgement")
    primaries = rk.SupervisorSpec(
        "primaries", [rk.ChildSpec(Primary, name="primary", args=(fixed,))], max_restarts=20
    )
    operations = [
        Call("put", chance.choice("ab"), chance.randint(1, 99)) for _ in range(chance.randint(2, 8))
    ]
    faults = [
        rk.faults.NodeCrash(at=round(chance.uniform(0.1, 0.9), 2), restart_after=0.2, targets="n2"),
        rk.faults.Latency(0.0, 0.01),
    ]
    return Trial(
        {"n1": [rk.ChildSpec(Backup, name="backup")], "n2": [primaries]}, operations,
        faults=faults[: chance.randint(1, 2)], seed=seed, nodes=2, duration=1.0, to="primary",
        invariants=[acknowledged_is_there], may_crash=True,
    )  # fmt: skip
