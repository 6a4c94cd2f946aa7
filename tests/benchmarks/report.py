"""The table, and the same as JSON."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from tests.benchmarks.contest import Row
from tests.benchmarks.runner import Judged, Outcome, judge

__all__ = ["document", "table"]

SIGNS = {True: "[green]reached", False: "[red]missed", None: "[yellow]no figure"}


def shown(row: Row, figure: float) -> str:
    """Write a figure with a unit that is easy to read."""
    if row.unit == "per second":
        scale, unit = next(
            (pair for pair in ((1e6, " M/s"), (1e3, " k/s")) if figure >= pair[0]), (1.0, " /s")
        )
    elif row.unit == "seconds":
        scale, unit = next(
            (pair for pair in ((1.0, " s"), (1e-3, " ms")) if figure >= pair[0]), (1e-6, " µs")
        )
    else:
        scale, unit = next(
            (pair for pair in ((2**20, " MiB"), (2**10, " KiB")) if figure >= pair[0]), (1.0, " B")
        )
    return f"{figure / scale:.3g}{unit}"


def table(outcomes: list[Outcome]) -> Table:
    """Draw one line a contestant, with the aim beside the peer that it refers to."""
    result = Table(title="resilkit and its peers", show_lines=False)
    for column in ("what", "who", "median", "least – most", "ratio", "aim", ""):
        result.add_column(column, justify="left" if column in {"what", "who", ""} else "right")
    for outcome in outcomes:
        judged = {(item.aim.peer, item.aim.ours): item for item in judge(outcome)}
        title = outcome.row.title
        for name in outcome.row.contestants:
            items = [
                item
                for (peer, ours), item in judged.items()
                if peer == name or (peer is None and ours == name)
            ]
            for position, item in enumerate(items or [None]):
                who = name if position == 0 else ""
                result.add_row(title, who, *_figures(outcome, name, position), *_aim(outcome, item))
                title = ""
        result.add_section()
    return result


def _figures(outcome: Outcome, name: str, position: int) -> tuple[str, str]:
    found = outcome.figures.get(name)
    if position or not found:
        return ("" if position else outcome.failures.get(name, "")[:60], "")
    row = outcome.row
    middle = outcome.median(name) or 0.0
    return shown(row, middle), f"{shown(row, min(found))} – {shown(row, max(found))}"


def _aim(outcome: Outcome, item: Judged | None) -> tuple[str, str, str]:
    if item is None:
        return "", "", ""
    sign = ">=" if outcome.row.higher_is_better else "<="
    whose = "" if item.aim.ours == "resilkit" else f" ({item.aim.ours})"
    if item.aim.peer is None:
        return "", f"{sign} {shown(outcome.row, item.aim.factor)}", SIGNS[item.met]
    ratio = "" if item.ratio is None else f"{item.ratio:.3g} x{whose}"
    return ratio, f"{sign} {item.aim.factor:g} x", SIGNS[item.met]


def document(outcomes: list[Outcome]) -> list[dict[str, Any]]:
    """Return everything that was measured, one dict a row."""
    return [
        {
            "row": outcome.row.name,
            "title": outcome.row.title,
            "unit": outcome.row.unit,
            "cores": outcome.row.cores,
            "figures": outcome.figures,
            "medians": {name: outcome.median(name) for name in outcome.figures},
            "failures": outcome.failures,
            "aims": [
                {
                    "ours": item.aim.ours,
                    "peer": item.aim.peer,
                    "aim": item.aim.factor,
                    "ratio": item.ratio,
                    "least": item.low,
                    "most": item.high,
                    "met": item.met,
                }
                for item in judge(outcome)
            ],
        }
        for outcome in outcomes
    ]
