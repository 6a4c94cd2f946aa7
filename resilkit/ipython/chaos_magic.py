"""``%%chaos``: faults, or a whole scenario, written as YAML and put into a running cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from resilkit.chaos import Scenario
from resilkit.chaos.scenario_files import read_yaml
from resilkit.faults import registered_faults
from resilkit.ipython.commands import Line, Parser, duration, read
from resilkit.ipython.injected import Injected, check, inject_scenario
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
which it is in. The faults are in when the cell ends, and go on meanwhile; the variable
`injections` has them, and its heal() takes them back, as does `%cluster heal`.
"""

_SHOWN = 60.0
"""Seconds of a timeline that has no end that are shown."""


def _grammar() -> Parser:
    parser = Parser("%%chaos", _ABOUT, usage="%%%%chaos [OPTIONS]")
    parser.add_argument("--cluster", metavar="NAME", help="the variable that holds the cluster")
    parser.add_argument(
        "--for", dest="length", type=duration, metavar="TIME", help="heal all after this time"
    )
    parser.add_argument("--wait", action="store_true", help="end the cell only when all has healed")
    parser.add_argument(
        "--show", action="store_true", help="show when what would strike, and inject nothing"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="root of its randomness")
    parser.add_argument(
        "--as", dest="name", default="injections", metavar="NAME", help="the variable that gets it"
    )
    return parser


PARSER = _grammar()


def run(shell: Any, line: str, cell: str) -> Any:
    """Do what a cell of ``%%chaos`` says; return what it is to show."""
    given = read(PARSER, line)
    if given is None:
        return None
    scenario, name = scenario_of(cell), free_name(given.name)
    cluster = current_cluster(shell.user_ns, given.cluster)
    length = given.length or scenario.duration
    if given.seed is not None and given.seed < 0:
        raise UsageError("%%chaos: --seed must be 0 or more")
    if given.show:
        return _timeline(cluster, scenario, length, given)
    if given.wait and length is None:
        raise UsageError("%%chaos: --wait needs an end: --for TIME, or a duration of the scenario")
    group = inject_scenario(cluster, scenario, length=length, seed=given.seed)
    shell.push({name: group})
    if scenario.criteria:
        print("its criteria are not judged here: that is what an Experiment does")
    if given.wait:
        _wait(group)
    return group


def _wait(group: Injected) -> None:
    try:
        group.wait()
    except KeyboardInterrupt:
        group.heal()
        raise UsageError("interrupted: the faults were healed") from None


def _timeline(cluster: Cluster, scenario: Scenario, length: float | None, given: Line) -> DataFrame:
    import pandas as pd

    check(cluster, scenario, length)
    seed = cluster.seed if given.seed is None else given.seed
    if length is None:
        print(f"it has no end: these are the first {_SHOWN:g} s")
    rows = [
        (one.time, one.fault.fault_name, one.end, str(one.fault.targets), repr(one.fault))
        for one in scenario.timeline(length or _SHOWN, seed)
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
