"""How far a pressure fell short of what was asked."""

from __future__ import annotations

from typing import Any

__all__ = ["shortfall"]

_ENOUGH = 0.9
"""The part of what was asked that is as good as all: nodes use and free a little of their own."""


def shortfall(
    what: str,
    *,
    reached: float | None,
    asked: float,
    part: float | None,
    of: str,
    because: str = "",
    own: float = 1.0,
) -> dict[str, Any]:
    """Return ``{"short": {"part": …, "why": …}}`` for less than 9/10 of what was asked, or ``{}``.

    Args:
        what: The kind of pressure.
        reached: The share that was measured, ``None`` where nobody could measure it.
        asked: The share that the fault asks for.
        part: Which part of what was asked is there, 1 for all; ``None`` as above.
        of: What they are a share of.
        because: Why it is no more, if that is known.
        own: Which part the pressure itself has, where `part` counts what others have too: below
            9/10 that is worth a word, though the node is pressed as asked.

    Examples:
        >>> shortfall("memory", reached=0.43, asked=0.9, part=0.478, of="the limit")
        {'short': {'part': 0.478, 'why': 'memory reached 43 % of the limit, 90 % was asked'}}
        >>> shortfall("memory", reached=0.89, asked=0.9, part=0.989, of="the limit")
        {}
        >>> shortfall("cpu", reached=None, asked=0.5, part=None, of="a core", because="no time")
        {'short': {'part': None, 'why': 'what cpu reached could not be measured: no time'}}
    """
    if asked <= 0.0:
        return {}
    reason = f": {because}" if because else ""
    if reached is None or part is None:
        return {
            "short": {"part": None, "why": f"what {what} reached could not be measured{reason}"}
        }
    if min(part, own) >= _ENOUGH:
        return {}
    why = f"{what} reached {_percent(reached)} of {of}, {_percent(asked)} was asked{reason}"
    return {"short": {"part": part, "why": why}}


def _percent(share: float) -> str:
    digits = 0 if share == 0.0 or share >= 0.01 else 2
    return f"{100.0 * share:.{digits}f} %"
