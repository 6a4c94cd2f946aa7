"""Which links of one node are cut, and in which direction."""

from __future__ import annotations

__all__ = ["Cuts"]


class Cuts:
    """The cuts of one node's links.

    Examples:
        >>> cuts = Cuts()
        >>> cuts.cut("n2", "out")
        >>> cuts.loses("n2", "out"), cuts.loses("n2", "in"), cuts.silent("n2")
        (True, False, False)
    """

    def __init__(self) -> None:
        self._ways: dict[str, str] = {}
        self.active = False

    def cut(self, peer: str, direction: str) -> None:
        """Cut the link to `peer`: ``"both"``, ``"out"`` or ``"in"``, as seen from here."""
        held = self._ways.get(peer)
        self._ways[peer] = direction if held in (None, direction) else "both"
        self.active = True

    def mend(self, peer: str) -> None:
        """Take the cut back."""
        self._ways.pop(peer, None)
        self.active = bool(self._ways)

    def loses(self, peer: str, direction: str) -> bool:
        """Whether what goes in `direction` on the link to `peer` is lost."""
        return self._ways.get(peer) in (direction, "both")

    def touches(self, peer: str) -> bool:
        """Whether the link to `peer` is cut, in whatever direction."""
        return peer in self._ways

    def silent(self, peer: str) -> bool:
        """Whether the link is cut both ways, which both ends know."""
        return self._ways.get(peer) == "both"
