"""Injections as rows of a table: where they are, how often they struck, what is to come of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from resilkit.faults.lasting import lasts
from resilkit.faults.places import place_words
from resilkit_widgets.fault_forms import described

if TYPE_CHECKING:
    from resilkit import Injection

__all__ = ["ended_words", "injection_row"]

_SLOW = 0.5
"""Seconds: a strike of a moment that has not come in by then is told to be on its way."""


def injection_row(injection: Injection, scenario: str, now: float) -> dict[str, Any]:
    """Return an injection as the front end shows it.

    A crash of a server is over at once: such a fault is never in, it has struck so many times.

    Args:
        injection: The injection.
        scenario: The name of the scenario that it belongs to, ``""`` for none.
        now: The time on the cluster's clock.
    """
    rows = list(injection.outcomes)
    last = rows[-1] if rows else {"targets": []}
    on_its_way = bool(rows) and not last["delivered"] and "why" not in last
    heals, strikes = injection.coming.heals_in, injection.coming.strikes_in
    if lasts(injection.fault) == 0.0:
        slow = on_its_way and now - last["time"] > _SLOW
        state, words, when = _of_a_moment(sum(row["delivered"] for row in rows), strikes, slow=slow)
    else:
        state = words = "active" if injection.active else "waiting"
        building = on_its_way and heals is None
        when = _of_a_while(heals, strikes, active=injection.active, building=building, struck=rows)
    return {
        "id": injection.id,
        "what": described(injection.fault),
        "of": scenario,
        "where": place_words(last, ", ".join(last["targets"])),
        "state": state,
        "words": words,
        "strikes": len(rows),
        "when": when,
        "trouble": "" if last.get("delivered", True) else str(last.get("why", "")),
    }


def ended_words(injection: Injection) -> dict[str, str]:
    """Return what is told of an injection that has ended: ``words``, and ``why`` not healed."""
    rows = list(injection.outcomes)
    failed = next((str(row["heal_failed"]) for row in rows if "heal_failed" in row), "")
    struck = sum(row["delivered"] for row in rows)
    if failed:
        words = "✕ not taken back"
    elif not struck:
        words = "– taken back before it struck"
    elif lasts(injection.fault) == 0.0:
        words = f"✓ struck {_times(struck)}, over"
    else:
        words = "✓ healed"
    return {"words": words, "why": failed}


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _of_a_moment(struck: int, strikes: float | None, *, slow: bool) -> tuple[str, str, str]:
    """Return state, words and what is to come of a fault that is over when it has struck.

    Examples:
        >>> _of_a_moment(3, 0.42, slow=False)
        ('waiting', 'struck 3 times', 'again in 0.4 s')
        >>> _of_a_moment(0, 7.2, slow=False)
        ('waiting', 'waiting', 'strikes in 8 s')
    """
    if slow:
        return "active", "striking", "waits for its node to answer"
    if not struck:
        return "waiting", "waiting", "" if strikes is None else f"strikes {_in(strikes)}"
    return "waiting", f"struck {_times(struck)}", "" if strikes is None else f"again {_in(strikes)}"


def _of_a_while(
    heals: float | None, strikes: float | None, *, active: bool, building: bool, struck: object
) -> str:
    told = []
    if active:
        lasting = "until healed" if heals is None else f"heals {_in(heals)}"
        told.append("coming in" if building else lasting)
    if strikes is not None:
        told.append(f"strikes {'again ' if struck else ''}{_in(strikes)}")
    return ", ".join(told)


def _in(seconds: float) -> str:
    """Return in words when something is to happen.

    Examples:
        >>> [_in(seconds) for seconds in (0.0, 0.42, 1.2)]
        ['now', 'in 0.4 s', 'in 2 s']
    """
    if seconds < 0.05:
        return "now"
    return f"in {seconds:.1f} s" if seconds < 1.0 else f"in {math.ceil(seconds)} s"
