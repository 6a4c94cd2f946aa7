"""Operations that look like a mistake of the load rather than a failure of the system."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["bugs", "never_succeeded"]

_LONGEST = 200


def never_succeeded(operations: pd.DataFrame) -> dict[str, str]:
    """Return a sentence for each operation without one success, with its most frequent error.

    Args:
        operations: The frame of a history, warm-up included.
    """
    found = {}
    for name, rows in operations.groupby("operation", sort=True, observed=True):
        if (rows["status"] == "ok").any():
            continue
        text = f"operation {str(name)!r} never succeeded"
        errors = rows["error"][rows["error"] != ""]
        if len(errors):
            text += f"; most often: {_short(str(errors.value_counts().index[0]))}"
        found[str(name)] = text
    return found


def bugs(tracebacks: Iterable[Mapping[str, str]]) -> list[str]:
    r"""Return a sentence for each foreign exception in an operation's own code.

    Args:
        tracebacks: What each generator kept: a traceback by the name of the operation.

    Examples:
        >>> bugs([{"buy": "Traceback (most recent call last):\n  ...\nKeyError: 'price'\n"}])
        ["operation 'buy' raised KeyError: 'price': a bug in the load?"]
    """
    found: dict[str, str] = {}
    for one in tracebacks:
        for name, text in one.items():
            lines = [line for line in text.splitlines() if line.strip()]
            # The message may have lines of its own; it begins where the indentation ends.
            told = [line for line in lines[1:] if not line.startswith((" ", "Traceback"))]
            if told:
                words = f"operation {name!r} raised {_short(told[0])}: a bug in the load?"
                found.setdefault(name, words)
    return list(found.values())


def _short(text: str) -> str:
    first = text.splitlines()[0]
    return first if len(first) <= _LONGEST else f"{first[:_LONGEST]}…"
