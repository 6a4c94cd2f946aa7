"""The lab of a simulated cluster: it looks on, and moves no time."""

from __future__ import annotations

import threading

import pytest

import resilkit as rk
from resilkit.cluster.simulated.thread import SimulationThread
from resilkit_widgets import Lab
from resilkit_widgets.lab import PANELS
from tests.cluster.harm import wait_until
from tests.reruns.systems import Account
from tests.widgets.outputs import Outputs


def test_a_lab_shows_a_simulated_cluster_and_never_drives_its_time_from_a_thread_of_its_own(
    outputs: Outputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    drivers: set[str] = set()
    real = SimulationThread._driving

    def driving(self: SimulationThread) -> object:
        drivers.add(threading.current_thread().name)
        return real(self)

    monkeypatch.setattr(SimulationThread, "_driving", driving)
    with rk.Cluster(nodes=2, backend="simulation", seed=1) as cluster:
        account = rk.ChildSpec(Account, name="account")
        cluster.start(rk.SupervisorSpec("bank", [account]), node="n1")
        lab = Lab(cluster, panels=PANELS)
        before = cluster.clock.now()
        lab._ipython_display_()
        assert {panel.state for panel in lab.panels.values()} == {"live"}
        looks = {name: threading.Event() for name in lab.panels}
        for name, panel in lab.panels.items():
            update = panel._update

            def looked(update=update, look=looks[name]) -> None:
                update()
                look.set()

            monkeypatch.setattr(panel, "_update", looked)
        for name, look in looks.items():
            assert look.wait(10.0), f"{name} was not drawn"
        assert cluster.clock.now() == before
        cluster.advance(2.0)
        assert {panel.state for panel in lab.panels.values()} == {"live"}
        assert [panel.error for panel in lab.panels.values() if getattr(panel, "error", "")] == []
        tree = lab.panels["supervision"]
        wait_until(lambda: "account" in str(tree.trees))  # type: ignore[attr-defined]
    assert drivers == {threading.current_thread().name}
    widget, _ = outputs
    wait_until(lambda: widget.html)
    assert "Cluster of 2 nodes" in widget.html
