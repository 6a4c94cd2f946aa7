"""Looks at the nodes of a cluster, for whoever shows what they do: displays, panels, completion.

A look changes nothing. Where nodes are processes they are asked, all at once; a simulated node is
looked at from outside, so that nobody's virtual time goes on because something was displayed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from resilkit.cluster.session import Session

__all__ = ["PATIENCE", "Look", "look"]

PATIENCE = 1.0
"""Seconds that a display waits for a node: somebody sits before it."""


class Look(NamedTuple):
    """What somebody wants to see.

    Attributes:
        methods: Methods of the nodes' agents that only tell something.
        names: The nodes; ``None`` for all.
        args: What the methods get.
        patience: Seconds that a node has to answer, where it is asked.
        within: Seconds that all of it may take, also where the clusters' own loop is held up;
            ``None``: as long as it takes.
    """

    methods: tuple[str, ...]
    names: Sequence[str] | None = None
    args: tuple[Any, ...] = ()
    patience: float = PATIENCE
    within: float | None = None


def look(session: Session, *methods: str, **options: Any) -> tuple[dict[str, Any], ...]:
    """Return what the agents of nodes say to each of some methods.

    Args:
        session: The cluster.
        *methods: As of `Look`.
        **options: The other fields of a `Look`.

    Returns:
        For each method, by the node's name what it answered, or the error why it did not. Nodes
        without a process are not in it, and those that are paused are not asked.
    """
    found: tuple[dict[str, Any], ...] = session.backend.look(session, Look(methods, **options))
    return found
