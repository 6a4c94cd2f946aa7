"""Durations and sizes with their units, as people write them: ``"200 ms"``, ``"64 MiB"``.

As in `resilkit.validate`, each function takes the value and the path to it, and returns the clean
value or raises `InvalidArgument`.
"""

from __future__ import annotations

import re

from resilkit.errors import InvalidArgument
from resilkit.validate import duration, number

__all__ = ["parse_duration", "parse_size"]

# Left as text: compiling at import would cost every node time, whether it reads one or not.
_QUANTITY = r"\s*([0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+)\s*([a-zA-Zµμ]*)\s*"

_SECONDS: dict[str, float] = {
    **dict.fromkeys(("ns",), 1e-9),
    **dict.fromkeys(("us", "µs", "μs"), 1e-6),  # the micro sign and the Greek letter
    **dict.fromkeys(("ms",), 1e-3),
    **dict.fromkeys(("", "s", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
}
_BYTES: dict[str, int] = {
    "": 1,
    "b": 1,
    **{f"{prefix}b": 1000**power for power, prefix in enumerate("kmgt", start=1)},
    **{f"{prefix}ib": 1024**power for power, prefix in enumerate("kmgt", start=1)},
}


def parse_duration(value: object, path: str) -> float:
    """Return the seconds in `value`: a number, or text such as ``"200 ms"`` or ``"1.5 min"``.

    Units are ns, us (µs), ms, s, min (m), h and d; a bare number means seconds.

    Raises:
        InvalidArgument: The text cannot be read, or is negative or not finite.

    Examples:
        >>> parse_duration("200 ms", "timeout"), parse_duration("1 min", "for")
        (0.2, 60.0)
    """
    if not isinstance(value, str):
        return duration(value, path)
    amount, unit = _quantity(value)
    if amount is None or unit not in _SECONDS:
        allowed = 'seconds, or text such as "5 s", "200 ms", "1 min"'
        raise InvalidArgument("is no duration", path=path, value=value, allowed=allowed)
    if unit in {"ns", "us", "µs", "μs", "ms"}:
        # Dividing keeps "200 ms" at 0.2, where 200 * 1e-3 is 0.2 only by luck of rounding.
        return duration(amount / round(1 / _SECONDS[unit]), path)
    return duration(amount * _SECONDS[unit], path)


def parse_size(value: object, path: str) -> int:
    """Return the bytes in `value`: a whole number, or text such as ``"64 MiB"``.

    Units are B, kB, MB, GB, TB (powers of 1000) and KiB, MiB, GiB, TiB (powers of 1024),
    in any case. ``"64 M"`` is refused, since programs disagree about what it means.

    Raises:
        InvalidArgument: The text cannot be read, or is negative or not finite.

    Examples:
        >>> parse_size("64 MiB", "memory_bytes"), parse_size("1 kB", "size")
        (67108864, 1000)
    """
    if not isinstance(value, str):
        return number(value, path, low=0, high=2**63 - 1, integer=True)
    amount, unit = _quantity(value)
    factor = _BYTES.get(unit.lower())
    if amount is None or factor is None or not amount * factor < 2**63:
        allowed = 'bytes, or text such as "512 kB", "64 MiB", "1 GiB"'
        raise InvalidArgument("is no size", path=path, value=value, allowed=allowed)
    return round(amount * factor)


def _quantity(text: str) -> tuple[float | None, str]:
    match = re.fullmatch(_QUANTITY, text)
    return (float(match[1]), match[2]) if match else (None, "")
