"""How a fault looks in a notebook: what it does, and its fields with their units."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from markupsafe import Markup

from resilkit.faults.fields import FieldInfo, field_info
from resilkit.markup import code, display, guarded, note, prose, table

if TYPE_CHECKING:
    from resilkit.faults.base import Fault

__all__ = ["fault_html", "fields_table", "worded"]

_PREFIXES = ("bytes", "KiB", "MiB", "GiB", "TiB")


@guarded
def fault_html(fault: Fault) -> str:
    """Return one fault: its kind, what it does in a line, and its fields."""
    name = (fault.fault_name or type(fault).__name__).replace("_", " ")
    about = (inspect.getdoc(type(fault)) or "").partition("\n")[0]
    return display("fault", name, note(prose(about)), fields_table(fault))


def fields_table(fault: Fault) -> Markup:
    """Return the fields that are a fault's own or differ from their defaults."""
    rows = [
        (code(info.name), worded(getattr(fault, info.name), info), prose(info.doc))
        for info in field_info(type(fault))
        if info.own or getattr(fault, info.name) != info.default
    ]
    return table(("field", "value", ""), rows)


def worded(value: object, info: FieldInfo) -> str:
    """Return the value of a field with its unit."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return _number(value, info.unit.unit)
    if isinstance(value, (tuple, list)):
        return ", ".join("{" + ", ".join(map(str, one)) + "}" if isinstance(one, (tuple, list))
                         else str(one) for one in value)  # fmt: skip
    return str(value)


def _number(value: float, unit: str) -> str:
    match unit:
        case "s":
            return f"{value * 1000:g} ms" if 0 < value < 1 else f"{value:g} s"
        case "share":
            return f"{value * 100:g} %"
        case "1/s":
            return f"{value:g} a second"
        case "bytes" | "bytes/s":
            return _size(value) + unit.removeprefix("bytes")
    return f"{value:,g} {unit}".rstrip()


def _size(value: float) -> str:
    power = 0
    while value >= 1024 and power < len(_PREFIXES) - 1:
        value, power = value / 1024, power + 1
    return f"{value:.4g} {_PREFIXES[power]}"
