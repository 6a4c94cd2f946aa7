"""A system under load that lives in the test, and a run of a workload against it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from resilkit.errors import CallTimeout, NoProcess
from resilkit.history import History
from resilkit.workload import Engine, Workload
from tests.workload.virtual_loop import run_virtually

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilkit.workload import GeneratorReport


class FakeClient:
    """Names and the objects behind them; methods may be plain or async."""

    def __init__(self, **servers: Any) -> None:
        self.servers = servers
        self.asked: list[str] = []

    def whereis(self, name: str) -> FakeReference:
        self.asked.append(name)
        if name not in self.servers:
            raise NoProcess(f"nobody is called {name!r}")
        return FakeReference(self.servers[name], None)


class FakeReference:
    def __init__(self, server: Any, timeout: float | None) -> None:
        self.server = server
        self.timeout = timeout

    def with_timeout(self, timeout: float | None) -> FakeReference:
        return FakeReference(self.server, timeout)

    @property
    def call(self) -> _Call:
        return _Call(self)


class _Call:
    def __init__(self, reference: FakeReference) -> None:
        self._reference = reference

    def __getattr__(self, method: str) -> Any:
        async def ask(*args: Any, **kwargs: Any) -> Any:
            found = getattr(self._reference.server, method)(*args, **kwargs)
            if not asyncio.iscoroutine(found):
                return found
            try:
                return await asyncio.wait_for(found, self._reference.timeout)
            except TimeoutError:
                raise CallTimeout(f"no reply in {self._reference.timeout} s") from None

        return ask


class StallingServer:
    """Answers at once, except during a stall, whose end it then waits for."""

    def __init__(self, begin: float, end: float) -> None:
        self.begin, self.end = begin, end

    async def ask(self) -> str:
        loop = asyncio.get_running_loop()
        if self.begin <= loop.time() < self.end:
            await asyncio.sleep(self.end - loop.time())
        return "answer"


def run(
    workload: Workload,
    *,
    duration: float = 1.0,
    seed: int = 7,
    client: Any = None,
    during: Callable[[Engine, Any], Any] | None = None,
) -> tuple[History, list[GeneratorReport]]:
    """Run all generators of `workload` on one virtual loop from time 1001.0 on.

    `during(engine, loop)` is called before the run, to schedule what happens in it.
    """

    async def main(loop: Any) -> tuple[History, list[GeneratorReport]]:
        history = History()
        engines = [
            Engine(plan, client, history.extend, now=loop.time)
            for plan in workload.plan(seed, duration)
        ]
        if during is not None:
            for engine in engines:
                during(engine, loop)
        reports = await asyncio.gather(*(engine.run(1001.0) for engine in engines))
        return history, list(reports)

    return run_virtually(main)
