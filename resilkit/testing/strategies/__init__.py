"""Hypothesis strategies for operations, faults, clusters and all else that a resilience test draws.

======================  ============================================================================
what a method is given  `arguments`
operations on servers   `operations`, `operation_sequences`, `message_sequences` that keep to rules,
                        `concurrent_scenarios` of several processes
chaos                   `faults`, `timetables` (when they strike), `chaos_scenarios`
where it runs           `topologies`, `cluster_specs`, `schedules` (the order of a simulation)
what runs, and loads    `supervisor_configurations`, `arrivals`
======================  ============================================================================

They compose with each other and with Hypothesis's own; their options are checked where they are
written; they shrink in length and in each part; and what they draw prints as the code that makes
it, given the names of `resilkit`, `resilkit.faults` and `resilkit.testing`. Conventionally::

    from hypothesis import given, strategies as st
    from resilkit.testing import strategies as rst


    @given(
        operations=rst.operation_sequences(
            {"increment": rst.arguments(by=st.integers(1, 9)), "get": None}
        ),
        chaos=rst.chaos_scenarios(faults=["server_crash", "latency", "partition"]),
    )
    def test_the_counter_survives(operations, chaos): ...

Where a test fails, Hypothesis's *explain* phase traces each line of all that runs, and of a
simulation that is many: ``@settings(phases=[Phase.generate, Phase.shrink])`` has the smallest
example in a fifth of the time, or less.
"""

from __future__ import annotations

from resilkit.testing.strategies.arguments import arguments
from resilkit.testing.strategies.arrivals import arrivals
from resilkit.testing.strategies.clusters import cluster_specs
from resilkit.testing.strategies.concurrency import concurrent_scenarios
from resilkit.testing.strategies.faults import faults
from resilkit.testing.strategies.messages import message_sequences
from resilkit.testing.strategies.operations import operation_sequences, operations
from resilkit.testing.strategies.printing import print_as_code
from resilkit.testing.strategies.scenarios import chaos_scenarios
from resilkit.testing.strategies.schedules import schedules
from resilkit.testing.strategies.supervisors import supervisor_configurations
from resilkit.testing.strategies.timetables import timetables
from resilkit.testing.strategies.topologies import topologies

print_as_code()

__all__ = [
    "arguments",
    "arrivals",
    "chaos_scenarios",
    "cluster_specs",
    "concurrent_scenarios",
    "faults",
    "message_sequences",
    "operation_sequences",
    "operations",
    "schedules",
    "supervisor_configurations",
    "timetables",
    "topologies",
]


def __dir__() -> list[str]:
    return sorted(__all__)
