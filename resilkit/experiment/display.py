"""What experiments and results look like as the last line of a cell: small, all of it escaped."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from markupsafe import Markup

from resilkit.chaos.display import criteria_list, timeline
from resilkit.cluster.display_specs import cluster_spec_parts
from resilkit.experiment.words import OUTCOMES, VERDICTS, capital, interval, story
from resilkit.markup import (
    amounts_whole,
    code,
    details,
    display,
    guarded,
    nested,
    note,
    paragraph,
    safe,
    table,
    whole,
    word,
)
from resilkit.metrics.words import quantity
from resilkit.runtime import SupervisorSpec
from resilkit.runtime.display import spec_tree
from resilkit.workload.display_workload import workload_parts

if TYPE_CHECKING:
    from resilkit.experiment.comparison import Comparison
    from resilkit.experiment.experiment import Experiment
    from resilkit.experiment.result import Result

__all__ = ["comparison_html", "experiment_html", "result_html"]

_CAUTION = (
    "One run a side is no regression test: intervals show how far the figures wandered within "
    "these two runs."
)
_KINDS = {"pass": "good", "fail": "bad", "inconclusive": "unsure"}
"""Of words: what the style sheet of all displays calls them."""


@guarded
def result_html(result: Result) -> str:
    """Return the display of a result: outcome, verdicts, operations and one picture."""
    from resilkit.experiment.figures import small_figure

    kind, symbol, word = OUTCOMES[result.passed]
    word = word if len(result.verdicts) else "Not judged"
    return display(
        "run", result.name,
        paragraph(_word(kind, f"{symbol} {word}."), f" {capital(story(result))}"),
        *(paragraph(problem, kind="bad") for problem in result.problems),
        _verdict_table(result), _operation_table(result),
        small_figure(result),
        note(_about(result)),
    )  # fmt: skip


def _word(kind: str, text: str) -> Markup:
    return word(text, _KINDS[kind])


def _about(result: Result) -> str:
    ground = f", in a {result.ground}" if result.ground else ""
    load = f"Seed {result.seed}, {result.ran:.3g} s of load{ground}."
    return f"{load} Times are those of operations that succeeded, from the intended start."


@guarded
def comparison_html(comparison: Comparison) -> str:
    """Return the display of a comparison: what differs, and every figure with its ratio."""
    rows = []
    for row in comparison.frame().to_dict("records"):
        bounds = ""
        if not math.isnan(row["low"]):
            bounds = f"{row['low']:.3g} to {row['high']:.3g}"
        ratio = "" if math.isnan(row["ratio"]) else f"{row['ratio']:.3g}"
        values = [quantity(row[side], row["unit"]) for side in ("a", "b")]
        rows.append([row["figure"], row["operation"], *values, ratio, bounds, row["note"]])
    first, second = comparison.labels
    heads = ("Figure", "Operation", first, second, "Ratio", "95 %", "Note")
    names = dict.fromkeys((comparison.a.name, comparison.b.name))
    caution = capital(comparison.caution)
    return display(
        "comparison of", " and ".join(names),
        paragraph(_word("inconclusive", f"{caution}.")) if caution else "",
        paragraph(f"Ratios are {second} / {first}."),
        *map(note, comparison.differences),
        table(heads, rows, numbers=range(2, 6), most=len(rows)),
        *map(note, comparison.notes),
        note(_CAUTION),
    )  # fmt: skip


def _verdict_table(result: Result) -> Markup:
    rows = []
    for row in result.verdicts.to_dict("records"):
        kind, symbol, words = VERDICTS[row["verdict"]]
        rows.append(
            [
                _word(kind, f"{symbol} {words}"),
                whole(code(amounts_whole(row["criterion"]))),
                quantity(row["measured"], row["unit"]) or "–",
                interval(row["low"], row["high"], row["unit"]),
                f"{row['n']:,}",
            ]
        )
    heads = ("", "Criterion", "Measured", "95 % interval", "n")
    reasons = list(result.verdicts["reason"])
    return table(heads, rows, numbers=range(2, 5), most=len(rows), remarks=reasons)


def _operation_table(result: Result) -> Markup:
    if not len(result.judged):
        return Markup("")
    rows = []
    for name, row in zip(result.summary().index, result.summary().to_dict("records"), strict=True):
        times = [quantity(row[column], "s") or "–" for column in ("p50", "p95", "p99")]
        errors = quantity(row["error_rate"], "share")
        rows.append([str(name), f"{row['count']:,}", errors, quantity(row["rate"], "1/s"), *times])
    heads = ("Operation", "Intended", "Errors", "Succeeded", "p50", "p95", "p99")
    return table(heads, rows, numbers=range(1, 7), most=len(rows))


# Before a run -------------------------------------------------------------------------------------


@guarded
def experiment_html(experiment: Experiment) -> str:
    """Return the parts of an experiment as its next run will have them."""
    scenario, length = experiment.scenario, experiment.duration
    warmup = f" after {experiment.warmup:g} s of warm-up" if experiment.warmup else ""
    about = f"{length:g} s of load{warmup}, seed {experiment.seed}"
    last = experiment.last
    ended = paragraph("Its last run: ", code(repr(last))) if last is not None else ""
    unknown = ", ".join(sorted({str(each.name) for each in experiment.unknown}))
    faults = f"Scenario {scenario.name}" if scenario.name != experiment.name else "Scenario"
    return display(
        "experiment", experiment.name,
        note(about),
        note(scenario.description) if scenario.description else "",
        paragraph(Markup("<b>{}</b>").format(safe(faults))),
        timeline(scenario, length, experiment.seed),
        criteria_list(scenario),
        paragraph(Markup("<b>Workload</b>")),
        workload_parts(experiment.workload, length + experiment.warmup),
        paragraph(Markup("<b>System</b>")),
        _system(experiment),
        paragraph(f"No spec names {unknown}: they may come while it runs.", kind="unsure")
        if unknown else "",
        details("Cluster", cluster_spec_parts(experiment.cluster)),
        ended,
    )  # fmt: skip


def _system(experiment: Experiment) -> Markup:
    plan = experiment.parts.plan
    if not plan:
        return note(experiment.parts.about)
    lines = []
    for node, given in plan:
        where = f"on {node}" if node else "where the cluster likes"
        if isinstance(given, SupervisorSpec):
            line = Markup("<b>{}</b> {} · {}").format(
                safe(given.name), safe(given.strategy), safe(where)
            )
            lines.append((line, spec_tree(given.children)))
        else:
            name = given.__name__ if isinstance(given, type) else f"{given.server.__name__}"
            lines.append((Markup("{} {}").format(code(name), safe(where)), Markup("")))
    return nested(lines)
