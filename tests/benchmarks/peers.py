"""How the peers are started; each row then says what they do."""

from __future__ import annotations

import pickle
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

__all__ = ["Counter", "dask_cluster", "xoscar_counter", "zmq_server"]


class Counter:
    """The state that a Dask actor or an echo process keeps."""

    def __init__(self) -> None:
        self.count = 0

    def increment(self, by: int = 1) -> int:
        """Add `by` and return the sum."""
        self.count += by
        return self.count


@contextmanager
def dask_cluster(workers: int) -> Iterator[tuple[Any, Any]]:
    """Give a LocalCluster of worker processes behind nannies, and a client."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(workers)
        yield cluster, client


@asynccontextmanager
async def xoscar_counter() -> AsyncIterator[Any]:
    """Give a reference to an xoscar actor that lives in another process."""
    import xoscar
    from xoscar.backends.allocate_strategy import ProcessIndex

    from tests.benchmarks.xoscar_actor import XoscarCounter

    async with await xoscar.create_actor_pool("127.0.0.1", n_process=1) as pool:
        yield await xoscar.create_actor(
            XoscarCounter,
            address=pool.external_address,
            uid="counter",
            allocate_strategy=ProcessIndex(1),
        )


@contextmanager
def zmq_server(kind: str, client_kind: str, serve: Callable[[Any], None]) -> Iterator[Any]:
    """Give a client socket whose other end runs `serve(socket)` in another process."""
    import multiprocess
    import zmq

    ours, theirs = multiprocess.Pipe()

    def main() -> None:
        with zmq.Context() as context, context.socket(getattr(zmq, kind)) as socket:
            socket.linger = 0
            socket.set_hwm(0)
            theirs.send(socket.bind_to_random_port("tcp://127.0.0.1"))
            serve(socket)

    process = multiprocess.Process(target=main, daemon=True)
    process.start()
    port = ours.recv()
    try:
        with zmq.Context() as context, context.socket(getattr(zmq, client_kind)) as socket:
            socket.linger = 0
            socket.set_hwm(0)
            socket.connect(f"tcp://127.0.0.1:{port}")
            yield socket
    finally:
        process.kill()
        process.join()


def packed(message: object) -> bytes:
    """Return a message as the peers without a codec of their own send it."""
    return pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
