"""What a notebook shows of a cluster's objects: quick, whole and harmless, whatever happens."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

import resilkit as rk
from resilkit.cluster.cluster import Cluster
from resilkit.cluster.looking import PATIENCE
from resilkit.cluster.picture import _STYLES, picture
from tests.cluster.harm import wait_until
from tests.cluster.servers import Counter
from tests.seen import HOSTILE, seen, text_of
from tests.turns import turns

AT_ONCE = PATIENCE + 1.0
"""Seconds: what one node costs that does not answer, and a busy machine beside it."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    inner = rk.SupervisorSpec(
        "inner", [rk.ChildSpec(Counter, name="leaf"), rk.ChildSpec(Counter, id=HOSTILE)],
        strategy="rest_for_one",
    )  # fmt: skip
    top = rk.SupervisorSpec("top", [inner, rk.ChildSpec(Counter, name="other")])
    with rk.Cluster(nodes=2, seed=7) as cluster:
        cluster.start(top, node="n1")
        cluster.start(Counter, name="alone", node="n2")
        yield cluster


def shown(one: object) -> str:
    with turns() as had:
        text = seen(one)
    assert had.seconds < AT_ONCE
    return text


def test_a_node_shows_its_servers(cluster: Cluster) -> None:
    node = cluster.nodes["n2"]
    text = shown(node)
    assert f"n2 ● running · started {node.incarnation} × · pid {node.pid}" in text
    assert "alone n2 Counter 0 0" in text


def test_events_are_told_in_seconds_since_the_cluster_started(cluster: Cluster) -> None:
    text = shown(cluster.events)
    assert "in seconds since the cluster started" in text
    newest = max(event.time for event in cluster.events) - cluster.started
    assert f" {newest:.2f} " in text


def test_all_nodes_are_a_table(cluster: Cluster) -> None:
    text = shown(cluster.nodes)
    assert "n1 ● running" in text
    assert "n2 ● running" in text


def test_a_reference_shows_who_is_there_and_who_supervises_it(cluster: Cluster) -> None:
    leaf = cluster.whereis("leaf")
    text = shown(leaf)
    assert f"server leaf {leaf.pid}" in text
    assert "class Counter · queue 0" in text
    assert "supervised by inner" in text
    assert "no supervisor" in shown(cluster.whereis("alone"))


def test_a_supervisor_shows_its_tree_with_restarts(cluster: Cluster) -> None:
    leaf = cluster.whereis("leaf")
    watch = leaf.monitor()
    leaf.kill()
    watch.wait()
    inner = cluster.whereis("inner")
    inner.sync()
    text = shown(cluster.whereis("top"))
    assert "supervisor top" in text
    assert "one_for_one, at most 3 restarts in 5 s" in text
    assert "● running inner rest_for_one · n1 · permanent" in text
    assert "● running leaf Counter · n1 · permanent · ↻ 1" in text
    assert "<img src=x onerror=alert(1)> Counter" in text
    assert "<ul><li>" in cluster.whereis("top")._repr_html_()


def test_a_supervisor_shows_a_child_that_was_terminated(cluster: Cluster) -> None:
    top = cluster.whereis("top")
    top.terminate_child("other")
    assert "■ terminated other" in shown(top)
    top.restart_child("other")
    assert "● running other" in shown(top)


def test_a_server_that_has_ended_says_so(cluster: Cluster) -> None:
    gone = cluster.start(Counter, name="gone", node="n2")
    by_pid = type(gone)(cluster._session, gone.pid)
    gone.stop()
    assert "■ not running Nobody holds this name now." in shown(gone)
    assert "■ not running It has ended." in shown(by_pid)


def test_a_monitor_shows_why_it_ended(cluster: Cluster) -> None:
    server = cluster.start(Counter, name=HOSTILE, node="n2")
    watch = server.monitor()
    assert "● watching" in shown(watch)
    server.stop(("shutdown", HOSTILE))
    watch.wait()
    assert "ended · ('shutdown', '<img" in shown(watch)
    other = cluster.whereis("alone").monitor()
    other.cancel()
    assert "cancelled" in shown(other)


def test_a_paused_node_and_what_is_on_it_are_told_at_once(cluster: Cluster) -> None:
    node = cluster.nodes["n2"]
    server = cluster.whereis("alone")
    node.pause()
    try:
        assert "‖ paused" in shown(node)
        assert "? does not answer : it is paused" in shown(node)
        assert "Its node n2 is paused." in shown(server)
        assert "‖ paused" in shown(cluster)
        assert ">‖</text>" in cluster._repr_html_(), "in the picture, too: not by its colour alone"
    finally:
        node.resume()


