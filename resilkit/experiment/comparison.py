"""Two runs side by side.

One run a side shows *that* two runs differ, not *why*: machines warm up, neighbours compute, and
requests of one run are not independent of each other. The intervals here say how far the figures
of these two runs wandered from window to window; they are no test of a regression. That needs 5
to 10 interleaved runs a side, and one figure from each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resilkit.errors import InvalidArgument
from resilkit.experiment.result import Result, load
from resilkit.importing import whole
from resilkit.texts import plain

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Comparison", "compare"]

_FIGURES = {"rate": "1/s", "error_rate": "share", "p50": "s", "p95": "s", "p99": "s"}
_SAME = "both are the same run"
_COLUMNS = ("figure", "operation", "unit", "a", "b", "ratio", "low", "high", "n_a", "n_b", "note")


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Two runs side by side.

    Attributes:
        a: The first run, which the ratios are relative to.
        b: The second run.
        differences: How the two experiments differ (nodes, duration, seed, machine…), in words.
        labels: What to call the two: their names, or where these are equal the folders that were
            given.
        notes: What is true of several rows, in words.
        caution: What to know before any figure is read: that these are runs of different
            experiments, that one took virtual time, or that they are one run; else ``""``.
    """

    a: Result
    b: Result
    differences: tuple[str, ...]
    labels: tuple[str, str] = ("a", "b")
    notes: tuple[str, ...] = ()
    caution: str = ""
    _rows: pd.DataFrame = field(kw_only=True)

    def frame(self) -> pd.DataFrame:
        """Return one row a figure as a pandas frame.

        Columns: ``figure`` (a criterion, a percentile, ``rate``, ``error_rate``,
        ``data_consistency``), ``operation``, ``unit``, ``a``, ``b``, ``ratio`` (b / a; NaN where
        a is 0), ``low`` and ``high`` (a 95 % interval of the ratio by a bootstrap over blocks of
        1 s windows; NaN where the windows are too few for one), ``n_a`` and ``n_b`` (windows that
        it rests on), ``note`` (what is true of this row alone).
        """
        return self._rows.copy()

    def __repr__(self) -> str:
        first, second = self.labels
        caution = f"{self.caution}; " if self.caution else ""
        figures = plain(len(self.frame()), "figure")
        return f"<Comparison of {first!r} and {second!r}: {caution}{figures}>"

    def _repr_html_(self) -> str:
        from resilkit.experiment.display import comparison_html

        return comparison_html(self)


def compare(a: Result | str | Path, b: Result | str | Path) -> Comparison:
    """Put two runs side by side: criteria, latency, throughput, errors.

    One run a side is no regression test: see the top of this module.

    Args:
        a: A result, or the folder of a saved run; the ratios are relative to it.
        b: The other one.

    Raises:
        InvalidArgument: A folder holds no saved run.
        StorageError: A saved run is damaged.

    Examples:
        >>> compare("runs/no-such-run", "runs/second")
        Traceback (most recent call last):
        ...
        resilkit.errors.InvalidArgument: path: does not exist, got 'runs/no-such-run'; \
allowed: a saved run
    """
    whole("pandas")
    import pandas as pd

    first, second = _result(a, "a"), _result(b, "b")
    rows = [*_criteria(first, second), *_figures(first, second), *_consistency(first, second)]
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    numbers = ["a", "b", "ratio", "low", "high"]
    frame = frame.astype(dict.fromkeys(numbers, "float64")).fillna({"n_a": 0, "n_b": 0, "note": ""})
    frame = frame.astype({"n_a": "int64", "n_b": "int64"})
    notes = _common_notes(frame)
    labels = _labels((first, a), (second, b))
    differences = _differences(first, second)
    cautions = [_not_of_one_time(first, second), _unlike(first, second)]
    caution = "; ".join(filter(None, cautions))
    caution = _SAME if _one_run((first, a), (second, b)) else caution
    return Comparison(first, second, differences, labels, notes, caution, _rows=frame)


def _labels(*sides: tuple[Result, Result | str | Path]) -> tuple[str, str]:
    """Return the names of the runs, else their folders, as short as tells them apart."""
    names = [result.name for result, _ in sides]
    if _one_run(*sides):
        given = sides[0][1]
        name = names[0] if isinstance(given, Result) else Path(given).resolve().name
        return name, f"{name} again"
    if names[0] != names[1]:
        return names[0], names[1]
    paths = [Path(given) if isinstance(given, (str, Path)) else None for _, given in sides]
    one, other = (path and path.resolve().name for path in paths)
    if one and one == other and paths[0] != paths[1]:
        one, other = map(str, paths)
    if one == other:
        return "a", "b"
    return one or "a", other or "b"


def _one_run(*sides: tuple[Result, Result | str | Path]) -> bool:
    (one, first), (other, second) = sides
    if one is other:
        return True
    paths = [Path(given).resolve() for given in (first, second) if isinstance(given, (str, Path))]
    return len(paths) == 2 and paths[0] == paths[1]


