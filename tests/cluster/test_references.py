"""References of a notebook: what cannot name a server is refused before anything is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import resilkit as rk
from resilkit.cluster.cluster import Cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with rk.Cluster(nodes=1) as cluster:
        yield cluster


@pytest.mark.parametrize("name", [None, 3, "", b"bank", "x" * 256, "a\0n2", "\ud800"])
def test_what_can_be_no_name_is_refused_when_it_is_looked_up(cluster: Cluster, name: Any) -> None:
    with pytest.raises(rk.InvalidArgument, match=r"name: must be a name, got .*1 to 255 char"):
        cluster.whereis(name)


@pytest.mark.parametrize("node", [3, "", "a\0b"])
def test_what_can_be_no_node_is_refused_when_a_name_is_looked_up_there(
    cluster: Cluster, node: Any
) -> None:
    with pytest.raises(rk.InvalidArgument, match="node: "):
        cluster.whereis("bank", node=node)
