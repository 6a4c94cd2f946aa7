"""The lab: the panels of one cluster or experiment together, without a browser."""

from __future__ import annotations

import threading

import pytest

import resilkit as rk
from resilkit_widgets import (
    ChaosPanel,
    ClusterPanel,
    Lab,
    LiveMetrics,
    VerdictPanel,
    WorkloadPanel,
)
from resilkit_widgets.lab import PANELS
from tests.cluster.harm import wait_until
from tests.experiment.runs import experiment, scenario
from tests.widgets.locks import Other
from tests.widgets.outputs import Outputs, Shell
from tests.widgets.pressing import press


def no_threads_of_ours() -> bool:
    return not [each for each in threading.enumerate() if each.name.startswith("resilkit panel")]


def placed(lab: Lab) -> list[str]:
    """Return the names of the panels that are shown, the left column first."""
    _, both = lab.widget.children
    shown = [panel for column in both.children for panel in column.children]
    names = {id(panel): name for name, panel in lab.panels.items()}
    return [names[id(panel)] for panel in shown]


def test_a_running_cluster_has_all_its_panels_at_once_and_leaves_their_pictures(
    outputs: Outputs,
) -> None:
    with rk.Cluster(nodes=1) as cluster:
        lab = Lab(cluster)
        lab._ipython_display_()
        assert set(lab.panels) == set(PANELS)
        for name, kind in {
            "cluster": ClusterPanel, "chaos": ChaosPanel, "metrics": LiveMetrics,
            "verdict": VerdictPanel, "workload": WorkloadPanel,
        }.items():  # fmt: skip
            assert isinstance(lab.panels[name], kind)
        assert {panel.state for panel in lab.panels.values()} == {"live"}
        assert sorted(placed(lab)) == sorted(name for name, kind in PANELS.items() if kind.shown)
        widget, still = outputs
        assert widget.html == ""
        assert "Cluster of 1 node," in still.html
    wait_until(lambda: widget.html)
    assert "Cluster of 1 node," in widget.html
    assert "rk-stillcharts" in widget.html
    assert still.html == "<span></span>"
    wait_until(no_threads_of_ours)


def test_a_cell_that_closes_the_cluster_ends_with_the_last_pictures_in_place(
    outputs: Outputs, shell: Shell
) -> None:
    with rk.Cluster(nodes=1) as cluster:
        Lab(cluster)._ipython_display_()
    shell.run_cell()
    widget, still = outputs
    assert "Cluster of 1 node," in widget.html
    assert "</span> closed</span>" in widget.html
    assert still.html == "<span></span>"


def test_a_lab_that_its_cell_displays_again_goes_on_and_one_that_it_does_not_ends(
    outputs: Outputs, shell: Shell
) -> None:
    with rk.Cluster(nodes=1) as cluster:
        lab = Lab(cluster)
        for run in ("1", "2"):
            shell.begin("a", run)
            lab._ipython_display_()
            shell.run_cell()
            assert {panel.state for panel in lab.panels.values()} == {"live"}
        assert len(outputs) == 4
        shell.begin("a", "3")
        shell.run_cell()
        assert {panel.state for panel in lab.panels.values()} == {"over"}
        assert shell.heard == []


def test_the_bar_counts_the_nodes_in_one_order_whichever_it_is_that_went() -> None:
    with rk.Cluster(nodes=3, seed=5) as cluster:
        lab = Lab(cluster)
        for name in ("n1", "n3"):
            cluster.nodes[name].kill()
            lab.tick()
            assert lab._bar._status == "2 running, 1 killed, seed 5"
            cluster.nodes[name].restart()
        cluster.nodes["n1"].pause()
        cluster.nodes["n2"].stop()
        lab.tick()
        assert lab._bar._status == "1 running, 1 paused, 1 stopped, seed 5"
        lab.close()


def test_the_buttons_of_the_bar_show_and_hide_panels_which_are_not_updated_then() -> None:
    with rk.Cluster(nodes=1) as cluster:
        lab = Lab(cluster, panels=["verdict", "cluster"])
        lab.start()
        assert placed(lab) == ["cluster", "verdict"]
        assert not lab.panels["metrics"].shown
        lab._bar.chosen = ["metrics"]
        assert placed(lab) == ["metrics"]
        assert [name for name, panel in lab.panels.items() if panel.shown] == ["metrics"]
        lab.close()
    wait_until(no_threads_of_ours)


def test_the_other_panels_come_when_a_cluster_has_been_launched() -> None:
    lab = Lab()
    lab.start()
    assert lab.cluster is None
    assert list(lab.panels) == ["cluster"]
    assert (lab._bar.there, lab._bar.until) == (["cluster"], "when a cluster runs")
    form = lab.panels["cluster"]
    assert isinstance(form, ClusterPanel)
    press(form, "launch", nodes=1)
    assert lab.cluster is not None
    try:
        assert set(lab.panels) == set(PANELS) == set(lab._bar.there)
        assert lab.panels["cluster"] is form
        assert {panel.state for panel in lab.panels.values()} == {"live"}
        wait_until(lambda: lab._bar.status.startswith("1 running, seed "))
    finally:
        lab.cluster.close()
    wait_until(lambda: {panel.state for panel in lab.panels.values()} == {"over"})
    wait_until(no_threads_of_ours)


