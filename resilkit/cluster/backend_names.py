"""Where a cluster's nodes can run, by name."""

from __future__ import annotations

from typing import Any

from resilkit import validate
from resilkit.errors import InvalidArgument

__all__ = ["BACKENDS", "check_backend"]

BACKENDS = ("processes", "simulation")
"""Where nodes can run."""


def check_backend(backend: Any, schedule: Any, *, record: Any = False) -> None:
    """Refuse a backend that there is not, a schedule that is none, and what is for another one.

    Raises:
        InvalidArgument: It is so.
    """
    if not isinstance(backend, str) or backend not in BACKENDS:
        allowed = ", ".join(map(repr, BACKENDS))
        raise InvalidArgument("is not available", path="backend", value=backend, allowed=allowed)
    validate.boolean(record, "record")
    if record and backend != "simulation":
        raise InvalidArgument(
            "is for the simulation: of processes nobody sees all that happens", path="record",
            value=record, allowed="False, or backend='simulation'",
        )  # fmt: skip
    if schedule is None:
        return
    if backend != "simulation":
        raise InvalidArgument(
            "is for the simulation: processes run in the order that the machine gives them",
            path="schedule", value=schedule, allowed="None, or backend='simulation'",
        )  # fmt: skip
    from resilkit.simulation.schedules import schedule_of

    schedule_of(schedule, 0)
