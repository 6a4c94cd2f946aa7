"""How the objects of a cluster show themselves: in a line, in a notebook, and as figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resilkit.cluster.telling import listed
from resilkit.faults.places import few, places
from resilkit.texts import plain

if TYPE_CHECKING:
    from resilkit.cluster.cluster import Cluster
    from resilkit.cluster.injection import Injection
    from resilkit.cluster.reference import ClusterReference
    from resilkit.metrics.plots import Picture

__all__ = ["ShownCluster", "ShownInjection", "ShownReference"]

_MOST_HIT = 8


class ShownCluster:
    """What a `Cluster` has to be looked at."""

    __slots__ = ()

    def __repr__(self: Cluster) -> str:  # type: ignore[misc] # mixed in there alone
        about = self._session.backend.words(self.seed)
        if self.closed:
            return f"<Cluster closed, {about}>"
        nodes = ", ".join(f"{name} {node.status}" for name, node in self.nodes.items())
        names = plain(len(self._session.node.names.all()), "name")
        return f"<Cluster {nodes}; {names}, {about}>"

    def _repr_html_(self: Cluster) -> str:  # type: ignore[misc] # likewise
        from resilkit.cluster.display import cluster_html

        return cluster_html(self)

    def plot(self: Cluster, *, theme: str = "light", width: int = 700) -> Picture:  # type: ignore[misc] # likewise
        """Draw the nodes and links as they are now: status, memory, cuts, faults and load.

        No node is asked: it is drawn from what they have told. Of a closed cluster it is the end.

        Args:
            theme: ``"light"`` or ``"dark"``.
            width: Pixels, 300..4000.

        Returns:
            A figure that shows itself in a notebook, and has ``to_png()``, ``to_svg()`` and
            matplotlib's ``savefig``.

        Raises:
            InvalidArgument: There is no such theme, or `width` is out of range.
        """
        from resilkit.cluster.figures import topology

        return topology(self, theme=theme, width=width)

    def plot_timeline(self: Cluster, *, theme: str = "light", width: int = 900) -> Picture:  # type: ignore[misc] # likewise
        """Draw what has happened since the start: faults, nodes, supervision, alerts, as lanes.

        Args:
            theme: ``"light"`` or ``"dark"``.
            width: Pixels, 300..4000.

        Returns:
            A figure, as of `plot`. Seconds count from the cluster's start.

        Raises:
            InvalidArgument: There is no such theme, or `width` is out of range.
        """
        from resilkit.cluster.figures import timeline

        return timeline(self, theme=theme, width=width)


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

    def plot(self: ClusterReference, *, theme: str = "light", width: int = 700) -> Picture:  # type: ignore[misc] # likewise
        """Draw a supervisor's tree: status, class, node, restarts and queues.

        Args:
            theme: ``"light"`` or ``"dark"``.
            width: Pixels, 300..4000.

        Returns:
            A figure that shows itself in a notebook, and has ``to_png()``, ``to_svg()`` and
            matplotlib's ``savefig``.

        Raises:
            InvalidArgument: It is no supervisor, there is no such theme, or `width` is out of
                range.
            NoProcess: Nobody holds the name.
            ResilkitError: Its node does not answer within a second.
        """
        from resilkit.cluster.figures import supervision_tree

        return supervision_tree(self, theme=theme, width=width)


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
