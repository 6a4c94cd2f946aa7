"""``python -m tests.benchmarks.picture``: draw how the cost of a simulation grows.

It reads what ``python -m tests.benchmarks`` has written, and writes the README's picture.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resilkit.metrics.plots.style import DASHES, Picture, Theme, theme_named
from tests.benchmarks.rows.simulator_size import NODES, RATES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw"]

TAKEN = Path("artefacts/benchmarks.json")
PICTURE = Path("notebooks/pictures/simulation_cost.png")
MARKERS = ("o", "s")


def medians(document: dict[str, Any], row: str, unit: str, sizes: tuple[int, ...]) -> list[float]:
    """Return the figures of `row`, one a size; the size with the plain name is what is left."""
    found = next((each["medians"] for each in document["rows"] if each["row"] == row), None)
    if found is None:
        raise SystemExit(f"no row {row!r}: run python -m tests.benchmarks {row} first")
    return [found.get(f"resilkit ({size:,} {unit})", found.get("resilkit")) for size in sizes]


def draw(document: dict[str, Any], theme: Theme) -> Picture:
    """Draw both panels: cost by nodes, and pace by messages.

    Args:
        document: What was measured, as the benchmarks write it.
        theme: Its colours.
    """
    figure = Picture(figsize=(7.6, 3.1), facecolor=theme.paper, layout="constrained")
    left, right = figure.subplots(1, 2)
    lines = (
        ("start them all", medians(document, "simulator-start", "nodes", NODES)),
        ("and gossip to convergence", medians(document, "simulator-nodes", "nodes", NODES)),
    )
    for number, (label, figures) in enumerate(lines):
        plot(left, theme, number, NODES, figures, label)
    left.legend(frameon=False, labelcolor=theme.ink, fontsize=8, loc="upper left")
    panel(left, theme, "nodes, each connected with every other one", "processor time (s)")
    pace = medians(document, "simulator-pace", "messages/s", RATES)
    plot(right, theme, 0, RATES, pace, "three nodes")
    right.axhline(1, color=theme.faint, linewidth=1, linestyle=DASHES[2])
    right.annotate(
        "as fast as real time", (RATES[0], 1), xytext=(0, 3), textcoords="offset points",
        color=theme.faint, fontsize=8,
    )  # fmt: skip
    panel(right, theme, "messages a virtual second, on three nodes", "virtual s / processor s")
    return figure


def plot(
    axes: Axes, theme: Theme, number: int, across: tuple[int, ...], up: list[float], label: str
) -> None:
    """Draw a line whose points can be told apart without its colour."""
    axes.plot(
        across, up, label=label, color=theme.lines[number], linestyle=DASHES[number],
        marker=MARKERS[number], markersize=4.5, linewidth=1.6,
    )  # fmt: skip


def panel(axes: Axes, theme: Theme, across: str, up: str) -> None:
    """Give a panel its scales, labels and colours."""
    axes.set(xscale="log", yscale="log", facecolor=theme.paper)
    axes.set_xlabel(across, color=theme.ink, fontsize=9)
    axes.set_ylabel(up, color=theme.ink, fontsize=9)
    for scale in (axes.xaxis, axes.yaxis):
        scale.set_major_formatter(lambda value, _: f"{value:,.10g}")
    axes.tick_params(colors=theme.ink, labelsize=8)
    axes.grid(visible=True, which="major", color=theme.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_color(theme.grid)


def main() -> None:
    """Read the arguments and write the picture."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.picture", description=__doc__)
    parser.add_argument("--json", type=Path, default=TAKEN, help="what the benchmarks have written")
    parser.add_argument("--out", type=Path, default=PICTURE, help="where the picture goes")
    chosen = parser.parse_args()
    document = json.loads(chosen.json.read_text())
    chosen.out.write_bytes(draw(document, theme_named("light")).to_png(scale=2.0))


if __name__ == "__main__":
    main()
