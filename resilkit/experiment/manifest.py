"""The manifest of a saved run: everything that is not a table, as checked JSON."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from resilkit.errors import InvalidArgument, StorageError
from resilkit.experiment.storage import read_regular
from resilkit.texts import writable

__all__ = [
    "FILE_NAME",
    "FORMAT",
    "VERSION",
    "AuditRow",
    "Entry",
    "Manifest",
    "VerdictRow",
    "read_manifest",
]

FORMAT = "resilkit run"
VERSION = 1
"""Raised when an older resilkit could no longer read what a newer one writes."""

FILE_NAME = "manifest.json"
Scalar = str | int | float | bool | None
Bound = float | Literal["inf", "-inf"] | None
"""A figure as JSON has it: ``"inf"`` and ``"-inf"`` are the infinities, ``null`` is NaN."""

_GENERATOR_NUMBERS = ("dropped", "send_lag_max")  # the report reckons with them
_FIGURES = ("measured", "low", "high")
_LARGEST_BYTES = 64 * 2**20


class Entry(msgspec.Struct, frozen=True):
    """A file of the run: its size and its hash."""

    bytes: int
    sha256: str


class VerdictRow(msgspec.Struct, frozen=True):
    """A row of `Result.verdicts` as it stands in the manifest.

    Its figures may be infinite, as where only the least is known: ``at least 2.5 s``.
    """

    criterion: str
    verdict: Literal["pass", "fail", "inconclusive"]
    measured: Bound = None
    low: Bound = None
    high: Bound = None
    n: int = 0
    unit: str = ""
    reason: str = ""

    @classmethod
    def of(cls, row: Mapping[Any, Any]) -> VerdictRow:
        """Return what stands for `row`, one of `Result.verdicts`."""
        return cls(**{**row, **{name: _to_bound(row[name]) for name in _FIGURES}})

    def row(self) -> dict[str, Any]:
        """Return the row of `Result.verdicts`, its figures as floats."""
        return {**msgspec.to_builtins(self), **{n: _from_bound(getattr(self, n)) for n in _FIGURES}}


class AuditRow(msgspec.Struct, frozen=True):
    """An `Audit` as it stands in the manifest."""

    share: float
    n: int
    valid: bool | None
    summary: str
    example: str = ""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What ``manifest.json`` holds. Unknown fields are ignored: a later version may add some."""

    format: str
    version: int
    saved: str
    name: str
    seed: int
    duration: float
    warmup: float
    ran: float
    passed: bool | None
    sentence: str
    verdicts: list[VerdictRow]
    summary: list[dict[str, Scalar]]
    generators: list[dict[str, Scalar]]
    consistency: AuditRow | None
    problems: list[str]
    description: dict[str, Any]
    environment: dict[str, Any]
    memory_limit_bytes: int | dict[str, int] | None
    closed_loop: bool
    rerun: str
    metrics: dict[str, str]
    units: dict[str, str]
    files: dict[str, Entry]
    backend: str = "processes"
    schedule: str = ""
    fingerprint: str = ""
    recipes: dict[str, dict[str, Any]] = {}

    def to_bytes(self) -> bytes:
        """Return the JSON, indented for people; NaN and infinity become ``null``.

        Figures of verdicts are `Bound`s: their infinities say something, and stay.
        """
        plain = finite(msgspec.to_builtins(self))
        text = json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False)
        return writable(text).encode()


def _to_bound(value: float) -> Bound:
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return None if math.isnan(value) else float(value)


def _from_bound(bound: Bound) -> float:
    return math.nan if bound is None else float(bound)


def finite(value: Any) -> Any:
    """Return `value` with every NaN and infinity, which JSON does not know, as ``None``."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return value


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of the saved run in `folder`, checked.

    Raises:
        InvalidArgument: There is no such folder, it holds no saved run, or one of a newer format.
        StorageError: The manifest cannot be read or is damaged.
    """
    # Path.is_dir raises for a name that is too long, or for a parent that may not be looked into.
    if not os.path.isdir(folder):  # noqa: PTH112
        message = "is no folder" if os.path.lexists(folder) else "does not exist"
        raise InvalidArgument(message, path="path", value=str(folder), allowed="a saved run")
    path = folder / FILE_NAME
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise StorageError(f"{str(path)!r} is too large to be a manifest")
        raw = json.loads(read_regular(path))
        # An escape may stand for half a surrogate pair, which nobody could write or show.
        json.dumps(raw, ensure_ascii=False).encode()
    except FileNotFoundError:
        raise _foreign(folder, f"it has no {FILE_NAME}") from None
    except OSError as error:
        reason = error.strerror or error
        raise StorageError(f"{str(path)!r} could not be read: {reason}") from error
    except (ValueError, RecursionError) as error:
        message = f"the saved run {str(folder)!r} is damaged: {FILE_NAME} is no JSON: {error}"
        raise StorageError(message) from None
    form = raw.get("format") if isinstance(raw, dict) else None
    # A number, or a name that begins as ours does, is what a later resilkit may write there.
    if isinstance(form, int) or (isinstance(form, str) and form.startswith(f"{FORMAT}-")):
        raise _newer(folder, form)
    if form != FORMAT:
        raise _foreign(folder, f"its {FILE_NAME} is some other program's")
    version = raw.get("version")
    if isinstance(version, int) and version > VERSION:
        raise _newer(folder, version)
    try:
        manifest = msgspec.convert(raw, Manifest)
        _check_numbers(manifest)
    except (msgspec.ValidationError, ValueError, OverflowError) as error:
        message = f"the saved run {str(folder)!r} is damaged: {FILE_NAME}: {error}"
        raise StorageError(message) from None
    return manifest


def _check_numbers(manifest: Manifest) -> None:
    for row, generator in enumerate(manifest.generators):
        for name, value in generator.items():
            if name in _GENERATOR_NUMBERS and isinstance(value, str):
                raise ValueError(f"expected a number - at `$.generators[{row}].{name}`")


def _newer(folder: Path, form: object) -> InvalidArgument:
    return InvalidArgument(
        f"was written by a newer resilkit (format {form}; this one reads up to {VERSION}); "
        "upgrade to read it",
        path=f"{folder}/{FILE_NAME}",
        value=form,
        allowed=f"up to {VERSION}",
    )


def _foreign(folder: Path, why: str) -> InvalidArgument:
    message = f"is not a saved run: {why}"
    return InvalidArgument(message, path="path", value=str(folder), allowed="a saved run")
