"""The criteria while a run goes on: judged now and then, and a reason to end it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from resilkit.chaos.watch import Watch
from resilkit.experiment.live import LiveEvidence

if TYPE_CHECKING:
    from resilkit.experiment.running import Running

__all__ = ["Watching"]

_JUDGE_EVERY = 1.0


class Watching:
    """Judges a run that goes on about once a second, for who looks on and to end it on a breach.

    In virtual time nobody looks on, and the end is there at once: there it is judged at the end
    alone, unless a breach is to end it sooner.

    Args:
        running: The run.
        abort_on_breach: Whether a breach ends it; ``None``: as the scenario says.
    """

    def __init__(self, running: Running, *, abort_on_breach: bool | None) -> None:
        scenario = running.experiment.scenario
        aborts = scenario.abort_on_breach if abort_on_breach is None else abort_on_breach
        self._running = running
        self._watch = Watch(scenario.criteria, grace=scenario.grace, abort_on_breach=aborts)
        looks = scenario.criteria and (aborts or running.cluster.backend == "processes")
        self._due = running.experiment.warmup + _JUDGE_EVERY if looks else math.inf

    def look(self, now: float) -> str:
        """Judge it if that is due; return the criterion whose breach ends it, quoted, or ``""``.

        Args:
            now: Seconds since the load began.
        """
        if now < self._due:
            return ""
        running, watch, cluster = self._running, self._watch, self._running.cluster
        clock, began = cluster.clock.now, cluster.clock.now()
        spec, warmup = running.experiment.cluster, running.experiment.warmup
        evidence = LiveEvidence(cluster, running.load, now, spec=spec, warmup=warmup)
        breaches = watch.feed(evidence, now - warmup)
        running.verdicts = watch.latest
        for breach in breaches:
            cluster.events.append(
                clock(),
                "alert",
                "criterion_breached",
                target=breach.criterion,
                detail=breach.detail,
            )
        # Judging may take a tenth of the time, however much there is to judge by then. Where the
        # time is virtual it takes none, and so there are as many looks however slow the machine is.
        self._due = now + max(_JUDGE_EVERY, 10 * (clock() - began))
        return repr(watch.breaches[0].criterion) if watch.should_abort else ""
