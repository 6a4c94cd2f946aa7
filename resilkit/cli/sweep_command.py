"""The command that runs a scenario with many seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from resilkit.cli.options import (
    Duration,
    Json,
    Nodes,
    Quiet,
    Schedule,
    SystemText,
    WhichScenario,
)
from resilkit.settings import options

__all__ = ["SWEEP_EXAMPLE", "sweep"]

SWEEP_EXAMPLE: Final = """\b
For example, the seed draws which of three nodes crashes, and the shop lives
on one of them: some seeds fail and some do not.
  resilkit sweep crash.yaml --system shop.py --seeds 0:20

\b
The file crash.yaml is a scenario:
  name: one crash
  duration: 5 s
  faults:
    - node_crash: {at: 2 s, restart_after: 1 s, targets: one}
  criteria: ["error_rate < 5 %"]

\b
Exit codes: 0 all seeds passed, 1 one failed or could not be decided, else as
of the other commands. What shop.py holds: see resilkit run --help
"""


def sweep(
    scenario: WhichScenario,
    *,
    system: SystemText,
    nodes: Nodes = 3,
    duration: Duration = None,
    seeds: Annotated[
        str,
        typer.Option(
            metavar="SEEDS", help="Which seeds: 0:200, or 200 for the same, or a list: 3,7,19."
        ),
    ] = "0:100",
    backend: Annotated[
        str,
        typer.Option(
            metavar="WHERE", help="Where the nodes run: simulation, in virtual time, or processes."
        ),
    ] = "simulation",
    schedule: Schedule = None,
    processes: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=1000,
            metavar="N",
            help="How many run at once; by default as many as there are cores in a simulation, "
            "else 1.",
        ),
    ] = None,
    timeout: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help='How long a run may really take: 30 or "2 min"; no limit by default.',
        ),
    ] = None,
    stop_after: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Begin no more runs once so many seeds have failed."),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Write each run's outcome into this folder, and do not run again what is there.",
        ),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Run a scenario with many seeds, in virtual time, and list which of them fail.

    The seed decides everything: what the load draws, when faults strike and whom, and in which
    order things happen.
    """
    from resilkit.cli.running import Where
    from resilkit.cli.sweeping import sweep_and_tell
    from resilkit.cli.systems import scenario_command, scenario_experiment

    where = Where.checked(backend, schedule)
    # The seed is each of the sweep's in turn.
    experiment = scenario_experiment(
        scenario, system=system, nodes=nodes, duration=duration, seed=0
    )
    with options(quiet=quiet or options.quiet):
        return sweep_and_tell(
            experiment,
            command=scenario_command(scenario, system=system, nodes=nodes, duration=duration),
            where=where,
            seeds=seeds,
            limits={
                "processes": processes, "timeout": timeout, "stop_after": stop_after,
                "resume": resume,
            },
            as_json=json,
        )  # fmt: skip
