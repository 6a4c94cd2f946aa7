"""How an injection looks in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resilkit.cluster.telling import listed
from resilkit.faults.display import fields_table
from resilkit.faults.places import few, places
from resilkit.markup import display, guarded, paragraph, signed, table

if TYPE_CHECKING:
    from resilkit.cluster.injection import Injection

__all__ = ["injection_html"]

_MOST_HIT = 8


@guarded
def injection_html(injection: Injection) -> str:
    """Return a fault at work: its state, its fields, and what each strike did."""
    state = "done" if injection.done else "active" if injection.active else "waiting"
    began = injection.session.started
    rows = [_strike(row, began) for row in list(injection.outcomes)]
    heads = ("time (s)", "where", "delivered", "healed (s)", "")
    strikes = table(heads, rows, numbers=(0, 3), caption="Strikes, from the cluster's start")
    none = "" if rows else paragraph("It has not struck yet.", kind="faint")
    return display(
        "injection", injection.id, paragraph(signed(state)), fields_table(injection.fault), strikes,
        none,
    )  # fmt: skip


def _strike(row: dict[str, Any], began: float) -> tuple[object, ...]:
    where = places(row, listed(row.get("outcomes", row["targets"])))
    healed = f"{row['healed'] - began:.1f}" if "healed" in row else None
    why = row.get("heal_failed") or row.get("why") or ""
    delivered = "✓ yes" if row["delivered"] else "✗ no"
    return f"{row['time'] - began:.1f}", few(where, _MOST_HIT), delivered, healed, why
