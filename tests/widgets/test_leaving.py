"""What a panel leaves behind when it is closed: nothing."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from ipywidgets.widgets.widget import _instances

import resilkit as rk
from resilkit.apps import counters
from resilkit.cluster.open_clusters import open_clusters
from resilkit_widgets import ClusterPanel, LiveMetrics, ticker
from resilkit_widgets import lab as lab_module
from resilkit_widgets.lab import PANELS, Lab
from resilkit_widgets.panel import Panel
from resilkit_widgets.sample_systems import SAMPLES, Sample
from tests.cluster.harm import wait_until
from tests.experiment import systems
from tests.widgets.locks import Other
from tests.widgets.outputs import Outputs, Shell
from tests.widgets.pressing import press


@pytest.fixture(scope="module")
def cluster() -> Iterator[rk.Cluster]:
    """A cluster with a server, a supervisor, a load and a fault: something to show for each."""
    with rk.Cluster(nodes=2, seed=3) as made:
        child = rk.ChildSpec(systems.Counter, name="counter-0")
        made.start(rk.SupervisorSpec("counters", [child]), node="n1")
        mix = [rk.Operation.call("counter-0", "increment")]
        with rk.Workload(mix, rk.arrivals.constant(50)).start(made):
            made.inject(rk.faults.Latency(0.001, 0.002))
            yield made


def ours() -> list[str]:
    """Return the names of the panels' threads; those of the package below have no blank."""
    return [each.name for each in threading.enumerate() if each.name.startswith("resilkit ")]


def hooks(cluster: rk.Cluster) -> tuple[int, ...]:
    """Return how many look on at a cluster."""
    session = cluster._session
    return (len(session.on_change), len(session.metrics._watchers), len(session.traces._traces))


@pytest.mark.parametrize("name", PANELS)
def test_a_closed_panel_leaves_no_observer_thread_or_timer(
    cluster: rk.Cluster, name: str, outputs: Outputs, shell: Shell
) -> None:
    leaves_nothing(cluster, lambda: PANELS[name].make(cluster), outputs, shell)


def test_a_closed_lab_leaves_none_either(
    cluster: rk.Cluster, outputs: Outputs, shell: Shell
) -> None:
    leaves_nothing(cluster, lambda: Lab(cluster, panels=PANELS), outputs, shell)


def leaves_nothing(
    cluster: rk.Cluster, make: Callable[[], Panel | Lab], outputs: Outputs, shell: Shell
) -> None:
    before = hooks(cluster)
    known, ticking = set(_instances), set(ticker._ticking)
    panel = make()
    panel._ipython_display_()
    for _ in range(3):
        for each in panel.panels.values() if isinstance(panel, Lab) else [panel]:
            each.acknowledged = each.sent
            each.tick()
    assert shell.heard
    panel.close()
    forgotten = weakref.ref(panel)
    del panel, each
    outputs.clear()
    assert shell.heard == []
    assert hooks(cluster) == before
    assert set(ticker._ticking) == ticking
    wait_until(lambda: not ours())
    assert set(_instances) == known
    wait_until(lambda: gc.collect() is not None and forgotten() is None)


@pytest.mark.parametrize("make", [LiveMetrics, Lab])
def test_what_has_ended_with_its_cluster_is_no_model_of_the_page_any_more(
    make: type[LiveMetrics | Lab], outputs: Outputs, shell: Shell
) -> None:
    known = set(_instances)
    with rk.Cluster(nodes=1) as own:
        panel = make(own)
        panel._ipython_display_()
        assert set(_instances) > known
    wait_until(lambda: shell.run_cell() or shell.heard == [])  # type: ignore[func-returns-value]
    assert set(_instances) == known
    assert "rk-" in outputs[0].html
    panel.close()
    panel._ipython_display_()
    assert outputs[-1].html == outputs[0].html


def test_a_cluster_that_a_form_launched_ends_when_its_cell_is_run_again(
    outputs: Outputs, shell: Shell
) -> None:
    known, clusters = set(_instances), open_clusters()
    for run in range(3):
        shell.begin("cell", f"run {run}")
        lab = Lab()
        lab._ipython_display_()
        shell.run_cell()
        form = lab.panels["cluster"]
        assert isinstance(form, ClusterPanel)
        press(form, "launch", nodes=1, system="counters", load=True)
        assert lab.cluster is not None
        del form
        wait_until(lambda: gc.collect() is not None and len(open_clusters()) == len(clusters) + 1)
    lab.close()
    del lab
    wait_until(lambda: gc.collect() is not None and open_clusters() == clusters)
    assert set(_instances) == known


class Launching:
    """A launch that a form is asked for, and that waits half-way."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.began, self.goes_on = threading.Event(), threading.Event()
        slow = Sample("slow", "", self._applications, counters.workload)
        monkeypatch.setitem(SAMPLES, "slow", slow)

    def _applications(self, _nodes: Sequence[str]) -> dict[str, Any]:
        self.began.set()
        assert self.goes_on.wait(20.0)
        return {}

    def begin(self, form: ClusterPanel) -> None:
        """Press the button; return when the nodes are there."""
        form._handle_custom_msg({"do": "launch", "nodes": 1, "system": "slow", "load": True}, [])
        assert self.began.wait(20.0)


@pytest.mark.parametrize("make", [ClusterPanel, Lab])
def test_what_is_closed_while_its_form_launches_leaves_no_cluster_and_no_panels(
    make: type[ClusterPanel | Lab],
    outputs: Outputs,
    shell: Shell,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    launching, known, clusters = Launching(monkeypatch), set(_instances), open_clusters()
    panel = make()
    form = panel if isinstance(panel, ClusterPanel) else panel.panels["cluster"]
    assert isinstance(form, ClusterPanel)
    panel._ipython_display_()
    launching.begin(form)
    panel.close()
    launching.goes_on.set()
    wait_until(lambda: not ours())
    assert open_clusters() == clusters
    assert form.cluster is None
    assert "closed meanwhile" in form.refused
    assert (set(_instances), shell.heard) == (known, [])
    press(form, "launch", nodes=1)
    assert "launches nothing any more" in form.refused
    assert open_clusters() == clusters


def test_what_has_been_launched_when_its_lab_is_closed_goes_on_and_its_panels_do_not(
    outputs: Outputs, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = set(_instances)
    lab = Lab()
    form = lab.panels["cluster"]
    assert isinstance(form, ClusterPanel)
    lab._ipython_display_()
    closes, takes = Other(form, lab.close), lab._take

    def take(cluster: rk.Cluster, form: ClusterPanel | None = None) -> None:
        closes.begin()
        takes(cluster, form)

    monkeypatch.setattr(lab, "_take", take)
    press(form, "launch", nodes=1)
    closes.join()
    assert lab.cluster is not None
    with lab.cluster as cluster:
        assert (form.cluster, cluster.closed) == (cluster, False)
        assert {panel.state for panel in lab.panels.values()} == {"over"}
        assert (set(_instances), shell.heard) == (known, [])
        wait_until(lambda: not ours())


def test_a_lab_that_is_closed_takes_no_cluster_any_more(
    cluster: rk.Cluster, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = set(_instances)
    lab = Lab()
    lab.start()
    lab.close()
    # The thread that ticks for all of them may have come to this one already.
    monkeypatch.setattr(lab_module, "running_now", lambda: [SimpleNamespace(cluster=cluster)])
    lab.tick()
    assert (lab.cluster, list(lab.panels)) == (None, ["cluster"])
    assert set(_instances) == known
