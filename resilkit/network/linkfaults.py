"""Which faults are on which links of one node."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from resilkit.network.shaping import Shaper
from resilkit.rng import stream
from resilkit.runtime.reasons import describe, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from resilkit.network.handshake import Hello

__all__ = ["LinkFaults"]


class LinkFaults:
    """The faults on a node's links, in the sending direction.

    They touch links between members only. A link that comes back has its faults still.

    Args:
        own: Who this end is.
        seed: Where the chance of the faults comes from; each link has a stream of its own.
        classify: Names the kind of a message.
        failed: Called with the id of a fault, why it failed on a message, and on how many so far:
            on its first failure, and when it is taken off after more than one.
    """

    def __init__(
        self,
        own: Hello,
        seed: int,
        classify: Callable[[tuple[Any, ...]], str],
        failed: Callable[[str, str, int], None],
    ) -> None:
        self._own = own
        self._seed = seed
        self._classify = classify
        self._loop = asyncio.get_running_loop()
        self._faults: dict[str, tuple[Any, frozenset[str] | None]] = {}
        self._shapers: dict[str, Shaper] = {}
        self._tell = failed
        self._failures: dict[str, tuple[str, int]] = {}

    def install(self, fault_id: str, fault: Any, peers: Iterable[str] | None) -> None:
        """Put a fault on the links to `peers`; ``None`` stands for all, later ones as well."""
        self._faults[fault_id] = (fault, None if peers is None else frozenset(peers))
        self._failures.pop(fault_id, None)
        for peer, shaper in self._shapers.items():
            self._apply(fault_id, peer, shaper)

    def remove(self, fault_id: str) -> int:
        """Take a fault off; return how many messages it touched. Unknown is no error."""
        self._faults.pop(fault_id, None)
        touched = 0
        for shaper in self._shapers.values():
            shaper.take_off(fault_id)
            touched += shaper.touched.pop(fault_id, 0)
        why, failures = self._failures.pop(fault_id, ("", 0))
        if failures > 1:
            self._tell(fault_id, why, failures)
        return touched

    def _failed(self, fault_id: str, error: BaseException) -> None:
        # Told once and then counted: a link has thousands of messages a second.
        why, failures = self._failures.get(fault_id) or (describe(error), 0)
        self._failures[fault_id] = (why, failures + 1)
        if failures == 0:
            fault = text_of(self._faults[fault_id][0], repr)
            message = f"the link fault {fault_id!r} ({fault}) failed and is ignored"
            # With its traceback, into the node's log: its author needs the line.
            self._loop.call_exception_handler({"message": message, "exception": error})
            self._tell(fault_id, why, 1)

    def shaper(self, peer: Hello) -> Shaper:
        """Return what asks the faults on the link to `peer`."""
        shaper = self._shapers.get(peer.name)
        if shaper is None:
            # One link's traffic moves no other's chance.
            chance = stream(self._seed, "link", peer.name)
            shaper = Shaper(
                self._loop, chance, self._own.name, peer.name, self._classify, self._failed
            )
            if self._own.role == peer.role == "member":
                self._shapers[peer.name] = shaper
                for fault_id in self._faults:
                    self._apply(fault_id, peer.name, shaper)
        return shaper

    def _apply(self, fault_id: str, peer: str, shaper: Shaper) -> None:
        fault, peers = self._faults[fault_id]
        if peers is None or peer in peers:
            shaper.faults[fault_id] = fault
        else:
            shaper.take_off(fault_id)
