"""What the tests of the strategies have in common."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from resilkit.faults import registry
from tests.testing.strategies.own import OWN


@pytest.fixture(autouse=True)
def _own_faults_only() -> Iterator[None]:
    """Have no other faults than resilkit's own in the registry."""
    before = dict(registry._REGISTERED)
    for name in before.keys() - set(OWN):
        del registry._REGISTERED[name]
    yield
    registry._REGISTERED.clear()
    registry._REGISTERED.update(before)
