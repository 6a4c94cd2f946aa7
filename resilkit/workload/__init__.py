"""Load: what users do, when, and the engine that does it and measures.

Open-loop latencies count from the intended start, so a system that stalls cannot hide it by
slowing the measurement down (coordinated omission).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resilkit.workload import arrivals, values
from resilkit.workload.client import CallTarget, Client, User
from resilkit.workload.engine import Engine
from resilkit.workload.explicit import Due, Explicit
from resilkit.workload.operations import CallMethod, Operation, OperationFunction
from resilkit.workload.report import GeneratorReport
from resilkit.workload.specs import Arrivals, Closed, OpenArrivals
from resilkit.workload.workload import GeneratorPlan, Workload

if TYPE_CHECKING:
    from resilkit.workload.load import LoadRun

__all__ = [
    "Arrivals",
    "CallMethod",
    "CallTarget",
    "Client",
    "Closed",
    "Due",
    "Engine",
    "Explicit",
    "GeneratorPlan",
    "GeneratorReport",
    "LoadRun",
    "OpenArrivals",
    "Operation",
    "OperationFunction",
    "User",
    "Workload",
    "arrivals",
    "values",
]


def __getattr__(name: str) -> Any:
    if name != "LoadRun":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # It holds a cluster, of which a generator that imports this package needs nothing.
    from resilkit.workload.load import LoadRun

    return LoadRun


def __dir__() -> list[str]:
    return sorted(__all__)
