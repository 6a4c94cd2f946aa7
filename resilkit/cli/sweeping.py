"""A sweep on the command line: its live line, its table and its exit code."""

from __future__ import annotations

import math
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from resilkit import amounts
from resilkit.chaos.criteria import as_criteria
from resilkit.cli.interrupts import Interrupted
from resilkit.cli.output import print_json, say
from resilkit.cli.plain_lines import plain_lines
from resilkit.cli.running import Where, warnings_as_lines
from resilkit.errors import InvalidArgument, Nondeterministic
from resilkit.metrics.words import quantity
from resilkit.reruns.rows import MOST_SEEDS, ran_out_of_time, word_of
from resilkit.texts import plain

if TYPE_CHECKING:
    import pandas as pd

    from resilkit.experiment import Experiment

__all__ = ["seeds_of", "sweep_and_tell"]

_SHOWN: Final = 20
"""Seeds that did not pass that are listed; ``--json`` has them all."""
_ALLOWED: Final = "such as 0:200, 200 or 3,7,19"
_SIGNS: Final = {"fail": "✗", "error": "!", "inconclusive": "?"}


def sweep_and_tell(
    experiment: Experiment,
    *,
    command: Sequence[str],
    where: Where,
    seeds: str,
    limits: Mapping[str, Any],
    as_json: bool,
) -> int:
    """Run `experiment` with many seeds, say which failed, and return the exit code.

    Args:
        experiment: What to run.
        command: The arguments that run it once, without the seed.
        where: On which backend.
        seeds: Which seeds, as they were written.
        limits: ``processes``, ``timeout``, ``stop_after`` and ``resume`` of `rk.sweep`.
        as_json: Print one JSON document on stdout and nothing else.

    Raises:
        InvalidArgument: Something is wrong, or there is nothing to judge; nothing was run.
        Interrupted: Somebody pressed Ctrl-C; what was done by then has been told.
        Nondeterministic: A seed was checked in CI, and differs; the rows have been told.
    """
    from resilkit.reruns import sweep

    chosen = seeds_of(seeds)
    if not experiment.scenario.criteria and experiment.parts.audit is None:
        message = "has no criteria and the system no audit, so no seed could fail"
        raise InvalidArgument(message, path="SCENARIO", value=experiment.scenario.name)
    timeout: Any = limits["timeout"]
    if timeout is not None:
        timeout = amounts.parse_duration(timeout, "--timeout")
    differs: Nondeterministic | None = None
    try:
        with warnings_as_lines(how_often="once"):
            found = sweep(
                experiment,
                seeds=chosen,
                backend=where.backend,
                schedule=where.schedule,
                processes=limits["processes"],
                timeout=timeout,
                stop_after=limits["stop_after"],
                resume=limits["resume"],
                progress=not as_json,
                on_progress=plain_lines(
                    sys.stderr, f"{experiment.name}, many seeds", quiet=as_json
                ),
            )
    except Nondeterministic as error:
        differs, found = error, error.outcome
    except InvalidArgument as error:
        if error.path not in {"resume", "timeout"}:
            raise
        raise InvalidArgument(
            error.message, path=f"--{error.path}", value=error.value, allowed=error.allowed
        ) from None
    rerun = ["resilkit", *command, *where.options()]
    if as_json:
        print_json(_document(found, rerun))
    else:
        _print(found, experiment, rerun)
    if differs is not None:
        raise differs
    if found.attrs["interrupted"]:
        resume = limits["resume"]
        more = f"go on with --resume {resume}" if resume else "with --resume FOLDER it can go on"
        raise Interrupted(
            f"interrupted after {found.attrs['done']:,} of {plain(len(chosen), 'seed')}; {more}"
        )
    return 0 if all(_words(found)[word] == 0 for word in _SIGNS) else 1


def seeds_of(text: str) -> Sequence[int]:
    """Return the seeds that a text names.

    Args:
        text: ``"0:200"``, the last one not included, and with a step ``"0:200:5"``; ``"200"``, the
            first so many; or ``"3,7,19"``.

    Raises:
        InvalidArgument: It names none.

    Examples:
        >>> seeds_of("5:8"), seeds_of("3"), seeds_of("3,7,19")
        (range(5, 8), range(0, 3), [3, 7, 19])
    """
    refusal = {"path": "--seeds", "value": text, "allowed": _ALLOWED}
    try:
        if "," in text:
            found: Sequence[int] = [int(part) for part in text.split(",")]
        elif ":" in text:
            first, *rest = text.split(":")
            found = range(int(first or 0), *map(int, rest))
        else:
            found = range(int(text))
    except (ValueError, TypeError):
        raise InvalidArgument("are no seeds", **refusal) from None
    if not found or min(found[0], found[-1]) < 0 or (isinstance(found, list) and min(found) < 0):
        message = "has a seed below 0" if found else "names no seed"
        raise InvalidArgument(message, **refusal)
    if found[MOST_SEEDS:]:  # the length of a range may be no number that Python can tell
        raise InvalidArgument(f"are more than {MOST_SEEDS:,} seeds", **refusal)
    return found


