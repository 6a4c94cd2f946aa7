"""Reading memory, CPU, open files and threads of a process, again and again."""

from __future__ import annotations

from time import perf_counter

from tests.benchmarks.contest import Aim, Row, rate

__all__ = ["ROWS"]


def resilkit(seconds: float) -> float:
    """Read through files of /proc that stay open."""
    from resilkit.metrics.sampler import ProcessSampler

    with ProcessSampler() as sampler:

        def work() -> int:
            for _ in range(100):
                sampler.read()
            return 100

        return rate(seconds, work, perf_counter)


def psutil(seconds: float) -> float:
    """Read through psutil, all figures in one go."""
    import psutil as library

    process = library.Process()

    def work() -> int:
        for _ in range(100):
            with process.oneshot():
                process.memory_info()
                process.cpu_times()
                process.num_fds()
                process.num_threads()
        return 100

    return rate(seconds, work, perf_counter)


ROWS = (
    Row(
        name="sampling",
        title="sampling a process",
        unit="per second",
        contestants={"resilkit": resilkit, "psutil": psutil},
        aims=(Aim("psutil", 5),),
    ),
)
