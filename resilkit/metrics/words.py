"""Numbers in words: with their units, and as shares."""

from __future__ import annotations

import math

from resilkit.metrics.units import format_value

__all__ = ["percent", "quantity"]


def quantity(value: float | None, unit: str) -> str:
    """Return `value` with its unit, as a person would write it; ``""`` when there is none.

    Examples:
        >>> quantity(0.0123, "s"), quantity(0.9987, "share"), quantity(512.3, "1/s")
        ('12.3 ms', '99.87 %', '512/s')
        >>> quantity(float("nan"), "s")
        ''
    """
    if value is None or math.isnan(value):
        return ""
    if math.isinf(value):
        return "never" if unit == "s" else "infinite"
    if unit in {"share", "%"}:
        return percent(value if unit == "share" else value / 100)
    if unit in {"1/s", "/s"}:
        return f"{value:,.0f}/s" if value >= 100 else f"{value:.3g}/s"
    if unit in {"s", "bytes"}:
        return format_value(value, unit)
    digits = f"{value:,.0f}" if float(value).is_integer() else f"{value:,.3g}"
    return f"{digits} {unit}".rstrip()


def percent(share: float) -> str:
    """Return a share as a percentage that does not round a loss away.

    Examples:
        >>> percent(1.0), percent(0.99996), percent(0.5), percent(0.00004)
        ('100 %', '99.996 %', '50 %', '0.004 %')
    """
    if share in {0.0, 1.0}:
        return f"{share:.0%}".replace("%", " %")
    # 99.996 % must not become 100 %: as many digits as the distance to the nearer end needs.
    distance = min(abs(share), abs(1 - share)) * 100
    digits = 2 if distance >= 0.01 else min(9, 1 - math.floor(math.log10(max(distance, 1e-9))))
    text = f"{share * 100:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{text} %"
