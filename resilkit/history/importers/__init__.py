"""Histories that others recorded: one module a format, loaded when one is read."""

from __future__ import annotations

from resilkit.history.importers.op import Op
from resilkit.history.importers.pairing import NO_END
from resilkit.history.importers.reading import FORMATS

__all__ = ["FORMATS", "NO_END", "Op"]


def __dir__() -> list[str]:
    return sorted(__all__)