def test_a_node_with_a_blocked_loop_costs_a_second_at_most() -> None:
    with rk.Cluster(nodes=1) as cluster:
        server = cluster.start(Counter, name="blocked")
        server.cast.block()
        for one in (cluster.nodes["n1"], server, cluster):
            assert "does not answer" in shown(one)


def test_a_node_that_was_killed_has_no_process(cluster: Cluster) -> None:
    node = cluster.nodes["n2"]
    starts = node.incarnation
    node.kill()
    assert "✗ killed" in shown(node)
    assert "It has no process now." in shown(node)
    node.restart()
    assert f"● running · started {starts + 1} ×" in shown(node)


def test_an_injection_shows_its_fields_and_strikes(cluster: Cluster) -> None:
    injection = cluster.inject(rk.faults.Latency(0.02, 0.2))
    text = shown(injection)
    assert "● active" in text
    assert "low 20 ms" in text
    assert "n1 – n2 ✓ yes –" in text
    injection.heal()
    assert "■ done" in shown(injection)
    assert re.search(r"✓ yes \d+\.\d$", shown(injection))
    later = cluster.inject(rk.faults.NodePause(at=3600.0))
    assert "It has not struck yet." in shown(later)
    later.heal()


def test_the_picture_tells_cuts_and_disturbed_links_apart(cluster: Cluster) -> None:
    def line() -> str:
        drawn = cluster._repr_html_().partition("</svg>")[0]
        (found,) = re.findall(r"<line [^>]*>", drawn)
        return found

    whole = line()
    with cluster.inject(rk.faults.Latency(0.0, 0.001)):
        disturbed = line()
    with cluster.partition(["n1"], one_way=True):
        one_way = line()
        assert "1 cut one way" in cluster._repr_html_()
    with cluster.partition(["n1"]):
        cut = line()
    assert len({whole, disturbed, one_way, cut}) == 4


def test_the_picture_explains_the_links_that_are_not_whole_and_no_others() -> None:
    nodes = dict.fromkeys(("n1", "n2", "n3"), "running")
    page = picture(nodes, {("n1", "n2"): "slow", ("n1", "n3"): "cut", ("n2", "n3"): "up"})
    assert text_of(page).endswith("n3 cut disturbed")
    for style in (_STYLES["cut"], _STYLES["slow"]):
        assert page.count(style) == 2, "in the picture and in its key"
    assert "<p" not in picture(nodes, {("n1", "n2"): "up"})


@pytest.mark.parametrize("count", [1, 2, 3, 4, 24])
def test_the_picture_has_no_empty_space_above_or_below_it(count: int) -> None:
    page = picture({f"n{n}": "running" for n in range(count)}, {})
    (top, height) = map(float, re.findall(r'viewBox="0 (\S+) 220 (\S+)"', page)[0])
    discs = [float(y) for y in re.findall(r'cy="(\d+)"', page)]
    names = [float(y) for y in re.findall(r'<text x="\d+" y="(\d+)"', page)]
    assert 5 <= min(min(discs) - 9, min(names) - 10) - top <= 15
    assert 5 <= top + height - max(max(discs) + 9, max(names) + 3) <= 15


def test_nothing_of_a_closed_cluster_is_asked() -> None:
    with rk.Cluster(nodes=1) as cluster:
        server = cluster.start(Counter, name="server")
        node, nodes, watch = cluster.nodes["n1"], cluster.nodes, server.monitor()
        injection = cluster.inject(rk.faults.NodePause(at=3600.0))
    for one in (cluster, node, nodes, server):
        assert "closed" in shown(one)
    assert "done" in shown(injection)
    assert "monitor of server" in shown(watch)


def test_a_closed_cluster_shows_its_nodes_as_they_were_last_seen() -> None:
    with rk.Cluster(nodes=2, seed=7, name="shop") as cluster:
        cluster.nodes["n2"].kill()
        wait_until(lambda: ("n1", "") in cluster.metrics.latest("memory_rss"))
        pid = cluster.nodes["n1"].pid
    for one in (cluster, cluster.nodes):
        assert re.search(rf"n1 ■ closed {pid} [\d.]+ MiB 1 n2 ✗ killed – – 1", shown(one))
    assert "cluster shop ■ closed Cluster of 2 nodes, seed 7, as last seen" in shown(cluster)
    assert "■ closed" in shown(cluster.nodes["n1"])
    assert "✗ killed" in shown(cluster.nodes["n2"])


def test_a_node_that_was_taken_out_says_so(cluster: Cluster) -> None:
    node = rk.NodeHandle(cluster._session, "n9")
    assert repr(node) == "<node n9, taken out>"
    assert "is no node of this cluster any more" in shown(node)
