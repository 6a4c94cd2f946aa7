"""Hypothesis strategies for operations, faults, clusters and all else that a resilience test draws.

Conventionally::

    from hypothesis import given, strategies as st
    from resilkit.testing import strategies as rst
"""

from __future__ import annotations

from resilkit.testing.strategies.arguments import arguments
from resilkit.testing.strategies.concurrency import concurrent_scenarios
from resilkit.testing.strategies.faults import faults
from resilkit.testing.strategies.messages import message_sequences
from resilkit.testing.strategies.operations import operation_sequences, operations
from resilkit.testing.strategies.printing import print_as_code
from resilkit.testing.strategies.scenarios import chaos_scenarios
from resilkit.testing.strategies.timetables import timetables

print_as_code()

__all__ = [
    "arguments",
    "chaos_scenarios",
    "concurrent_scenarios",
    "faults",
    "message_sequences",
    "operation_sequences",
    "operations",
    "timetables",
]


def __dir__() -> list[str]:
    return sorted(__all__)
