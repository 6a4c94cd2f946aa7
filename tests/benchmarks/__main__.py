"""``python -m tests.benchmarks [ROW …]``: run the table, print it, and write it as JSON."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from tests.benchmarks.contest import rows
from tests.benchmarks.machine import machine
from tests.benchmarks.report import document, table
from tests.benchmarks.runner import Outcome, run
from tests.bytecode import compile_packages


def main() -> None:
    """Read the arguments, run the chosen rows in turn and show what came out."""
    known = rows()
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(known))
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contestant")
    parser.add_argument("--seconds", type=float, default=1.0, help="length of one measurement")
    parser.add_argument("--json", type=Path, default=Path("artefacts/benchmarks.json"))
    chosen = parser.parse_args()
    if unknown := set(chosen.rows) - set(known):
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    console = Console(width=None if Console().is_terminal else 130)
    compile_packages()  # as the peers' are
    described = machine()
    outcomes: list[Outcome] = []
    with console.status("…") as status:
        for name in chosen.rows or known:
            row = known[name]
            outcomes.append(
                run(row, rounds=chosen.rounds, seconds=chosen.seconds, tell=status.update)
            )
    console.print(table(outcomes))
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    written = {
        "taken": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": described,
        "rounds": chosen.rounds,
        "seconds": chosen.seconds,
        "rows": document(outcomes),
    }
    chosen.json.write_text(json.dumps(written, indent=2, ensure_ascii=False) + "\n")
    console.print(f"written to {chosen.json}")


if __name__ == "__main__":
    main()
