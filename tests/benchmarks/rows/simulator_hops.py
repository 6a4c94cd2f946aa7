"""Messages between two simulated nodes, through the whole stack of servers.

Processor time, not time on the wall: a simulation is one thread that never waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from time import process_time
from typing import Any

import resilkit as rk
from tests.benchmarks.contest import Aim, Contestant, Row, rate

__all__ = ["ROWS"]

WIDTH = 100
"""Casts in flight."""
ROUND = 20
"""Hops of each before the next look at the time."""
TRAVELS = 0.0005
"""Virtual seconds that a message is on its way, in the loops that send none by themselves."""


class Node(rk.Server):
    """Calls the server on the other node, and passes on what that one casts."""

    def init(self, other: str) -> None:
        """Know the other one by its name."""
        self.other = self.whereis(other)
        self.home: Any = None
        self.out = 0

    def echo(self, value: int) -> int:
        """Answer."""
        return value

    async def ask(self, count: int) -> None:
        """Call the other one, again and again."""
        call = self.other.call
        for number in range(count):
            await call.echo(number)

    def throw(self, width: int, hops: int) -> object:
        """Have `width` casts go to and fro; answer when each has made its `hops`."""
        self.home, self.out = self.defer(), width
        for _ in range(width):
            self.other.cast.catch(hops - 1)
        return rk.NO_REPLY

    def catch(self, hops: int) -> None:
        """Throw it back as long as it has hops left."""
        if hops:
            self.other.cast.catch(hops - 1)
        elif self.home is not None:
            self.out -= 1
            if not self.out:
                self.home.reply(None)


def two_nodes(seconds: float, schedule: str, work: Callable[[Any], int]) -> float:
    """Return the hops a second of `work`, which is given a server and says how many it made."""
    with rk.Cluster(nodes=2, backend="simulation", seed=1, schedule=schedule) as cluster:
        here = cluster.start(Node, "b", name="a", node="n1")
        cluster.start(Node, "a", name="b", node="n2")
        return rate(seconds, lambda: work(here.with_timeout(None)), process_time)


def calls(seconds: float, schedule: str) -> float:
    """Call one after the other: two hops a call."""

    def work(here: Any) -> int:
        here.call.ask(WIDTH * ROUND // 2)
        return WIDTH * ROUND

    return two_nodes(seconds, schedule, work)


def casts(seconds: float, schedule: str) -> float:
    """Keep casts in flight, each from a handler of the last one."""

    def work(here: Any) -> int:
        here.call.throw(WIDTH, ROUND)
        return WIDTH * ROUND

    return two_nodes(seconds, schedule, work)


# The same with nothing but asyncio ----------------------------------------------------------------


class Mailboxes:
    """Two tasks with a queue each; a message is put there when it has travelled."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.queues: tuple[asyncio.Queue[Any], ...] = (asyncio.Queue(), asyncio.Queue())
        self.tasks = [self.loop.create_task(self.handle(place)) for place in (0, 1)]
        self.home = self.loop.create_future()
        self.out = 0

    def send(self, place: int, message: Any) -> None:
        """Have a message arrive."""
        self.loop.call_later(TRAVELS, self.queues[place].put_nowait, message)

    async def handle(self, place: int) -> None:
        """Handle what arrives: a call's number and its future, or a cast's hops."""
        queue = self.queues[place]
        while True:
            message = await queue.get()
            if isinstance(message, tuple):
                self.loop.call_later(TRAVELS, message[1].set_result, message[0])
            elif message:
                self.send(1 - place, message - 1)
            else:
                self.out -= 1
                if not self.out:
                    self.home.set_result(None)

    async def ask(self) -> None:
        """Call, again and again."""
        for number in range(WIDTH * ROUND // 2):
            answer = self.loop.create_future()
            self.send(1, (number, answer))
            await answer

    async def throw(self) -> None:
        """Keep casts in flight."""
        self.home, self.out = self.loop.create_future(), WIDTH
        for _ in range(WIDTH):
            self.send(1, ROUND - 1)
        await self.home

    def end(self) -> None:
        """Let nothing be left of it."""
        for task in self.tasks:
            task.cancel()


Work = Callable[[Mailboxes], Coroutine[Any, Any, None]]


async def measured(work: Work, seconds: float) -> float:
    """Return the hops a second of `work`, in the loop that runs."""
    boxes = Mailboxes()
    await work(boxes)
    done, start = 0, process_time()
    while (spent := process_time() - start) < seconds:
        await work(boxes)
        done += WIDTH * ROUND
    boxes.end()
    return done / spent


def bare(seconds: float, work: Work) -> float:
    """Run it on a loop whose clock jumps."""
    from tests.benchmarks.virtual_loop import VirtualLoop

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(measured(work, seconds))


def simloom(seconds: float, work: Work) -> float:
    """Run it in a simulated universe of simloom's, with its seeded schedule."""
    import simloom as peer

    found: list[float] = []

    async def main() -> None:
        found.append(await measured(work, seconds))

    peer.run(main, seed=1)
    return found[0]


def simloom_streams(seconds: float) -> float:
    """Call over simloom's simulated network, between two of its hosts: its way between nodes."""
    import simloom as peer

    found: list[float] = []
    listening = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)

    async def listen() -> None:
        server = await asyncio.start_server(serve, "n2", 7000)
        listening.set()
        await server.serve_forever()

    async def call() -> None:
        await listening.wait()
        reader, writer = await asyncio.open_connection("n2", 7000)
        done, start = 0, process_time()
        while (spent := process_time() - start) < seconds:
            for number in range(ROUND):
                writer.write(b"%d\n" % number)
                await reader.readline()
            done += 2 * ROUND
        found.append(done / spent)
        writer.close()

    async def main(world: Any) -> None:
        world.host("n2").spawn(listen)
        await world.host("n1").spawn(call)

    peer.run(main, seed=1, on_unhandled="record")  # its end cuts the server off
    return found[0]


def ours(measure: Callable[[float, str], float]) -> dict[str, Contestant]:
    """Return a contestant a schedule; the default one has the plain name."""
    return {
        "resilkit": lambda seconds: measure(seconds, "random"),
        "resilkit (fifo)": lambda seconds: measure(seconds, "fifo"),
        "resilkit (pct)": lambda seconds: measure(seconds, "pct"),
    }


AIMS = tuple(Aim(None, 100_000, name) for name in ("resilkit", "resilkit (fifo)", "resilkit (pct)"))

ROWS = (
    Row(
        name="simulator-calls",
        title="simulator, sequential calls (hops)",
        unit="per second",
        contestants={
            **ours(calls),
            "virtual-time loop": lambda seconds: bare(seconds, Mailboxes.ask),
            "simloom": lambda seconds: simloom(seconds, Mailboxes.ask),
            "simloom (streams)": simloom_streams,
        },
        aims=AIMS,
    ),
    Row(
        name="simulator-casts",
        title="simulator, 100 casts in flight (hops)",
        unit="per second",
        contestants={
            **ours(casts),
            "virtual-time loop": lambda seconds: bare(seconds, Mailboxes.throw),
            "simloom": lambda seconds: simloom(seconds, Mailboxes.throw),
        },
        aims=AIMS,
    ),
)
