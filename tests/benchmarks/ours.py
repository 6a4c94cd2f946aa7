"""The servers that resilkit's side of the rows uses, and a cluster to put them on."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import resilkit as rk
from tests.benchmarks.memory import resident_bytes

__all__ = ["Driver", "Echo", "pair", "warmed"]

TIMEOUT = 120.0


class Echo(rk.Server):
    """Answers, and counts what it was sent."""

    def init(self) -> None:
        """Start from nothing."""
        self.count = 0

    def increment(self, by: int = 1) -> int:
        """Add `by` and return the sum."""
        self.count += by
        return self.count


class Driver(rk.Server):
    """Sends from inside a node, so that neither the notebook nor a thread is in the way."""

    def init(self) -> None:
        """Nothing to set up."""

    async def sequential(self, target: rk.Reference, seconds: float) -> float:
        """Call one after the other; return calls a second."""
        done, start = 0, perf_counter()
        while (spent := perf_counter() - start) < seconds:
            for _ in range(100):
                await target.call.increment()
            done += 100
        return done / spent

    async def concurrent(self, target: rk.Reference, seconds: float, width: int) -> float:
        """Keep `width` calls in flight; return calls a second."""
        start = perf_counter()
        counts = await asyncio.gather(
            *(self._caller(target, start + seconds) for _ in range(width))
        )
        return sum(counts) / (perf_counter() - start)

    async def _caller(self, target: rk.Reference, end: float) -> int:
        done = 0
        while perf_counter() < end:
            await target.call.increment()
            done += 1
        return done

    async def casts(self, target: rk.Reference, seconds: float, batch: int) -> float:
        """Cast in batches, wait after each until it is handled; return casts a second."""
        done, start = 0, perf_counter()
        while (spent := perf_counter() - start) < seconds:
            cast = target.cast
            for _ in range(batch):
                cast.increment()
            await target.call.increment()
            done += batch
        return done / spent

    async def bytes_per_server(self, count: int) -> float:
        """Start `count` servers beside this one; return the resident memory that each one took."""
        from resilkit.runtime import spawn

        gc.collect()
        before = resident_bytes()
        started = [await spawn(self._process.node, rk.ChildSpec(Echo)) for _ in range(count)]
        gc.collect()
        return (resident_bytes() - before) / len(started)


@contextmanager
def pair(*, apart: bool) -> Iterator[tuple[Any, Any]]:
    """Give a driver and an echo server, on two nodes or on one."""
    with rk.Cluster(nodes=2 if apart else 1) as cluster:
        target = cluster.start(Echo, name="echo", node="n2" if apart else "n1")
        driver = cluster.start(Driver, name="driver", node="n1")
        yield driver.with_timeout(TIMEOUT), target


def warmed(method: Any, *args: Any, seconds: float, **kwargs: Any) -> float:
    """Ask a driver for a short run, then for the one that counts."""
    method(*args, seconds=seconds / 5, **kwargs)
    return float(method(*args, seconds=seconds, **kwargs))
