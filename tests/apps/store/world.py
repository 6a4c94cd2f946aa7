"""A network of the tests' own: it reorders, loses and repeats messages, and kills who it likes.

All chance comes from one seed. Nothing here is asynchronous: a step is one event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from resilkit import rng
from resilkit.apps.store.coordination import Action, Coordination, Done, Failed, Send
from resilkit.apps.store.protocol import (
    Answer,
    Fetch,
    Hello,
    Query,
    Snapshot,
    Store,
    Version,
    Welcome,
)
from resilkit.apps.store.registers import Batch, Joining, Registers


class Disk:
    """A storage that forgets at a crash what was not synced, or keeps a part of it."""

    def __init__(self) -> None:
        self.safe: dict[str, Any] = {}
        self.unsafe: list[tuple[str, Any]] = []

    def get(self, key: str, default: Any = None) -> Any:
        for held, value in reversed(self.unsafe):
            if held == key:
                return value
        return self.safe.get(key, default)

    def put(self, key: str, value: Any) -> None:
        self.unsafe.append((key, value))

    def items(self) -> Iterable[tuple[str, Any]]:
        return ({**self.safe, **dict(self.unsafe)}).items()

    def sync(self, count: int | None = None) -> None:
        count = len(self.unsafe) if count is None else count
        self.safe.update(self.unsafe[:count])
        del self.unsafe[:count]


@dataclass
class ReplicaHost:
    name: str
    disk: Disk = field(default_factory=Disk)
    life: int = 0
    up: bool = False
    registers: Any = None
    joining: Any = None
    syncing: tuple[Batch, int] | None = None


@dataclass
class Operation:
    kind: str
    key: str
    value: Any
    began: int
    ended: int | None = None
    version: Version | None = None
    seen: Any = None
    failed: Failed | None = None


class World:
    """Replicas and one coordinator a node, and everything that can happen to them."""

    def __init__(
        self,
        seed: int,
        *,
        nodes: int = 3,
        rules: type[Coordination] = Coordination,
        loss: float = 0.05,
        repeat: float = 0.05,
        crashes: float = 0.01,
        wipes: float = 0.0,
        cuts: float = 0.0,
    ) -> None:
        self.random = rng.stream(seed, "world")
        self.rules = rules
        self.loss, self.repeat, self.crashes, self.wipes = loss, repeat, crashes, wipes
        self.cuts = cuts
        self.apart: set[frozenset[str]] = set()
        self.names = [f"r{index}" for index in range(nodes)]
        self.hosts = {name: ReplicaHost(name) for name in self.names}
        self.lives = dict.fromkeys(self.names, 0)
        self.coordinators: dict[str, Coordination] = {}
        self.flying: list[Callable[[], None]] = []
        self.operations: list[Operation] = []
        self.step_number = 0
        self.now = 0.0
        self.lost_disks = 0
        for name in self.names:
            self.restart_coordinator(name)
            self.start(name)

    # --- what happens ---------------------------------------------------------------------

    def start(self, name: str) -> None:
        host = self.hosts[name]
        host.life += 1
        host.up = True
        host.syncing = None
        life = f"{name}:{host.life}"
        host.registers = Registers(name, host.disk, life)
        host.joining = None
        if not host.registers.serving:
            host.joining = Joining(name, life, self.names)
            if host.joining.alone():
                self.begin_to_serve(host, [])

    def crash(self, name: str, *, wipe: bool = False) -> None:
        host = self.hosts[name]
        host.up = False
        host.disk.sync(self.random.randint(0, len(host.disk.unsafe)))  # a part may have got there
        host.disk.unsafe.clear()
        if wipe:
            self.lost_disks += 1
            host.disk = Disk()

    def restart_coordinator(self, name: str) -> None:
        """A crash and a restart: whatever it was doing is never heard of again."""
        self.lives[name] += 1
        self.coordinators[name] = self.rules(f"{name}@{self.lives[name]}", self.names)

    def send(self, act: Callable[[], None]) -> None:
        if self.random.random() < self.loss:
            return
        self.flying.append(act)
        if self.random.random() < self.repeat:
            self.flying.append(act)

    def deliver_one(self) -> None:
        if self.flying:
            index = self.random.randrange(len(self.flying))
            self.flying[index], self.flying[-1] = self.flying[-1], self.flying[index]
            self.flying.pop()()

    def sync_step(self, host: ReplicaHost) -> None:
        """Syncs begin at one moment and end at another; messages arrive in between."""
        if host.syncing is None:
            if host.registers.serving and host.registers.dirty:
                host.syncing = (host.registers.seal(), len(host.disk.unsafe))
            return
        batch, count = host.syncing
        host.syncing = None
        host.disk.sync(count)
        for coordinator, answer in host.registers.committed(batch):
            self.answer(coordinator, answer)

    def ask_again(self, host: ReplicaHost) -> None:
        if host.joining is not None:
            question = host.joining.question()
            for other in host.joining.others:
                self.send(lambda other=other: self.arrive_at_replica(other, question, host.name))

    def begin_to_serve(self, host: ReplicaHost, snapshots: list[Snapshot]) -> None:
        host.registers.serve(host.joining.epoch, snapshots)
        host.disk.sync()
        host.joining = None

    # --- arrivals -------------------------------------------------------------------------

    def arrive_at_replica(self, name: str, message: Any, sender: Any) -> None:
        host = self.hosts[name]
        if not host.up or frozenset((name, sender)) in self.apart:
            return
        match message:
            case Hello():
                answer = host.registers.welcome(message)
                self.send(lambda: self.arrive_at_replica(sender, answer, name))
            case Fetch() if host.registers.serving:
                if host.registers.remember(message):
                    host.disk.sync()
                    host.syncing = None if host.syncing is None else (host.syncing[0], 0)
                snapshot = host.registers.snapshot(message)
                self.send(lambda: self.arrive_at_replica(sender, snapshot, name))
            case Welcome() if host.joining is not None:
                if host.joining.welcomed(message):
                    self.begin_to_serve(host, [])
            case Snapshot() if host.joining is not None:
                snapshots = host.joining.fetched(message)
                if snapshots is not None:
                    self.begin_to_serve(host, snapshots)
            case Query() if host.registers.serving:
                self.answer(sender, host.registers.query(message))
            case Store() if host.registers.serving:
                at_once = host.registers.store(message, sender)
                if at_once is not None:
                    self.answer(sender, at_once)

    def answer(self, coordinator: str, answer: Answer) -> None:
        def arrive() -> None:
            if frozenset((coordinator, answer.replica)) not in self.apart:
                rules = self.coordinators[coordinator]
                self.carry_out(coordinator, rules.answered(answer, self.now))

        self.send(arrive)

    def carry_out(self, coordinator: str, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Send(message, replicas):
                    for replica in replicas:
                        self.send(
                            lambda replica=replica, message=message: self.arrive_at_replica(
                                replica, message, coordinator
                            )
                        )
                case Done(operation, version, value):
                    operation.ended = self.step_number
                    operation.version, operation.seen = version, value
                case Failed():
                    action.token.ended = self.step_number
                    action.token.failed = action

    # --- a run ----------------------------------------------------------------------------

    def invoke(self, coordinator: str, kind: str, key: str, value: Any = None) -> Operation:
        operation = Operation(kind, key, value, self.step_number)
        self.operations.append(operation)
        rules = self.coordinators[coordinator]
        if kind == "put":
            actions = rules.put(operation, key, value, self.now)
        else:
            actions = rules.get(operation, key, self.now)
        self.carry_out(coordinator, actions)
        return operation

    def without_disk(self) -> int:
        """How many replicas have an empty disk, or have not finished to join."""
        return sum(1 for host in self.hosts.values() if "member" not in host.disk.safe)

    def step(self, keys: int) -> None:
        self.step_number += 1
        self.now += 0.001
        random = self.random
        for host in self.hosts.values():
            if host.up and random.random() < 0.1:
                self.ask_again(host)
            if host.up and random.random() < 0.2:
                self.sync_step(host)
            if not host.up and random.random() < 0.02:
                self.start(host.name)
            elif host.up and random.random() < self.crashes:
                minority = (len(self.names) - 1) // 2
                may_wipe = self.without_disk() < minority
                self.crash(host.name, wipe=may_wipe and random.random() < self.wipes)
        if random.random() < self.crashes:
            self.restart_coordinator(random.choice(self.names))
        self.cut_or_mend()
        for name, rules in self.coordinators.items():
            if random.random() < 0.05:
                self.carry_out(name, rules.expire(self.now))
        if random.random() < 0.15:
            kind = "put" if random.random() < 0.6 else "get"
            key = f"k{random.randrange(keys)}"
            self.invoke(random.choice(self.names), kind, key, self.step_number)
        # Each message makes the more of them the more replicas there are.
        for _ in range(random.randrange(4 * len(self.names))):
            self.deliver_one()

    def cut_or_mend(self) -> None:
        """Set two apart, or some two together again: for many steps, and never many at once."""
        if self.random.random() < self.cuts and len(self.names) > 1:
            if len(self.apart) >= len(self.names) // 2:
                self.apart.discard(self.random.choice(sorted(self.apart, key=sorted)))
            else:
                self.apart.add(frozenset(self.random.sample(self.names, 2)))

    def run(self, steps: int, *, keys: int = 3) -> None:
        for _ in range(steps):
            self.step(keys)
        self.settle(keys)

    def settle(self, keys: int) -> None:
        """Heal everything, then read every key through a new coordinator."""
        self.loss = self.repeat = 0.0
        self.apart.clear()
        for host in self.hosts.values():
            if not host.up:
                self.start(host.name)
        for name in self.names:
            self.restart_coordinator(name)
        self.step_number += 1
        finals = [self.invoke("r0", "get", f"k{index}") for index in range(keys)]
        for _ in range(3_000):
            self.now += 0.01
            for host in self.hosts.values():
                self.ask_again(host)
                self.sync_step(host)
            for name, rules in self.coordinators.items():
                self.carry_out(name, rules.expire(self.now))
            while self.flying:
                self.deliver_one()
            for index, final in enumerate(finals):
                if final.failed:
                    finals[index] = self.invoke("r0", "get", final.key)
            if all(final.version is not None for final in finals):
                return
        raise AssertionError("the healed system does not answer")


def violations(operations: list[Operation]) -> list[str]:
    """What no atomic register does: to miss what was acknowledged, or to go back in time."""
    found = []
    values: dict[tuple[str, Version], Any] = {}
    for operation in operations:
        if operation.version is not None and operation.version != (0, ""):
            seen = values.setdefault((operation.key, operation.version), operation.seen)
            if seen != operation.seen:
                found.append(f"two values under {operation.key} {operation.version}")
    for later in operations:
        if later.version is None:
            continue
        for earlier in operations:
            if earlier.key != later.key or earlier.version is None or earlier.ended is None:
                continue
            if earlier.ended < later.began:
                backwards = earlier.version > later.version
                again = later.kind == "put" and earlier.version == later.version
                if backwards or again:
                    found.append(
                        f"{later.kind} {later.key} has {later.version}, but a {earlier.kind} that "
                        f"had ended before it began has {earlier.version}"
                    )
    return found
