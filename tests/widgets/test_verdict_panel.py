"""The panel of verdicts, without a browser."""

from __future__ import annotations

import html
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import resilkit as rk
from resilkit_widgets import VerdictPanel, verdict_sources
from tests.cluster.harm import wait_until
from tests.experiment import systems
from tests.experiment.runs import experiment, scenario
from tests.widgets.pressing import press


@pytest.fixture
def cluster() -> Iterator[rk.Cluster]:
    """Two nodes and a server."""
    with rk.Cluster(nodes=2, seed=3) as made:
        made.start(systems.Counter, name="counter-0", node="n1")
        yield made


def load_on(cluster: rk.Cluster) -> rk.LoadRun:
    mix = [rk.Operation.call("counter-0", "increment")]
    return rk.Workload(mix, arrivals=rk.arrivals.constant(200)).start(cluster)


def shown(panel: VerdictPanel, condition: Callable[[], object]) -> None:
    """Tick as the ticker does, and draw as a browser does, until a condition holds."""

    def look() -> object:
        panel.acknowledged = panel.sent
        panel.tick()
        return condition()

    wait_until(look)


def words(panel: VerdictPanel) -> list[str]:
    return [row["word"] for row in panel.rows]


def test_the_load_on_a_cluster_is_judged_while_it_runs_and_finally(
    cluster: rk.Cluster, tmp_path: Path
) -> None:
    panel = VerdictPanel(cluster, ["availability >= 50 %", "max < 1 us", "data_consistency >= 1"])
    panel.start()
    assert words(panel) == ["not yet"] * 3
    assert not panel.exportable
    assert "no load yet" in panel.progress["text"]
    with load_on(cluster) as load:
        shown(panel, lambda: words(panel) == ["pass", "fail", "not yet"])
        assert panel.outcome == {}
        assert panel.stoppable
        press(panel, "stop")
        shown(panel, lambda: panel.outcome)
        assert load.finished
    assert panel.outcome["kind"] == "fail"
    assert words(panel) == ["pass", "fail", "inconclusive"]
    press(panel, "export", **{"as": "html", "path": str(tmp_path / "report.html")})
    press(panel, "export", **{"as": "parquet", "path": str(tmp_path / "run")})
    assert panel.refused == ""
    assert panel.exported == [str(tmp_path / "report.html"), str(tmp_path / "run")]
    assert rk.load(tmp_path / "run").passed is False
    assert panel.result is not None
    picture = panel.last_picture()["text/html"]
    assert "<script" not in picture
    assert '<span class="rk-word">? inconclusive</span>' in picture
    assert f'<td colspan="4">{html.escape(panel.rows[2]["reason"])}</td>' in picture


def test_other_criteria_are_checked_while_one_writes_and_judged_by_when_asked(
    cluster: rk.Cluster, tmp_path: Path
) -> None:
    panel = VerdictPanel(cluster, ["p50[increment] < 9 s", "p95[pony] < 1 s"])
    panel.start()
    press(panel, "check", criteria="availability >= 2 %\np95 < pony")
    assert panel.problem.startswith("criteria[1]")
    press(panel, "check", criteria="availability >= 2 %\n\n")
    assert panel.problem == ""
    with load_on(cluster):
        shown(panel, lambda: words(panel) == ["pass", "not yet"])
        assert "pony" in panel.rows[1]["reason"]
        press(panel, "judge", criteria="pony")
        assert panel.refused.startswith("InvalidArgument: criteria[0]")
        assert len(panel.rows) == 2, "the others stay"
        report = str(tmp_path / "report.html")
        press(panel, "export", **{"as": "html", "path": report})
        assert panel.refused == ""
        assert panel.exported == [report], "what was there before the load is inconclusive"


