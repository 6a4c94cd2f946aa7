"""Who reaches whom, as the nodes of a cluster say themselves."""

from __future__ import annotations

import resilkit as rk
from tests.parity.grounds import eventually

__all__ = ["everyone", "reaches", "until_reaches", "until_whole"]


def reaches(cluster: rk.Cluster) -> dict[str, tuple[list[str], bool]]:
    """Return whom each node that answers reaches, and whether it is in the majority."""
    return {
        name: (row["reachable"], row["majority"])
        for name, row in cluster.health().items()
        if row["answers"]
    }


def everyone(cluster: rk.Cluster) -> dict[str, tuple[list[str], bool]]:
    """Return what `reaches` is when all reach all."""
    names = sorted(cluster.nodes)
    return dict.fromkeys(names, (names, True))


def until_reaches(cluster: rk.Cluster, **whom: list[str]) -> None:
    """Return when each of these nodes reaches just those."""
    eventually(
        cluster,
        lambda: whom == {name: row["reachable"] for name, row in cluster.health().items()
                         if name in whom},
    )  # fmt: skip


def until_whole(cluster: rk.Cluster) -> None:
    """Return when all reach all."""
    eventually(cluster, lambda: reaches(cluster) == everyone(cluster))