def _not_of_one_time(a: Result, b: Result) -> str:
    """Say so where one run took virtual time: there the machine costs none."""
    if "simulation" not in {a.backend, b.backend} or a.backend == b.backend:
        return ""
    which = "first" if a.backend == "simulation" else "second"
    return (
        f"the {which} ran in a simulation, in virtual time, where computing takes none: response "
        "times and rates are not comparable"
    )


def _unlike(a: Result, b: Result) -> str:
    """Say so where few operations are in both: then most figures stand alone in their rows."""
    left, right = (set(each.judged["operation"].unique()) for each in (a, b))
    both = left & right
    if not (left or right) or len(both) * 2 >= len(left | right):
        return ""
    words = f"{len(both)} of {len(left | right)}" if both else "none"
    return f"these are different experiments: of their operations, {words} are in both"


def _common_notes(frame: pd.DataFrame) -> tuple[str, ...]:
    """Take what several rows say of their figure out of the rows, to be said once."""
    about = frame["operation"] != ""
    rows = frame.loc[about & (frame["note"] != "")]
    found = []
    for note, same in rows.groupby("note", sort=False):
        if len(same) < 2:
            continue
        figures = list(dict.fromkeys(same["figure"]))
        every = len(figures) == len(_FIGURES)
        found.append(f"{'all figures' if every else ', '.join(figures)}: {note}")
        frame.loc[same.index, "note"] = ""
    return tuple(found)


def _result(given: Result | str | Path, path: str) -> Result:
    if isinstance(given, Result):
        return given
    if isinstance(given, (str, Path)):
        return load(given)
    allowed = "a Result, or the folder of a saved run"
    raise InvalidArgument("is no run", path=path, value=given, allowed=allowed)


def _row(figure: str, unit: str, a: float, b: float, **more: Any) -> dict[str, Any]:
    ratio = b / a if a else math.nan
    return {"figure": figure, "operation": "", "unit": unit, "a": a, "b": b, "ratio": ratio, **more}


def _criteria(a: Result, b: Result) -> list[dict[str, Any]]:
    left, right = (
        {row["criterion"]: row for row in each.verdicts.to_dict("records")} for each in (a, b)
    )
    rows = []
    for criterion in dict.fromkeys([*left, *right]):
        one, other = left.get(criterion), right.get(criterion)
        words = f"{one['verdict'] if one else 'not judged'} → "
        words += other["verdict"] if other else "not judged"
        values = [row["measured"] if row else math.nan for row in (one, other)]
        unit = (one or other or {})["unit"]
        rows.append(_row(criterion, unit, *values, note=words))
    return rows


def _figures(a: Result, b: Result) -> list[dict[str, Any]]:
    whole("resilkit.experiment.resampling")
    from resilkit.experiment.resampling import ratio_intervals

    left, right = a.summary(), b.summary()
    rows = []
    for operation in dict.fromkeys([*left.index, *right.index]):
        name = str(operation)
        bounds = ratio_intervals(a, b, None if operation == left.index[-1] else name)
        for figure, unit in _FIGURES.items():
            values = [
                float(each.loc[operation, figure]) if operation in each.index else math.nan
                for each in (left, right)
            ]
            row = _row(figure, unit, *values, operation=name, **bounds[figure])
            if math.isnan(row["ratio"]):
                row.update(low=math.nan, high=math.nan)
            rows.append(row)
    return rows


def _consistency(a: Result, b: Result) -> list[dict[str, Any]]:
    if a.consistency is None and b.consistency is None:
        return []
    shares = [each.consistency.share if each.consistency else math.nan for each in (a, b)]
    return [_row("data_consistency", "share", *shares)]


def _differences(a: Result, b: Result) -> tuple[str, ...]:
    plain = {"name": "names", "seed": "seeds", "duration": "durations", "warmup": "warm-ups",
             "backend": "backends"}  # fmt: skip
    found = [
        f"the {words} differ: {getattr(a, attribute)} and {getattr(b, attribute)}"
        for attribute, words in plain.items()
        if getattr(a, attribute) != getattr(b, attribute)
    ]
    found += [
        f"the {part} differs"
        for part in sorted({*a.description, *b.description} - set(plain))
        if _loose(a.description.get(part)) != _loose(b.description.get(part))
    ]
    found += [
        f"{part.removesuffix('_bytes')} differs: {a.environment.get(part)} "
        f"and {b.environment.get(part)}"
        for part in ("resilkit", "python", "system", "machine", "cores", "memory_bytes")
        if a.environment.get(part) != b.environment.get(part)
    ]
    return tuple(found)


def _loose(value: Any) -> Any:
    # A seed is named above; inside the descriptions it would say the same thing twice.
    if isinstance(value, dict):
        return {key: _loose(item) for key, item in value.items() if key != "seed"}
    return [_loose(item) for item in value] if isinstance(value, (list, tuple)) else value
