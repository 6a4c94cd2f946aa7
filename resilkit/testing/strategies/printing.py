"""How Hypothesis prints records of resilkit in a failing example: as the code that makes them."""

from __future__ import annotations

from typing import Any

from hypothesis.vendor.pretty import for_type_by_name

from resilkit.testing.code import pretty

__all__ = ["print_as_code"]

_RECORDS = {
    "resilkit.chaos.criteria": ("Criterion",),
    "resilkit.chaos.scenario": ("Scenario",),
    "resilkit.cluster.latency": ("LinkLatency",),
    "resilkit.cluster.limits": ("Limits",),
    "resilkit.cluster.restart": ("RestartPolicy",),
    "resilkit.cluster.specs": ("ClusterSpec", "NodeSpec"),
    "resilkit.runtime.specs": ("ChildSpec", "SupervisorSpec"),
    "resilkit.workload.explicit": ("Explicit",),
    "resilkit.workload.specs": ("Burst", "Closed", "Constant", "Poisson", "Stages"),
}
"""Those whose ``repr`` is a summary, or names what is not public. Others print themselves."""


def print_as_code() -> None:
    """Tell Hypothesis, by name: nothing is imported before it is printed."""
    for module, names in _RECORDS.items():
        for name in names:
            for_type_by_name(module, name, _print)


def _print(value: object, printer: Any, cycle: bool) -> None:  # noqa: FBT001 - Hypothesis's own
    pretty(value, printer, cycle=cycle)
