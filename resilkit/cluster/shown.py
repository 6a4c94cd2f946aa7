"""How the objects of a cluster show themselves: in a line, in a notebook, and as figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resilkit.cluster.telling import listed
from resilkit.faults.places import few, places

if TYPE_CHECKING:
    from resilkit.cluster.cluster import Cluster
    from resilkit.cluster.injection import Injection
    from resilkit.cluster.reference import ClusterReference

__all__ = ["ShownCluster", "ShownInjection", "ShownReference"]

_MOST_HIT = 8


class ShownCluster:
    """What a `Cluster` has to be looked at."""

    __slots__ = ()

    def __repr__(self: Cluster) -> str:  # type: ignore[misc] # mixed in there alone
        if self.closed:
            return f"<Cluster closed, seed {self.seed}>"
        nodes = ", ".join(f"{name} {node.status}" for name, node in self.nodes.items())
        return f"<Cluster {nodes}; {len(self._session.node.names.all())} names, seed {self.seed}>"

    def _repr_html_(self: Cluster) -> str:  # type: ignore[misc] # likewise
        from resilkit.cluster.display import cluster_html

        return cluster_html(self)


class ShownReference:
    """What a `ClusterReference` has to be looked at."""

    __slots__ = ()

    def __repr__(self: ClusterReference) -> str:  # type: ignore[misc] # likewise
        where = self._session.node.resolve(self._address)
        name = f"{self.name!r} " if self.name else ""
        return f"<server {name}{where}>" if where else f"<server {name}(not running)>"

    def _repr_html_(self: ClusterReference) -> str:  # type: ignore[misc] # likewise
        from resilkit.cluster.display import reference_html

        return reference_html(self)


class ShownInjection:
    """What an `Injection` has to be looked at."""

    __slots__ = ()

    def __repr__(self: Injection) -> str:  # type: ignore[misc] # likewise
        state = "done" if self.done else "active" if self.active else "waiting"
        rows = [row for row in self.outcomes if row["delivered"]]  # of servers maybe not all
        hit = [
            at for row in rows for at in places(row, listed(row.get("outcomes", row["targets"])))
        ]
        whom = f", hit {few(list(dict.fromkeys(hit)), _MOST_HIT)}" if hit else ""
        return f"<injection {self.id} {state}: {self.fault!r}{whom}>"

    def _repr_html_(self: Injection) -> str:  # type: ignore[misc] # likewise
        from resilkit.cluster.display_faults import injection_html

        return injection_html(self)
