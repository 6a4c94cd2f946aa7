from __future__ import annotations

import asyncio
import contextvars
import sys
from pathlib import Path

import pytest

from resilkit.clock import monotonic
from resilkit.workload.timer import LoopTimer, make_timer

mark = contextvars.ContextVar("mark", default="default")


def _loops():
    yield asyncio.new_event_loop
    if sys.platform != "win32":
        uvloop = pytest.importorskip("uvloop")
        yield uvloop.new_event_loop


@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("make_loop", list(_loops()), ids=["asyncio", "uvloop"])
def test_a_timer_calls_once_in_its_context_and_can_be_moved_and_cancelled(make_loop, real):
    async def main():
        loop = asyncio.get_running_loop()
        fired = []
        done = asyncio.Event()

        def callback():
            fired.append((monotonic(), mark.get()))
            done.set()

        context = contextvars.copy_context()
        context.run(mark.set, "mine")
        timer = make_timer(loop, callback, context, real=real)
        try:
            begin = monotonic()
            timer.set(30.0)
            timer.set(0.02)
            await asyncio.wait_for(done.wait(), 5)
            assert fired[0][0] - begin >= 0.018
            assert fired[0][1] == "mine"
            done.clear()
            timer.set(0.005)
            timer.cancel()
            timer.set(0.01)
            timer.set(1.25)
            timer.cancel()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(done.wait(), 0.03)
            assert len(fired) == 1
        finally:
            timer.close()
            timer.close()

    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(main())


@pytest.mark.skipif(sys.platform != "linux", reason="timer descriptors are Linux's")
def test_a_timer_descriptor_is_given_back():
    def open_descriptors():
        return {path.name for path in Path("/proc/self/fd").iterdir()}

    async def main():
        loop = asyncio.get_running_loop()
        before = open_descriptors()
        timer = make_timer(loop, print, contextvars.copy_context(), real=True)
        assert not isinstance(timer, LoopTimer)
        timer.close()
        assert open_descriptors() == before

    asyncio.run(main())


def test_a_loop_that_watches_no_descriptors_gets_its_own_timer():
    class Bare(asyncio.SelectorEventLoop):
        def add_reader(self, *args, **kwargs):
            raise NotImplementedError

    async def main():
        loop = asyncio.get_running_loop()
        timer = make_timer(loop, print, contextvars.copy_context(), real=True)
        assert isinstance(timer, LoopTimer)

    with asyncio.Runner(loop_factory=Bare) as runner:
        runner.run(main())