def _rows(found: pd.DataFrame) -> list[dict[str, Any]]:
    rows: Any = found.to_dict("records")
    return list(rows)


def _words(found: pd.DataFrame) -> dict[str, int]:
    words = [word_of(row) for row in _rows(found)]
    return {word: words.count(word) for word in ("fail", "error", "inconclusive", "pass")}


def _print(found: pd.DataFrame, experiment: Experiment, rerun: list[str]) -> None:
    units = {"audit": "share"} | {
        str(one): one.unit for one in as_criteria(experiment.scenario.criteria)
    }
    open_rows = [row for row in _rows(found) if word_of(row) != "pass"]
    width = max((len(str(row["seed"])) for row in open_rows[:_SHOWN]), default=0)
    for row in open_rows[:_SHOWN]:
        say(f"  {_SIGNS[word_of(row)]} seed {row['seed']:<{width}}  {_told(row, units)}")
    if len(open_rows) > _SHOWN:
        say(f"  … and {len(open_rows) - _SHOWN:,} more; --json lists them all")
    say(_sentence(found))
    if open_rows:
        seed = open_rows[0]["seed"]
        say(f"Run seed {seed} again: {shlex.join([*rerun, '--seed', str(seed)])}")


def _told(row: Mapping[str, Any], units: Mapping[str, str]) -> str:
    """Return what of a run was not as it should be."""
    if row["error"]:
        return str(row["error"])
    if row["passed"] is None:
        return f"could not be decided: {row['inconclusive'] or 'there is no verdict'}"
    parts = []
    for name in row["failed"].split("; "):
        measured = quantity(row.get(f"measured: {name}", row.get(name)), units.get(name, ""))
        parts.append(f"{name} (measured {measured})" if measured else name)
    return "; ".join(parts)


def _sentence(found: pd.DataFrame) -> str:
    words, attrs = _words(found), found.attrs
    parts = [f"{words['fail']:,} failed" if words["fail"] else "none failed"]
    late = sum(map(ran_out_of_time, _rows(found)))
    if late:
        parts.append(f"{late:,} ran out of time")
    if words["error"] > late:
        parts.append(f"{words['error'] - late:,} could not be run")
    if words["inconclusive"]:
        parts.append(f"{words['inconclusive']:,} could not be decided")
    parts.append(f"{words['pass']:,} passed")
    of = "" if attrs["done"] == attrs["seeds"] else f" of {attrs['seeds']:,}"
    return (
        f"{attrs['done']:,}{of} {'seed' if attrs['seeds'] == 1 else 'seeds'}: {', '.join(parts)}, "
        f"in {attrs['wall']:.1f} s."
    )


def _document(found: pd.DataFrame, rerun: list[str]) -> dict[str, object]:
    attrs = found.attrs
    rows = _rows(found)
    return {
        "name": attrs["experiment"],
        "passed": bool(rows) and all(word_of(row) == "pass" for row in rows),
        **{name: attrs[name] for name in ("seeds", "done", "interrupted", "wall", "backend",
                                          "schedule", "processes")},
        "failing": [row["seed"] for row in rows if word_of(row) == "fail"],
        "rows": [
            {
                "seed": row["seed"],
                "outcome": word_of(row),
                "failed": row["failed"].split("; ") if row["failed"] else [],
                "inconclusive": row["inconclusive"].split("; ") if row["inconclusive"] else [],
                "measured": {
                    name: value
                    for name, value in row.items()
                    if isinstance(value, float) and not math.isnan(value)
                    and name not in {"ran", "wall"}
                },
                **{name: row[name] for name in ("operations", "errors", "ran", "wall",
                                                "fingerprint", "error")},
            }
            for row in rows
        ],
        "rerun": shlex.join([*rerun, "--seed", "SEED"]),
    }  # fmt: skip
