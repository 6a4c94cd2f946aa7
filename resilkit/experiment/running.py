"""An experiment while it runs: what others can see of it, and how they end it."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Any, Self

from resilkit import clock
from resilkit.errors import InvalidArgument
from resilkit.experiment.live import Meter, News
from resilkit.experiment.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilkit.chaos.judge import Verdict
    from resilkit.experiment.experiment import Experiment
    from resilkit.experiment.progress import Listener
    from resilkit.experiment.result import Result

__all__ = ["Running", "running_now"]

_TELL_EVERY = 0.1
"""Seconds, of those that people have, between two looks at a phase that goes on."""

_now: list[Running] = []
_one_at_a_time = threading.Lock()


def running_now() -> tuple[Running, ...]:
    """Return the experiments that run in this process now, the last one started last."""
    return tuple(_now)


class Running:
    """A run of an experiment that goes on; `Experiment.running` has it meanwhile.

    It is for who looks on from another thread: a panel, say. Nothing of it blocks.

    Attributes:
        experiment: What runs.
        cluster: The cluster that it runs on; ``None`` until that has started, and afterwards.
        load: The load, with its history; ``None`` until it has started.
        progress: How far it is.
        verdicts: The scenario's criteria as they stand now, judged about once a second while
            there is load; empty before. One that is ``"inconclusive"`` is not decided yet.
        injections: What the scenario has injected.
        result: What came of it; ``None`` until it is over, and when it failed.
        over: Whether it is.
    """

    def __init__(self, experiment: Experiment, listener: Listener) -> None:
        self.experiment = experiment
        self.cluster: Any = None
        self.load: Any = None
        self.total = experiment.warmup + experiment.duration
        self.progress = Progress(phase="start", text="getting ready", total=self.total)
        self.verdicts: tuple[Verdict, ...] = ()
        self.injections: list[Any] = []
        self.result: Result | None = None
        self.over = False
        self._told = -math.inf
        self._listener = listener
        self._now: Callable[[], float]
        self._meter: Meter | None = None
        self._news: News | None = None
        self._nodes: dict[str, str] = {}
        self._stop = threading.Event()

    def __repr__(self) -> str:
        progress = self.progress
        return (
            f"<Running {self.experiment.name!r}: {progress.text}, "
            f"{progress.elapsed:.1f} of {progress.total:g} s>"
        )

    def __enter__(self) -> Self:
        with _one_at_a_time:
            if self.experiment.running is not None:
                raise InvalidArgument(
                    "runs already", path="experiment", value=self.experiment,
                    allowed="one run at a time: wait for it, or stop it with running.stop()",
                )  # fmt: skip
            self.experiment._set("running", self)
            _now.append(self)
        return self

    def __exit__(self, *_details: object) -> None:
        self.experiment._set("running", None)
        self.over = True
        _now.remove(self)
        self.cluster = None  # the load that is left would keep it open for good

    def stop(self) -> None:
        """End the load now. What was measured is judged as far as it goes, as after an interrupt.

        It returns at once; `Experiment.run` returns when all is healed and judged. Twice is once.
        """
        self._stop.set()

    @property
    def stopping(self) -> bool:
        """Whether somebody has asked for its end."""
        return self._stop.is_set()

    # For the run itself --------------------------------------------------------------------------

    def loaded(self, load: Any) -> None:
        """Take note that there is load from now on."""
        self.load = load
        load.part_of = self
        self._now = self.cluster.clock.now
        self._meter, self._news = Meter(load, self._now), News(self.cluster.events, self._now)

    def elapsed(self) -> float:
        """Return the seconds since the load began, on the cluster's clock."""
        return self._now() - float(self.load.started)

    def states(self) -> dict[str, str]:
        """Return the status of each node."""
        return {name: node.status for name, node in self.cluster.nodes.items()}

    def tell(self, phase: str, text: str, *, ran: float) -> None:
        """Tell the listener, and who looks on, where the run is; its load ended after `ran`.

        The same words only now and then: in virtual time a minute may pass in a second.
        """
        now, before = clock.monotonic(), self.progress
        if (phase, text) == (before.phase, before.text) and now < self._told + _TELL_EVERY:
            return
        self._told = now
        self.progress = self._look(phase, text, ran)
        self._listener.update(self.progress)

    def _look(self, phase: str, text: str, ran: float) -> Progress:
        if self.cluster is not None and phase != "done":
            # At the end they are stopped on purpose, which is no news about the run.
            self._nodes = self.states()
        if self._meter is None or self._news is None:
            return Progress(phase=phase, text=text, total=self.total, nodes=self._nodes)
        figures = self._meter.read()
        return Progress(
            phase=phase,
            text=text,
            elapsed=max(0.0, min(self.elapsed(), ran)),
            total=self.total,
            operations=figures.operations,
            rate=figures.rate,
            availability=figures.availability,
            waiting=figures.waiting,
            nodes=self._nodes,
            news=self._news.read(float(self.load.started)),
            faults=tuple(one.fault.fault_name for one in self.injections if one.active),
        )
