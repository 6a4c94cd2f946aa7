"""What a sweep keeps of each run, and the table that it makes of that."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from resilkit.experiment.own_code import own_frames, place_words
from resilkit.importing import whole
from resilkit.texts import clean_text

if TYPE_CHECKING:
    import pandas as pd

    from resilkit.experiment.result import Result

__all__ = [
    "COLUMNS",
    "MOST_SEEDS",
    "Row",
    "checked_row",
    "failed_row",
    "frame_of",
    "out_of_time",
    "ran_out_of_time",
    "row_of",
    "why_of",
    "word_of",
]

Row = dict[str, Any]
"""One run, as plain JSON values."""

MOST_SEEDS: Final = 1_000_000
"""Seeds of one sweep: as many take hours, and their rows a gigabyte."""

_ORDER: Final = {"fail": 0, "error": 1, "inconclusive": 2, "pass": 3}
_LONGEST: Final = 500
_TIME_UP: Final = "time was up after "


def row_of(result: Result, seed: int, wall: float) -> Row:
    """Return what a sweep keeps of a run.

    Args:
        result: What came of it.
        seed: Its seed.
        wall: Seconds that it took, of the time that people have.
    """
    verdicts = result.verdicts
    words = dict(zip(verdicts["criterion"], verdicts["verdict"], strict=True))
    measured = zip(verdicts["criterion"], verdicts["measured"], strict=True)
    status = result.history.columns().status
    return {
        "seed": seed,
        "passed": result.passed,
        "failed": [name for name, word in words.items() if word == "fail"],
        "inconclusive": [name for name, word in words.items() if word == "inconclusive"],
        "measured": {
            name: float(value) if math.isfinite(value) else None for name, value in measured
        },
        "operations": len(result.history),
        "errors": int((status != 0).sum()),
        "ran": result.ran,
        "wall": round(wall, 4),
        "fingerprint": str(getattr(result, "fingerprint", "") or ""),
        "error": "",
    }


def failed_row(seed: int, why: str, wall: float) -> Row:
    """Return what a sweep keeps of a run that came to nothing."""
    return {
        "seed": seed, "passed": None, "failed": [], "inconclusive": [], "measured": {},
        "operations": 0, "errors": 0, "ran": math.nan, "wall": round(wall, 4), "fingerprint": "",
        "error": clean_text(why) or "it failed",
    }  # fmt: skip


def checked_row(given: Any, seed: int) -> Row:
    """Return what was read, if it is what `row_of` or `failed_row` wrote.

    Args:
        given: What was read.
        seed: The seed that it must be of.

    Raises:
        TypeError: It is no row.
        ValueError: A field of it is missing or wrong, which the error names; or it is of another
            seed.
    """
    if not isinstance(given, dict):
        raise TypeError(f"{given!r:.80} is no row")
    for name, fits in _FITS.items():
        if name not in given:
            raise ValueError(f"a row has no {name!r}")
        if not fits(given[name]):
            raise ValueError(f"{name!r} of a row is {given[name]!r:.80}")
    if given["seed"] != seed:
        raise ValueError(f"a row of seed {given['seed']} stands for seed {seed!r:.80}")
    return given


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _is_figure(value: object) -> bool:
    return isinstance(value, float) or _is_count(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_names(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _are_figures(value: object) -> bool:
    return isinstance(value, dict) and all(
        each is None or _is_figure(each) for each in value.values()
    )


_FITS: Final = {
    "seed": _is_count,
    "passed": lambda value: value is None or isinstance(value, bool),
    "failed": _is_names,
    "inconclusive": _is_names,
    "measured": _are_figures,
    "operations": _is_count,
    "errors": _is_count,
    "ran": _is_figure,
    "wall": _is_figure,
    "fingerprint": _is_text,
    "error": _is_text,
}
"""What each field of a row may be."""


def why_of(error: BaseException) -> str:
    """Return why a run failed, and the user's line that it came from."""
    frames = own_frames(error)
    place = f" at {place_words(frames[-1])}" if frames else ""
    text = f"{type(error).__name__}{place}: {error}"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def out_of_time(seconds: float) -> str:
    """Return why a run failed whose time was up.

    Args:
        seconds: How many it might take.

    Examples:
        >>> out_of_time(30.0)
        'time was up after 30 s'
    """
    return f"{_TIME_UP}{seconds:g} s"


def ran_out_of_time(row: Mapping[str, Any]) -> bool:
    """Return whether a run failed for no other reason than that its time was up."""
    return str(row["error"]).startswith(_TIME_UP)


def word_of(row: Mapping[str, Any]) -> str:
    """Return ``"fail"``, ``"error"``, ``"inconclusive"`` or ``"pass"``."""
    if row["error"]:
        return "error"
    return {False: "fail", None: "inconclusive", True: "pass"}[row["passed"]]


def frame_of(rows: Iterable[Row], criteria: Sequence[str], parameters: Sequence[str]) -> Any:
    """Return the rows as a frame: failing seeds first, then errors, what is open, what passed.

    Args:
        rows: The runs, in the order of their seeds.
        criteria: The criteria, whose figures get a column each.
        parameters: The names of the parameters, likewise.
    """
    whole("pandas")
    import pandas as pd

    ordered = sorted(rows, key=lambda row: _ORDER[word_of(row)])
    names = list(dict.fromkeys([*criteria, *(name for row in ordered for name in row["measured"])]))
    columns: dict[str, Any] = {name: [row["parameters"][name] for row in ordered]
                               for name in parameters}  # fmt: skip
    columns["seed"] = pd.Series([row["seed"] for row in ordered], dtype="int64")
    columns["passed"] = pd.Series([row["passed"] for row in ordered], dtype=object)
    for name in ("failed", "inconclusive"):
        columns[name] = pd.Series(["; ".join(row[name]) for row in ordered], dtype="str")
    for name in names:
        figures = [row["measured"].get(name) for row in ordered]
        # A criterion may be called as a column is; then the column is not lost to it.
        key = f"measured: {name}" if name in columns or name in _LAST else name
        columns[key] = pd.Series(figures, dtype="float64")
    for name, kind in _LAST.items():
        columns[name] = pd.Series([row[name] for row in ordered], dtype=kind)
    frame: pd.DataFrame = pd.DataFrame(columns)
    return frame


_LAST: Final = {
    "operations": "int64", "errors": "int64", "ran": "float64", "wall": "float64",
    "fingerprint": "str", "error": "str",
}  # fmt: skip

COLUMNS: Final = ("seed", "passed", "failed", "inconclusive", *_LAST)
"""The columns that every frame has, so that no parameter can have one of their names."""
