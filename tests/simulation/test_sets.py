"""Sets of tasks, of what was awaited, and of references have one order everywhere."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
from typing import Any

import pytest

import resilkit as rk
from resilkit.runtime.messages import Pid
from resilkit.runtime.pending import Deferred
from resilkit.runtime.reference import Reference
from resilkit.simulation.sets import InOrder

MANY = 12

# A simulated node runs a virtual_loop: a sleep costs nothing, and ends when it says.


class Worker(rk.Server):
    def work(self, number: int) -> int:
        return number


class Gatherer(rk.Server):
    """Keeps what it waits for in sets, and goes over these."""

    def init(self) -> None:
        self.seen: list[Any] = []
        self.late: set[rk.Deferred] = set()
        self.known = {self.whereis(f"w{number}") for number in range(MANY)}

    def note(self, value: Any) -> None:
        self.seen.append(value)

    async def waits(self) -> list[int]:
        calls = [self.whereis("w0").call.work(number) for number in range(MANY)]
        done, pending = await asyncio.wait(calls)
        assert not pending
        return [each.result() for each in done]

    async def calls(self) -> list[int]:
        worker = self.whereis("w0")
        done, _ = await asyncio.wait({worker.call.work(number) for number in range(MANY)})
        return [each.result() for each in done]

    async def calls_here(self) -> list[int]:
        here = self.whereis("here")
        running = {here.call.work(number) for number in range(MANY)}
        running |= {asyncio.shield(self.whereis("w0").call.work(number)) for number in range(MANY)}
        return [await each for each in running]

    async def tasks(self) -> list[int]:
        done, _ = await asyncio.wait({asyncio.create_task(self._work(n)) for n in range(MANY)})
        return [each.result() for each in done]

    async def completes(self) -> list[int]:
        works = [self._work(number) for number in range(MANY)]
        found = [await each for each in asyncio.as_completed(works)]
        return [*found, *self.seen]

    async def fails(self) -> list[Any]:
        async def rest(number: int) -> None:
            try:
                await asyncio.sleep(1.0)
            finally:
                self.note(number)

        async def fail() -> None:
            await asyncio.sleep(0.1)
            raise LookupError("enough")

        with pytest.raises(ExceptionGroup):
            async with asyncio.TaskGroup() as group:
                for number in range(MANY):
                    group.create_task(rest(number))
                group.create_task(fail())
        return self.seen

    async def cancels(self) -> list[Any]:
        async def rest(number: int) -> None:
            try:
                await asyncio.sleep(1.0)
            finally:
                self.note(number)

        running = {asyncio.create_task(rest(number)) for number in range(MANY)}
        await asyncio.sleep(0.1)
        for each in running:
            each.cancel()
        await asyncio.sleep(0.1)
        return self.seen

    async def all_tasks(self, *, ended: bool = True) -> list[str]:
        running = [asyncio.create_task(self._work(number), name=str(number)) for number in range(5)]
        found = [each.get_name() for each in asyncio.all_tasks()]
        for each in running if ended else ():
            each.cancel()
        return [each for each in found if each.isdigit()]

    def references(self) -> None:
        for each in self.known:
            each.cast.work(1)

    def later(self) -> Any:
        self.late.add(self.defer())
        if len(self.late) == MANY:
            for each in self.late:
                each.reply(self.now())
        return rk.NO_REPLY

    async def _work(self, number: int) -> int:
        self.note(number)
        await asyncio.sleep(0.01)
        return number


METHODS = ("waits", "calls", "calls_here", "tasks", "completes", "fails", "cancels", "references")


def use(cluster: rk.Cluster) -> None:
    for number in range(MANY):
        cluster.start(Worker, name=f"w{number}", node="n1")
    cluster.start(Worker, name="here", node="n2")
    for method in METHODS:
        getattr(cluster.start(Gatherer, name=method, node="n2").call, method)()
    late = cluster.start(Gatherer, name="late", node="n2")
    monitors = [cluster.start(Caller, node="n1") for _ in range(MANY)]
    for each in monitors:
        each.cast.ask()
    cluster.advance(1.0)
    assert len(late.state()["late"]) == MANY


class Caller(rk.Server):
    async def ask(self) -> None:
        await self.whereis("late").call.later()


def test_sets_of_what_servers_wait_for_have_the_same_order_in_another_process() -> None:
    check = rk.check_determinism(use, nodes=2, seed=7)
    check.raise_if_not()


@pytest.mark.parametrize("method", ["calls", "calls_here"])
def test_sets_of_calls_have_the_same_order_in_every_simulation_of_a_process(method: str) -> None:
    kept: list[Any] = []  # which has what comes later lie elsewhere
    found = set()
    for _ in range(5):
        with rk.Cluster(nodes=2, backend="simulation", seed=7) as cluster:
            cluster.start(Worker, name="w0", node="n1")
            cluster.start(Worker, name="here", node="n2")
            gatherer = cluster.start(Gatherer, node="n2")
            found.add(tuple(getattr(gatherer.call, method)()))
            kept.append([object() for _ in range(1000)])
    assert len(found) == 1


def test_all_tasks_come_in_the_order_in_which_they_began_whatever_else_the_process_has() -> None:
    others = []
    try:
        for number in range(4):
            others.append(rk.Cluster(nodes=2, backend="simulation", seed=7))
            gatherer = others[-1].start(Gatherer, node="n2")
            for _ in range(number):
                gatherer.call.all_tasks(ended=False)
        with rk.Cluster(nodes=2, backend="simulation", seed=7) as cluster:
            gatherer = cluster.start(Gatherer, node="n2")
            for _ in range(30):
                assert gatherer.call.all_tasks() == list("01234")
    finally:
        for each in others:
            each.close()

    async def main() -> None:
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert type(asyncio.all_tasks(asyncio.get_running_loop())) is set

    with rk.Cluster(nodes=1, backend="simulation"):
        asyncio.run(main())


def test_what_is_awaited_together_comes_in_the_order_in_which_it_was_given() -> None:
    with rk.Cluster(nodes=2, backend="simulation", schedule="fifo", seed=7) as cluster:
        cluster.start(Worker, name="w0", node="n1")
        gatherer = cluster.start(Gatherer, node="n2")
        assert gatherer.call.waits() == list(range(MANY))


def test_outside_of_simulations_asyncio_waits_as_ever() -> None:
    async def main() -> None:
        done, pending = await asyncio.wait([asyncio.create_task(asyncio.sleep(0))])
        assert type(done) is set
        assert (len(done), pending) == (1, set())
        with pytest.raises(TypeError):
            await asyncio.wait(asyncio.create_task(asyncio.sleep(0)))  # type: ignore[call-overload]
        assert [await each for each in asyncio.as_completed([asyncio.sleep(0, 3)])] == [3]

    wait = asyncio.wait
    with rk.Cluster(nodes=1, backend="simulation"):
        assert asyncio.wait is not wait
        asyncio.run(main())
    assert asyncio.wait is wait


def test_a_set_in_order_stays_in_order() -> None:
    found = InOrder("bca")
    found |= {"z"}
    found.discard("c")
    assert list(found) == ["b", "a", "z"]
    assert found == {"a", "b", "z"}
    assert pickle.loads(pickle.dumps(found)) == found
    assert [found.pop() for _ in range(3)] == ["b", "a", "z"]
    with pytest.raises(KeyError):
        found.pop()


def test_references_and_late_answers_hash_the_same_in_every_process() -> None:
    code = (
        "from resilkit.runtime import Pid, Reference\n"
        "from resilkit.runtime.pending import Deferred\n"
        "found = Reference('bank'), Reference(Pid('n1', 2, 3)), Deferred('n1', 4, None)\n"
        "print(*map(hash, found))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONHASHSEED": "3", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    here = (Reference("bank"), Reference(Pid("n1", 2, 3)), Deferred("n1", 4, None))
    assert told.split() == [str(hash(each)) for each in here]
    assert {Deferred("n1", 4, None), Deferred("n1", 4, None)} == {Deferred("n1", 4, None)}
    assert Deferred("n1", 4, None) != Deferred("n2", 4, None)
    assert {Reference("bank"), Reference("bank").with_timeout(1.0)} == {Reference("bank")}
