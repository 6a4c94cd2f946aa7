"""``%%chaos``: faults, or a whole scenario, written as YAML and put into a running cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from resilkit.chaos import RunningScenario, Scenario
from resilkit.chaos.planning import planned_strikes
from resilkit.chaos.running import checked
from resilkit.chaos.scenario_files import read_yaml
from resilkit.clock import monotonic
from resilkit.faults import registered_faults
from resilkit.importing import whole
from resilkit.ipython.commands import Line, Parser, duration, read
from resilkit.ipython.namespace import current_cluster, free_name
from resilkit.validate import known_keys

if TYPE_CHECKING:
    from pandas import DataFrame

    from resilkit.cluster import Cluster

__all__ = ["PARSER", "run", "scenario_of"]

_ABOUT = """\
Inject the faults that the cell holds into the current cluster, as YAML.

  %%chaos --for 10s
  - latency: {low: 20 ms, high: 0.2, targets: n2}
  - node_crash: {every: 3 s, count: 2, restart_after: 1 s}

A whole scenario, as a scenario file holds it, does as well; its duration is then the time for
which it is in. Without any, all heals after 10 minutes. What is due at once is in when the cell
ends, and the rest goes on meanwhile; the variable `running` has it: stop() heals, as does
`%cluster heal`, wait() waits for the end, and frame() tells what became of each strike.
"""

_USUAL = 600.0
"""Seconds after which all heals where nobody says when: chaos that is forgotten must end."""

_IMPATIENT_AFTER = 1.0
"""Seconds of healing after which one more interrupt ends the wait for it."""


def _grammar() -> Parser:
    parser = Parser("%%chaos", _ABOUT, usage="%%%%chaos [OPTIONS]")
    parser.add_argument("--cluster", metavar="NAME", help="the variable that holds the cluster")
    parser.add_argument(
        "--for",
        dest="length",
        type=duration,
        metavar="TIME",
        help="heal all after this time, 10 min by default",
    )
    parser.add_argument("--wait", action="store_true", help="end the cell only when all has healed")
    parser.add_argument(
        "--show", action="store_true", help="show when what would strike, and inject nothing"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="root of its randomness")
    parser.add_argument(
        "--as", dest="name", default="running", metavar="NAME", help="the variable that gets it"
    )
    return parser


PARSER = _grammar()


def run(shell: Any, line: str, cell: str) -> Any:
    """Do what a cell of ``%%chaos`` says; return what it is to show."""
    given = read(PARSER, line)
    if given is None:
        return None
    scenario, name = scenario_of(cell), free_name(given.name, shell.user_ns)
    cluster = current_cluster(shell.user_ns, given.cluster)
    wished = given.length or scenario.duration
    if given.wait and wished is None:
        raise UsageError("%%chaos: --wait needs an end: --for TIME, or a duration of the scenario")
    length = wished or _USUAL
    if given.show:
        return _plan(scenario, *checked(scenario, cluster, length, given.seed)[1:])
    running = _started(scenario, cluster, length, given)
    shell.push({name: running})
    if wished is None:
        print(f"all heals after {length / 60:g} min, or by {name}.stop(); --for TIME says when")
    if scenario.criteria:
        print("its criteria are not judged here: that is what an Experiment does")
    return running


def _started(scenario: Scenario, cluster: Cluster, length: float, given: Line) -> RunningScenario:
    """Start it; return when what is due at once is in, or with ``--wait`` when it has ended."""
    running = scenario.start(cluster, duration=length, seed=given.seed)
    try:
        running.wait_first()
        # Whoever wrote it looks now: a cell is put in whole, or refused.
        for one in running.strikes:
            if one.planned == 0.0 and one.state == "failed":
                raise UsageError(f"{one.fault} failed, and all was healed: {one.why}")
        if given.wait:
            running.wait()
    except KeyboardInterrupt:
        raise UsageError(f"interrupted: the faults {_healed(running)}") from None
    except BaseException:
        running.stop()
        raise
    return running


def _healed(running: RunningScenario) -> str:
    """Heal all, and return in words whether it is done; it goes on when nobody waits for it."""
    began = monotonic()
    while True:
        try:
            running.stop()
        except KeyboardInterrupt:
            # The key is often pressed twice. Who still presses it later will wait no longer.
            if monotonic() - began > _IMPATIENT_AFTER:
                return "are still being healed"
        else:
            return "were healed"


def _plan(scenario: Scenario, length: float, seed: int) -> DataFrame:
    """Return what would strike, a row each."""
    whole("pandas")
    import pandas as pd

    rows = [
        (one.time, one.fault.fault_name, one.end, str(one.fault.targets), repr(one.fault))
        for one in planned_strikes(scenario, length, seed)
    ]
    return pd.DataFrame(rows, columns=["time", "fault", "end", "targets", "what"]).astype(
        {"time": float, "end": float}
    )


def scenario_of(cell: str) -> Scenario:
    """Return the scenario that a cell holds.

    A list of faults, a mapping of faults, or a mapping with the keys of a scenario, whose name may
    be missing.

    Raises:
        InvalidArgument: It is none of these; the path says where.
        UsageError: It is empty.

    Examples:
        >>> scenario_of("node_crash: {targets: n2}").faults
        (NodeCrash(targets='n2'),)
    """
    document = read_yaml(cell, "cell")
    if document is None:
        raise UsageError("%%chaos: the cell holds no fault, such as\n- node_crash: {targets: n2}")
    if isinstance(document, Mapping):
        of_scenario = list(Scenario.__dataclass_fields__)
        if not set(document) & set(of_scenario):
            faults = known_keys(document, "", [*registered_faults(), *of_scenario])
            document = [{name: fields} for name, fields in faults.items()]
    if not isinstance(document, Mapping):
        document = {"faults": [document] if isinstance(document, str) else document}
    return Scenario.from_dict({"name": "chaos", **document})
