"""A run as one HTML file: no script, nothing to fetch, everything that it shows escaped."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resilkit.experiment.delivery import HARMED_NOBODY
from resilkit.experiment.paths import absolute_path, checked_path
from resilkit.experiment.storage import write_file
from resilkit.experiment.words import (
    OUTCOMES,
    VERDICTS,
    capital,
    interval,
    story,
)
from resilkit.importing import whole
from resilkit.markup import amounts_whole
from resilkit.metrics.event_words import detail_words, strike_of, where_words
from resilkit.metrics.summary import SUMMARY_UNITS
from resilkit.metrics.words import percent, quantity
from resilkit.texts import plain

if TYPE_CHECKING:
    from pandas import DataFrame, Series

    from resilkit.experiment.result import Result

__all__ = ["render", "report_target", "write_report"]

_SHOWN_EVENTS = 40
_ROUTINE = ("reached", "lost", "started")
_MOST_EVENTS = 2000
_MOST_ERRORS = 50
_OPERATION_COLUMNS = {
    "operation": "Operation",
    "count": "Intended",
    "failed": "Not succeeded",
    "rate": "Succeeded",
    "mean": "Mean",
    "p50": "p50",
    "p95": "p95",
    "p99": "p99",
    "p99_9": "p99.9",
    "max": "Max",
}


def write_report(result: Result, path: str | Path) -> Path:
    """Write the report of `result` to `path`; see `Result.report`."""
    write_file(report_target(path), lambda: render(result).encode("utf-8", "replace"))
    return Path(path)


def report_target(path: object) -> Path:
    """Return where a report that is written to `path` goes, as an absolute path."""
    return absolute_path(checked_path(path, allowed="the path of a file, such as 'report.html'"))


def render(result: Result) -> str:
    """Return the whole report of `result` as HTML."""
    whole("jinja2")
    import jinja2
    from markupsafe import Markup

    from resilkit.experiment.figures import report_figures

    folder = resources.files("resilkit.experiment") / "templates"
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string((folder / "report.html.j2").read_text("utf-8"))
    kind, symbol, word = OUTCOMES[result.passed]
    if not len(result.verdicts):
        word = "Not judged"
    columns, operations = _operations(result)
    return template.render(
        # Our own file, without anything of the run in it: escaping would break its quotes.
        style=Markup((folder / "report.css").read_text("utf-8")),  # noqa: S704
        title=result.name,
        version=str(result.environment.get("resilkit", "")),
        outcome={"kind": kind, "symbol": symbol, "word": word},
        sentence=capital(story(result)),
        problems=result.problems,
        facts=_facts(result),
        verdicts=_verdicts(result),
        open_notes=_open_notes(result),
        figures=report_figures(result),
        operations=operations,
        operation_columns=columns,
        load_note=_load_note(result),
        errors=_errors(result),
        events=_events(result),
        rerun=result.how_to_rerun(),
        rerun_note=_rerun_note(result),
        description=json.dumps(
            dict(result.description), indent=2, ensure_ascii=False, default=repr
        ),
        environment=_environment(result),
    )


def _facts(result: Result) -> list[str]:
    facts = [str(result.environment.get("started", "")).replace("T", " ").replace("+00:00", " UTC")]
    cluster = result.description.get("cluster")
    nodes = cluster.get("nodes") if isinstance(cluster, Mapping) else None
    if isinstance(nodes, (int, list)):
        facts.append(plain(nodes if isinstance(nodes, int) else len(nodes), "node"))
    facts += [f"{result.ran:.3g} s of load", f"seed {result.seed}", result.ground]
    return [fact for fact in facts if fact]


def _verdicts(result: Result) -> list[dict[str, str]]:
    rows = []
    for row in result.verdicts.to_dict("records"):
        kind, symbol, word = VERDICTS[row["verdict"]]
        rows.append(
            {
                "kind": kind,
                "symbol": symbol,
                "word": word,
                "criterion": amounts_whole(row["criterion"]),
                "measured": quantity(row["measured"], row["unit"]) or "not measured",
                "interval": interval(row["low"], row["high"], row["unit"]),
                "n": f"{row['n']:,}" if row["n"] else "",
                "reason": _remark(row["reason"], result.problems),
            }
        )
    return rows


def _remark(reason: str, problems: Sequence[str]) -> str:
    """Return the reason of a verdict, without the part that a problem above the table tells."""
    short, _, why = reason.partition(f"{HARMED_NOBODY}: ")
    told = why and any(problem.endswith(f"{HARMED_NOBODY}: {why}") for problem in problems)
    return f"{short}{HARMED_NOBODY}" if told else reason


def _open_notes(result: Result) -> list[str]:
    """Return what inconclusive means, and what to do about those that are."""
    rows = result.verdicts[result.verdicts["verdict"] == "inconclusive"]
    if not len(rows):
        return []
    meaning = (
        "Inconclusive: this run cannot say whether the criterion holds. That is no failure of the "
        "system, and no success either."
    )
    notes = [meaning]
    measured = rows["measured"].notna()
    if measured.any():
        notes.append(
            "A figure from a run is an estimate; the true value lies within the 95 % interval, "
            "19 times out of 20. Where the limit lies within it too, nobody can tell on which "
            "side the true value is. A longer run, or more load, makes the interval narrower."
        )
    unmeasured = rows.loc[~measured, "criterion"]
    if rows.loc[~measured, "reason"].str.startswith("needs ").any():
        notes.append(
            "A percentile needs operations on both of its sides: of a thousand, one is slower than "
            "the p99.9, ten than the p99 and fifty than the p95. Run longer, or with more load."
        )
    if unmeasured.str.startswith("recovery").any():
        notes.append(
            "Recovery compares the seconds after a fault with those before it. It takes a few "
            "seconds of load before the first fault, and after each one enough to see the system "
            "come back."
        )
    return notes


def _operations(result: Result) -> tuple[list[dict[str, str]], list[dict[str, Any]]]:
    """Return the columns, and the rows with their cells: each a text and a unit."""
    frame = result.summary()
    times = [name for name in _OPERATION_COLUMNS if SUMMARY_UNITS.get(name) == "s"]
    columns = [
        {"title": title, "unit": "1/s" if name == "rate" else ""}
        for name, title in _OPERATION_COLUMNS.items()
    ]
    rows = []
    for index, row in zip(frame.index, frame.to_dict("records"), strict=True):
        failed = row["count"] - row["ok"]
        # A median and a maximum lie far apart: each time has the unit that it has elsewhere here.
        cells = [str(index), f"{row['count']:,}"]
        cells.append(f"{failed:,} ({percent(row['error_rate'])})" if failed else "0")
        cells.append(quantity(row["rate"], "1/s").removesuffix("/s"))
        spans = [quantity(row[name], "s").partition(" ") for name in times]
        told = [(text, "") for text in cells] + [(text or "–", unit) for text, _, unit in spans]
        rows.append({"all": index == frame.index[-1], "cells": told})
    return columns, rows if len(result.judged) else []


def _load_note(result: Result) -> str:
    note = (
        "Response times of what succeeded, from the intended start: criteria count what was never "
        "answered, too. The rate is of what succeeded before the load ended. A percentile with too "
        "few operations behind it is left out."
    )
    generators = result.generators
    if "dropped" in generators and generators["dropped"].sum():
        note += f" {plain(int(generators['dropped'].sum()), 'send')} were dropped, "
        note += "because too many operations were in flight."
    if "send_lag_max" in generators and len(generators):
        worst = quantity(float(generators["send_lag_max"].max()), "s")
        note += f" The load generators themselves were at most {worst} late."
    return note


def _errors(result: Result) -> list[dict[str, str]]:
    rows = result.judged
    bad = rows[rows["status"] != "ok"]
    if not len(bad):
        return []
    counts = Counter(
        zip(*(bad[name].astype(str) for name in ("operation", "status", "error")), strict=True)
    )
    return [
        {"operation": operation, "status": status, "error": error[:500], "count": f"{count:,}"}
        for (operation, status, error), count in counts.most_common(_MOST_ERRORS)
    ]


def _events(result: Result) -> dict[str, Any]:
    """Return the events that tell the story, and the others for who wants to see."""
    frame = result.events
    # How a cluster comes up, and who reaches whom after each cut, is many rows and no news.
    news = (frame["time"] >= 0) & ~frame["event"].isin(_ROUTINE) & ~_told_again(frame)
    # Where there are too many, the routine makes room first, and the faults last.
    weight = news.astype(int) + (news & (frame["kind"] == "fault")).astype(int)
    kept = sorted((-weight).argsort(kind="stable")[:_MOST_EVENTS])
    frame, news = frame.iloc[kept], news.iloc[kept]
    rows = [
        {
            "time": f"{row['time']:.2f}",
            "kind": row["kind"],
            "event": str(row["event"]).replace("_", " "),
            "where": where_words(
                *(str(row[name]) for name in ("kind", "node", "target", "detail"))
            ),
            "detail": detail_words(row["detail"]),
        }
        for row in frame.to_dict("records")
    ]
    # Each event stands in one of the two tables: on paper both are open.
    story: list[dict[str, str]] = []
    others: list[dict[str, str]] = []
    for row, shown in zip(rows, news, strict=True):
        (story if shown and len(story) < _SHOWN_EVENTS else others).append(row)
    left_out = len(result.events) - len(rows)
    return {
        "story": story,
        "others": others,
        "late": len(story) == _SHOWN_EVENTS,
        "left_out": f"{left_out:,}" if left_out else "",
        "count": plain(len(others), "other event"),
    }


def _told_again(frame: DataFrame) -> Series[bool]:
    """Return which rows only say that a strike begins that was then put in, as of that time."""
    fault = frame["kind"] == "fault"
    strikes = frame["detail"].astype(str).map(strike_of)
    wholly = set(strikes[fault & (frame["event"] == "injected")]) - {""}
    return fault & (frame["event"] == "begins") & strikes.isin(wholly)


def _rerun_note(result: Result) -> str:
    if result.backend == "simulation":
        return (
            f"It ran in a simulation: times are virtual, and the seed {result.seed} and the "
            f"schedule {result.schedule} fix all that happened. The same code does the same again, "
            f"step by step, with the fingerprint {result.fingerprint}. What only a machine has, "
            "memory, processor time and bytes on the wire, is not measured there."
        )
    return (
        f"The seed {result.seed} fixes the arrivals, the users' choices and the targets of the "
        "faults. The times at which processes are scheduled stay the machine's own, so that "
        "figures differ a little from run to run."
    )


def _environment(result: Result) -> list[tuple[str, str]]:
    rows = []
    for name, value in result.environment.items():
        label = name.replace("_", " ").removesuffix(" bytes")
        if name.endswith("_bytes") and isinstance(value, (int, float)):
            rows.append((label, quantity(value, "bytes")))
        elif isinstance(value, Mapping):
            rows.append((label, ", ".join(f"{key} {item}" for key, item in value.items())))
        elif isinstance(value, list):
            rows.append((label, ", ".join(map(str, value))))
        elif value is not None:
            rows.append((label, str(value)))
    return rows
