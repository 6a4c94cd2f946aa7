"""What a node that is a process stands on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resilkit.clock import Clock, SystemClock
from resilkit.cluster.forked import disown_forks
from resilkit.cluster.node_log import write_log
from resilkit.cluster.pressure import Pressures
from resilkit.metrics.node_sampler import NodeSampler
from resilkit.network.transport import SocketTransport
from resilkit.runtime.folder_disk import FolderDisk

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from pathlib import Path

    from resilkit.runtime import Node

__all__ = ["ProcessGround"]


class ProcessGround:
    """A process of the operating system's, all of it.

    Args:
        loop: The loop that it runs.
        folder: The cluster's folder.
        cookie: The cluster's secret.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, folder: Path, cookie: bytes) -> None:
        self.loop = loop
        self.clock: Clock = SystemClock()
        self.server_clock: Clock = self.clock
        self._folder = folder
        self._cookie = cookie

    def transport(self, name: str, incarnation: int, **options: Any) -> Any:
        """Return a transport over sockets."""
        return SocketTransport(
            name, incarnation, cookie=self._cookie, folder=self._folder, **options
        )

    def storage(self, name: str) -> Any:
        """Return a folder of the node's own."""
        return FolderDisk(self._folder / "storage" / name)

    def sampler(self, uss_every: float | None) -> Callable[[], dict[str, float]]:
        """Measure the process from now on."""
        sampler = NodeSampler(self.loop, uss_every=uss_every)
        sampler.start()
        return sampler.read

    def pressures(self) -> Any:
        """Return what presses this process and its machine."""
        return Pressures()

    def log(self, text: str) -> None:
        """Write into the node's log."""
        write_log(text)

    def settle(self, node: Node) -> None:
        """Forget what a fork of this process would have of the node."""
        disown_forks(node, self._folder)
