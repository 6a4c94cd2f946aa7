"""What the commands print."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import typer

from resilkit.experiment.words import VERDICTS, interval, sentence
from resilkit.metrics.words import quantity

if TYPE_CHECKING:
    from resilkit.experiment import Result

__all__ = [
    "print_capabilities",
    "print_json",
    "print_result",
    "printable",
    "result_document",
    "say",
]


def printable(text: str) -> str:
    """Return `text` without what a terminal would take for commands."""
    return "".join(c if c.isprintable() else "�" for c in text)


def say(text: str, *, dim: bool = False) -> None:
    """Print a line on stdout; a dim one where stdout is a terminal."""
    typer.echo(typer.style(printable(text), dim=True) if dim else printable(text))


def print_json(document: Mapping[str, object]) -> None:
    """Print one JSON document on stdout; NaN and infinity become ``null``."""
    typer.echo(json.dumps(_finite(document), indent=2, ensure_ascii=False))


def _finite(value: Any) -> Any:
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


def result_document(result: Result) -> dict[str, object]:
    """Return the outcome of a run as plain values."""
    audit = result.consistency
    return {
        "name": result.name,
        "passed": result.passed,
        "sentence": result.sentence(),
        "seed": result.seed,
        "duration": result.duration,
        "ran": result.ran,
        "verdicts": result.verdicts.to_dict("records"),
        "summary": result.summary().reset_index().to_dict("records"),
        "consistency": audit
        and {"share": audit.share, "n": audit.n, "valid": audit.valid, "summary": audit.summary},
        "problems": list(result.problems),
        "rerun": result.how_to_rerun(),
        "backend": result.backend,
        "schedule": result.schedule,
        "fingerprint": result.fingerprint,
    }


def print_result(result: Result) -> None:
    """Print the verdicts, what to know of each below it, then what happened in a sentence."""
    rows = result.verdicts.to_dict("records")
    width = max((len(row["criterion"]) for row in rows), default=0)
    for row in rows:
        _, symbol, word = VERDICTS[row["verdict"]]
        measured = quantity(row["measured"], row["unit"])
        bounds = interval(row["low"], row["high"], row["unit"])
        bounds = f" ({bounds})" if bounds else ""
        criterion = row["criterion"].ljust(width)
        say(f"  {symbol} {criterion}  {word}: {measured or 'not measured'}{bounds}")
        if row["reason"] and not _is_told(row["reason"], result.problems):
            say(f"      {row['reason']}", dim=row["verdict"] == "pass")
    for problem in result.problems:
        say(f"  ! {problem}")
    say(sentence(result, beside_problems=True))


def _is_told(reason: str, problems: Iterable[str]) -> bool:
    """Whether one of the problems says the same, and to whom and when besides."""
    return any(reason.removeprefix("it ") in problem for problem in problems)


def print_capabilities(*, as_json: bool) -> None:
    """Print which faults and features work here, as a table or as JSON."""
    from resilkit.chaos.capabilities import capabilities

    rows = [dataclasses.asdict(row) for row in capabilities()]
    if as_json:
        print_json({"capabilities": rows})
        return
    width = max(len(row["name"]) for row in rows)
    for kind in dict.fromkeys(row["kind"] for row in rows):
        say(f"{kind}s")
        for row in rows:
            if row["kind"] == kind:
                mark = "✓" if row["works"] else "✗"
                say(f"  {mark} {row['name'].ljust(width)}  {row['why']}")
    lacking = [row["name"] for row in rows if row["simulated"] is False]
    say(f"In a simulation all of these faults work, but for {', '.join(lacking)}.")
