"""The options and texts that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

__all__ = [
    "RUN_EXAMPLE",
    "Backend",
    "Duration",
    "Json",
    "Nodes",
    "Quiet",
    "Report",
    "Save",
    "Schedule",
    "Seed",
    "SystemText",
    "WhichScenario",
]

# Written out: to ask the library would cost every command the import of all faults.
_SCENARIO_HELP: Final = (
    'A YAML or JSON file, or a named scenario: "progressive node failures" or '
    '"memory pressure with partitions".'
)

RUN_EXAMPLE: Final = """\b
For example:
  resilkit run "progressive node failures" --system shop.py --report shop.html

\b
The file holds the system and the load on it, by these names:
  import resilkit as rk
  class Shop(rk.Server):
      def sell(self): return "sold"
  system = rk.SupervisorSpec("shops", [rk.ChildSpec(Shop, name="shop")])
  operations = [rk.Operation.call("shop", "sell")]
  workload = rk.Workload(operations, arrivals=rk.arrivals.constant(50))

\b
Instead of system it may define applications(nodes), which maps names of nodes
to such specs; workload may be a function of nodes; and with
audit(cluster, history) the system says after the run what it kept: it
returns resilkit.Audit(share=0.98, n=630), the share of so many
acknowledged effects that are still there.
"""

Seed = Annotated[
    int | None,
    typer.Option(min=0, metavar="N", help="Root of all randomness; a new one by default."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Quiet = Annotated[
    bool, typer.Option("-q", "--quiet", help="Show no progress; or set RESILKIT_QUIET=1.")
]
Report = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write the HTML report to this file.")
]
Save = Annotated[Path | None, typer.Option(metavar="FOLDER", help="Save the run as this folder.")]
Nodes = Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="How many nodes.")]
Backend = Annotated[
    str,
    typer.Option(
        metavar="WHERE",
        help="Where the nodes run: processes, or simulation, in virtual time and the same each "
        "time.",
    ),
]
Schedule = Annotated[
    str | None,
    typer.Option(
        metavar="ORDER",
        help="In which order a simulation does what is ready: random (the default), fifo or pct, "
        "which finds rare orders.",
    ),
]
WhichScenario = Annotated[str, typer.Argument(metavar="SCENARIO", help=_SCENARIO_HELP)]
SystemText = Annotated[
    str,
    typer.Option(
        "--system",
        metavar="SYSTEM",
        help="What to test: file.py or package.module, or with :object one of its objects.",
    ),
]
Duration = Annotated[
    str | None,
    typer.Option(
        metavar="TIME", help='How long: 20, "20 s" or "2 min"; the scenario\'s by default.'
    ),
]
