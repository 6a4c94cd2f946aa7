"""One hundred calls in flight to one server in another process."""

from __future__ import annotations

import asyncio
import pickle
from time import perf_counter
from typing import Any

from tests.benchmarks.contest import Aim, Row
from tests.benchmarks.peers import Counter, packed, xoscar_counter, zmq_server

__all__ = ["ROWS"]

WIDTH = 100


def resilkit(seconds: float) -> float:
    """Keep the calls in flight from a server on another node."""
    from tests.benchmarks.ours import pair, warmed

    with pair(apart=True) as (driver, target):
        return warmed(driver.call.concurrent, target, width=WIDTH, seconds=seconds)


def xoscar(seconds: float) -> float:
    """Keep the calls in flight from tasks of the main process."""

    async def main() -> float:
        async with xoscar_counter() as actor:
            await actor.increment()
            start = perf_counter()

            async def caller() -> int:
                done = 0
                while perf_counter() < start + seconds:
                    await actor.increment()
                    done += 1
                return done

            counts = await asyncio.gather(*(caller() for _ in range(WIDTH)))
            return sum(counts) / (perf_counter() - start)

    return asyncio.run(main())


def zmq(seconds: float) -> float:
    """Keep the calls in flight over DEALER/ROUTER, matching replies to calls by their number."""

    def serve(socket: Any) -> None:
        counter = Counter()
        while True:
            client, data = socket.recv_multipart()
            number, method, args, kwargs = pickle.loads(data)
            socket.send_multipart(
                [client, packed((number, getattr(counter, method)(*args, **kwargs)))]
            )

    with zmq_server("ROUTER", "DEALER", serve) as socket:
        waiting = set(range(WIDTH))
        for number in waiting:
            socket.send(packed((number, "increment", (), {})))
        issued, done, start = WIDTH, 0, perf_counter()
        while (spent := perf_counter() - start) < seconds:
            for _ in range(WIDTH):
                number, _ = pickle.loads(socket.recv())
                waiting.remove(number)
                waiting.add(issued)
                socket.send(packed((issued, "increment", (), {})))
                issued += 1
            done += WIDTH
        return done / spent


ROWS = (
    Row(
        name="call-concurrent",
        title="100 concurrent calls",
        unit="per second",
        contestants={"resilkit": resilkit, "xoscar": xoscar, "zmq": zmq},
        aims=(Aim("xoscar", 8), Aim("zmq", 1)),
    ),
)
