"""Ask and tell between servers of one process, and what a server costs.

pykka is asked twice: for bare integers, as fast as it goes, which is what the aims refer to; and
through its proxies, which look a method up by its name and pass arguments, as resilkit does.
"""

from __future__ import annotations

import gc
from time import perf_counter
from typing import Any

from tests.benchmarks.contest import Aim, Row, rate
from tests.benchmarks.memory import resident_bytes

__all__ = ["ROWS"]

WIDTH = 100
BATCH = 10_000
SERVERS = 10_000


def resilkit_ask(seconds: float) -> float:
    """Call one after the other."""
    from tests.benchmarks.ours import pair, warmed

    with pair(apart=False) as (driver, target):
        return warmed(driver.call.sequential, target, seconds=seconds)


def resilkit_ask_many(seconds: float) -> float:
    """Keep a hundred calls in flight."""
    from tests.benchmarks.ours import pair, warmed

    with pair(apart=False) as (driver, target):
        return warmed(driver.call.concurrent, target, width=WIDTH, seconds=seconds)


def resilkit_tell(seconds: float) -> float:
    """Cast in batches, counted when they are handled."""
    from tests.benchmarks.ours import pair, warmed

    with pair(apart=False) as (driver, target):
        return warmed(driver.call.casts, target, batch=BATCH, seconds=seconds)


def resilkit_bytes(_: float) -> float:
    """Start ten thousand servers and see what the node grows by."""
    from tests.benchmarks.ours import pair

    with pair(apart=False) as (driver, _):
        return float(driver.call.bytes_per_server(SERVERS))


def pykka_actor() -> Any:
    """Start an actor that counts."""
    import pykka

    class Actor(pykka.ThreadingActor):
        def __init__(self) -> None:
            super().__init__()
            self.count = 0

        def on_receive(self, message: int) -> int:
            self.count += message
            return self.count

    return Actor.start()


def pykka_proxy() -> Any:
    """Start an actor and return a proxy of it, whose methods are called by name."""
    import pykka

    class Actor(pykka.ThreadingActor):
        def __init__(self) -> None:
            super().__init__()
            self.count = 0

        def increment(self, by: int = 1) -> int:
            self.count += by
            return self.count

    return Actor.start().proxy()


def pykka_proxy_ask(seconds: float) -> float:
    """Call one after the other."""
    proxy = pykka_proxy()

    def work() -> int:
        for _ in range(100):
            proxy.increment().get()
        return 100

    try:
        return rate(seconds, work, perf_counter)
    finally:
        proxy.stop()


def pykka_proxy_ask_many(seconds: float) -> float:
    """Keep a hundred futures in flight."""
    import pykka

    proxy = pykka_proxy()

    def work() -> int:
        pykka.get_all([proxy.increment() for _ in range(WIDTH)])
        return WIDTH

    try:
        return rate(seconds, work, perf_counter)
    finally:
        proxy.stop()


def pykka_proxy_tell(seconds: float) -> float:
    """Call in batches without a reply, counted when they are handled."""
    proxy = pykka_proxy()

    def work() -> int:
        for _ in range(BATCH):
            proxy.increment.defer()
        proxy.increment().get()
        return BATCH

    try:
        return rate(seconds, work, perf_counter)
    finally:
        proxy.stop()


def pykka_ask(seconds: float) -> float:
    """Ask one after the other."""
    actor = pykka_actor()

    def work() -> int:
        for _ in range(100):
            actor.ask(1)
        return 100

    try:
        return rate(seconds, work, perf_counter)
    finally:
        actor.stop()


def pykka_ask_many(seconds: float) -> float:
    """Keep a hundred futures in flight."""
    import pykka

    actor = pykka_actor()

    def work() -> int:
        pykka.get_all([actor.ask(1, block=False) for _ in range(WIDTH)])
        return WIDTH

    try:
        return rate(seconds, work, perf_counter)
    finally:
        actor.stop()


def pykka_tell(seconds: float) -> float:
    """Tell in batches, counted when they are handled."""
    actor = pykka_actor()

    def work() -> int:
        for _ in range(BATCH):
            actor.tell(1)
        actor.ask(1)
        return BATCH

    try:
        return rate(seconds, work, perf_counter)
    finally:
        actor.stop()


def pykka_bytes(_: float) -> float:
    """Start a thousand actors, each a thread, and see what the process grows by."""
    import pykka

    pykka_actor().stop()
    gc.collect()
    before = resident_bytes()
    actors = [pykka_actor() for _ in range(1000)]
    for actor in actors:
        actor.ask(1)
    grown = resident_bytes() - before
    pykka.ActorRegistry.stop_all()
    return grown / len(actors)


ROWS = (
    Row(
        name="ask-inside",
        title="ask inside a node",
        unit="per second",
        contestants={
            "resilkit": resilkit_ask,
            "pykka": pykka_ask,
            "pykka (proxy)": pykka_proxy_ask,
        },
        aims=(Aim("pykka", 8),),
    ),
    Row(
        name="ask-inside-concurrent",
        title="ask inside a node, 100 in flight",
        unit="per second",
        contestants={
            "resilkit": resilkit_ask_many,
            "pykka": pykka_ask_many,
            "pykka (proxy)": pykka_proxy_ask_many,
        },
        aims=(Aim("pykka", 8),),
    ),
    Row(
        name="tell-inside",
        title="tell inside a node, counted when handled",
        unit="per second",
        contestants={
            "resilkit": resilkit_tell,
            "pykka": pykka_tell,
            "pykka (proxy)": pykka_proxy_tell,
        },
        aims=(Aim("pykka", 8),),
    ),
    Row(
        name="server-memory",
        title="memory of a server",
        unit="bytes",
        contestants={"resilkit": resilkit_bytes, "pykka": pykka_bytes},
        aims=(Aim(None, 3 * 1024),),
    ),
)