def test_an_experiment_is_run_from_the_panel_shown_and_exported(tmp_path: Path) -> None:
    plan = scenario(rk.faults.NodePause(at=0.2, duration=0.3, targets="n2"),
                    criteria=["availability >= 0.01"])  # fmt: skip
    panel = VerdictPanel(experiment(scenario=plan, duration=5.0))
    panel.start()
    assert (words(panel), panel.startable, panel.stoppable) == (["not yet"], True, False)
    press(panel, "export", **{"as": "html", "path": str(tmp_path / "report.html")})
    assert "has not run yet" in panel.refused
    running = threading.Thread(target=press, args=(panel, "run"))
    running.start()
    seen: list[tuple[object, str]] = []

    def under_load() -> bool:
        seen.append((panel.progress.get("total"), panel.doing))
        return bool(panel.progress.get("rate"))

    shown(panel, under_load)
    assert seen[-1] == (5.0, "running")
    running.join(60.0)
    shown(panel, lambda: panel.outcome)
    assert (panel.outcome["kind"], words(panel)) == ("pass", ["pass"])
    press(panel, "export", **{"as": "html", "path": str(tmp_path / "report.html")})
    assert (tmp_path / "report.html").exists()


def test_a_run_from_the_panel_can_be_stopped(tmp_path: Path) -> None:
    panel = VerdictPanel(experiment(duration=60.0))
    panel.start()
    running = threading.Thread(target=press, args=(panel, "run"))
    running.start()
    shown(panel, lambda: panel.progress.get("rate"))
    panel._handle_custom_msg({"do": "stop"}, [])
    running.join(60.0)
    assert not running.is_alive()
    assert panel.result is not None
    assert panel.result.interrupted


def test_an_experiment_on_the_cluster_takes_the_place_of_its_load(cluster: rk.Cluster) -> None:
    panel = VerdictPanel(cluster)
    panel.start()
    mix = [rk.Operation.call("counter-0", "increment")]
    made = rk.Experiment(
        2,
        system=None,
        workload=rk.Workload(mix, rk.arrivals.constant(100)),
        scenario=scenario(criteria=["error_rate < 90 %"]),
        duration=60.0,
    )
    running = threading.Thread(target=made.run, kwargs={"cluster": cluster, "progress": False})
    running.start()
    shown(panel, lambda: words(panel) == ["pass"])
    assert panel.rows[0]["criterion"] == "error_rate < 90 %"
    assert not panel.editable
    press(panel, "stop")
    running.join(60.0)
    assert not running.is_alive()
    # Afterwards, too: it is the experiment that judges this load, and not who looks on.
    shown(panel, lambda: panel.outcome)
    assert made.last is not None
    assert panel.outcome["sentence"] == made.last.sentence()
    assert [row["criterion"] for row in panel.rows] == ["error_rate < 90 %"]
    assert not panel.editable
    assert panel._source.result_now() is made.last


def test_the_verdict_of_an_experiment_stays_when_its_cluster_has_closed() -> None:
    made = experiment(duration=1.0)
    clusters: list[rk.Cluster] = []

    def look(_: object) -> None:
        if not clusters and (running := made.running) is not None and running.load is not None:
            clusters.append(running.cluster)
            panels.append(VerdictPanel(running.cluster))
            panels[0].start()

    panels: list[VerdictPanel] = []
    result = made.run(progress=False, on_progress=look)
    [panel] = panels
    wait_until(lambda: panel.tick() or panel.state == "over")  # type: ignore[func-returns-value]
    assert panel.outcome["sentence"] == result.sentence()
    assert [row["criterion"] for row in panel.rows] == list(result.verdicts["criterion"])


def test_of_two_loads_the_one_that_runs_is_judged(cluster: rk.Cluster) -> None:
    panel = VerdictPanel(cluster, ["availability >= 50 %"])
    panel.start()
    with load_on(cluster) as first:
        with load_on(cluster) as second:
            shown(panel, lambda: second.elapsed > 0)
        assert second.finished
        shown(panel, lambda: panel.stoppable)
        assert (panel.progress["text"], panel.outcome) == ("under load", {})
        press(panel, "stop")
        shown(panel, lambda: panel.outcome)
        assert first.finished


