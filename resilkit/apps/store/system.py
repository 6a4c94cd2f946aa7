"""The store as a system under test: what runs where, its load, its scenario, its experiment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import resilkit as rk
from resilkit.apps.store.audit import audit
from resilkit.apps.store.broken import EarlyAck
from resilkit.apps.store.clients import workload
from resilkit.apps.store.coordination import Coordination
from resilkit.apps.store.coordinator import Coordinator
from resilkit.apps.store.names import coordinator_name, replica_name
from resilkit.apps.store.replica import Replica

if TYPE_CHECKING:
    from resilkit.experiment import Audit

__all__ = ["Store", "applications", "experiment", "scenario"]


def applications(
    nodes: Sequence[str], *, early_ack: bool = False
) -> dict[str, list[rk.SupervisorSpec]]:
    """Return what runs on which node: a replica and a coordinator under a supervisor on each.

    Args:
        nodes: The names of the nodes; all replicas together hold every key.
        early_ack: Whether to run the broken coordinator of `resilkit.apps.store.broken`.

    Examples:
        >>> [spec.name for spec in applications(["n1", "n2"])["n2"]]
        ['store-n2']
    """
    rules = EarlyAck if early_ack else Coordination
    return {
        node: [
            rk.SupervisorSpec(
                f"store-{node}",
                (
                    rk.ChildSpec(
                        Replica, name=replica_name(node), scope="node", args=(list(nodes),)
                    ),
                    rk.ChildSpec(
                        Coordinator,
                        name=coordinator_name(node),
                        args=(list(nodes),),
                        kwargs={"rules": rules},
                    ),
                ),
                # In this order, and with what comes after: requests that lay in a replica's
                # mailbox are gone with it, so its coordinator's clients should hear now that
                # nobody knows, and go elsewhere, while this node finds itself again. Not the
                # other way round (one_for_all): a coordinator holds nothing that a replica needs,
                # and to restart the replica as well would cost every quorum a member.
                strategy="rest_for_one",
            )
        ]
        for node in nodes
    }


def scenario(duration: float = 20.0) -> rk.Scenario:
    """Return node crashes and partitions in turn, with what the store promises under them.

    One node at a time is down or cut off, so that a majority stays: beyond that the store refuses
    to answer, by design, and its availability would say more about the scenario than about it.

    A crash and a partition come in turn. A fault lasts 40 % of the time until the next, so that
    the rest shows one second without any in which the store is seen to be back: one recovery can
    be told from the next. The last third is left to itself: the last recovery, too, can be watched
    for longer than the criterion allows.

    Args:
        duration: Seconds. In 20 s there are three crashes and, between them, two partitions.
    """
    # A node that restarts needs its time before the next one may go, in a short run too.
    step = min(max(duration / 8, 2.5), duration / 4)
    down = 0.4 * step
    return rk.Scenario(
        "node crashes and partitions",
        [
            rk.faults.NodeCrash(at=step, every=2 * step, count=3, restart_after=down),
            rk.faults.Partition("one", at=2 * step, every=2 * step, count=2, duration=down),
        ],
        criteria=[
            "availability >= 0.95",
            "recovery_time <= 5 s",
            "p95 <= 250 ms",
            "error_rate < 5 %",
            "data_consistency >= 1",
        ],
        duration=duration,
    )


@dataclass(frozen=True, slots=True)
class Store:
    """The store as `Experiment` takes a system.

    Args:
        early_ack: Whether its coordinators are the broken ones.
    """

    early_ack: bool = False

    def applications(self, nodes: Sequence[str]) -> Mapping[str, list[rk.SupervisorSpec]]:
        """Return what runs on which node."""
        return applications(nodes, early_ack=self.early_ack)

    def audit(self, cluster: Any, history: Any) -> Audit:
        """Return how many acknowledged writes are still there."""
        return audit(cluster, history)


def experiment(
    nodes: int = 3, duration: float = 20.0, seed: int | None = None, *, early_ack: bool = False
) -> rk.Experiment:
    """Return the demo: the store under load, with crashes and partitions, and its verdict.

    Args:
        nodes: How many nodes; three survive one failure, five survive two.
        duration: Seconds of load.
        seed: The root of all randomness; ``None`` draws a new one.
        early_ack: Whether to run the broken coordinator, which must not pass.
    """
    spec = rk.ClusterSpec(nodes=nodes)
    return rk.Experiment(
        spec,
        system=Store(early_ack=early_ack),
        workload=workload(spec.names),
        scenario=scenario(duration),
        duration=duration,
        seed=seed,  # type: ignore[arg-type]  # None is resolved there
    )
