"""Scenarios in the chaos panel, on the kernel's side: drafts, their plans, and runs."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import resilkit as rk
from resilkit.chaos import named, scenario_names
from resilkit.chaos.planning import planned_strikes
from resilkit.clock import monotonic
from resilkit.metrics.fault_looks import look_of_fault
from resilkit_widgets import ChaosPanel, machine, ticker
from tests.cluster.harm import wait_until
from tests.experiment.runs import experiment
from tests.widgets.pressing import press

HOSTILE = "<img src=x onerror=alert(1)>"
CRASHES = "progressive node failures"
SLOW = "name: slow\nduration: 30 s\nfaults:\n  - latency:\n      low: 0\n      high: 1 ms\n"


@pytest.fixture(scope="module")
def shared() -> Iterator[rk.Cluster]:
    with rk.Cluster(nodes=3, seed=5) as cluster:
        yield cluster


@pytest.fixture
def panel(shared: rk.Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[ChaosPanel]:
    monkeypatch.setattr(ticker, "begin", lambda _: None)
    made = ChaosPanel(shared)
    made.start()
    wait_until(lambda: machine.lacking() is not None)
    made.tick()
    yield made
    made.close()
    shared.heal()
    shared._session.faults.plans.clear()


def draft(panel: ChaosPanel, **content: Any) -> dict[str, Any]:
    panel._handle_custom_msg({"do": "draft"} | content, [])
    return panel.draft


def bring_up(panel: ChaosPanel) -> list[dict[str, Any]]:
    panel.acknowledged = panel.sent
    panel.tick()
    return panel.runs


def test_a_text_that_is_too_long_or_too_deep_to_be_read_at_each_key_is_refused(
    panel: ChaosPanel,
) -> None:
    assert draft(panel, yaml=f"{SLOW}{'#' * (10_000 - len(SLOW))}")["problem"] == ""
    found = draft(panel, yaml=f"{SLOW}{'#' * 10_000}")
    assert (found["place"], found["line"], found["timeline"]) == ("yaml", None, None)
    assert "allowed: at most 10,000 characters" in found["problem"]
    for deep in ("[" * 4000, "{{" * 3000):
        assert "allowed: at most 50 levels" in draft(panel, yaml=deep)["problem"]


def test_a_draft_holds_nothing_up_and_does_not_replace_that_of_a_later_question(
    panel: ChaosPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = []

    def slow(content: dict[str, Any], *_: object) -> dict[str, Any]:
        if content["number"] == 1:

            def ask_again() -> None:
                free.append(panel._guard.acquire(timeout=5.0))
                panel._guard.release()
                draft(panel, number=2)

            with ThreadPoolExecutor() as pool:
                pool.submit(ask_again).result()
        return {"number": content["number"]}

    monkeypatch.setattr("resilkit_widgets.chaos_panel.drafted", slow)
    assert draft(panel, number=1) == {"number": 2}
    assert free == [True]
    assert draft(panel, number=3) == {"number": 3}


def test_every_named_scenario_is_there_and_each_has_a_plan(panel: ChaosPanel) -> None:
    assert [one["name"] for one in panel.library] == scenario_names()
    assert panel.draft["timeline"]["name"] == scenario_names()[0], "nobody has to ask for it"
    assert draft(panel, name=CRASHES, number=17)["number"] == 17
    for name in scenario_names():
        answer = draft(panel, name=name)
        assert (answer["problem"], answer["seed"]) == ("", "5")
        drawn = answer["timeline"]["lanes"]
        usual = named(name).duration
        assert usual is not None
        planned = planned_strikes(named(name), usual, 5)
        assert sum(len(lane["strikes"]) for lane in drawn) == len(planned)
        assert rk.Scenario.from_yaml(answer["yaml"]) == named(name)


def test_a_plan_follows_intensity_duration_and_seed(panel: ChaosPanel) -> None:
    answer = draft(panel, name=CRASHES, intensity="high", duration="1 min", seed="9")
    plan = answer["timeline"]
    assert (plan["duration"], plan["seed"]) == (60.0, "9")
    crashes, latency = plan["lanes"]
    assert [one["at"] for one in crashes["strikes"]] == [12.0, 18.0, 24.0, 30.0, 36.0, 42.0]
    assert [one["until"] - one["at"] for one in crashes["strikes"]] == [6.0] * 6
    assert crashes["about"].startswith("node crash (restart after 6 s, kind progressive")
    assert latency["strikes"] == [{"at": 0.0, "until": 60.0, "state": "planned"}]
    drawn = "name: d\nduration: 30 s\nfaults:\n  - node_pause: {random: true, count: 4}\n"
    first, again, other = (
        draft(panel, yaml=drawn, seed=seed)["timeline"]["lanes"][0] for seed in ("1", "1", "2")
    )
    assert first == again != other


@pytest.mark.parametrize(
    ("content", "place", "line", "told"),
    [
        ({"name": CRASHES, "duration": "soon"}, "duration", None, "no duration"),
        ({"name": CRASHES, "duration": "0"}, "duration", None, "out of range"),
        ({"name": CRASHES, "duration": "0.01"}, "duration", None, "out of range"),
        ({"name": CRASHES, "seed": "-1"}, "seed", None, "must be"),
        ({"name": "nothing"}, "name", None, "is not known"),
        ({"yaml": "name: x\nfaults: ["}, "yaml", 2, "is no YAML"),
        ({"yaml": ""}, "yaml", None, ""),
        ({"yaml": "name: x\nfaults: []\n"}, "duration", None, "is missing"),
        ({"yaml": SLOW.replace("30 s", "soon")}, "yaml", 2, "duration: "),
        ({"yaml": SLOW.replace("low: 0", "low: -1")}, "yaml", 5, "faults[0].latency.low: "),
        ({"yaml": SLOW.replace("1 ms", "1 ms\n      at: 40 s")}, "yaml", 7, "after the end"),
        ({"yaml": SLOW + "      targets: n9\n"}, "yaml", 7, "faults[0].latency.targets: "),
        ({"yaml": SLOW, "duration": "x"}, "duration", None, "no duration"),
        ({"yaml": 3}, "yaml", None, "must be a text"),
    ],
)
def test_what_is_wrong_is_told_at_its_place_with_its_line(
    panel: ChaosPanel, content: dict[str, Any], place: str, line: int | None, told: str
) -> None:
    answer = draft(panel, **content)
    assert (answer["place"], answer["line"], answer["timeline"]) == (place, line, None)
    assert answer["problem"]
    assert told in answer["problem"]
    press(panel, "start", **content)
    assert panel.refused
    assert bring_up(panel) == []


def test_a_scenario_is_started_watched_and_stopped(panel: ChaosPanel) -> None:
    press(panel, "start", yaml=SLOW, duration="20 s", seed="3")
    assert panel.refused == ""
    wait_until(lambda: bring_up(panel)[0]["lanes"][0]["strikes"][0]["where"].startswith("on "))
    [run] = panel.runs
    assert (run["name"], run["state"], run["seed"], run["duration"]) == ("slow", "running", "3", 20)
    assert run["lanes"][0]["strikes"][0]["state"] == "active"
    [row] = panel.injections
    assert (row["of"], row["state"], row["when"]) == ("slow", "active", "until healed")
    press(panel, "stop", id="another")
    assert panel.runs[0]["state"] == "running"
    press(panel, "stop", id=run["id"])
    [run] = bring_up(panel)
    assert (run["state"], run["lanes"][0]["strikes"][0]["state"]) == ("stopped", "healed")
    assert panel.injections == []


def test_scenarios_that_code_starts_are_there_and_one_is_left_when_all_are_over(
    panel: ChaosPanel,
) -> None:
    quiet = rk.Scenario(HOSTILE, [rk.faults.NodePause(at=20.0, duration=5.0)], duration=30.0)
    first = rk.Scenario.from_yaml(SLOW).start(panel._cluster)
    began = monotonic()
    second = quiet.start(panel._cluster)
    wait_until(lambda: [run["name"] for run in bring_up(panel)] == [HOSTILE, "slow"])
    row = next(row for row in panel.injections if row["of"] == HOSTILE)
    assert row["state"] == "waiting"
    left = float(row["when"].removeprefix("strikes in ").removesuffix(" s"))
    assert 20.0 - (monotonic() - began) <= left <= 20.0
    first.stop()
    second.stop()
    [run] = bring_up(panel)
    assert (run["name"], run["state"]) == (HOSTILE, "stopped")
    assert run["lanes"][0]["strikes"][0]["state"] == "left out"
    html = panel.last_picture()["text/html"]
    assert "<img" not in html
    assert "&lt;img" in html


def test_the_scenario_of_an_experiment_is_there_while_it_runs(panel: ChaosPanel) -> None:
    seen: list[tuple[str, str]] = []
    plan = rk.Scenario("tried", [rk.faults.Latency(0.0, 0.001)])
    experiment(scenario=plan, duration=1.0).run(
        cluster=panel._cluster,
        on_progress=lambda _: seen.extend((run["by"], run["state"]) for run in bring_up(panel)),
    )
    assert ("experiment", "running") in seen


def test_colours_are_those_of_the_charts(panel: ChaosPanel) -> None:
    from resilkit_widgets import LiveMetrics

    pause = rk.faults.NodePause(duration=0.01, targets="n2")
    panel._cluster.inject(pause).wait(10.0)
    panel._cluster.inject(rk.faults.Latency(0.0, 0.001)).heal()
    charts = LiveMetrics(panel._cluster)
    charts.tick()
    charts._update()
    bring_up(panel)
    theirs = {band["label"].split()[0]: band["colour"] for band in charts.bands}
    text = SLOW + "  - node_pause: {at: 1 s, for: 1 s}\n  - loss: {share: 0.1}\n"
    lanes = draft(panel, yaml=text)["timeline"]["lanes"]
    ours = {lane["label"].split()[0]: lane["colour"] for lane in lanes}
    assert {name: ours[name] for name in ("latency", "node")} == {
        name: theirs[name] for name in ("latency", "node")
    }
    assert ours["loss"] not in theirs.values()
    figures = {kind: look_of_fault(kind) for kind in ("latency", "node_pause", "loss")}
    assert list(figures.values()) == [ours["latency"], ours["node"], ours["loss"]]
    charts.close()


def test_of_a_thousand_strikes_some_are_drawn_and_the_rest_is_counted(panel: ChaosPanel) -> None:
    text = "name: x\nduration: 30 s\nfaults:\n  - node_pause: {every: 30 ms, for: 1 ms}\n"
    [lane] = draft(panel, yaml=text)["timeline"]["lanes"]
    assert (len(lane["strikes"]), lane["more"]) == (300, 689)


def test_names_of_the_cluster_are_there_for_targets(panel: ChaosPanel) -> None:
    from tests.experiment import systems

    spec = rk.SupervisorSpec("sup", [rk.ChildSpec(systems.Counter, name="counter")])
    supervisor = panel._cluster.start(spec)
    wait_until(lambda: bring_up(panel) == [] and "sup" in panel.places["supervisors"])
    assert panel.places["nodes"] == ["n1", "n2", "n3"]
    assert panel.places["links"] == ["n1<->n2", "n1<->n3", "n2<->n3"]
    assert "counter" in panel.places["servers"]
    forms = {each["name"]: {one["key"]: one["names"] for one in each["fields"]}
             for each in panel.faults}  # fmt: skip
    assert forms["latency"]["targets"] == forms["partition"]["targets"] == "links"
    assert (forms["node_crash"]["targets"], forms["memory"]["targets"]) == ("nodes", "nodes")
    assert forms["server_crash"]["targets"] == "servers"
    assert forms["supervisor_children"]["supervisor"] == "supervisors"
    supervisor.stop()


def test_faults_that_do_not_work_here_are_told(
    panel: ChaosPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert panel.lacking == machine.lacking()
    monkeypatch.setattr(machine, "_found", {"memory": "no limits here"})
    bring_up(panel)
    assert panel.lacking == {"memory": "no limits here"}


def test_the_last_picture_has_timelines_and_a_row_a_strike(panel: ChaosPanel) -> None:
    faults = [
        rk.faults.NodePause(targets="n2", duration=0.05),
        rk.faults.ServerCrash(at=0.02, targets="matching:none-*"),
        rk.faults.NodePause(at=20.0, duration=5.0),
    ]
    counter = panel._cluster.start(rk.Server, name="idle")
    running = rk.Scenario("shown", faults, duration=30.0).start(panel._cluster)
    wait_until(lambda: [one.state for one in running.strikes][:2] == ["healed", "failed"])
    html = panel.last_picture()["text/html"]
    assert "Scenario shown: running, " in html
    assert html.count('stroke-opacity=".15"') > 3, "axes and lanes"
    assert "seconds since the scenario began" in html
    assert 'fill="url(#rk-h' in html, "what has happened is hatched"
    assert ">✗</text>" in html
    assert "✓</span> healed</span></td>" in html
    assert "✗</span> failed</span></td>" in html
    assert "<script" not in html
    counter.stop()


def test_a_crash_of_a_server_in_a_scenario_has_struck_and_is_never_healed(
    panel: ChaosPanel,
) -> None:
    panel._cluster.start(rk.Server, name="fragile")
    faults = [rk.faults.ServerCrash(targets="fragile"), rk.faults.NodePause(duration=0.05)]
    running = rk.Scenario("shown", faults, duration=30.0).start(panel._cluster)
    wait_until(lambda: [one.state for one in running.strikes] == ["healed", "healed"])
    bring_up(panel)
    [run] = panel.runs
    crash, pause = (lane["strikes"][0] for lane in run["lanes"])
    assert (crash["state"], crash["ended"]) == ("struck", None)
    assert crash["began"] is not None
    assert (pause["state"], pause["ended"] is None) == ("healed", False)
    html = panel.last_picture()["text/html"]
    assert "✓</span> struck</span></td>" in html
    assert ", struck, " in html, "the marks of the timeline say so, too"
