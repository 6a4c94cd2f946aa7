"""The cluster panel's side of the kernel: what its buttons do to a real cluster."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

import resilkit as rk
from resilkit.cluster.open_clusters import open_clusters
from resilkit_widgets import ClusterPanel, in_code
from resilkit_widgets.sample_systems import SAMPLES
from tests.cluster.harm import wait_until
from tests.widgets.pressing import press

pytestmark = pytest.mark.usefixtures("ticked_by_hand")


@pytest.fixture
def panel() -> Iterator[ClusterPanel]:
    with rk.Cluster(nodes=2, seed=5) as cluster:
        made = ClusterPanel(cluster)
        made.start()
        made.tick()
        yield made


def statuses(panel: ClusterPanel) -> dict[str, str]:
    return {row["name"]: row["status"] for row in panel.nodes}


def test_the_buttons_do_what_they_say(panel: ClusterPanel) -> None:
    assert statuses(panel) == {"n1": "running", "n2": "running"}
    press(panel, "pause", nodes=["n1", "n2"])
    assert statuses(panel) == {"n1": "paused", "n2": "paused"}
    press(panel, "resume", nodes=["n1"])
    press(panel, "kill", nodes=["n2"])
    assert statuses(panel) == {"n1": "running", "n2": "killed"}
    press(panel, "restart", nodes=["n2"])
    assert statuses(panel) == {"n1": "running", "n2": "running"}
    assert [row["starts"] for row in panel.nodes] == [1, 2]


def test_a_node_of_a_selection_that_cannot_is_told_when_all_had_their_turn(
    panel: ClusterPanel,
) -> None:
    press(panel, "kill", nodes=["n1"])
    press(panel, "pause", nodes=["n1", "n2"])
    assert statuses(panel) == {"n1": "killed", "n2": "paused"}
    assert panel.refused == "NodeDown: node n1 is killed"
    press(panel, "kill", nodes=["n2"])
    press(panel, "pause", nodes=["n1", "n2"])
    assert panel.refused == "Refused: n1: node n1 is killed; n2: node n2 is killed"


def test_a_node_shows_its_memory_and_its_queue_while_it_is_up(panel: ClusterPanel) -> None:
    class Idle(rk.Server):
        pass

    assert panel.cluster is not None
    panel.cluster.start(Idle, name="idle", node="n1")

    def seen() -> bool:
        panel.tick()
        return panel.nodes[0]["queue"] == 0 and panel.nodes[1]["memory"].endswith("MiB")

    wait_until(seen)
    assert panel.nodes[0]["pid"] == panel.cluster.nodes["n1"].pid
    press(panel, "kill", nodes=["n1"])
    row = panel.nodes[0]
    assert (row["pid"], row["memory"], row["queue"]) == (None, "", None)


def test_what_an_action_raises_stays_until_the_next_one(panel: ClusterPanel) -> None:
    press(panel, "kill", nodes=["n9"])
    assert panel.refused.startswith(("KeyError", "InvalidArgument"))
    panel.tick()
    assert "n9" in panel.refused
    press(panel, "pause", nodes=["n1"])
    assert panel.refused == ""
    press(panel, "resume", nodes=["n1"])


@pytest.mark.parametrize("content", ["kill", {"do": 3}, {"do": "format_disk", "nodes": ["n1"]}, {}])
def test_what_no_button_sends_does_nothing(panel: ClusterPanel, content: Any) -> None:
    panel._handle_custom_msg(content, [])
    wait_until(lambda: not panel.doing)
    panel.tick()
    assert statuses(panel) == {"n1": "running", "n2": "running"}


def test_the_form_launches_a_cluster_and_says_what_is_wrong_with_it() -> None:
    panel = ClusterPanel()
    panel.start()
    assert panel.cluster is None
    press(panel, "launch", nodes=0)
    assert "nodes" in panel.refused
    assert panel.cluster is None
    press(panel, "launch", nodes=2, topology="ring", seed=0)
    try:
        assert panel.refused == ""
        assert panel.cluster is not None
        assert panel.cluster.seed == 0
        assert statuses(panel) == {"n1": "running", "n2": "running"}
        press(panel, "launch", nodes=1)
        assert "runs already" in panel.refused
    finally:
        assert panel.cluster is not None
        panel.cluster.close()
    panel.tick()
    assert panel.state == "over"
    assert "n2" in panel.last_picture()["text/html"]


def test_a_closed_cluster_has_the_figures_that_were_seen_last_and_what_was_down_is_so() -> None:
    with rk.Cluster(nodes=4, seed=5) as cluster:
        panel = ClusterPanel(cluster)
        panel.start()
        panel.tick()
        cluster.start(rk.Server, name="idle", node="n1")
        assert not panel.closed
        assert "as last seen" in panel.last_picture()["text/html"]
        wait_until(lambda: {("n1", ""), ("n2", "")} <= cluster.metrics.latest("memory_rss").keys())
        wait_until(lambda: ("n1", "idle") in cluster.metrics.latest("queue_length"))
        # None of it is seen by the panel: while a tab is hidden, it is not brought up to date.
        cluster.nodes["n2"].pause()
        cluster.nodes["n3"].stop()
        cluster.nodes["n4"].kill()
        pids = [node.pid for node in cluster.nodes.values()]
    panel.tick()
    assert (panel.state, panel.closed) == ("over", True)
    assert statuses(panel) == {"n1": "closed", "n2": "closed", "n3": "stopped", "n4": "killed"}
    one, other, *down = panel.nodes
    assert [one["pid"], other["pid"]] == pids[:2]
    assert None not in pids[:2]
    assert one["queue"] == 0
    assert one["memory"].endswith("MiB")
    assert other["memory"].endswith("MiB")
    assert {(row["pid"], row["memory"], row["queue"]) for row in down} == {(None, "", None)}
    picture = panel.last_picture()["text/html"]
    assert "seed 5, closed, as last seen" in picture
    assert str(pids[0]) in picture
    assert "●" not in picture
    late = ClusterPanel(cluster)
    late.start()
    late.tick()
    assert statuses(late) == statuses(panel)


def test_nodes_that_a_closing_has_not_ended_yet_are_not_shown_as_running(
    panel: ClusterPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert panel.cluster is not None
    session = panel.cluster._session
    left = {name: node.seen() for name, node in session.nodes.items()}
    monkeypatch.setattr(session, "left", left)
    with monkeypatch.context() as closing:
        closing.setattr(session, "closed", True)
        panel.tick()
    assert statuses(panel) == {"n1": "closed", "n2": "closed"}
    assert panel.state == "over"


def test_what_is_no_cluster_is_refused() -> None:
    with pytest.raises(rk.InvalidArgument, match="must be a running cluster"):
        ClusterPanel(3)  # type: ignore[arg-type]


@pytest.mark.parametrize("system", list(SAMPLES))
def test_a_sample_system_comes_with_the_cluster_and_its_load_at_once(system: str) -> None:
    panel = ClusterPanel()
    panel.start()
    press(panel, "launch", nodes=2, seed=1, system=system, load=True)
    assert (panel.refused, panel.hint) == ("", "")
    cluster = panel.cluster
    assert cluster is not None
    with cluster:
        [load] = cluster._session.loads
        assert load.workload is panel.workload
        wait_until(lambda: load.summary().loc["total", "ok"] > 20)
        assert load.summary().loc["total", "error_rate"] == 0


def test_the_load_of_a_sample_system_waits_where_it_was_not_wanted() -> None:
    panel = ClusterPanel()
    panel.start()
    press(panel, "launch", nodes=1, system="counters", load=False)
    assert panel.cluster is not None
    with panel.cluster as cluster:
        assert "counter-0" in cluster.names()
        assert cluster._session.loads == []
        assert panel.workload is not None


@pytest.mark.parametrize("count", [1, 2, 5])
def test_what_the_form_says_of_the_counters_is_so_on_any_number_of_nodes(count: int) -> None:
    sample = SAMPLES["counters"]
    assert sample.about.startswith("At least three counters, spread over the nodes")
    nodes = [f"n{number}" for number in range(1, count + 1)]
    spread = sample.applications(nodes)
    counters = [len(spec.children) for specs in spread.values() for spec in specs]
    assert sum(counters) == max(3, count)
    assert set(spread) == set(nodes)


@pytest.mark.parametrize(
    ("wish", "path"), [({"system": "counter"}, "system"), ({"load": "yes"}, "load")]
)
def test_a_wish_that_makes_no_sense_launches_nothing(wish: dict[str, Any], path: str) -> None:
    panel = ClusterPanel()
    panel.start()
    before = open_clusters()
    press(panel, "launch", nodes=1, **{"system": "counters"} | wish)
    assert panel.refused.startswith(f"InvalidArgument: {path}: ")
    assert panel.cluster is None
    assert open_clusters() == before


def test_nothing_stays_of_a_cluster_whose_sample_system_does_not_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise rk.StartFailed("on purpose")

    monkeypatch.setattr(rk.Cluster, "start", fail)
    panel = ClusterPanel()
    panel.start()
    before = open_clusters()
    press(panel, "launch", nodes=1, system="counters", load=True)
    assert panel.refused.startswith("StartFailed: ")
    assert (panel.cluster, panel.workload) == (None, None)
    assert open_clusters() == before


def test_a_cluster_without_servers_says_the_next_line_until_there_is_one(
    panel: ClusterPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {"lab": panel, "number": 3}
    monkeypatch.setattr(in_code, "get_ipython", lambda: SimpleNamespace(user_ns=names))
    panel.tick()
    assert panel.hint == 'lab.cluster.start(MyServer, name="mine")'
    assert panel.cluster is not None
    panel.cluster.start(rk.Server, name="mine")
    panel.acknowledged = panel.sent
    panel.tick()
    assert panel.hint == ""
