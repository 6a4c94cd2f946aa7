"""The commands that take a saved run: one does it again, one makes it small."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from resilkit.cli.options import Json, Quiet, Report, Schedule
from resilkit.settings import options

__all__ = ["REPLAY_EXAMPLE", "SHRINK_EXAMPLE", "replay", "shrink"]

REPLAY_EXAMPLE: Final = """\b
For example:
  resilkit run "progressive node failures" --system shop.py --save runs/first
  resilkit replay runs/first

\b
Exit codes: 0 all criteria held in the simulation, 1 one did not or could not
be decided, else as of the other commands.
"""

SHRINK_EXAMPLE: Final = """\b
For example:
  resilkit shrink runs/first --out found.py
  python found.py

\b
Exit codes: 1 what is left still fails, 0 the failure does not show in the
simulation, else as of the other commands.
"""

_Run = Annotated[
    Path,
    typer.Argument(
        metavar="RUN",
        help="A folder that --save or save() wrote. The code that it names is imported and run.",
    ),
]
_System = Annotated[
    str | None,
    typer.Option(
        "--system",
        metavar="SYSTEM",
        help="What was tested, where the run does not say how to make it again: file.py or "
        "package.module, or with :object one of its objects.",
    ),
]


def replay(
    run: _Run,
    *,
    system: _System = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="The simulation's seed; by default the run's."),
    ] = None,
    schedule: Schedule = None,
    report: Report = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Do in virtual time what a run recorded, and judge it by the same criteria.

    The operations are the run's, with their draws, and so are the faults, as they really struck. A
    simulated run is replayed step for step. One on processes may not fail again, since nobody
    recorded the order of its messages: another --seed or --schedule is another order.
    """
    from resilkit.cli.rerunning import replay_and_tell

    with options(quiet=quiet or options.quiet):
        return replay_and_tell(
            run, system=system, seed=seed, schedule=schedule, report=report, as_json=json
        )


def shrink(
    run: _Run,
    *,
    system: _System = None,
    failing: Annotated[
        str | None,
        typer.Option(
            metavar="CRITERION",
            help='What is to fail, as the verdicts have it: "availability >= 0.8"; of several '
            "that failed, by default the first, or data_consistency.",
        ),
    ] = None,
    budget: Annotated[
        int, typer.Option(min=4, metavar="N", help="How many runs there may be in all.")
    ] = 200,
    seconds: Annotated[
        str, typer.Option(metavar="TIME", help='How long it may really take: 60 or "2 min".')
    ] = "60",
    seeds: Annotated[
        int,
        typer.Option(
            min=1, max=100_000, metavar="N", help="With how many seeds the failure is looked for."
        ),
    ] = 20,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write a Python script to this file, which fails by itself."
        ),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Find the smallest case that still fails as a run did, in virtual time.

    Operations, faults and nodes that are not needed are left out, and what is left is made
    shorter, rounder and simpler. What is told failed once more at the end.
    """
    from resilkit.cli.rerunning import shrink_and_tell

    with options(quiet=quiet or options.quiet):
        return shrink_and_tell(
            run,
            system=system,
            limits={"failing": failing, "budget": budget, "seconds": seconds, "seeds": seeds},
            out=out,
            as_json=json,
        )
