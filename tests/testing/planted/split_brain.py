"""Split brain: who thinks that he leads grants a lock, though he leads a minority."""

from __future__ import annotations

from contextlib import suppress

import resilkit as rk
from resilkit.errors import ClusterError, Refused
from resilkit.rng import stream
from resilkit.testing import Call, Trial


class Voter(rk.Server):
    """Votes once."""

    def init(self):
        self.vote = None

    def ask(self, who):
        if self.vote is None:
            self.vote = who
        return self.vote == who


class Locks(rk.Server):
    """Grants the lock, once, on the node that leads: the first of those that reach each other."""

    def init(self, careful):
        self.careful = careful
        self.holder = None

    async def acquire(self, who):
        if self.nodes()[0] != self.node:
            raise Refused("another node leads")
        if self.careful and not await self.elected(who):
            raise Refused("too few have voted for that")
        if self.holder is not None:
            raise Refused("it is held")
        self.holder = who
        return "granted"

    async def elected(self, who):
        votes = 0
        for number in (1, 2, 3):
            with suppress(ClusterError):
                votes += await self.whereis(f"voter-{number}").with_timeout(0.2).call.ask(who)
        return votes >= 2


def one_holder(cluster, history):
    """The lock is never given back: it may be granted once."""
    return sum(each.status == "ok" for each in history) <= 1


def trial(seed, *, fixed):
    chance = stream(seed, "split brain")
    system = {
        f"n{number}": [
            rk.ChildSpec(Voter, name=f"voter-{number}"),
            rk.ChildSpec(Locks, name=f"locks-{number}", args=(fixed,)),
        ]
        for number in (1, 2, 3)
    }
    operations = [
        Call("acquire", f"p{number}", to=f"locks-{chance.randint(1, 3)}")
        for number in range(chance.randint(3, 10))
    ]
    groups = chance.choice([[["n1"], ["n2", "n3"]], [["n1", "n2"], ["n3"]]])
    faults = [
        rk.faults.Partition(
            "custom", groups=groups, at=round(chance.uniform(0.0, 0.5), 2), duration=1.0
        ),
        rk.faults.Latency(0.0, 0.005),
    ]
    return Trial(
        system, operations, faults=faults[: chance.randint(1, 2)], seed=seed, nodes=3, duration=1.5,
        invariants=[one_holder], detect_after=0.5,
    )  # fmt: skip
