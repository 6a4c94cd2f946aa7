"""What a row of the table is."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

__all__ = ["Aim", "Contestant", "Row", "Unit", "rows"]

Unit = Literal["per second", "seconds", "bytes"]


class Contestant(Protocol):
    """Does the work for about `seconds` and returns one figure in the row's unit.

    It runs in a fresh process, pinned as its row says, so it may patch, import and spawn at will.
    What it starts, it ends.
    """

    def __call__(self, seconds: float, /) -> float:
        """Measure once."""
        ...


@dataclass(frozen=True, slots=True)
class Aim:
    """What resilkit should reach: a factor of a peer's figure, or a bound of its own.

    Attributes:
        peer: The contestant to compare with, or `None` when `factor` is the bound itself, in the
            row's unit.
        factor: At least this (rates) or at most this (seconds, bytes).
        ours: Which of our own contestants is judged.
    """

    peer: str | None
    factor: float
    ours: str = "resilkit"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: who takes part, how it is counted and what we aim for."""

    name: str
    title: str
    unit: Unit
    contestants: Mapping[str, Contestant]
    aims: tuple[Aim, ...] = field(default=())
    cores: int | None = None
    """Pin each contestant and all that it starts to so many cores; `None` pins nothing."""
    longest: float = 60.0
    """Seconds after which a repetition is given up, with all that it started."""

    @property
    def higher_is_better(self) -> bool:
        """Say whether more is better: so for rates, not so for time and memory."""
        return self.unit == "per second"

    def met(self, aim: Aim, ratio: float) -> bool:
        """Say whether `ratio` (or the bare figure, when the aim has no peer) reaches `aim`."""
        return ratio >= aim.factor if self.higher_is_better else ratio <= aim.factor


def rows() -> dict[str, Row]:
    """Return every row by name, in the order of the files' names."""
    from tests.benchmarks import rows as folder

    found: dict[str, Row] = {}
    for module in sorted(pkgutil.iter_modules(folder.__path__), key=lambda info: info.name):
        for row in importlib.import_module(f"{folder.__name__}.{module.name}").ROWS:
            found[row.name] = row
    return found


def rate(seconds: float, work: Callable[[], int], now: Callable[[], float]) -> float:
    """Repeat `work`, which returns how much it did, for `seconds`; return the amount a second."""
    work()  # warm: connections, caches, the first allocation
    done, start = 0, now()
    while (spent := now() - start) < seconds:
        done += work()
    return done / spent
