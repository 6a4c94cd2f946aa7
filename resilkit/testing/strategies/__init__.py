"""Hypothesis strategies for operations, faults, clusters and all else that a resilience test draws.

Conventionally::

    from hypothesis import given, strategies as st
    from resilkit.testing import strategies as rst
"""

from __future__ import annotations

from resilkit.testing.strategies.arguments import arguments
from resilkit.testing.strategies.concurrency import concurrent_scenarios
from resilkit.testing.strategies.messages import message_sequences
from resilkit.testing.strategies.operations import operation_sequences, operations
from resilkit.testing.strategies.printing import print_as_code

print_as_code()

__all__ = [
    "arguments",
    "concurrent_scenarios",
    "message_sequences",
    "operation_sequences",
    "operations",
]


def __dir__() -> list[str]:
    return sorted(__all__)
