"""A load generator, on the ground of the test."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from resilkit.clock import SystemClock, monotonic
from resilkit.runtime import Node, Pid
from resilkit.runtime.server_process import ServerProcess
from resilkit.workload import Operation, Workload, arrivals
from resilkit.workload.generator import Generator
from resilkit.workload.generators import packed
from tests.workload.desk import add_one


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def generator_on(loop: asyncio.AbstractEventLoop, clock: Any) -> Generator:
    node = Node("@g1", loop=loop, clock=clock, seed=1, role="client")
    generator = Generator()
    ServerProcess(node, node.new_number(), generator, None, None)
    [plan] = Workload([Operation("one", add_one)], arrivals.constant(10)).plan(seed=1, duration=1.0)
    generator.init(Pid("@notebook", 1, 1), packed(plan))
    return generator


def test_load_goes_by_the_clock_of_its_node(loop: asyncio.AbstractEventLoop) -> None:
    generator = generator_on(loop, SimpleNamespace(now=lambda: 77.0))
    assert (generator.engine.now(), generator.ping()) == (77.0, 77.0)


def test_on_the_machines_clock_the_engine_knows_that_timers_can_be_fine(
    loop: asyncio.AbstractEventLoop,
) -> None:
    assert generator_on(loop, SystemClock()).engine.now is monotonic
