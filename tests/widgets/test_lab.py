"""The lab: the panels of one cluster together, without a browser."""

from __future__ import annotations

import threading

import pytest

import resilkit as rk
from resilkit_widgets import ChaosPanel, ClusterPanel, Lab, LiveMetrics
from tests.cluster.harm import wait_until
from tests.widgets.outputs import Outputs
from tests.widgets.pressing import press


def test_a_running_cluster_has_all_its_panels_at_once_and_leaves_their_pictures(
    outputs: Outputs,
) -> None:
    with rk.Cluster(nodes=1) as cluster:
        lab = Lab(cluster)
        lab._ipython_display_()
        kinds = (ClusterPanel, ChaosPanel, LiveMetrics)
        pairs = zip(lab.widget.children, kinds, strict=True)
        assert all(isinstance(panel, kind) for panel, kind in pairs)
        assert {panel.state for panel in lab.panels} == {"live"}
        widget, still = outputs
        assert widget.html == ""
        assert "Cluster of 1 nodes" in still.html
    wait_until(lambda: widget.html)
    assert widget.html.count("<table") == 2
    assert "rk-stillcharts" in widget.html
    assert still.html == "<span></span>"
    assert not [
        each for each in threading.enumerate() if each.name == "resilkit panels" and each.join(20.0)
    ]


def test_the_other_panels_come_when_a_cluster_has_been_launched() -> None:
    lab = Lab()
    lab.start()
    assert lab.cluster is None
    assert len(lab.widget.children) == 1
    press(lab.panels[0], "launch", nodes=1)  # type: ignore[arg-type]
    assert lab.cluster is not None
    try:
        assert len(lab.widget.children) == 3
        assert {panel.state for panel in lab.panels} == {"live"}
    finally:
        lab.cluster.close()
    wait_until(lambda: {panel.state for panel in lab.panels} == {"over"})


def test_stopping_stops_all_of_them() -> None:
    with rk.Cluster(nodes=1) as cluster:
        lab = Lab(cluster)
        lab.start()
        lab.stop()
        lab.stop()
        assert {panel.state for panel in lab.panels} == {"over"}
        assert not cluster.closed


def test_what_is_no_cluster_is_refused() -> None:
    with pytest.raises(rk.InvalidArgument, match="must be a running cluster"):
        Lab(3)  # type: ignore[arg-type]