def test_the_bar_may_be_used_while_the_lab_takes_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    with rk.Cluster(nodes=1) as cluster:
        lab = Lab()
        arranges = lab._arrange
        takes = Other(lab._bar, lambda: lab._take(cluster))

        def arrange() -> None:
            takes.begin()  # as the front end's choice comes in
            arranges()

        monkeypatch.setattr(lab, "_arrange", arrange)
        chooses = Other(lab._bar, lambda: lab._bar.set_state({"chosen": ["cluster", "trace"]}))
        chooses.begin()
        chooses.join()
        takes.join()
        assert lab.cluster is cluster
        assert set(lab._bar.there) == set(PANELS)
        assert placed(lab) == ["cluster", "trace"]
        lab.close()


def test_what_is_wrong_with_the_lab_is_shown_in_its_bar_until_it_is_right(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OSError("no look")

    lab = Lab()
    lab.start()
    said: list[str] = []
    lab._bar.observe(lambda change: said.append(change["new"]), "error")
    with monkeypatch.context() as bad:
        bad.setattr(lab, "_look_for_runs", fail)
        for _ in range(3):
            lab.tick()
            lab._bar.acknowledged = lab._bar.sent
            lab._bar.tick()
    assert said == ["OSError: no look"]
    lab.tick()
    lab._bar.tick()
    assert said == ["OSError: no look", ""]
    lab.close()


def test_the_load_of_a_launched_sample_system_can_be_stopped_and_started_again() -> None:
    lab = Lab()
    lab.start()
    form = lab.panels["cluster"]
    assert isinstance(form, ClusterPanel)
    press(form, "launch", nodes=2, system="replicated store", load=True)
    assert lab.cluster is not None
    with lab.cluster:
        panel = lab.panels["workload"]
        assert isinstance(panel, WorkloadPanel)
        assert [each["name"] for each in panel.operations] == ["put", "get"]
        wait_until(lambda: [each["state"] for each in panel.loads] == ["running"])
        press(panel, "stop", id=panel.loads[0]["id"])
        press(panel, "start", form=panel.first | {"weights": {"0": "1", "1": "1"}})
        assert panel.refused == ""
        wait_until(lambda: panel._rows.loads[-1].summary().loc["total", "ok"] > 10)
    wait_until(no_threads_of_ours)


def test_an_empty_lab_takes_the_cluster_of_an_experiment_that_somebody_runs() -> None:
    lab = Lab()
    lab.start()
    experiment(duration=1.0).run(progress=False)
    assert lab.cluster is not None
    assert "metrics" in lab.panels
    wait_until(lambda: {panel.state for panel in lab.panels.values()} == {"over"})


def test_the_lab_of_an_experiment_shows_each_of_its_runs_until_it_is_stopped(
    outputs: Outputs,
) -> None:
    made = experiment(scenario=scenario(criteria=["availability >= 0.01"]), duration=1.0)
    lab = Lab(made)
    lab._ipython_display_()
    assert placed(lab) == ["verdict"]
    assert (lab._bar.there, lab._bar.until) == (["verdict"], "when the experiment runs")
    verdict = lab.panels["verdict"]
    made.run(progress=False)
    wait_until(lambda: lab.cluster is not None)
    first, metrics = lab.cluster, lab.panels["metrics"]
    assert lab.panels["verdict"] is verdict
    wait_until(lambda: metrics.state == "over")
    assert outputs[0].html == "", "it may run again"
    made.run(progress=False)
    wait_until(lambda: lab.cluster is not first)
    assert lab.panels["metrics"] is not metrics
    assert lab.panels["verdict"] is verdict
    lab.stop()
    lab.stop()
    assert ">Verdict</span>" in outputs[0].html
    wait_until(no_threads_of_ours)


def test_stopping_stops_all_of_them() -> None:
    with rk.Cluster(nodes=1) as cluster:
        lab = Lab(cluster)
        lab.start()
        lab.stop()
        lab.stop()
        assert {panel.state for panel in lab.panels.values()} == {"over"}
        assert not cluster.closed
    wait_until(no_threads_of_ours)


def test_what_is_no_target_and_no_panel_is_refused() -> None:
    with pytest.raises(rk.InvalidArgument, match="must be a running cluster or an experiment"):
        Lab(3)  # type: ignore[arg-type]
    with pytest.raises(rk.InvalidArgument, match=r"panels\[1\]: no such panel"):
        Lab(panels=["cluster", "pony"])
    with pytest.raises(rk.InvalidArgument, match="panels: must be a list of names, got 5"):
        Lab(panels=5)  # type: ignore[arg-type]
    with pytest.raises(rk.InvalidArgument, match=r"panels\[0\]: no such panel"):
        Lab(panels=[["cluster"]])  # type: ignore[list-item]
