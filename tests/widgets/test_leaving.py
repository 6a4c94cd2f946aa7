"""What a panel leaves behind when it is closed: nothing."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator

import pytest
from ipywidgets.widgets.widget import _instances

import resilkit as rk
from resilkit_widgets import ticker
from resilkit_widgets.lab import PANELS, Lab
from resilkit_widgets.panel import Panel
from tests.cluster.harm import wait_until
from tests.experiment import systems
from tests.widgets.outputs import Outputs, Shell


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


def ours() -> set[str]:
    names = {each.name for each in threading.enumerate()}
    return names & {"resilkit panel action", "resilkit verdicts"}


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
