"""A run that may take so long and no longer, of the time that people have."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Any

from resilkit import clock
from resilkit.errors import ResilkitError
from resilkit.settings import unchecked

if TYPE_CHECKING:
    from resilkit.experiment.experiment import Experiment
    from resilkit.experiment.result import Result

__all__ = ["TimeIsUp", "run_in_time"]

_GRACE = 0.5
"""Seconds for a run to end by itself between two of its looks, before it is interrupted."""

_LONGEST_WAIT = 10.0
"""How many times its patience a run may take by the clock: it may wait, and not work at all."""


class TimeIsUp(ResilkitError):
    """A run took longer than it may."""


def run_in_time(
    experiment: Experiment, *, backend: str, schedule: str | None, until: float | None,
    patience: float | None = None,
) -> Result:  # fmt: skip
    """Run an experiment once, without a word to anybody, and end it when its time is up.

    It ends between two of its looks. A simulation that does not come to the next one, since
    something in it goes on for ever at one instant, is interrupted there; in the main thread also
    a handler that never gives way.

    Args:
        experiment: What to run.
        backend: Where.
        schedule: In which order, in a simulation.
        until: When its time is up, as `resilkit.clock.monotonic` tells it; ``None`` for never.
        patience: For how many seconds processors may work for it, and ten times as many may go by;
            ``None`` for as many as it takes. A process that stands still for a moment, as it does
            on a busy machine, uses up none of them.

    Raises:
        TimeIsUp: It is; all that the run had started was stopped.
    """
    if until is None and patience is None:
        with unchecked():
            return experiment.run(backend, schedule=schedule, progress=False)

    limit = _Limit(until, patience)

    def look(_: Any) -> None:
        if limit.left() <= 0:
            raise TimeIsUp("its time was up")

    watchdog = _Watchdog(experiment, limit)
    try:
        with watchdog, unchecked():
            return experiment.run(backend, schedule=schedule, on_progress=look)
    except KeyboardInterrupt:
        if watchdog.barked:
            raise TimeIsUp("its time was up") from None
        raise


class _Limit:
    """The time that a run may take."""

    def __init__(self, until: float | None, patience: float | None) -> None:
        work = math.inf if patience is None else patience
        now = clock.monotonic()
        self._until = min(math.inf if until is None else until, now + _LONGEST_WAIT * work)
        self._work = clock.processor() + work

    def left(self) -> float:
        """Return for how many seconds it may go on at least."""
        return min(self._until - clock.monotonic(), self._work - clock.processor())


class _Watchdog:
    """Interrupts a simulation from another thread, again and again until it ends."""

    def __init__(self, experiment: Experiment, limit: _Limit) -> None:
        self.barked = False
        self._experiment = experiment
        self._limit = limit
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="resilkit-watchdog", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_details: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(max(0.1, self._limit.left() + _GRACE)):
            if self._limit.left() + _GRACE > 0:
                continue  # the process stood still meanwhile
            running = self._experiment.running
            cluster = None if running is None else running.cluster
            if cluster is not None and cluster.backend == "simulation":
                self.barked = True
                cluster._session.thread.interrupt()
