"""Servers to be tried: some are right, each of the others is wrong in one way."""

from __future__ import annotations

import asyncio
from typing import Any

import resilkit as rk
from resilkit.testing import Call, Cast, Model


class Counter(rk.Server):
    """Counts."""

    def init(self, start: int = 0) -> None:
        self.value = start

    def increment(self, by: int = 1) -> int:
        self.value += by
        return self.value

    def get(self) -> int:
        return self.value

    def take(self, amount: int) -> int:
        if amount > self.value:
            raise rk.Refused("too little")
        self.value -= amount
        return self.value


class Forgetful(Counter):
    """Loses what would make it more than five."""

    def increment(self, by: int = 1) -> int:
        self.value = min(self.value + by, 5)
        return self.value


class Deaf(Counter):
    """Does not hear a seven."""

    def increment(self, by: int = 1) -> int:
        return self.value if by == 7 else super().increment(by)


class Fragile(Counter):
    """Crashes on a three."""

    def increment(self, by: int = 1) -> int:
        if by == 3:
            raise ValueError("a three")
        return super().increment(by)


class Silent(Counter):
    """Never answers one question."""

    def ask(self) -> object:
        self.asked = self.defer()
        return rk.NO_REPLY

    async def hang(self) -> None:
        await asyncio.get_running_loop().create_future()


class Account(rk.Server):
    """Reads its balance, gives way, and writes it: two deposits at once leave one."""

    pause = 0.0

    def init(self) -> None:
        self.balance = 0
        self.work: list[asyncio.Task[None]] = []

    def deposit(self, amount: int) -> object:
        caller = self.defer()

        async def add() -> None:
            seen = self.balance
            await asyncio.sleep(self.pause)
            self.balance = seen + amount
            caller.reply(self.balance)

        self.work.append(asyncio.create_task(add()))
        return rk.NO_REPLY

    def get(self) -> int:
        return self.balance


class SafeAccount(Account):
    """Does one deposit after the other."""

    async def deposit(self, amount: int) -> int:  # type: ignore[override]
        seen = self.balance
        await asyncio.sleep(self.pause)
        self.balance = seen + amount
        return self.balance


def counting(value: int, operation: Call | Cast) -> tuple[Any, int]:
    """Say what `Counter` replies."""
    if operation.method == "increment":
        value += operation.kwargs.get("by", 1)
    elif operation.method == "take":
        amount = operation.args[0]
        if amount > value:
            raise rk.Refused("no")
        value -= amount
    return value, value


COUNTER = Model(0, counting)


def increments(*amounts: int) -> list[Call | Cast]:
    """Return calls that increment by so much, one after the other."""
    return [Call("increment", by=amount) for amount in amounts]


class Store(rk.Server):
    """Keeps a value for others."""

    def init(self) -> None:
        self.value = 0

    def read(self) -> int:
        return self.value

    def write(self, value: int) -> None:
        self.value = value

    def add(self, by: int) -> int:
        self.value += by
        return self.value


class Front(rk.Server):
    """Reads what a store has, and writes back more: two fronts lose updates of each other."""

    def init(self) -> None:
        self.store = self.whereis("store")

    async def add(self, by: int) -> int:
        seen: int = await self.store.call.read()
        await self.store.call.write(seen + by)
        return seen + by


class SafeFront(Front):
    """Has the store do the sum."""

    async def add(self, by: int) -> int:
        return int(await self.store.call.add(by))


def fronts(front: type[rk.Server]) -> dict[str, list[rk.ChildSpec]]:
    """Return a store and two fronts of it, a node each."""
    return {
        "n1": [rk.ChildSpec(Store, name="store")],
        "n2": [rk.ChildSpec(front, name="front-1")],
        "n3": [rk.ChildSpec(front, name="front-2")],
    }
