"""Who holds which name, as one node knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilkit.runtime.messages import Pid

__all__ = ["Holders", "HoldersOfAllSides"]


class Holders:
    """What a member of the cluster knows: one holder a name.

    Names of scope ``"node"`` stand here too, with NUL and the node behind.

    Args:
        changed: Called after each change of the table.

    Attributes:
        table: The holder of each name. To be read by others, from threads of the notebook too;
            changed only here.

    Examples:
        >>> from resilkit.runtime.messages import Pid
        >>> holders = Holders()
        >>> holders.put("bank", Pid("n1", 7, 1))
        >>> holders.drop("bank", Pid("n2", 9, 1))  # held it once, perhaps
        >>> holders.table["bank"].node
        'n1'
    """

    __slots__ = ("_changed", "table")

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self.table: dict[str, Pid] = {}
        self._changed = changed

    def put(self, name: str, pid: Pid) -> None:
        """Note that `pid` holds `name`."""
        self.table[name] = pid
        self._changed()

    def drop(self, name: str, pid: Pid) -> None:
        """Note that `pid` holds `name` no longer, if it did."""
        if self.table.get(name) == pid:
            del self.table[name]
            self._changed()

    def on(self, node: str) -> dict[str, Pid]:
        """Return the names that are held on `node`, and by whom."""
        return {name: pid for name, pid in self.table.items() if pid.node == node}


class HoldersOfAllSides(Holders):
    """What a client knows: it reaches both sides of a partition, and each may hold the name.

    The nodes settle among themselves who keeps it, and tell a client only of the one that loses.
    So it must not have forgotten the other: the holder that was told last is in the table, and
    when that one is gone, the one told before it.

    Examples:
        >>> from resilkit.runtime.messages import Pid
        >>> holders = HoldersOfAllSides()
        >>> holders.put("bank", Pid("n1", 7, 1))
        >>> holders.put("bank", Pid("n2", 9, 1))
        >>> holders.table["bank"].node
        'n2'
        >>> holders.drop("bank", Pid("n2", 9, 1))
        >>> holders.table["bank"].node
        'n1'
    """

    __slots__ = ("_told",)

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        super().__init__(changed)
        # By name and node, each name's in the order in which they were told.
        self._told: dict[str, dict[str, Pid]] = {}

    def put(self, name: str, pid: Pid) -> None:
        """Note that `pid` holds `name`; of its own node's processes it alone does."""
        told = self._told.setdefault(name, {})
        told.pop(pid.node, None)
        told[pid.node] = self.table[name] = pid
        self._changed()

    def drop(self, name: str, pid: Pid) -> None:
        """Note that `pid` holds `name` no longer, if it did."""
        told = self._told.get(name, {})
        if told.get(pid.node) != pid:
            return
        del told[pid.node]
        if told:
            self.table[name] = next(reversed(told.values()))
        else:
            del self.table[name], self._told[name]
        self._changed()

    def on(self, node: str) -> dict[str, Pid]:
        """Return the names that are held on `node`, and by whom."""
        return {name: told[node] for name, told in self._told.items() if node in told}
