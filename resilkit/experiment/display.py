"""What results look like as the last line of a cell: small HTML, scoped, all of it escaped."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from resilkit.experiment.words import OUTCOMES, VERDICTS, capital, interval, quantity, story

if TYPE_CHECKING:
    from resilkit.experiment.comparison import Comparison
    from resilkit.experiment.result import Result

__all__ = ["comparison_html", "result_html"]

# `inherit` and half-transparent colours sit well on any theme of any notebook, light or dark.
_STYLE = """<style>
.resilkit-result { max-width: 62rem; line-height: 1.45; }
.resilkit-result table { border-collapse: collapse; margin: .5rem 0; font-size: .92em; }
.resilkit-result th, .resilkit-result td { padding: .25rem .7rem .25rem 0; border: 0;
  border-bottom: 1px solid rgba(128,128,128,.35); text-align: left; background: none;
  color: inherit; overflow-wrap: anywhere; }
.resilkit-result .number { text-align: right; font-variant-numeric: tabular-nums;
  white-space: nowrap; }
.resilkit-result .word { font-weight: 600; white-space: nowrap; }
.resilkit-result .pass { color: #1a8148; } .resilkit-result .fail { color: #d0453b; }
.resilkit-result .inconclusive { color: #a86a00; }
.resilkit-result figure { margin: .5rem 0; }
.resilkit-result .quiet { opacity: .7; }
</style>"""


_CAUTION = (
    "One run a side is no regression test: intervals show how far the figures wandered within "
    "these two runs."
)


def result_html(result: Result) -> str:
    """Return the display of a result: outcome, verdicts, operations and one picture."""
    from resilkit.experiment.figures import small_figure

    kind, symbol, word = OUTCOMES[result.passed]
    word = word if len(result.verdicts) else "Not judged"
    text = story(result)
    parts = [
        f'<p><span class="word {kind}">{symbol} {word}.</span> {escape(capital(text))}</p>',
        *(f'<p class="fail">{escape(problem)}</p>' for problem in result.problems),
        _verdict_table(result),
        _operation_table(result),
        small_figure(result),
        f'<p class="quiet">{escape(_about(result))}</p>',
    ]
    return _scoped(parts)


def _about(result: Result) -> str:
    load = f"{result.name}, seed {result.seed}, {result.ran:.3g} s of load."
    return f"{load} Times are those of operations that succeeded, from the intended start."


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
    parts = [
        f'<p class="inconclusive word">{escape(caution)}.</p>' if caution else "",
        f"<p>{escape(' and '.join(names))}; ratios are {escape(second)} / {escape(first)}</p>",
        *(f'<p class="quiet">{escape(text)}</p>' for text in comparison.differences),
        _table(heads, rows, numbers=range(2, 6)),
        *(f'<p class="quiet">{escape(note)}</p>' for note in comparison.notes),
        f'<p class="quiet">{_CAUTION}</p>',
    ]
    return _scoped(parts)


def _scoped(parts: Iterable[str]) -> str:
    return f'<div class="resilkit-result">{_STYLE}{"".join(parts)}</div>'


def _verdict_table(result: Result) -> str:
    if not len(result.verdicts):
        return ""
    lines = []
    for row in result.verdicts.to_dict("records"):
        kind, symbol, word = VERDICTS[row["verdict"]]
        bounds = interval(row["low"], row["high"], row["unit"])
        cells = [
            f'<td class="word {kind}">{symbol} {word}</td>',
            f"<td><code>{escape(row['criterion'])}</code></td>",
            f'<td class="number">{escape(quantity(row["measured"], row["unit"]) or "–")}</td>',
            f'<td class="number">{escape(bounds)}</td>',
            f'<td class="number">{row["n"]:,}</td>',
            f"<td>{escape(row['reason'])}</td>",
        ]
        lines.append(f"<tr>{''.join(cells)}</tr>")
    heads = ("", "Criterion", "Measured", "95 % interval", "n", "")
    return f"<table>{_head(heads, range(2, 5))}<tbody>{''.join(lines)}</tbody></table>"


def _operation_table(result: Result) -> str:
    if not len(result.judged):
        return ""
    rows = []
    for name, row in zip(result.summary().index, result.summary().to_dict("records"), strict=True):
        times = [quantity(row[column], "s") or "–" for column in ("p50", "p95", "p99")]
        errors = quantity(row["error_rate"], "share")
        rows.append([str(name), f"{row['count']:,}", errors, quantity(row["rate"], "1/s"), *times])
    heads = ("Operation", "Intended", "Errors", "Succeeded", "p50", "p95", "p99")
    return _table(heads, rows, numbers=range(1, 7))


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: range) -> str:
    lines = []
    for row in rows:
        cells = [
            f'<td class="number">{escape(cell)}</td>'
            if place in numbers
            else f"<td>{escape(cell)}</td>"
            for place, cell in enumerate(row)
        ]
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table>{_head(heads, numbers)}<tbody>{''.join(lines)}</tbody></table>"


def _head(heads: Sequence[str], numbers: range) -> str:
    cells = [
        f'<th class="number">{escape(head)}</th>'
        if place in numbers
        else f"<th>{escape(head)}</th>"
        for place, head in enumerate(heads)
    ]
    return f"<thead><tr>{''.join(cells)}</tr></thead>"
