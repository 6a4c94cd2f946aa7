"""What a simulated node stands on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resilkit.errors import Refused, StorageError
from resilkit.simulation.clock import ServerClock, VirtualClock
from resilkit.simulation.transport import SimulatedTransport

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilkit.clock import Clock
    from resilkit.cluster.simulated.backend import SimulationBackend
    from resilkit.runtime import Node
    from resilkit.simulation.disk import SimulatedDisk, SimulatedStorage
    from resilkit.simulation.place import Place

__all__ = ["SimulatedGround"]


class SimulatedGround:
    """A place of a simulation.

    Args:
        place: The place.
        backend: Whose simulation it is.
        log: Takes what the node writes for people to read.
        disk: Where its servers store what is to last.
    """

    def __init__(
        self,
        place: Place,
        backend: SimulationBackend,
        log: Callable[[str], None],
        disk: SimulatedDisk,
    ) -> None:
        self.place = place
        self.loop = place.loop
        self.clock: Clock = VirtualClock(place)
        self.server_clock: Clock = ServerClock(place)
        self.log = log
        self.node: Node | None = None
        self._end: SimulatedTransport | None = None
        self._backend = backend
        self._disk = disk

    def transport(self, name: str, incarnation: int, **options: Any) -> Any:
        """Return a transport on the simulation's network."""
        options.pop("listens", None)
        self._end = SimulatedTransport(
            self._backend.network, self.place, name, incarnation, **options
        )
        return self._end

    def leave(self) -> None:
        """Be off the network, and let no server do anything more: the place is no more."""
        if self._end is not None:
            self._end.leave()
        if self.node is not None:
            # What is left of their code, a ``finally`` say, is that of processes that have ended.
            for process in self.node.processes.values():
                process.alive = False

    def hearing_changed(self) -> None:
        """Let the neighbours notice that nothing comes from here any more, or does again."""
        if self._end is not None:
            self._backend.network.pausing_changed(self._end)

    def storage(self, name: str) -> Any:
        """Return the node's disk, for as long as the node lives."""
        del name
        return _Mounted(self._disk, self.place)

    def sampler(self, uss_every: float | None) -> Callable[[], dict[str, float]]:
        """Measure nothing of a process: there is none. Servers and links are measured as ever."""
        del uss_every
        return dict

    def pressures(self) -> Any:
        """Return what refuses pressures: a simulated node has no memory or files to run out of."""
        return _NoPressures()

    def settle(self, node: Node) -> None:
        """Have nothing handled at once: which server runs next is for the schedule to say."""
        self.node = node
        node.at_once.never()
        self._backend.enclosure.look_through(node)
        recorder = self._backend.network.recorder
        if recorder is not None:
            recorder.follow(node)
        for observe in self._backend.observers:
            observe(node)


class _Mounted:
    """A disk that outlives its node, and opens nothing for what is left of one that has died."""

    def __init__(self, disk: SimulatedDisk, place: Place) -> None:
        self._disk = disk
        self._place = place

    def open(self, name: str, *, scope: str, owner: str) -> SimulatedStorage:
        if self._place.dead:
            raise StorageError(f"cannot open the storage of {owner}: its node has died")
        return self._disk.open(name, scope=scope, owner=owner)


class _NoPressures:
    async def press(
        self, fault_id: str, kind: str, options: dict[str, Any], within: float | None = None
    ) -> dict[str, Any]:
        del fault_id, options, within
        raise Refused(f"a simulated node has no {kind} to run out of; run it on processes")

    async def halt(self, fault_id: str, because: str) -> dict[str, Any]:
        del fault_id, because
        return {}

    async def release(self, fault_id: str) -> dict[str, Any]:
        del fault_id
        return {}
