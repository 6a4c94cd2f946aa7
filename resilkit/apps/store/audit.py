"""What is left of what was acknowledged: a look at every key when the faults are gone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import resilkit as rk
from resilkit.apps.store.names import coordinator_name
from resilkit.texts import plain

if TYPE_CHECKING:
    from resilkit.apps.store.protocol import Version
    from resilkit.check import DurabilityVerdict
    from resilkit.experiment import Audit

__all__ = ["audit", "durability", "read_all"]

_AT_ONCE = 250
_PATIENCE = 30.0


def audit(cluster: Any, history: rk.History) -> Audit:
    """Read every key that was acknowledged, and let the checker of durability compare.

    Args:
        cluster: The cluster that runs the store, without faults now.
        history: The log of the load.

    Returns:
        The share of acknowledged puts that are still there; ``valid`` is False when one is lost,
        or when an operation missed what had been acknowledged before it began.

    Raises:
        ClusterError: No coordinator could be reached for half a minute.
        Refused: The coordinators reached no majority for half a minute.
    """
    # Nodes import this module too, and none of what it takes to judge.
    from resilkit.experiment import Audit

    verdict = durability(cluster, history)
    return Audit(
        share=1.0 if verdict.share is None else verdict.share,
        n=verdict.acknowledged,
        valid=verdict.valid,
        summary=headline(verdict),
        example=example(verdict),
    )


def durability(cluster: Any, history: rk.History) -> DurabilityVerdict:
    """Do as `audit` does, and return all that was found: each write, not only how many.

    Args:
        cluster: The cluster that runs the store, without faults now.
        history: The log of the load.

    Raises:
        ClusterError: No coordinator could be reached for half a minute.
        Refused: The coordinators reached no majority for half a minute.
    """
    from resilkit.check import lost_writes

    done = [record for record in history if record.status == "ok"]
    began = min((record.intended for record in history), default=0.0)
    return lost_writes(
        history.frame(origin=began),
        read_all(cluster, sorted({record.value[0] for record in done})),
        write="put",
        read="get",
        # Two coordinators that both missed a third one's put can tie with it, and win by name.
        # So a later put must have a higher counter, not only a higher version.
        step=lambda version: version[0],
        # The register is atomic: what one client has read, nobody may miss afterwards.
        after_reads=True,
    )


def headline(verdict: DurabilityVerdict) -> str:
    """Return how many writes are lost and how many operations were wrong, in a short sentence.

    Examples:
        >>> from resilkit.check import DurabilityVerdict
        >>> headline(DurabilityVerdict(acknowledged=3072, stale_count=270))
        'All 3,072 acknowledged writes are there, but 270 operations saw the past.'
    """
    if not verdict.checked:
        return verdict.summary
    checked, lost = plain(verdict.checked, "acknowledged write"), len(verdict.lost)
    if lost:
        parts = [f"{lost:,} of {checked} {'is' if lost == 1 else 'are'} lost"]
    elif verdict.checked == 1:
        parts = ["The one acknowledged write is there"]
    else:
        parts = [f"All {checked} are there"]
    if verdict.unread:
        parts[0] += f" ({verdict.unread:,} more could not be looked for)"
    if verdict.stale_count:
        parts.append(f"{plain(verdict.stale_count, 'operation')} saw the past")
    if verdict.conflict_count:
        times = "once" if verdict.conflict_count == 1 else f"{verdict.conflict_count:,} times"
        parts.append(f"{times} one version stood for two values")
    return (", and " if verdict.lost else ", but ").join(parts) + "."


def example(verdict: DurabilityVerdict) -> str:
    """Return the first thing that is wrong: keys, versions and times, without the values."""
    if verdict.lost:
        lost = verdict.lost[0]
        there = "nothing" if lost.found_version is None else f"version {lost.found_version}"
        there += " with another value" if lost.found_version == lost.version else ""
        return (
            f"e.g. {lost.key} at version {lost.version} was acknowledged at "
            f"{lost.acknowledged_at:.3f} s, and {there} was there in the end"
        )
    if verdict.stale:
        stale = verdict.stale[0]
        given = "nothing" if stale.version is None else f"version {stale.version}"
        return (
            f"e.g. the {stale.operation} of {stale.key} sent at {stale.sent_at:.3f} s was given "
            f"{given}, though {stale.floor} had been acknowledged at {stale.acknowledged_at:.3f} s"
        )
    if verdict.conflicts:
        return f"e.g. version {verdict.conflicts[0].version} of {verdict.conflicts[0].key}"
    return ""


def read_all(cluster: Any, keys: Sequence[str]) -> dict[str, tuple[Version, Any]]:
    """Read `keys` through whichever coordinator answers, waiting for nodes that still start."""
    found: dict[str, tuple[Version, Any]] = {}
    nodes = list(cluster.nodes)
    until = cluster.clock.now() + _PATIENCE
    failures = 0
    while len(found) < len(keys):
        part = keys[len(found) : len(found) + _AT_ONCE]
        coordinator = cluster.whereis(coordinator_name(nodes[failures % len(nodes)]))
        try:
            found.update(coordinator.with_timeout(5.0).call.get_many(part))
        except (rk.ClusterError, rk.Refused):
            # A read without effect: it may be tried again whatever became of it.
            failures += 1
            if cluster.clock.now() > until:
                raise
            if failures % len(nodes) == 0:
                cluster.health()  # a round trip to every node: time for them to get on
    return found
