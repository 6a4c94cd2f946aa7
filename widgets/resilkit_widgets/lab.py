"""`Lab`: the panels of a cluster or an experiment together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import ipywidgets

from resilkit import Cluster, Experiment, InvalidArgument
from resilkit.experiment.running import running_now
from resilkit.runtime.reasons import describe
from resilkit_widgets import ticker
from resilkit_widgets.chaos_panel import ChaosPanel
from resilkit_widgets.cluster_panel import ClusterPanel
from resilkit_widgets.lab_bar import LabBar
from resilkit_widgets.live_metrics import LiveMetrics
from resilkit_widgets.node_rows import counted
from resilkit_widgets.panel import Panel
from resilkit_widgets.showing import Showings
from resilkit_widgets.supervision_panel import SupervisionPanel
from resilkit_widgets.topology_panel import TopologyPanel
from resilkit_widgets.trace_panel import TracePanel
from resilkit_widgets.verdict_panel import VerdictPanel
from resilkit_widgets.workload_panel import WorkloadPanel

__all__ = ["PANELS", "Lab"]


class _Kind(NamedTuple):
    title: str
    make: Callable[[Cluster], Panel]
    side: str
    shown: bool


PANELS: dict[str, _Kind] = {
    "cluster": _Kind("Cluster", ClusterPanel, "left", shown=True),
    "metrics": _Kind("Live metrics", LiveMetrics, "right", shown=True),
    "chaos": _Kind("Chaos", ChaosPanel, "left", shown=True),
    "workload": _Kind("Workload", WorkloadPanel, "left", shown=True),
    "verdict": _Kind("Verdict", VerdictPanel, "right", shown=True),
    "topology": _Kind("Topology", TopologyPanel, "right", shown=False),
    "supervision": _Kind("Supervision", SupervisionPanel, "left", shown=False),
    "trace": _Kind("Trace", TracePanel, "right", shown=False),
}
"""The panels by name, in the order in which they stand where there is room for one column."""


class Lab:
    """The panels of one cluster or experiment: its nodes, faults, load, metrics and verdict, live.

    Leave it as the last line of a cell. Without a target it begins with a form that launches a
    cluster, with a sample system under load if one likes, and takes the cluster of an experiment
    that somebody runs meanwhile. With an
    experiment it has a button that runs it, and shows each of its runs, from whichever cell. The
    panels go on while other cells are busy; the buttons at the top show and hide them. When the
    cluster is closed, the last picture of each stays in the notebook; a lab of an experiment goes
    on until `stop`.

    Args:
        target: A running cluster or an experiment; ``None`` for a form.
        panels: Names of the panels that are shown at first; see `PANELS`.

    Attributes:
        panels: The panels that there are, by name.
        widget: The ipywidgets box, to be placed in a layout of one's own (call `start` then).

    Raises:
        InvalidArgument: `target` is no cluster and no experiment, or there is no such panel.

    Examples:
        ::

            lab = Lab()  # choose a system, or "none", and press Launch
            lab.cluster.start(Counter, name="my-counter")
            Lab(experiment, panels=["metrics", "verdict"])
    """

    def __init__(
        self, target: Cluster | Experiment | None = None, *, panels: Iterable[str] | None = None
    ) -> None:
        if target is not None and not isinstance(target, Cluster | Experiment):
            raise InvalidArgument(
                "must be a running cluster or an experiment", path="target", value=target,
                allowed="a Cluster, an Experiment, or None for a form",
            )  # fmt: skip
        # Nobody who holds it waits for a panel: a panel's own lock may be held by who waits for it.
        # Who needs the bar's as well, to set what it shows, takes that one first.
        self._lock = threading.RLock()
        self._experiment = target if isinstance(target, Experiment) else None
        self._cluster: Cluster | None = None
        self._form: ClusterPanel | None = None
        self._showings = Showings(self.last_picture, self._look, self.stop)
        self._state = "new"
        self.panels: dict[str, Panel] = {}
        self._bar = LabBar(_titles(), _chosen(panels))
        run = self._experiment is not None
        self._bar.until = "when the experiment runs" if run else "when a cluster runs"
        self._columns = {side: ipywidgets.Box() for side in ("left", "right")}
        for side, column in self._columns.items():
            column.add_class("rk-lab-column")
            column.add_class(f"rk-lab-{side}")
        self._both = both = ipywidgets.Box(tuple(self._columns.values()))
        both.add_class("rk-lab-columns")
        self.widget = ipywidgets.VBox((self._bar, both), layout=ipywidgets.Layout(width="100%"))
        self.widget.add_class("rk-lab")
        self._bar.observe(lambda _: self._arrange(), "chosen")
        if isinstance(target, Cluster):
            self._take(target)
        elif self._experiment is not None:
            self._add("verdict", VerdictPanel(self._experiment))
        else:
            self._form = form = ClusterPanel()
            form.observe(lambda change: self._take(change["new"], form), "cluster")
            self._add("cluster", form)
        self._arrange()

    @property
    def cluster(self) -> Cluster | None:
        """The cluster, that of the experiment's last run too; ``None`` while there is none."""
        return self._cluster

    def __repr__(self) -> str:
        return f"<Lab of {(self._experiment or self._cluster)!r}>"

    # Life ----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to bring the panels up to date. Displaying does this; twice is once."""
        with self._lock:
            if self._state != "new":
                return
            self._state = "live"
            panels = (self._bar, *self.panels.values())
        ticker.begin(self)
        for panel in panels:
            panel.start()

    def tick(self) -> None:
        """Take the cluster of a run that has begun, and keep the picture that stays up to date."""
        try:
            self._look_for_runs()
            self._bar.tell(self._status())
            if self._over():
                self.stop()
            self._showings.tick()
        except Exception as error:  # noqa: BLE001 - in the ticker's thread it would vanish: show it
            self._bar.complain(describe(error))
        else:
            self._bar.complain("")

    def stop(self) -> None:
        """Stop all panels, and leave their last pictures in the notebook. Twice is once."""
        if self._form is not None:
            # Before the lab is over: what it launches is either the lab's by then, or nobody's.
            self._form.stop()
        with self._lock:
            if self._state == "over":
                return
            self._state = "over"
            panels = (self._bar, *self.panels.values())
        ticker.end(self)
        for panel in panels:
            panel.stop()
        if self._showings.leave():
            self._take_off()

    def close(self) -> None:
        """Stop, and take the panels off the page's models. Twice is once."""
        self.stop()
        self._take_off()

    def _take_off(self) -> None:
        for panel in (self._bar, *self.panels.values()):
            panel.close()
        for box in (*self._columns.values(), self._both, self.widget):
            box.layout.close()
            box.close()

    def _over(self) -> bool:
        """Return whether nothing more will come."""
        if self._experiment is not None or self._cluster is None:
            return False
        return all(panel.state == "over" for panel in self.panels.values())

    def _look_for_runs(self) -> None:
        """Take the cluster of the experiment's run; a lab without a target, of any run."""
        if self._experiment is not None:
            runs = [self._experiment.running]
        else:
            runs = list(running_now()) if self._cluster is None else []
        for running in runs:
            cluster = None if running is None else running.cluster
            if cluster is not None and cluster is not self._cluster:
                self._take(cluster)

    def _take(self, cluster: Cluster, form: ClusterPanel | None = None) -> None:
        """Show the panels of a cluster, in the place of those of the one before."""
        with self._bar._guard, self._lock:
            if self._state == "over" or cluster is self._cluster:
                return
            self._cluster = cluster
            kept: dict[str, Panel] = {}
            if form is not None:  # the load of the system that it started can be started again
                kept = {"cluster": form, "workload": WorkloadPanel(cluster, form.workload)}
            if self._experiment is not None:
                kept["verdict"] = self.panels["verdict"]
            old = [panel for name, panel in self.panels.items() if panel is not kept.get(name)]
            self.panels = {}
            for name, kind in PANELS.items():
                self._add(name, kept.get(name) or kind.make(cluster))
            self._arrange()
            new = list(self.panels.values()) if self._state == "live" else []
        for panel in new:
            panel.start()
        for panel in old:
            panel.close()

    def _add(self, name: str, panel: Panel) -> None:
        self.panels[name] = panel
        panel.add_class(f"rk-lab-place-{list(PANELS).index(name)}")

    # What is shown -------------------------------------------------------------------------------

    def _arrange(self) -> None:
        """Put the chosen panels into their columns."""
        with self._bar._guard, self._lock:
            chosen = [name for name in PANELS if name in self._bar.chosen]
            self._bar.there = list(self.panels)
            for name, panel in self.panels.items():
                panel.shown = name in chosen
            for side, column in self._columns.items():
                column.children = tuple(
                    self.panels[name]
                    for name in chosen
                    if name in self.panels and PANELS[name].side == side
                )

    def _status(self) -> str:
        if self._cluster is None:
            return "no run yet" if self._experiment is not None else "no cluster yet"
        about = self._cluster._session.backend.words(self._cluster.seed)
        return f"{'cluster closed' if self._cluster.closed else counted(self._cluster)}, {about}"

    def last_picture(self) -> dict[str, str]:
        """Return what stays when the panels are gone: their pictures, one below the other."""
        with self._lock:
            shown = [panel for panel in self.panels.values() if panel.shown]
        pictures = [panel.last_picture()["text/html"] for panel in shown]
        return {"text/html": "<br>".join(pictures), "text/plain": repr(self)}

    def _look(self) -> None:
        """Bring all of it up to date."""
        with self._lock:
            panels = (self._bar, *self.panels.values())
        for panel in panels:
            panel.tick()
        self.tick()

    def _ipython_display_(self) -> None:
        self.start()
        self.tick()
        self._look()
        self._showings.add(self.widget)


def _titles() -> list[tuple[str, str]]:
    return [(name, kind.title) for name, kind in PANELS.items()]


def _chosen(names: Iterable[str] | None) -> Sequence[str]:
    if names is None:
        return [name for name, kind in PANELS.items() if kind.shown]
    try:
        chosen = [names] if isinstance(names, str) else list(names)
    except TypeError:
        raise InvalidArgument(
            "must be a list of names", path="panels", value=names, allowed=", ".join(PANELS)
        ) from None
    for at, name in enumerate(chosen):
        if not isinstance(name, str) or name not in PANELS:
            raise InvalidArgument(
                "no such panel", path=f"panels[{at}]", value=name, allowed=", ".join(PANELS)
            )
    return chosen
