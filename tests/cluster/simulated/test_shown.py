"""What a notebook shows of a simulated cluster: it says what it is, and no look takes time."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

import resilkit as rk
from tests.parity.servers import Counter
from tests.seen import seen, text_of


@pytest.fixture
def cluster() -> Iterator[rk.Cluster]:
    with rk.Cluster(nodes=2, backend="simulation", seed=7) as cluster:
        top = cluster.start(rk.SupervisorSpec("top", [rk.ChildSpec(Counter, name="a")]))
        top.start_child(rk.ChildSpec(Counter, name="late"))
        cluster.start(Counter, name="b", node="n2").call.increment()
        yield cluster


def mark(cluster: rk.Cluster) -> tuple[float, int, int]:
    """Return what any step changes."""
    scheduler = cluster._session.thread.scheduler
    return scheduler.now, scheduler.steps, scheduler.fingerprint


LOOKS: dict[str, Callable[[rk.Cluster], object]] = {
    "cluster": lambda cluster: seen(cluster),
    "nodes": lambda cluster: seen(cluster.nodes),
    "node": lambda cluster: seen(cluster.nodes["n2"]),
    "server": lambda cluster: seen(cluster.whereis("b")),
    "supervisor": lambda cluster: seen(cluster.whereis("top")),
    "events": lambda cluster: seen(cluster.events),
    "metrics": lambda cluster: seen(cluster.metrics),
    "picture": lambda cluster: cluster.plot().to_svg(),
    "timeline": lambda cluster: cluster.plot_timeline().to_svg(),
    "tree": lambda cluster: cluster.whereis("top").plot().to_svg(),
    "known methods": lambda cluster: dir(cluster.whereis("b").call),
    "told methods": lambda cluster: dir(cluster.whereis("late").call),
    "links": lambda cluster: repr(cluster.links),
    "simulation": lambda cluster: seen(cluster.simulation),
    "reprs": lambda cluster: (repr(cluster), repr(cluster.nodes), repr(cluster.whereis("a"))),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_look_lets_no_virtual_time_go_on(
    cluster: rk.Cluster, look: Callable[[rk.Cluster], object]
) -> None:
    before = mark(cluster)
    assert look(cluster)
    assert mark(cluster) == before


def test_a_cluster_says_that_it_is_a_simulation_and_what_decides_it(cluster: rk.Cluster) -> None:
    cluster.advance(12.0)
    about = r"simulation, seed 7, schedule random, t = 12\.\d+ s virtual"
    assert re.fullmatch(rf"<Cluster n1 running, n2 running; 4 names, {about}>", repr(cluster))
    assert re.search(rf"Cluster of 2 nodes, {about}", seen(cluster))
    cluster.close()
    assert re.fullmatch(rf"<Cluster closed, {about}>", repr(cluster))
    assert re.search(rf"Cluster of 2 nodes, {about}, as last seen", seen(cluster))


def test_a_cluster_with_one_name_counts_one() -> None:
    with rk.Cluster(nodes=1, backend="simulation", seed=7) as cluster:
        cluster.start(Counter, name="only")
        assert "; 1 name, simulation" in repr(cluster)


def test_numbers_that_are_no_processes_are_not_shown_as_such(cluster: rk.Cluster) -> None:
    pids = [str(node.pid) for node in cluster.nodes.values()]
    assert repr(cluster.nodes["n1"]) == "<simulated node n1 running>"
    texts = [seen(one) for one in (cluster, cluster.nodes, cluster.nodes["n1"], cluster.events)]
    cluster.close()
    texts += [seen(one) for one in (cluster, cluster.nodes, cluster.nodes["n1"], cluster.events)]
    for text in texts:
        assert "pid " not in text
        assert not [pid for pid in pids if pid in text]
    assert "n1 ● running 3 n1, n2 majority" in texts[0]
    assert "● running · started 1 × · simulated" in texts[2]


def test_what_is_shown_is_what_there_is(cluster: rk.Cluster) -> None:
    assert "b n2 Counter 0 1" in seen(cluster.nodes["n2"])
    assert "● running late Counter · n1 · permanent" in seen(cluster.whereis("top"))
    assert dir(cluster.whereis("late").call) == Counter.handlers()
    cluster.nodes["n2"].pause()
    assert "? does not answer : it is paused" in seen(cluster.nodes["n2"])
    cluster.nodes["n2"].kill()
    assert "It has no process now." in seen(cluster.nodes["n2"])


def test_looks_of_other_threads_while_time_goes_on_see_something_whole(
    cluster: rk.Cluster,
) -> None:
    texts: list[str] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            texts.append(seen(cluster.whereis("top")))
            texts.append(seen(cluster))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        for _ in range(20):
            with suppress(rk.ResilkitError):
                cluster.whereis("a").kill()
            cluster.advance(20.0)
    finally:
        over.set()
        thread.join()
    assert texts
    assert not [text for text in texts if "could not be shown" in text.lower()]


def test_a_crash_that_is_in_the_log_of_a_node_is_shown(cluster: rk.Cluster) -> None:
    with pytest.raises(rk.ServerExit):
        cluster.whereis("b").call.boom()
    assert "ValueError: boom" in cluster.nodes["n2"].log()
    assert "crashed" in text_of(cluster.events._repr_html_()) or "b" in seen(cluster.events)
