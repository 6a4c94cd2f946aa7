"""Thresholds, alerts, anomalies and the choice of lines in the live metrics, without a browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

import resilkit as rk
from resilkit.clock import monotonic
from resilkit.metrics.events import Event
from resilkit_widgets import LiveMetrics
from resilkit_widgets.live_alerts import AlertRows, AnomalyRows
from tests.widgets.pressing import ticked

pytestmark = pytest.mark.usefixtures("ticked_by_hand")


class Idle(rk.Server):
    def init(self) -> None:
        pass


@pytest.fixture
def cluster() -> Iterator[rk.Cluster]:
    with rk.Cluster(nodes=2, seed=1, sample_interval=0.05) as started:
        yield started


def shown(cluster: rk.Cluster, **options: Any) -> LiveMetrics:
    panel = LiveMetrics(cluster, **options)
    panel.start()
    return panel


def ask(panel: LiveMetrics, **content: Any) -> dict[str, Any]:
    """Ask as the front end does; return the answer."""
    number = panel.answer.get("to", 0) + 1
    panel._handle_custom_msg(content | {"number": number}, [])
    assert panel.answer["to"] == number
    return dict(panel.answer)


def listed(panel: LiveMetrics) -> list[dict[str, Any]]:
    """Return the alerts of thresholds; of a busy machine there may be others, of stalls."""
    return [row for row in panel.alerts if row["metric"]]


def names(panel: LiveMetrics, chart: int = 0) -> list[str]:
    return [line["name"] for line in panel.arrangement["charts"][chart]["lines"]]


def test_thresholds_of_the_cluster_are_told_wherever_they_come_from(cluster: rk.Cluster) -> None:
    panel = shown(cluster)
    alert = cluster.alert_when("memory_rss[n1] > 1 MiB", hold=0.1)
    ticked(panel, lambda: panel.thresholds and panel.thresholds[0]["standing"])
    [row] = panel.thresholds
    assert row == {
        "text": "memory_rss[n1] > 1 MiB",
        "metric": "memory_rss",
        "limit": 2.0**20,
        "above": True,
        "hold": 0.1,
        "standing": ["n1"],
    }
    chart, *_ = panel.arrangement["charts"]
    assert (chart["metric"], chart["factor"]) == ("memory_rss", 2.0**-20)
    assert 'fill-opacity=".06"' in panel.last_picture()["text/html"], "a tint while it stands"
    alert.remove()
    ticked(panel, lambda: panel.thresholds == [])


def test_alerts_are_listed_while_they_stand_and_when_they_are_over(cluster: rk.Cluster) -> None:
    panel = shown(cluster)
    with cluster.alert_when("memory_rss[n1] > 1 MiB"):
        ticked(panel, lambda: listed(panel))
        [row] = listed(panel)
        assert (row["what"], row["where"], row["end"]) == ("memory_rss[n1] > 1 MiB", "n1", None)
        assert row["value"].endswith(" MiB")
        assert 0 < row["time"] < 60
        assert (row["metric"], row["limit"]) == ("memory_rss", 2.0**20)
    ticked(panel, lambda: listed(panel)[0]["end"] is not None)
    [over] = listed(panel)
    assert over["end"] >= row["time"]
    assert over["why"] == "removed"
    assert "memory_rss[n1] &gt; 1 MiB" in panel.last_picture()["text/html"]


def test_a_threshold_is_added_and_removed_from_the_panel(cluster: rk.Cluster) -> None:
    panel = shown(cluster)
    answer = ask(panel, do="alert", threshold="cpu > 90 %", hold=1.5)
    assert answer["problem"] == ""
    assert [(str(each.threshold), each.hold) for each in cluster.alerts] == [("cpu > 90 %", 1.5)]
    assert [row["text"] for row in panel.thresholds] == ["cpu > 90 %"]
    assert ask(panel, do="remove", threshold="cpu > 90 %")["problem"] == ""
    assert cluster.alerts == ()
    assert panel.thresholds == []


@pytest.mark.parametrize(
    ("content", "at", "said"),
    [
        ({"do": "alert", "threshold": "memory > 1", "hold": 0}, "threshold", "memory_rss"),
        ({"do": "alert", "threshold": 3, "hold": 0}, "threshold", "must be a text"),
        ({"do": "alert", "threshold": "cpu > 1", "hold": -1}, "hold", "out of range"),
        ({"do": "alert", "threshold": "cpu > 1", "hold": None}, "hold", "must be a number"),
        ({"do": "alert"}, "", "KeyError"),
        ({"do": "choose", "nodes": ["n9"], "servers": None}, "nodes", "is not known"),
        ({"do": "choose", "nodes": None, "servers": []}, "servers", "names nobody"),
    ],
)
def test_what_the_front_end_cannot_have_is_answered_with_the_problem(
    cluster: rk.Cluster, content: dict[str, Any], at: str, said: str
) -> None:
    panel = shown(cluster)
    answer = ask(panel, **content)
    assert answer["at"] == at
    assert said in answer["problem"]
    assert not answer["problem"].startswith(f"{at}:")
    assert (cluster.alerts, panel.chosen) == ((), {"nodes": None, "servers": None})


def test_of_a_closed_cluster_the_answer_says_so() -> None:
    with rk.Cluster(nodes=1) as cluster:
        panel = shown(cluster)
    assert "was closed" in ask(panel, do="alert", threshold="cpu > 1", hold=0)["problem"]


def test_nonsense_from_elsewhere_is_passed_over(cluster: rk.Cluster) -> None:
    panel = shown(cluster)
    for content in (None, "alert", {"do": ["alert"]}, {"do": "explode"}):
        panel._asked(panel, content, [])
    assert panel.answer == {}


def test_only_the_chosen_nodes_and_servers_are_shown_and_the_choice_can_be_changed(
    cluster: rk.Cluster,
) -> None:
    for name in ("counter-0", "counter-1", "bank"):
        cluster.start(Idle, name=name, node="n1")
    panel = shown(cluster, nodes="n1", servers=["counter-*"])
    ticked(panel, lambda: names(panel, 0) == ["n1"])
    ticked(panel, lambda: names(panel, 1) == ["counter-0", "counter-1"])
    assert panel.chosen == {"nodes": ["n1"], "servers": ["counter-*"]}
    ticked(panel, lambda: panel.known["servers"] == ["bank", "counter-0", "counter-1"])
    assert panel.known["nodes"] == ["n1", "n2"]
    assert ask(panel, do="choose", nodes=None, servers=["bank"])["problem"] == ""
    assert panel.chosen == {"nodes": None, "servers": ["bank"]}
    ticked(panel, lambda: names(panel, 0) == ["n1", "n2"])
    ticked(panel, lambda: names(panel, 1) == ["bank"])


def test_a_choice_shows_at_once_in_a_panel_that_is_paused(cluster: rk.Cluster) -> None:
    panel = shown(cluster)
    ticked(panel, lambda: names(panel) == ["n1", "n2"])
    panel.paused = True
    until = np.frombuffer(panel.frame, np.float64, 600, 16)[-1]
    panel.acknowledged = panel.sent
    ask(panel, do="choose", nodes=["n2"], servers=None)
    assert names(panel) == ["n2"]
    assert np.frombuffer(panel.frame, np.float64, 600, 16)[-1] == until, "it stands still"


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"nodes": "n9"}, "nodes"),
        ({"nodes": []}, "nodes"),
        ({"nodes": ["n1", "n9"]}, "nodes[1]"),
        ({"servers": ""}, "servers"),
        ({"servers": [3]}, "servers[0]"),
        ({"servers": {"a": 1}}, "servers"),
    ],
)
def test_a_choice_of_nobody_is_refused(
    cluster: rk.Cluster, options: dict[str, Any], path: str
) -> None:
    with pytest.raises(rk.InvalidArgument) as caught:
        LiveMetrics(cluster, **options)
    assert caught.value.path == path


def test_samples_unlike_the_last_minutes_are_told_where_a_line_is_shown(
    cluster: rk.Cluster,
) -> None:
    now = monotonic()
    times = [now - 20.0 + 0.2 * number for number in range(100)]
    for server, last in (("bank", 900.0), ("hidden", 900.0), ("quiet", 3.0)):
        values = [number % 3 for number in range(99)]
        cluster.metrics.extend("queue_length", times, "n1", server, [*values, last])
    panel = shown(cluster, metrics=["queue_length"], servers=["bank", "quiet"])
    panel._origin = now - 30.0  # the samples are older than the cluster
    ticked(panel, lambda: panel.anomalies)
    [row] = panel.anomalies
    assert (row["metric"], row["where"], row["value"]) == ("queue_length", "bank", 900.0)
    assert row["title"] == "Queue length"
    assert (row["shown"], row["usual"]) == ("900 messages", "1 message")


def test_an_anomaly_is_told_once_however_often_its_line_is_looked_at() -> None:
    rows = AnomalyRows(origin=100.0)
    times = 100.0 + np.arange(200) * 0.2
    values = np.array([50.0, 51.0] * 100)
    values[150] = 500.0
    assert rows.look("cpu", ("n1", ""), times[:150], values[:150]) is False
    assert rows.look("cpu", ("n1", ""), times[:160], values[:160]) is True
    assert rows.look("cpu", ("n1", ""), times, values) is False
    [row] = rows.rows
    assert row["time"] == pytest.approx(30.0)
    assert row["where"] == "n1"


def test_of_ever_new_lines_a_few_are_remembered_and_one_that_is_back_tells_nothing_twice() -> None:
    rows = AnomalyRows(origin=0.0)
    times = np.arange(200) * 0.2
    values = np.array([50.0, 51.0] * 100)
    values[[100, 190]] = 500.0
    assert rows.look("cpu", ("n1", "back"), times[:150], values[:150])
    for number in range(1500):
        rows.look("cpu", ("n1", f"s{number}"), times[:50], values[:50])
        if number == 900:
            assert not rows.look("cpu", ("n1", "back"), times[:151], values[:151]), "told before"
    lines = [line for each in rows._lines.values() for line in each]
    assert len(lines) <= 30
    assert len(rows._gone) <= 1000
    assert rows.look("cpu", ("n1", "back"), times, values), "what is new is told"
    assert [row["time"] for row in rows.rows] == pytest.approx([20.0, 38.0])


def test_lines_that_are_shown_are_not_forgotten_for_others() -> None:
    rows = AnomalyRows(origin=0.0)
    times = np.arange(200) * 0.2
    values = np.array([50.0, 51.0] * 100)
    rows.look("cpu", ("n1", "shown"), times, values)
    kept = rows._lines["cpu"]["n1", "shown"]
    for number in range(200):
        rows.look("cpu", ("n1", f"s{number}"), times, values)
        rows.look("cpu", ("n1", "shown"), times, values)  # nothing new in it
        rows.look("threads", ("n1", f"s{number}"), times, values)
    assert rows._lines["cpu"]["n1", "shown"] is kept


def test_names_of_others_are_escaped_in_the_picture_that_stays(cluster: rk.Cluster) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    cluster.start(Idle, name=hostile, node="n1")
    panel = shown(cluster, metrics=["queue_length"])
    cluster.alert_when(f"queue_length[{hostile}] >= 0")
    ticked(panel, lambda: listed(panel))
    picture = panel.last_picture()["text/html"]
    assert "<img" not in picture
    assert picture.count("&lt;img src=x onerror=alert(1)&gt;") >= 4, "line, threshold, and list"


def event(time: float, name: str, **detail: Any) -> Event:
    return Event(time, "alert", name, "n1", "bank", json.dumps(detail))


def test_other_alerts_are_listed_too_and_the_list_is_bounded() -> None:
    rows = AlertRows(origin=10.0)
    assert rows.take([event(12.0, "lost_messages", lost=3), event(13.0, "stalled", seconds=1.5)])
    assert [(row["what"], row["time"], row["end"], row["value"]) for row in rows.rows] == [
        ("lost messages", 2.0, 2.0, ""),
        ("stalled", 3.0, 3.0, "1.5 s"),
    ]
    assert not rows.take([Event(1.0, "node", "up", "n1", "", "{}")])
    rows.take([event(20.0 + number, "stalled", seconds=1.0) for number in range(100)])
    assert len(rows.rows) == 40


def test_a_breached_criterion_stands_under_what_and_its_figure_under_value() -> None:
    rows = AlertRows(origin=10.0)
    breach = partial(Event, 12.0, "alert", "criterion_breached", "", "error_rate < 5 %")
    measured = {"measured": 0.125, "unit": "share"}
    rows.take([breach(json.dumps(measured)), breach(json.dumps({"reason": "no load"}))])
    assert [(row["what"], row["where"], row["value"], row["why"]) for row in rows.rows] == [
        ("criterion breached: error_rate < 5 %", "", "12.5 %", ""),
        ("criterion breached: error_rate < 5 %", "", "", "no load"),
    ]


def test_the_end_of_an_alert_whose_beginning_nobody_saw_is_passed_over() -> None:
    rows = AlertRows(origin=0.0)
    detail = {"threshold": "cpu > 1", "metric": "cpu", "limit": 1.0, "worst": 2.0, "why": "back"}
    rows.take([event(1.0, "over", **detail)])
    assert rows.rows == []
