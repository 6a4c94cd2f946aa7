"""The topology panel's side of the kernel: what it knows of a real cluster, and does to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import resilkit as rk
from resilkit import faults
from resilkit_widgets import TopologyPanel
from resilkit_widgets.topology_looks import STATUSES
from tests.cluster.harm import Probe, hears, wait_until, wait_whole
from tests.widgets.pressing import press

pytestmark = pytest.mark.usefixtures("ticked_by_hand")


@pytest.fixture(scope="module")
def shared() -> Iterator[rk.Cluster]:
    with rk.Cluster(nodes=4, topology="ring", latency=0.001, seed=5) as cluster:
        for name in cluster.nodes:
            cluster.start(Probe, name=f"on-{name}", node=name)
        yield cluster


@pytest.fixture
def panel(shared: rk.Cluster) -> Iterator[TopologyPanel]:
    made = TopologyPanel(shared)
    made.start()
    look(made)
    yield made
    made.close()
    shared.heal()
    wait_whole(shared)


def look(panel: TopologyPanel) -> None:
    """Bring the panel up to date; a browser draws it at once."""
    panel.acknowledged = panel.sent
    panel.tick()
    panel.acknowledged = panel.sent
    assert panel.error == ""


def harm(panel: TopologyPanel, link: str) -> tuple[str, str]:
    """Return how a link is cut, and by how much it is late."""
    look(panel)
    return next(((cut, late) for name, cut, late, *_ in panel.harms if name == link), ("", ""))


def sides(panel: TopologyPanel) -> dict[str, int]:
    look(panel)
    return {row["name"]: row["side"] for row in panel.nodes}


def test_nodes_and_links_are_there_with_their_places(panel: TopologyPanel) -> None:
    assert [row["name"] for row in panel.nodes] == ["n1", "n2", "n3", "n4"]
    assert panel.links == [[0, 1], [0, 3], [1, 2], [2, 3]]
    assert (panel.view["kind"], panel.base) == ("ring", "1 ms")
    assert len({(row["x"], row["y"]) for row in panel.nodes}) == 4
    assert panel.harms == []
    assert sides(panel) == dict.fromkeys(panel._cluster.nodes, -1)


def test_a_link_is_cut_both_ways_or_one_and_healed(panel: TopologyPanel) -> None:
    cluster = panel._cluster
    press(panel, "cut", link="n1<->n2")
    assert panel.refused == ""
    assert harm(panel, "n1<->n2") == ("both", "")
    wait_until(lambda: hears(cluster, "n1") == ["n1", "n3", "n4"])
    press(panel, "cut", link="n3->n2")
    assert harm(panel, "n2<->n3") == ("in", "")
    [[*_, first], [*_, second]] = panel.harms
    assert [panel.injections[name][1] for name in (*first, *second)] == [1, 1]
    press(panel, "heal", ids=[*first, *second])
    assert panel.refused == ""
    assert (panel.harms, panel.injections) == ([], {})
    wait_until(lambda: hears(cluster, "n1") == ["n1", "n2", "n3", "n4"])


def test_slowing_a_link_again_sets_its_latency_and_does_not_add_to_it(panel: TopologyPanel) -> None:
    press(panel, "slow", link="n1<->n2", ms=20)
    assert harm(panel, "n1<->n2") == ("", "20 ms")
    press(panel, "slow", link="n2<->n1", ms=80)
    assert harm(panel, "n1<->n2") == ("", "80 ms")
    assert len(panel.injections) == 1
    press(panel, "slow", link="n1<->n2", ms=0)
    assert panel.refused.startswith("InvalidArgument: ms: ")
    assert harm(panel, "n1<->n2") == ("", "80 ms"), "what was refused changes nothing"
    panel._cluster.inject(faults.Latency(0.0, 0.02))
    assert harm(panel, "n1<->n2") == ("", "80–100 ms")


def test_faults_that_neither_cut_nor_slow_a_link_are_named_and_counted(
    panel: TopologyPanel,
) -> None:
    panel._cluster.inject(faults.Bandwidth(50_000, targets=["n1<->n2", "n2<->n3"]))
    panel._cluster.inject(faults.Loss(0.1, targets="n1<->n2"))
    panel._cluster.inject(faults.Latency(0.05, 0.05, targets="n2<->n3"))
    panel._cluster.partition("n1<->n4")
    look(panel)
    assert {name: [cut, late, other] for name, cut, late, other, _ in panel.harms} == {
        "n1<->n2": ["", "", "bandwidth, loss"],
        "n2<->n3": ["", "50 ms", "bandwidth"],
        "n1<->n4": ["both", "", ""],
    }
    assert panel.harmed == {"cut": 1, "slow": 1, "other": 2, "all": 3}
    page = panel.last_picture()["text/html"]
    assert "n1 ↔ n2: disturbed by bandwidth, loss" in page
    assert page.count("n1 ↔ n4: cut<") == 1


def test_what_code_does_is_shown_and_healed_just_the_same(panel: TopologyPanel) -> None:
    panel._cluster.partition(["n1", "n2"], ["n3", "n4"])
    assert sides(panel) == {"n1": 0, "n2": 0, "n3": 1, "n4": 1}
    assert {name: cut for name, cut, *_ in panel.harms} == {"n1<->n4": "both", "n2<->n3": "both"}
    assert panel.harmed == {"cut": 2, "slow": 0, "other": 0, "all": 2}
    [(name, (told, links))] = panel.injections.items()
    assert (told, links) == ("partition: n1, n2 apart from n3, n4", 2)
    press(panel, "heal", ids=[name])
    assert set(sides(panel).values()) == {-1}
    press(panel, "heal", ids=[name])
    assert panel.refused == "", "it has healed already"


def test_a_node_is_isolated_paused_resumed_killed_and_restarted(panel: TopologyPanel) -> None:
    def status() -> str:
        look(panel)
        return str(panel.nodes[1]["status"])

    press(panel, "isolate", node="n2")
    assert sides(panel) == {"n1": 0, "n2": 1, "n3": 0, "n4": 0}
    press(panel, "pause", node="n2")
    assert status() == "paused"
    press(panel, "heal_all")
    assert (status(), panel.harms) == ("running", [])
    press(panel, "pause", node="n2")
    press(panel, "resume", node="n2")
    assert status() == "running"
    press(panel, "kill", node="n2")
    assert status() == "killed"
    assert sides(panel)["n2"] == -1, "nobody is apart from what is not there"
    press(panel, "restart", node="n2")
    assert (panel.refused, status()) == ("", "running")


@pytest.mark.parametrize(
    ("what", "content", "told"),
    [
        ("cut", {"link": "n1<->n3"}, "is no link of this cluster"),
        ("cut", {"link": "n1"}, "link: is no link"),
        ("cut", {"link": ["n1"]}, "link: is no link"),
        ("cut", {}, "link: is no link"),
        ("slow", {"link": "n1->n2", "ms": 5}, "is one way"),
        ("slow", {"link": "n1<->n2", "ms": "much"}, "ms: must be a number"),
        ("slow", {"link": "n1<->n2"}, "ms: must be a number"),
        ("kill", {"node": "n9"}, "node: is not known"),
        ("isolate", {"node": "all"}, "node: is not known"),
        ("heal", {"ids": "partition-1"}, "ids: must be a list"),
        ("format_disk", {"node": "n1"}, "do: is not known"),
        ("close", {"node": "n1"}, "do: is not known"),
    ],
)
def test_what_makes_no_sense_is_refused_under_the_panel(
    panel: TopologyPanel, what: str, content: dict[str, Any], told: str
) -> None:
    press(panel, what, **content)
    assert told in panel.refused
    assert panel.harms == []
    assert {row["status"] for row in panel.nodes} == {"running"}


def test_the_load_of_a_link_is_told_a_second_and_by_direction(
    panel: TopologyPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resilkit_widgets.topology_panel._LOOK_EVERY", 0.0)
    cluster = panel._cluster
    one = cluster.whereis("on-n1")

    def loaded() -> bool:
        one.call.tell("on-n2", list(range(50)))
        look(panel)
        there, back, size_bytes, _ = panel.loads[0]
        # n3 and n4 have nothing to say to each other, but that they are there.
        quiet = max(panel.loads[3][:2])
        return bool(there > 100 > back > -1 and size_bytes > 0 and quiet < there / 2)

    wait_until(loaded)


def test_nothing_new_is_not_sent(panel: TopologyPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    store = panel._cluster.metrics
    frozen = {name: store.latest(name) for name in store.names()}
    monkeypatch.setattr(store, "latest", lambda name: frozen.get(name, {}))
    look(panel)
    look(panel)
    sent = panel.sent
    look(panel)
    assert panel.sent == sent


def test_the_last_picture_is_of_the_cluster_as_it_was() -> None:
    with rk.Cluster(nodes=3, seed=5) as cluster:
        panel = TopologyPanel(cluster)
        panel.start()
        cluster.partition("n1->n2")
        cluster.inject(faults.Latency(0.05, 0.05, targets="n2<->n3"))
        cluster.nodes["n3"].kill()
        look(panel)
        pids = [cluster.nodes[name].pid for name in ("n1", "n2")]
    panel.tick()
    assert (panel.state, panel.closed) == ("over", True)
    assert [row["status"] for row in panel.nodes] == ["closed", "closed", "killed"]
    assert [row["pid"] for row in panel.nodes] == [*pids, None]
    picture = panel.last_picture()["text/html"]
    assert "what n1 sends is lost" in picture
    assert "n2 ↔ n3: +50 ms" in picture
    assert picture.count("✂") == 1
    assert "cluster closed, as last seen" in picture
    assert "1 down" in picture
    assert "stopped" not in picture
    assert "●" not in picture
    assert STATUSES["running"] not in picture


def test_what_is_no_cluster_is_refused() -> None:
    with pytest.raises(rk.InvalidArgument, match="must be a running cluster"):
        TopologyPanel(3)  # type: ignore[arg-type]
