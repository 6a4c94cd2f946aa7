"""Nodes that reach each other from the same moment on, and have nothing to tell each other yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from resilkit.runtime.node import Node

__all__ = ["is_blank", "meet"]

_MANY: Final = 64
"""Nodes that are met at once and told of one by one; of more there is one event."""


def is_blank(node: Node) -> bool:
    """Whether a node has reached no member yet, and knows no name."""
    return node.membership.alone and node.names.blank


def meet(node: Node, peers: Mapping[str, int]) -> None:
    """Tell a node that others can be reached, which are told the same of it at the same moment.

    As `Node.peer_up` for each of them, but that no message is sent: all of them were blank.

    Args:
        node: Who is told.
        peers: The others, with their incarnations.
    """
    membership = node.membership
    membership.meet(peers)
    node.ways.changed()
    node.names.meet(peers)
    if len(peers) > _MANY:
        node.emit("node", "reached", nodes=len(peers), majority=membership.majority())
        return
    members = len(node.transport.members())
    for reached, name in enumerate(peers, 2):  # the node itself included
        node.emit("node", "reached", name, majority=2 * reached > members)
