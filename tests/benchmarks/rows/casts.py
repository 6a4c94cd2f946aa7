"""Messages without a reply to one server in another process, counted when they are handled."""

from __future__ import annotations

import asyncio
import pickle
from time import perf_counter
from typing import Any

from tests.benchmarks.contest import Aim, Row
from tests.benchmarks.peers import Counter, packed, xoscar_counter, zmq_server

__all__ = ["ROWS"]

BATCH = 10_000


def resilkit(seconds: float) -> float:
    """Cast from a server on another node, then call once to know that all were handled."""
    from tests.benchmarks.ours import pair, warmed

    with pair(apart=True) as (driver, target):
        return warmed(driver.call.casts, target, batch=BATCH, seconds=seconds)


def xoscar(seconds: float) -> float:
    """Send batches, which is xoscar's own way to send much."""

    async def main() -> float:
        async with xoscar_counter() as actor:
            await actor.increment()
            done, start = 0, perf_counter()
            while (spent := perf_counter() - start) < seconds:
                await actor.increment.batch(*[actor.increment.delay() for _ in range(BATCH)])
                done += BATCH
            return done / spent

    return asyncio.run(main())


def zmq(seconds: float) -> float:
    """Push pickled messages; a last one asks for the count over a pipe."""
    import multiprocess

    ours, theirs = multiprocess.Pipe()

    def serve(socket: Any) -> None:
        counter = Counter()
        while True:
            method, args, kwargs = pickle.loads(socket.recv())
            if method == "report":
                theirs.send(counter.count)
            else:
                getattr(counter, method)(*args, **kwargs)

    with zmq_server("PULL", "PUSH", serve) as socket:
        done, start = 0, perf_counter()
        while (spent := perf_counter() - start) < seconds:
            for _ in range(BATCH):
                socket.send(packed(("increment", (), {})))
            socket.send(packed(("report", (), {})))
            done += BATCH
            if ours.recv() != done:
                raise AssertionError("messages were lost")
        return done / spent


ROWS = (
    Row(
        name="casts",
        title="casts, counted when handled",
        unit="per second",
        contestants={"resilkit": resilkit, "xoscar (batch)": xoscar, "zmq": zmq},
        aims=(Aim("xoscar (batch)", 6), Aim("zmq", 1)),
    ),
)
