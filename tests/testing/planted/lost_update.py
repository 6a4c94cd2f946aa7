"""Lost update: two tellers read a balance, add to it, and write it back."""

from __future__ import annotations

import resilkit as rk
from resilkit.rng import stream
from resilkit.testing import Call, Concurrent, Trial


class Ledger(rk.Server):
    """Has the balance."""

    def init(self):
        self.balance = 0

    def read(self):
        return self.balance

    def write(self, balance):
        self.balance = balance

    def add(self, amount):
        self.balance += amount
        return self.balance


class Teller(rk.Server):
    """Takes what people deposit."""

    def init(self, careful):
        self.ledger = self.whereis("ledger")
        self.careful = careful

    async def deposit(self, amount):
        if self.careful:
            return await self.ledger.call.add(amount)
        balance = await self.ledger.call.read() + amount
        await self.ledger.call.write(balance)
        return balance


def deposits_add_up(cluster, history):
    """What was deposited is there, once all deposits have ended."""
    if any(each.status == "open" for each in history):
        return True
    total = sum(each.operation.args[0] for each in history if each.status == "ok")
    return cluster.whereis("ledger").call.read() == total


def trial(seed, *, fixed):
    chance = stream(seed, "lost update")
    system = {
        "n1": [rk.ChildSpec(Ledger, name="ledger")],
        "n2": [rk.ChildSpec(Teller, name="teller-1", args=(fixed,))],
        "n3": [rk.ChildSpec(Teller, name="teller-2", args=(fixed,))],
    }
    processes = [
        [Call("deposit", chance.randint(1, 9), to=chance.choice(["teller-1", "teller-2"]))
         for _ in range(chance.randint(1, 5))]
        for _ in range(chance.randint(2, 4))
    ]  # fmt: skip
    return Trial(
        system, Concurrent(processes), seed=seed, schedule=chance.choice(["random", "pct"]),
        invariants=[deposits_add_up],
    )  # fmt: skip
