"""Injections as rows of a table: where they are, how often they struck, what is to come of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from resilkit import ServerFault
from resilkit.cluster.strike import HALTED
from resilkit.faults import NodeCrash
from resilkit.faults.lasting import lasts
from resilkit.faults.places import few, place_words
from resilkit_widgets.fault_forms import described

if TYPE_CHECKING:
    from resilkit import Injection

__all__ = ["ended_row", "injection_row"]

_SLOW = 0.5
"""Seconds: a strike of a moment that has not come in by then is told to be on its way."""

_MOST_PLACES = 4
_MOST_SEEN = 500
"""Strikes whose places are told: one that has struck more often has been everywhere by then."""


def injection_row(injection: Injection, scenario: str, now: float) -> dict[str, Any]:
    """Return an injection as the front end shows it.

    A crash of a server is over at once: such a fault is never in, it has struck so many times.

    Args:
        injection: The injection.
        scenario: The name of the scenario that it belongs to, ``""`` for none.
        now: The time on the cluster's clock.
    """
    rows = list(injection.outcomes)
    last = rows[-1] if rows else {"delivered": True, "time": now}
    struck = sum(row["delivered"] for row in rows)
    on_its_way = not last["delivered"] and "why" not in last
    heals, strikes = injection.coming.heals_in, injection.coming.strikes_in
    if lasts(injection.fault) == 0.0:
        coming = on_its_way and now - last["time"] > _SLOW
        state, words, when = _of_a_moment(struck, strikes, slow=coming)
    else:
        coming = on_its_way
        state = words = "active" if injection.active else "waiting"
        building = coming and heals is None
        when = _of_a_while(heals, strikes, active=injection.active, building=building, struck=rows)
    return {
        "id": injection.id,
        "what": described(injection.fault),
        "of": scenario,
        "state": state,
        "words": words,
        "strikes": struck + coming,
        "when": when,
        "trouble": _trouble(rows),
        **_where(injection, rows),
    }


def ended_row(injection: Injection) -> dict[str, Any]:
    """Return what is told of an injection that has ended.

    Returns:
        ``words`` and ``why``: what has become of it, and why not all of it went well; ``strikes``,
        ``where`` and ``places`` as in `injection_row`, to its very end: most has happened since
        somebody looked at it last.
    """
    rows = list(injection.outcomes)
    unhealed = next((str(row["heal_failed"]) for row in rows if "heal_failed" in row), "")
    struck = sum(row["delivered"] for row in rows)
    trouble = _trouble(rows)
    if unhealed:
        words, why = "✗ not taken back", unhealed
    elif not struck and any("error" in row or "failed" in row for row in rows):
        words, why = "✗ failed", trouble
    elif not struck:
        words, why = "– taken back before it struck", "" if trouble == HALTED else trouble
    else:
        over = lasts(injection.fault) == 0.0
        words = f"✓ struck {_times(struck)}, over" if over else "✓ healed"
        why = f"the last strike failed: {trouble}" if trouble and trouble != HALTED else ""
    return {"words": words, "why": why, "strikes": struck, **_where(injection, rows)}


def _trouble(rows: Sequence[dict[str, Any]]) -> str:
    """Return why the last strike did not come in, ``""`` where it did."""
    return "" if not rows or rows[-1]["delivered"] else str(rows[-1].get("why", ""))


def _where(injection: Injection, rows: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Return where a fault is, or where it has struck: ``where`` in short, ``places`` all of it.

    A crash is where it has struck, each time; any other fault that is in is there alone.
    """
    if not rows:
        return {"where": "", "places": ""}
    crash = isinstance(injection.fault, ServerFault | NodeCrash)
    seen = rows[-_MOST_SEEN:]
    hit = [row for row in seen if row["delivered"]]
    coming = [rows[-1]] if not rows[-1]["delivered"] and "why" not in rows[-1] else []
    if injection.active and not crash:
        hit = [row for row in hit if "healed" not in row]
    hit = [*hit, *coming] or [rows[-1]]
    names = [list(row.get("outcomes") or row["targets"]) for row in hit]
    about = {key: _united(row.get(key) for row in hit) for key in ("links", "cuts")}
    if any(about.values()):
        words = place_words(about)
        return {"where": words, "places": words}
    found = _united(names)
    return {"where": few(found, _MOST_PLACES), "places": ", ".join(found)}


def _united(lists: Iterable[Any]) -> list[str]:
    """Return what is in any of some lists, each thing once, in order."""
    return list(dict.fromkeys(each for one in lists if isinstance(one, list) for each in one))


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
