"""What a reference offers to completion: its server's methods, at once, and never an error."""

from __future__ import annotations

import pydoc
import threading

import pytest

import resilkit as rk
from tests.cluster.harm import wait_until
from tests.cluster.servers import Counter
from tests.turns import turns

COUNTER = Counter.handlers()


def offered(part: object) -> list[str]:
    """Return what the part offers; it must be quick."""
    with turns() as had:
        found = dir(part)
    assert had.seconds < 1.5  # 0.2 on a quiet machine; a call would wait for 5
    return found


def started_later(cluster: rk.Cluster) -> rk.ClusterReference:
    """Start a server on n2 that no spec in this notebook names."""
    supervisor = cluster.start(rk.SupervisorSpec("parent", []), node="n2")
    return supervisor.start_child(rk.ChildSpec(Counter, name="late"))


def test_calls_and_casts_offer_the_methods_of_the_server_and_nothing_else() -> None:
    with rk.Cluster(nodes=1) as cluster:
        counter = cluster.start(Counter, name="counter")
        nameless = cluster.start(Counter)
        for reference in (counter, nameless, counter.with_timeout(1.0), cluster.whereis("counter")):
            for part in (reference.call, reference.cast, reference.acall):
                assert offered(part) == COUNTER
        supervisor = cluster.start(rk.SupervisorSpec("parent", []))
        assert "count_children" in offered(supervisor.call)


def test_a_server_that_no_spec_names_is_asked_once_and_then_remembered() -> None:
    with rk.Cluster(nodes=2) as cluster:
        late = started_later(cluster)
        wait_until(lambda: offered(late.call) == COUNTER)  # a busy node may answer too late
        cluster.nodes["n2"].pause()
        assert offered(late.cast) == COUNTER
        assert offered(cluster.whereis("late").call) == COUNTER


def test_a_paused_node_holds_nobody_up_who_completes() -> None:
    with rk.Cluster(nodes=2) as cluster:
        late = started_later(cluster)
        known = cluster.start(Counter, name="known", node="n2")
        cluster.nodes["n2"].pause()
        assert offered(late.call) == []
        assert offered(known.call) == COUNTER
        cluster.nodes["n2"].resume()
        wait_until(lambda: offered(late.call) == COUNTER)


def test_a_class_that_was_written_anew_is_known_from_its_next_start() -> None:
    def made(method: str) -> type[rk.Server]:
        return type("Mine", (rk.Server,), {method: print, "__module__": __name__})

    with rk.Cluster(nodes=1) as cluster:
        cluster.start(made("before"), name="mine").kill()
        mine = cluster.whereis("mine")
        mine.monitor().wait()
        cluster.start(made("after"), name="mine")
        assert offered(mine.call) == ["after"]


def test_where_nothing_is_known_nothing_is_offered_and_nothing_raises() -> None:
    with rk.Cluster(nodes=1) as cluster:
        nobody = cluster.whereis("nobody")
        late = cluster.start(rk.SupervisorSpec("parent", [])).start_child(rk.ChildSpec(Counter))
        assert offered(nobody.call) == []
        heard: list[list[str]] = []
        done = threading.Event()

        def on_the_loop() -> None:
            heard.append(dir(late.call))
            done.set()

        cluster._session.thread.submit(on_the_loop)
        assert done.wait(5.0)
        assert heard == [[]]
    assert offered(late.call) == []


def test_what_completion_looks_through_reads_like_a_property() -> None:
    shown = pydoc.plain(pydoc.render_doc(rk.ClusterReference))
    assert "send a request and wait for its reply" in shown
    with rk.Cluster(nodes=1) as cluster:
        assert cluster.nodes._ipython_key_completions_() == ["n1"]
        with pytest.raises(AttributeError, match="'nodes' of a Cluster cannot be set"):
            cluster.nodes = {}
        with pytest.raises(AttributeError, match="'call' of a ClusterReference cannot be set"):
            cluster.whereis("x").call = None
