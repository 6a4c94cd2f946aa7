"""`Lab`: the panels of a cluster together, from its launch to its end."""

from __future__ import annotations

from typing import Any

import ipywidgets

from resilkit import Cluster
from resilkit_widgets import ticker
from resilkit_widgets.chaos_panel import ChaosPanel
from resilkit_widgets.cluster_panel import ClusterPanel
from resilkit_widgets.live_metrics import LiveMetrics
from resilkit_widgets.panel import Panel
from resilkit_widgets.showing import Showing

__all__ = ["Lab"]


class Lab:
    """The panels of one cluster: its nodes, its faults, and its metrics live.

    Leave it as the last line of a cell. Without a cluster it begins with a form that launches one,
    and the other panels come when it runs. They go on while other cells are busy; when the cluster
    is closed, the last picture of each stays in the notebook.

    Args:
        cluster: The cluster; ``None`` for a form.

    Attributes:
        panels: The panels that are there, from top to bottom.
        widget: The ipywidgets box, to be placed in a layout of one's own (call `start` then).

    Raises:
        InvalidArgument: `cluster` is no `resilkit.Cluster`.

    Examples:
        ::

            lab = Lab()  # press Launch
            lab.cluster.start(Counter, name="counter")
    """

    def __init__(self, cluster: Cluster | None = None) -> None:
        self._first = ClusterPanel(cluster)
        self.panels: list[Panel] = [self._first]
        self.widget = ipywidgets.VBox(layout=ipywidgets.Layout(width="100%"))
        self._showing: Showing | None = None
        self._started = False
        self._watch(self._first)
        if cluster is not None:
            self._add_others(cluster)
        self._first.observe(self._launched, "cluster")
        self._show()

    @property
    def cluster(self) -> Cluster | None:
        """The cluster; ``None`` while none has been launched."""
        cluster: Cluster | None = self._first.cluster
        return cluster

    def __repr__(self) -> str:
        return f"<Lab of {self.cluster!r}>"

    def start(self) -> None:
        """Begin to bring the panels up to date. Displaying does this; twice is once."""
        self._started = True
        ticker.begin(self)
        for panel in self.panels:
            panel.start()

    def tick(self) -> None:
        """Renew the picture that stays, when it is time to."""
        if self._showing is not None:
            self._showing.tick()

    def stop(self) -> None:
        """Stop all panels, and leave their last pictures in the notebook. Twice is once."""
        for panel in self.panels:
            panel.stop()

    def _launched(self, change: Any) -> None:
        self._add_others(change["new"])
        self._show()

    def _add_others(self, cluster: Cluster) -> None:
        for panel in (ChaosPanel(cluster), LiveMetrics(cluster)):
            self.panels.append(panel)
            self._watch(panel)
            if self._started:
                panel.start()

    def _watch(self, panel: Panel) -> None:
        panel.observe(lambda _: self._leave_pictures(), "state")

    def _show(self) -> None:
        self.widget.children = tuple(self.panels)

    def _leave_pictures(self) -> None:
        """When all is over, put the last pictures in the place of the panels."""
        if all(panel.state == "over" for panel in self.panels):
            ticker.end(self)
            if self._showing is not None:
                self._showing.leave()

    def last_picture(self) -> dict[str, str]:
        """Return what stays when the panels are gone: their pictures, one below the other."""
        pictures = [panel.last_picture()["text/html"] for panel in self.panels]
        return {"text/html": "<br>".join(pictures), "text/plain": repr(self)}

    def _ipython_display_(self) -> None:
        self.start()
        for panel in self.panels:
            panel.tick()
        self._showing = Showing(self.widget, self.last_picture)
        self._leave_pictures()
