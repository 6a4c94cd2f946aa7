"""From what a run left behind to its result, on one clock."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from resilkit.experiment.audit import Audit
from resilkit.importing import whole
from resilkit.texts import writable

if TYPE_CHECKING:
    import pandas as pd

    from resilkit.cluster.simulated.view import SimulationView
    from resilkit.experiment.experiment import Experiment
    from resilkit.experiment.result import Result

__all__ = ["Collected", "assemble"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What a run left behind.

    Attributes:
        cluster: The cluster; after an interrupt it may be closed.
        load: The load, at its end.
        since: When the run began, on the cluster's clock: what a borrowed cluster logged before
            that is not this run's. Of a cluster of its own, all is.
        ran: Seconds of load.
        audit: What the audit found.
        undelivered: Why a fault never struck as asked, by its name.
        unhealed: Why a fault could not be taken back, by its name.
        lost_instruments: Why the launcher or a load generator was lost, by its name.
        cut_short: Why it ended before its time was up, when somebody interrupted it.
        problems: What went wrong with the run, in words.
        began: When it began, in seconds since 1970.
        memory_limit_bytes: The limit on memory.
        over: Whether its cluster is this run's own, and tells at once all that it measures, as in
            virtual time.
    """

    cluster: Any
    load: Any
    since: float
    ran: float
    audit: Audit | None
    undelivered: Mapping[str, str]
    unhealed: Mapping[str, str]
    lost_instruments: Mapping[str, str]
    cut_short: str
    problems: tuple[str, ...]
    began: float
    memory_limit_bytes: int | Mapping[str, int] | None
    over: bool = False


def assemble(experiment: Experiment, collected: Collected) -> Result:
    """Return the judged result of a run."""
    from resilkit.chaos.judge import verdicts_frame
    from resilkit.experiment.environment import read_environment
    from resilkit.experiment.evidence import ResultEvidence

    whole("resilkit.experiment.frames")
    from resilkit.experiment.frames import Events
    from resilkit.experiment.result import Result
    from resilkit.experiment.verdicts import verdicts_of
    from resilkit.history import History

    load, origin = collected.load, float(collected.load.started)
    backend, simulation = _ground(collected.cluster)
    events = collected.cluster.events.frame(since=collected.since)
    result = Result(
        name=experiment.name,
        seed=experiment.seed,
        duration=experiment.duration,
        warmup=experiment.warmup,
        ran=collected.ran,
        verdicts=verdicts_frame([]),
        history=History.from_frame(load.history.frame(origin=origin)),
        events=Events(events.assign(time=events["time"] - origin)),
        metrics=_metrics(collected, origin),
        generators=_generators(load.reports),
        consistency=collected.audit,
        problems=collected.problems,
        description=experiment.describe(),
        environment=read_environment(collected.began),
        memory_limit_bytes=collected.memory_limit_bytes,
        closed_loop=experiment.workload.loop == "closed",
        rerun=experiment.how_to_rerun(
            backend=backend, schedule=getattr(simulation, "schedule", None)
        ),
        **({} if simulation is None else _of(simulation)),
        experiment=experiment,
    )
    verdicts = verdicts_of(
        experiment.scenario.criteria,
        ResultEvidence(result),
        audit=collected.audit,
        undelivered=collected.undelivered,
        unhealed=collected.unhealed,
        lost_instruments=collected.lost_instruments,
        incomplete=load.incomplete,
        cut_short=collected.cut_short,
    )
    return dataclasses.replace(result, verdicts=verdicts_frame(verdicts))


def _ground(cluster: Any) -> tuple[str, SimulationView | None]:
    """Return the backend of a cluster, or of its session, and what it is as a simulation."""
    from resilkit.cluster.simulated.view import SimulationView

    session = getattr(cluster, "_session", cluster)
    name: str = session.backend.name
    return name, SimulationView(session) if name == "simulation" else None


def _of(simulation: SimulationView) -> dict[str, Any]:
    return {
        "backend": "simulation",
        "schedule": simulation.schedule,
        "fingerprint": simulation.fingerprint,
        "trace": simulation.trace() if simulation.recording else None,
    }


def _metrics(collected: Collected, origin: float) -> Any:
    whole("resilkit.experiment.frames")
    from resilkit.experiment.frames import Metrics

    # Not what was collected itself: a result must not keep its cluster.
    store, since = collected.cluster.metrics, collected.since
    until = math.nextafter(collected.cluster.clock.now(), math.inf) if collected.over else None

    def shifted(name: str) -> pd.DataFrame:
        frame = store.frame(name, since=since, until=until)
        moved = frame.assign(time=frame["time"] - origin)
        moved.attrs.update(frame.attrs)
        return moved

    if collected.over:
        # Nothing of before comes any more: each frame can be made when somebody asks for it.
        lazily = {name: partial(shifted, name) for name in store.names()}
        return Metrics(lazily, simulated=store.simulated)
    frames = {name: shifted(name) for name in store.names()}
    return Metrics(frames, simulated=store.simulated)


def _generators(reports: Any) -> pd.DataFrame:
    whole("pandas")
    import pandas as pd

    rows = []
    for report in reports:
        row = report.as_dict()
        # Texts by error and by operation do not fit into a cell otherwise.
        for name in ("errors", "tracebacks"):
            text = json.dumps(row.get(name) or {}, ensure_ascii=False, default=repr)
            row[name] = writable(text)
        rows.append(row)
    return pd.DataFrame(rows)
