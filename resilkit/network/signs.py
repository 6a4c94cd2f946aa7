"""Signs of life on the links between members: who is silent, and who cannot hear us."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from resilkit.network.framing import HEARTBEAT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from resilkit.network.cuts import Cuts
    from resilkit.network.link import Link

__all__ = ["SignsOfLife"]


class SignsOfLife:
    """Decides whether a link between members is up.

    Each end says every quarter of `detect_after` whether it hears the other one, so that a link
    which is silent in one direction goes down at both ends.

    Args:
        links: The links by the peer's name, of clients as well; it may change.
        cuts: Which of them are cut.
        detect_after: Seconds without a sign of life after which a link is down.
        changed: Called when a link may have gone up or down.
        ask: Has the other end of a link say who reaches whom, as it knows it.
    """

    def __init__(
        self,
        links: Mapping[str, Link],
        cuts: Cuts,
        detect_after: float,
        changed: Callable[[], None],
        ask: Callable[[Link], None],
    ) -> None:
        self._links = links
        self._cuts = cuts
        self._detect_after = detect_after
        self._changed = changed
        self._ask = ask
        self._loop = asyncio.get_running_loop()

    def usable(self, link: Link) -> bool:
        """Whether a link counts as up: not cut, and with signs of life in both directions."""
        if self._cuts.silent(link.peer.name):
            return False
        return link.confirmed and link.hears_us and self._hears(link)

    def _hears(self, link: Link) -> bool:
        return self._loop.time() - link.heard <= self._detect_after

    def heard(self, link: Link) -> None:
        """Note that something came."""
        link.heard = self._loop.time()

    def told(self, link: Link, *, own: bool) -> None:
        """Note that the other end has said who reaches whom, and whether its `own` links too."""
        self.heard(link)
        if own and not link.confirmed:
            link.confirmed = True
            self._changed()

    def answered(self, link: Link, *, hears_us: bool) -> None:
        """Note a heartbeat, and whether its sender hears this end."""
        self.heard(link)
        if hears_us != link.hears_us:
            link.hears_us = hears_us
            self._changed()

    def doubt(self, link: Link, *, counted: bool = False) -> None:
        """Have the other end say whom it reaches before the link counts again.

        Nothing else will do: with what it had said before, the link would come up, go down by what
        it has said since, and come up again. A link that `counted` all the time, since too little
        was lost to be noticed, goes on to count.
        """
        link.heard = self._loop.time()
        link.hears_us = True
        link.confirmed = counted
        self._ask(link)

    async def beat(self) -> None:
        """Give signs of life on every link, and notice links that give none; without end."""
        interval = self._detect_after / 4
        while True:
            due = self._loop.time() + interval
            await asyncio.sleep(interval)
            stalled = self._loop.time() - due
            if stalled > interval:
                # This process stood still: what its peers sent meanwhile is not read yet, so their
                # silence says nothing.
                for link in self._links.values():
                    link.heard += stalled
            for link in list(self._links.values()):
                if link.peer.role == "member" and not self._cuts.loses(link.peer.name, "out"):
                    self._beat_once(link)
            self._changed()

    def _beat_once(self, link: Link) -> None:
        hears = self._hears(link)
        if not hears and link.full:
            link.abort()  # stopped, not cut: give back what it does not read
        else:
            link.write(HEARTBEAT, b"\1" if hears else b"\0")
            if not link.confirmed:
                self._ask(link)  # the first time it may have been cut at the other end only
