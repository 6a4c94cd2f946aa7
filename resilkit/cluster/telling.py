"""How the events of an injection tell what it did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resilkit.errors import ResilkitError
from resilkit.runtime import reasons

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["listed", "told", "why_of"]

_MOST_TOLD = 100
"""Entries of a list in an event: one that is too long is cut, and its id lost with the rest."""


def listed(targets: Sequence[str] | None) -> str:
    """Return the targets as a text."""
    return ", ".join(targets or ())


def told(measured: dict[str, Any]) -> dict[str, Any]:
    """Return what an event has room for; the whole of it stands in the outcome."""
    lists = {key: value for key, value in measured.items() if isinstance(value, list)}
    rows = {key for key, value in lists.items() if any(isinstance(each, dict) for each in value)}
    short = {key: value[:_MOST_TOLD] for key, value in lists.items()}
    return {key: short.get(key, value) for key, value in measured.items() if key not in rows}


def why_of(error: Exception) -> str:
    """Return what an error says: our own are written to be read, of others we need the type."""
    return str(error) if isinstance(error, ResilkitError) else reasons.describe(error)
