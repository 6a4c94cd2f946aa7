"""What the handle knows of one node."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from resilkit.errors import NodeDown

if TYPE_CHECKING:
    from resilkit.cluster.deployed import Deployed
    from resilkit.cluster.specs import NodeSpec

__all__ = ["LastSeen", "NodeState", "NodeTable"]


class LastSeen(NamedTuple):
    """What a node did at a moment, and its process then."""

    status: str
    pid: int | None


class NodeState:
    """What is known of one node.

    Attributes:
        status: ``"starting"`` until its own applications have started, then ``"running"``;
            ``"paused"``, ``"stopped"``, ``"killed"``, ``"crashed"`` or ``"restarting"``.
        deployed: What starts again with it, in order, by the keys that its agent knows.
        restarts: Held while somebody restarts it: another must not kill what that one waits for.
        resumed: When it last went on after a pause, on the handle's clock.
        failures: Its own applications that could not start with it, and why.
    """

    __slots__ = (
        "changed", "deployed", "failures", "incarnation", "pid", "process_start", "restarts",
        "resumed", "spec", "status", "wanted",
    )  # fmt: skip

    def __init__(self, spec: NodeSpec) -> None:
        self.spec = spec
        self.pid: int | None = None
        self.incarnation = 0
        self.status = "starting"
        self.deployed: dict[str, Deployed] = {}
        self.failures: list[tuple[str, str]] = []
        self.changed = asyncio.Event()
        self.wanted: str | None = None
        self.restarts = asyncio.Lock()
        self.process_start = 0.0
        self.resumed = float("-inf")

    def seen(self) -> LastSeen:
        """Return what it does now: nothing changes that any more."""
        return LastSeen(self.status, self.pid)


class NodeTable(dict[str, NodeState]):
    """What is known of each node, by its name.

    Who works on a node while it is taken out, in another thread or since an interrupt came late,
    is told so by the error for a lost node.
    """

    def __missing__(self, name: str) -> NodeState:
        why = f"there is no node {name} any more: it could not be added, and was taken out"
        raise NodeDown(why, node=name, definite=True)
