"""Deadlock: two branches send each other money, and each waits for the other's word."""

from __future__ import annotations

import resilkit as rk
from resilkit.rng import stream
from resilkit.testing import Call, Concurrent, Trial


class Branch(rk.Server):
    """A branch of a bank."""

    def init(self, other, patient):
        self.other = self.whereis(other)
        self.patient = patient
        self.balance = 100

    async def send(self, amount):
        self.balance -= amount
        if self.patient:
            self.other.cast.receive(amount)
        else:
            await self.other.call.receive(amount)
        return self.balance

    def receive(self, amount):
        self.balance += amount


def trial(seed, *, fixed):
    chance = stream(seed, "crossed calls")
    system = {
        "n1": [rk.ChildSpec(Branch, name="north", args=("south", fixed))],
        "n2": [rk.ChildSpec(Branch, name="south", args=("north", fixed))],
    }
    processes = [
        [Call("send", chance.randint(1, 9), to=chance.choice(["north", "south"]))
         for _ in range(chance.randint(1, 4))]
        for _ in range(chance.randint(2, 4))
    ]  # fmt: skip
    return Trial(
        system, Concurrent(processes), seed=seed, nodes=2, schedule=chance.choice(["random", "pct"])
    )