def test_it_ends_with_its_cluster_when_the_last_word_is_said(cluster: rk.Cluster) -> None:
    panel = VerdictPanel(cluster, ["availability >= 50 %"])
    panel.start()
    load = load_on(cluster)
    shown(panel, lambda: len(load.history) > 50)
    cluster.close()
    wait_until(lambda: panel.tick() or panel.state == "over")  # type: ignore[func-returns-value]
    judged = rk.judge(load, ["availability >= 50 %"])
    assert [row["criterion"] for row in panel.rows] == list(judged.verdicts["criterion"])
    assert words(panel) == ["pass", "inconclusive"], "its generator could not report any more"
    assert panel.outcome["kind"] == "inconclusive"
    wait_until(lambda: "resilkit verdicts" not in [each.name for each in threading.enumerate()])


def test_what_keeps_it_from_judging_is_shown_and_ends_with_the_cluster(
    cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def evidence(_load: object) -> None:
        tries.append(1)
        raise OSError("no evidence")

    monkeypatch.setattr(verdict_sources, "evidence_so_far", evidence)
    panel = VerdictPanel(cluster)
    panel.start()
    with load_on(cluster):
        shown(panel, lambda: panel.error == "OSError: no evidence")
        shown(panel, lambda: len(tries) > 1)
        assert panel.error == "OSError: no evidence", "it does not come and go"
    cluster.close()
    shown(panel, lambda: panel.state == "over")
    assert len(tries) < 20


def test_names_and_reasons_are_escaped(cluster: rk.Cluster) -> None:
    panel = VerdictPanel(cluster, ["p95[<img src=x>] < 1 s"])
    assert "<img" not in panel.last_picture()["text/html"]


@pytest.mark.parametrize(
    ("target", "criteria", "path"),
    [("nothing", None, "target"), (3, ["p95 < 1 s"], "target")],
)
def test_what_is_neither_cluster_nor_experiment_is_refused(
    target: object, criteria: list[str] | None, path: str
) -> None:
    with pytest.raises(rk.InvalidArgument) as caught:
        VerdictPanel(target, criteria)  # type: ignore[arg-type]
    assert caught.value.path == path


def test_a_load_whose_generator_was_killed_is_judged_as_by_hand(cluster: rk.Cluster) -> None:
    panel = VerdictPanel(cluster, ["availability >= 20 %"])
    panel.start()
    with load_on(cluster) as load:
        shown(panel, lambda: words(panel) == ["pass"])
        for pid in load.pids.values():
            os.kill(pid, signal.SIGKILL)
        shown(panel, lambda: panel.outcome)
    judged = rk.judge(load, ["availability >= 20 %"])
    assert judged.passed is None
    assert panel.outcome["kind"] == "inconclusive"
    told = [row["criterion"] for row in panel.rows]
    assert told == list(judged.verdicts["criterion"])
    assert "instrument: load generator @g1" in told


def test_nothing_passes_while_a_generator_is_gone(cluster: rk.Cluster) -> None:
    panel = VerdictPanel(cluster, ["availability >= 20 %", "max < 1 us"])
    panel.start()
    mix = [rk.Operation.call("counter-0", "increment")]
    workload = rk.Workload(mix, arrivals=rk.arrivals.constant(200), generators=2)
    with workload.start(cluster) as load:
        shown(panel, lambda: words(panel) == ["pass", "fail"])
        os.kill(load.pids["@g1"], signal.SIGKILL)
        shown(panel, lambda: words(panel) == ["not yet", "fail"])
        assert "@g1 gave no report" in panel.rows[0]["reason"]


def test_criteria_on_what_the_load_does_not_do_are_told_while_one_writes(
    cluster: rk.Cluster,
) -> None:
    panel = VerdictPanel(cluster)
    panel.start()
    with load_on(cluster) as load:
        shown(panel, lambda: load.elapsed > 0)
        panel._handle_custom_msg({"do": "check", "criteria": "p95[nope] <= 1 s"}, [])
        assert "is not known, got 'nope'" in panel.problem
        press(panel, "judge", criteria="p95[nope] <= 1 s")
        assert "is not known, got 'nope'" in panel.refused
        press(panel, "judge", criteria="")
        press(panel, "stop")
        shown(panel, lambda: panel.outcome)
    assert panel.outcome["sentence"] == "There are no criteria to judge it by."


def test_an_experiment_has_criteria_of_its_own() -> None:
    with pytest.raises(rk.InvalidArgument, match="of its own"):
        VerdictPanel(experiment(), ["p95 < 1 s"])
