"""Node crash: a node's process is killed, and may come back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from resilkit.errors import InvalidArgument
from resilkit.faults.answers import Signal
from resilkit.faults.base import NodeFault
from resilkit.faults.fields import PositiveSeconds
from resilkit.faults.registry import register_fault
from resilkit.faults.targets import choose_targets, how_many, is_named, natural_order

if TYPE_CHECKING:
    from random import Random

__all__ = ["NodeCrash"]


@register_fault("node_crash")
class NodeCrash(NodeFault):
    """Kills nodes with SIGKILL: nothing is flushed, nobody is told.

    Applies to: nodes, all servers on them included.
    Healing: nodes that are still down are restarted, with the applications of their spec. What
    their servers held in memory is gone; what they wrote to the node's storage is still there.
    Deterministic: moments and targets, given the seed. With ``kind="progressive"`` the seed has
    no say in the targets: the nodes follow in the order of their names.

    Args:
        restart_after: Seconds until a crashed node is started again; ``None``: it stays down
            until the injection heals.
        kind: ``"random"``: each injection draws its targets anew. ``"chosen"``: each injection
            hits the nodes that `targets` names. ``"progressive"``: each injection hits the next
            ones in the order of their names, and begins again after the last.

    Examples:
        >>> NodeCrash(every=2.0, count=2, restart_after=1.0)
        NodeCrash(restart_after=1.0, every=2.0, count=2)
        >>> from resilkit.rng import stream
        >>> crash = NodeCrash(kind="progressive", every=1.0)
        >>> [crash.choose(["n1", "n2", "n3"], stream(7), number) for number in range(4)]
        [['n1'], ['n2'], ['n3'], ['n1']]
    """

    restart_after: PositiveSeconds | None = None
    kind: Literal["random", "chosen", "progressive"] = "random"

    def validate(self) -> None:
        """Check that a chosen target has been named."""
        if self.kind == "chosen" and not is_named(self.targets):
            raise InvalidArgument(
                'must name nodes when kind is "chosen"',
                path="targets",
                value=self.targets,
                allowed='a name, a list of names or "matching:GLOB"',
            )

    def choose(self, candidates: Iterable[str], rng: Random, occurrence: int = 0) -> list[str]:
        """Return who is hit by the injection number `occurrence` (from 0)."""
        if self.kind != "progressive":
            return choose_targets(self.targets, candidates, rng)
        targets, names = self.targets, sorted(set(candidates), key=natural_order)
        if isinstance(targets, str | int) and not is_named(targets):
            step = how_many(targets, len(names))
        else:
            names, step = choose_targets(targets, names, rng), 1
        if not names:
            return []
        first = occurrence * step
        return [names[number % len(names)] for number in range(first, first + step)]

    def actions(self, targets: Sequence[str]) -> list[Signal]:
        """Kill each target; the undo restarts it."""
        return [Signal(node, "kill", undo_after=self.restart_after) for node in targets]
