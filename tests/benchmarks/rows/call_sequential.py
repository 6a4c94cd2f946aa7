"""One caller, one server in another process, one call after the other."""

from __future__ import annotations

import asyncio
import pickle
from time import perf_counter
from typing import Any

from tests.benchmarks.contest import Aim, Row, rate
from tests.benchmarks.peers import Counter, dask_cluster, packed, xoscar_counter, zmq_server

__all__ = ["ROWS"]


def resilkit(seconds: float) -> float:
    """Call from a server on one node to a server on another."""
    from tests.benchmarks.ours import pair, warmed

    with pair(apart=True) as (driver, target):
        return warmed(driver.call.sequential, target, seconds=seconds)


def resilkit_notebook(seconds: float) -> float:
    """Call from the notebook with the plain API, which hands each call to the cluster's thread."""
    from tests.benchmarks.ours import pair

    with pair(apart=False) as (_, target):
        call = target.call

        def work() -> int:
            for _ in range(50):
                call.increment()
            return 50

        return rate(seconds, work, perf_counter)


def dask(seconds: float) -> float:
    """Call an actor on a worker from the client."""
    with dask_cluster(1) as (_, client):
        actor = client.submit(Counter, actor=True).result()

        def work() -> int:
            for _ in range(20):
                actor.increment().result()
            return 20

        return rate(seconds, work, perf_counter)


def xoscar(seconds: float) -> float:
    """Await an actor in another process of the pool."""

    async def main() -> float:
        async with xoscar_counter() as actor:
            await actor.increment()
            done, start = 0, perf_counter()
            while (spent := perf_counter() - start) < seconds:
                for _ in range(20):
                    await actor.increment()
                done += 20
            return done / spent

    return asyncio.run(main())


def pipe(seconds: float) -> float:
    """Send and receive over multiprocess's Pipe: two processes and nothing else."""
    import multiprocess

    ours, theirs = multiprocess.Pipe()

    def serve() -> None:
        counter = Counter()
        while True:
            method, args, kwargs = theirs.recv()
            theirs.send(getattr(counter, method)(*args, **kwargs))

    process = multiprocess.Process(target=serve, daemon=True)
    process.start()

    def work() -> int:
        for _ in range(100):
            ours.send(("increment", (), {}))
            ours.recv()
        return 100

    try:
        return rate(seconds, work, perf_counter)
    finally:
        process.kill()
        process.join()


def zmq(seconds: float) -> float:
    """Ask over REQ/REP with pickled messages."""

    def serve(socket: Any) -> None:
        counter = Counter()
        while True:
            method, args, kwargs = pickle.loads(socket.recv())
            socket.send(packed(getattr(counter, method)(*args, **kwargs)))

    with zmq_server("REP", "REQ", serve) as socket:

        def work() -> int:
            for _ in range(50):
                socket.send(packed(("increment", (), {})))
                pickle.loads(socket.recv())
            return 50

        return rate(seconds, work, perf_counter)


CONTESTANTS = {
    "resilkit": resilkit,
    "resilkit (notebook)": resilkit_notebook,
    "dask": dask,
    "xoscar": xoscar,
    "pipe": pipe,
    "zmq": zmq,
}

ROWS = (
    Row(
        name="call-one-core",
        title="sequential call, one core",
        unit="per second",
        contestants=CONTESTANTS,
        aims=(Aim("dask", 10), Aim("xoscar", 4), Aim("pipe", 1)),
        cores=1,
    ),
    Row(
        name="call-two-cores",
        title="sequential call, two cores",
        unit="per second",
        contestants=CONTESTANTS,
        cores=2,
    ),
)
