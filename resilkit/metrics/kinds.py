"""Kinds of quantities, and the units in which people write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

__all__ = ["SHOWN_UNIT", "TIMES", "UNITS", "UNIT_EXAMPLES", "Kind", "kind_of"]

Kind = Literal["time", "share", "growth", "rate", "count", "size", "cores", "plain"]

TIMES: Final[Mapping[str, float]] = {
    "ns": 1e9,
    "us": 1e6,
    "µs": 1e6,
    "μs": 1e6,
    "ms": 1e3,
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "seconds": 1.0,
    "min": 1 / 60,
    "minute": 1 / 60,
    "minutes": 1 / 60,
    "h": 1 / 3600,
}
"""How many of a unit make a second. Dividing by these keeps ``200 ms`` at exactly 0.2."""

_SIZES: Final[Mapping[str, float]] = {
    "B": 1.0,
    "bytes": 1.0,
    **{f"{prefix}B": 1000.0**-power for power, prefix in enumerate("kMGT", start=1)},
    **{f"{prefix}iB": 1024.0**-power for power, prefix in enumerate("KMGT", start=1)},
}

UNITS: Final[Mapping[Kind, Mapping[str, float]]] = {
    "time": {"": 1.0, **TIMES},
    "share": {"": 1.0, "%": 100.0},
    "growth": {"": 1.0, "%": 100.0},
    "rate": {
        "": 1.0,
        "/s": 1.0,
        "per second": 1.0,
        "ops/s": 1.0,
        "operations/s": 1.0,
        "rps": 1.0,
        "/min": 60.0,
        "per minute": 60.0,
    },
    "count": dict.fromkeys(("", "messages", "restarts", "servers", "files", "threads"), 1.0),
    "size": {"": 1.0, **_SIZES},
    "cores": {"": 1.0, "cores": 1.0, "core": 1.0, "%": 100.0},
    "plain": {"": 1.0},
}
"""The units of each kind, as how many make one of the base unit."""

SHOWN_UNIT: Final[Mapping[Kind, str]] = {
    "time": "s",
    "share": "share",
    "growth": "share",
    "rate": "1/s",
    "count": "",
    "size": "bytes",
    "cores": "cores",
    "plain": "",
}
"""The base unit of each kind, as frames show it."""

UNIT_EXAMPLES: Final[Mapping[Kind, str]] = {
    "time": "a time such as 500 ms, 2 s or 1 min",
    "share": "a share such as 0.8 or 80 %",
    "growth": "a share such as 0.1 or 10 %",
    "rate": "a rate such as 1000 /s",
    "count": "a number such as 1000",
    "size": "a size such as 200 MiB, 64 kB or 1 GiB",
    "cores": "a number of cores such as 0.8, or 80 % of one",
    "plain": "a number such as 1000 or -0.5",
}


def kind_of(unit: str) -> Kind:
    """Return the kind of what is recorded in `unit`; see `resilkit.metrics.units.UNITS`.

    Examples:
        >>> kind_of("bytes"), kind_of("messages"), kind_of("")
        ('size', 'count', 'plain')
    """
    kinds: dict[str, Kind] = {
        "s": "time", "share": "share", "bytes": "size", "cores": "cores", "": "plain",
    }  # fmt: skip
    return kinds.get(unit, "count")
