"""What the tests of clusters share: one cluster a module, and a launcher that ends with them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import resilkit as rk
from resilkit.cluster.launcher_process import end_launcher
from tests.cluster.harm import probes


@pytest.fixture(scope="module")
def shared() -> Iterator[rk.Cluster]:
    """Three nodes with a probe on each, for a whole module: what a test did must be taken back."""
    with rk.Cluster(nodes=3, seed=7) as cluster:
        probes(cluster)
        yield cluster


@pytest.fixture(scope="session", autouse=True)
def _the_launcher_ends():
    yield
    end_launcher()
