"""Where a cluster's nodes can run, by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from resilkit import validate
from resilkit.errors import InvalidArgument
from resilkit.faults.base import Fault, ResourceFault

__all__ = ["BACKENDS", "check_backend", "check_faults", "is_simulated"]

BACKENDS = ("processes", "simulation")
"""Where nodes can run."""


def is_simulated(fault: type[Fault]) -> bool:
    """Return whether a simulation carries out faults of a class: all but pressure on a machine."""
    return not issubclass(fault, ResourceFault)


def check_faults(backend: str, faults: Iterable[Fault], path: str) -> None:
    """Refuse faults that a backend cannot carry out, before any of them is put in.

    Args:
        backend: Its name.
        faults: The faults.
        path: Where they stand.

    Raises:
        InvalidArgument: One is not for it; the path says which.
    """
    if backend != "simulation":
        return
    for index, fault in enumerate(faults):
        if not is_simulated(type(fault)):
            kind = fault.fault_name.replace("_", " ")
            raise InvalidArgument(
                f"is not for the simulation: its nodes have no {kind} of their own to run out of",
                path=f"{path}[{index}]", value=fault,
                allowed="faults of links, nodes, servers and partitions, or the backend "
                "'processes'",
            )  # fmt: skip


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
