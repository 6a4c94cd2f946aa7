"""What the events of a run say, in words for a person."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Mapping
from typing import Any, Final

from resilkit.faults.places import few, place_words, places
from resilkit.metrics.words import percent, quantity
from resilkit.texts import plain

__all__ = ["detail_words", "news_words", "place_of", "strike_of", "where_words"]

_SCHEDULE: Final = frozenset({"at", "every", "count", "random", "targets"})
"""When a fault strikes and whom: the time and the place of its event say that.

Its probability they do not say: on a link it is the chance of each message to be harmed.
"""

_SECONDS: Final = frozenset(
    {
        "built_up_after",
        "for",
        "high",
        "jitter",
        "low",
        "offset",
        "ramp",
        "recovery_times",
        "restart_after",
        "seconds",
        "window",
    }
)
_SHARES: Final = frozenset({"share", "fraction", "probability"})
_OF_BYTES: Final = {"_bytes": "", "bytes_per_second": "/s"}
"""What the names of sizes end in, to what follows their unit."""
_MOST_SHOWN = 8

_HAPPENED: Final = {
    "begins": "begins to strike",
    "injected": "strikes",
    "healed": "is over",
    "struck": "ends the server",
    "skipped": "spares everybody this time",
    "missed": "comes too late",
    "failed": "could not be put in",
}


_MOST_PIDS = 2**22
"""No process of a machine has a higher number (``/proc/sys/kernel/pid_max`` at its most)."""


def _is_beyond(pid: object) -> bool:
    # The node of a simulation, which is no process: its number would only mislead.
    return isinstance(pid, int) and pid > _MOST_PIDS


def detail_words(detail: str) -> str:
    """Return the JSON detail of an event in words; other text as it is.

    Examples:
        >>> detail_words('{"fault": "latency", "parameters": {"latency": {"low": 0.02, "at": 1}}}')
        'latency: low 20 ms'
        >>> detail_words('{"pid": 7406, "signal": 9, "status": null, "restarting": false}')
        'process 7406, by SIGKILL'
        >>> detail_words('{"pid": 100000003, "signal": 9}')  # of a simulation: no process
        'by SIGKILL'
        >>> detail_words('{"reached": {"n1": {"used_bytes": 328298496, "share": 0.3}}}')
        'reached n1 (used 313 MiB, share 30 %)'
        >>> detail_words("as it is")
        'as it is'
    """
    found = _mapping(detail)
    if found is None:
        return detail
    # What is empty says nothing: a node that was killed has no exit status.
    rest = {key: value for key, value in found.items() if value not in (None, "", [], {})}
    name = rest.pop("fault", None)
    # It joins events of one fault for programs; a reader sees the fault, the place and the time.
    rest.pop("id", None)
    parameters = rest.pop("parameters", {})
    unit, measured = rest.get("unit", ""), rest.get("measured")
    if isinstance(unit, str) and isinstance(measured, (int, float)):
        rest.pop("unit", None)
        rest["measured"] = quantity(float(measured), unit)
    told = [] if name is None else [_fault_words(str(name), parameters)]
    rest |= _not_back(rest)
    for key, value in rest.items():
        if text := _WORDS.get(key, lambda one, key=key: _named(key, one))(value):
            told.append(text)
    return ", ".join(told)


def news_words(event: str, target: str, detail: str, *, begun: bool = False) -> str:
    """Return what an event of a fault says, as a headline.

    Args:
        event: What happened.
        target: To whom.
        detail: More, as JSON.
        begun: Whether it was told already that this strike begins.

    Examples:
        >>> news_words("injected", "n1", '{"fault": "node_crash", "id": "node_crash-1"}')
        'node crash strikes: n1'
        >>> news_words("came_back", "shop", '{"id": "server_crash-4", "seconds": 0.002572}')
        'shop came back after 2.57 ms (server crash)'
        >>> news_words("healed", "n1, n2, n3", '{"fault": "latency", "links": ["n1-n2"]}')
        'latency is over: on n1 – n2'
    """
    found = _mapping(detail) or {}
    number = str(found.get("id") or "")
    name = _plain(str(found.get("fault") or number.rpartition("-")[0] or number or "fault"))
    if event == "came_back":
        after = f" after {_value('seconds', found['seconds'])}" if "seconds" in found else ""
        return f"{target} came back{after} ({name})"
    place = f": {where}" if (where := place_words(found, target)) else ""
    why = f" ({found['why']})" if found.get("why") else ""
    wholly = begun and event == "injected" and not why  # else it was cut short on its way in
    happened = "is wholly in" if wholly else _HAPPENED.get(event)
    return f"{name} {happened or _plain(event)}{place}{why}"


def place_of(target: str, detail: str) -> str:
    """Return where an event took place, as far as its target and its detail say.

    Examples:
        >>> place_of("n1, n2, n3", '{"fault": "latency", "links": ["n1-n2"]}')
        'n1 – n2'
    """
    return few(places(_mapping(detail) or {}, target), _MOST_SHOWN)


def where_words(kind: str, node: str, target: str, detail: str) -> str:
    """Return where an event took place: the node, and what on it or beyond it.

    Examples:
        >>> where_words("node", "n1", "n3", ""), where_words("node", "n1", "n1", "")
        ('n1 → n3', 'n1')
    """
    place = place_of(target, detail) if kind == "fault" else target
    return " → ".join(dict.fromkeys(filter(None, (node, place))))


def strike_of(detail: str) -> str:
    """Return the id of the strike that an event tells of, ``""`` where it has none.

    Examples:
        >>> strike_of('{"fault": "memory", "id": "memory-2"}')
        'memory-2'
    """
    return str((_mapping(detail) or {}).get("id") or "")


def _mapping(detail: str) -> dict[str, Any] | None:
    try:
        found = json.loads(detail) if detail else {}
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _fault_words(name: str, parameters: object) -> str:
    """Return a fault with what makes it this one: `parameters` are its document."""
    fields: object = parameters
    if isinstance(parameters, Mapping) and set(parameters) == {name}:
        fields = parameters[name]
    if not isinstance(fields, Mapping):
        return _plain(name)
    own = [
        _named(str(key), value)
        for key, value in fields.items()
        if key not in _SCHEDULE
        and value not in (None, "", [], {})
        and (key, value) != ("probability", 1)
    ]
    return f"{_plain(name)}: {', '.join(own)}" if own else _plain(name)


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _named(key: str, value: object) -> str:
    """Return a value after its name, which need not say what the unit says."""
    if isinstance(value, Mapping) and any(isinstance(one, Mapping) for one in value.values()):
        # Of several, each with figures of its own: where one ends must be seen.
        inner = [f"{_plain(str(name))} ({_value('', one)})" for name, one in value.items()]
        return f"{_plain(key)} {few(inner, _MOST_SHOWN)}"
    label = key
    for ending in _OF_BYTES:
        label = label.removesuffix(ending)
    return f"{_plain(label)} {_value(key, value)}".strip()


def _value(key: str, value: object) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        if key in _SECONDS:
            return quantity(float(value), "s")
        if key in _SHARES and 0 <= value <= 1:
            return percent(float(value))
        if key == "drift":
            return f"{value:.4g} s/s"
        for ending, per in _OF_BYTES.items():
            if key.endswith(ending):
                return f"{quantity(float(value), 'bytes')}{per}"
        return f"{value:.4g}" if isinstance(value, float) else str(value)
    if isinstance(value, Mapping):
        return few(
            [_named(str(name), one) for name, one in value.items()],
            _MOST_SHOWN,
        )
    if isinstance(value, list):
        return few([_value(key, one) for one in value], _MOST_SHOWN)
    return str(value)


def _outcomes(value: object) -> str:
    if not isinstance(value, Mapping):
        return _value("", value)
    return few([f"{name} {_plain(_value('', one))}" for name, one in value.items()], _MOST_SHOWN)


def _short(value: object) -> str:
    """Return why a pressure is less than was asked, and where."""
    if not isinstance(value, Mapping):
        return _value("", value)
    whys = {
        str(node): one.get("why") if isinstance(one, Mapping) else one
        for node, one in value.items()
    }
    told = "; ".join(f"{why}, on {node}" for node, why in list(whys.items())[:_MOST_SHOWN])
    more = len(whys) - _MOST_SHOWN
    return f"less than was asked: {told}" + (f"; and {more} more" if more > 0 else "")


def _not_back(found: Mapping[str, Any]) -> dict[str, int]:
    """Return how many of the servers that a fault killed had not come back when it was over.

    Not that they were on their way: nobody starts a temporary child again, and what has no
    supervisor any more. Tries that failed do not count: of one server there may be many.
    """
    killed, restarted = found.get("killed"), found.get("restarted")
    if not (isinstance(killed, int) and isinstance(restarted, int)) or killed <= restarted:
        return {}
    return {"not_back": killed - restarted}


def _signal(value: Any) -> str:
    try:
        return f"by {signal.Signals(value).name}"
    except (TypeError, ValueError):
        return f"by signal {value}"


def _slowed(value: object) -> str:
    """Return how many times slower nodes really were; ``None`` where one did not run."""
    if not isinstance(value, Mapping):
        return _value("", value)
    known = {node: times for node, times in value.items() if isinstance(times, (int, float))}
    return few([f"{node} {times:.3g} times slower" for node, times in known.items()], _MOST_SHOWN)


def _touched(value: object) -> str:
    count = plain(value, "message") if isinstance(value, int) else _value("", value)
    return f"touched {count}"


def _incarnation(value: object) -> str:
    return "" if value == 1 else f"its start no. {value}"


_WORDS: Final[Mapping[str, Callable[[Any], str]]] = {
    "again": lambda value: "is started again" if value else "",
    "asked": lambda value: "as it was asked to" if value else "",
    "back": lambda value: f"back: {_value('', value)}",
    "cuts": lambda value: "",  # noqa: ARG005 - the place of the event tells it
    "error": str,
    "incarnation": _incarnation,
    "links": lambda value: "",  # noqa: ARG005 - the place of the event tells it
    "majority": lambda value: (
        "reaches the majority" if value else "reaches no more than a minority"
    ),
    "not_back": lambda value: f"{value} not back by then",
    "outcomes": _outcomes,
    "pid": lambda value: "" if _is_beyond(value) else f"process {value}",
    "pids": lambda value: "",  # noqa: ARG005 - the event of the node itself tells it
    "reason": lambda value: f"reason: {_value('', value)}",
    "restarting": lambda value: "is started again" if value else "",
    "restarts": lambda value: f"restart no. {value}" if value else "",
    "seconds": lambda value: _value("seconds", value),
    "short": _short,
    "signal": _signal,
    "slowed": _slowed,
    "touched": _touched,
    "supervisor": lambda value: f"below {value}",
    "why": str,
}
"""Details that read better in other words than ``key value``."""
