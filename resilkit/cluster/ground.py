"""What a node stands on: its loop, its clock, what carries its messages, its disk, its instruments.

A node is set up by the same code wherever it runs (`node_process`, `resilkit.workload.process`);
what differs is what it is handed here.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilkit.clock import Clock
    from resilkit.runtime import Node

__all__ = ["Ground"]


class Ground(Protocol):
    """Where one node runs.

    Attributes:
        loop: Its event loop.
        clock: Its clock.
        server_clock: The same as its servers read it.
    """

    loop: asyncio.AbstractEventLoop
    clock: Clock
    server_clock: Clock

    def transport(self, name: str, incarnation: int, **options: Any) -> Any:
        """Return what carries the node's messages; `options` as of `SocketTransport`."""
        ...

    def storage(self, name: str) -> Any:
        """Return where the servers of the node called `name` store what is to last."""
        ...

    def sampler(self, uss_every: float | None) -> Callable[[], dict[str, float]]:
        """Begin to measure the node, and return what reads it: name to value."""
        ...

    def pressures(self) -> Any:
        """Return what puts the node under pressure."""
        ...

    def log(self, text: str) -> None:
        """Take a text for people to read."""
        ...

    def settle(self, node: Node) -> None:
        """Do what else this ground wants of a node before it is reached."""
        ...
