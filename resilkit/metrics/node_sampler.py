"""All the metrics of one node in one reading, as its process reports them every so often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from resilkit import clock
from resilkit.errors import Unavailable
from resilkit.metrics.runtime_cost import GcTimer, LoopMonitor
from resilkit.metrics.sampler import ProcessSampler

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable
    from types import TracebackType

__all__ = ["NodeSampler"]


class NodeSampler:
    """Measures the process that it runs in, and its event loop.

    Create, start, read and stop it in the loop's own thread.

    Args:
        loop: The loop to watch; ``None`` leaves out ``loop_lag`` and ``loop_utilisation``.
        uss_every: Seconds between two readings of ``memory_uss``, which are dear; ``None`` means
            never. A machine that cannot tell leaves it out.
        now: Reads the time, in seconds.

    Examples:
        >>> with NodeSampler(None) as sampler:
        ...     values = sampler.read()
        >>> sorted(values)
        ['cpu', 'gc_pressure', 'gc_time', 'memory_rss', 'open_files', 'threads']
    """

    __slots__ = (
        "_cpu", "_gc", "_gc_seconds", "_loop", "_now", "_process", "_read_at", "_uss_at",
        "_uss_every",
    )  # fmt: skip

    def __init__(
        self,
        loop: AbstractEventLoop | None,
        *,
        uss_every: float | None = None,
        now: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._process = ProcessSampler()
        self._gc = GcTimer(now)
        self._loop = None if loop is None else LoopMonitor(loop, now=now)
        self._now = now
        self._uss_every = uss_every
        self._uss_at = self._read_at = now()
        self._cpu = self._process.read().cpu_seconds
        self._gc_seconds = 0.0

    def start(self) -> None:
        """Begin to watch the loop and the collector."""
        self._gc.start()
        if self._loop is not None:
            self._loop.start()

    def stop(self) -> None:
        """Stop watching and give the files back."""
        self._gc.stop()
        if self._loop is not None:
            self._loop.stop()
        self._process.close()

    def read(self) -> dict[str, float]:
        """Return the node's metrics now, by name, in the units of `UNITS`.

        ``cpu``, ``gc_pressure``, ``loop_lag`` and ``loop_utilisation`` are about the time since
        the last reading.
        """
        now = self._now()
        elapsed = now - self._read_at
        sample = self._process.read()
        gc_seconds = self._gc.seconds
        share = 1 / elapsed if elapsed > 0 else 0.0
        values: dict[str, float] = {
            "memory_rss": sample.rss_bytes,
            "cpu": (sample.cpu_seconds - self._cpu) * share,
            "open_files": sample.open_files,
            "threads": sample.threads,
            "gc_time": gc_seconds,
            "gc_pressure": min(1.0, (gc_seconds - self._gc_seconds) * share),
        }
        if self._loop is not None:
            values["loop_lag"], values["loop_utilisation"] = self._loop.read()
        if self._uss_every is not None and now >= self._uss_at:
            self._uss_at = now + self._uss_every
            try:
                values["memory_uss"] = self._process.uss_bytes()
            except Unavailable:
                # One metric that this machine does not have must not cost the node the others.
                self._uss_every = None
        self._read_at, self._cpu, self._gc_seconds = now, sample.cpu_seconds, gc_seconds
        return values

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
