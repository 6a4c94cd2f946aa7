"""What somebody sees who looks at a trace that goes on: all that was recorded up to then."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import pytest

import resilkit as rk
from resilkit.cluster.cluster import Cluster
from resilkit.cluster.trace import Trace
from tests.metrics.plots.run import texts
from tests.turns import turns


class Echo(rk.Server):
    """Answers, and may stop its node's loop."""

    def echo(self, value: str) -> str:
        """Return what came."""
        return value

    def freeze(self) -> None:
        """Stop the node's loop until somebody sends the signal."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
        signal.sigtimedwait([signal.SIGUSR2], 60.0)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with rk.Cluster(nodes=2, seed=7) as cluster:
        cluster.start(Echo, name="echo", node="n2")
        yield cluster


LOOKS: dict[str, Callable[[Trace], object]] = {
    "messages": lambda trace: trace.messages,
    "frame": lambda trace: list(trace.frame()["payload"]),
    "diagram": lambda trace: texts(trace.diagram()),
    "html": lambda trace: trace._repr_html_(),
    "repr": repr,
    "iter": lambda trace: iter(trace) and trace.after(0),
    "dropped": lambda trace: trace.dropped + 1 and trace.after(0),
}


@pytest.mark.parametrize("look", LOOKS)
def test_whoever_looks_right_after_a_call_sees_it(cluster: Cluster, look: str) -> None:
    echo = cluster.whereis("echo")
    with echo.trace() as trace:
        LOOKS[look](trace)  # what is imported then would take the time in which a batch comes
        echo.call.echo("as it is")
        shown = str(LOOKS[look](trace))
    assert "as it is" in shown or "2 messages" in shown


def test_the_length_of_a_trace_counts_what_was_recorded_up_to_then(cluster: Cluster) -> None:
    echo = cluster.whereis("echo")
    with echo.trace(limit=7) as trace:
        for number in range(5):
            echo.call.echo("again")
            assert len(trace) == min(7, 2 * (number + 1))


def test_a_paused_node_holds_up_no_look(cluster: Cluster) -> None:
    echo = cluster.whereis("echo")
    with echo.trace(kinds="call") as trace:
        echo.call.echo("before")
        trace.wait(1)
        cluster.nodes["n2"].pause()
        with turns() as had:
            assert len(trace) == 1
        assert had.seconds < 0.4
        cluster.nodes["n2"].resume()


def test_a_node_that_does_not_answer_is_waited_for_once_and_asked_again_when_it_does() -> None:
    with rk.Cluster(nodes=1) as cluster:
        echo = cluster.start(Echo, name="echo")
        with echo.trace(kinds="call", methods="echo") as trace:
            echo.call.echo("before")
            trace.wait(1)
            echo.cast.freeze()
            with turns() as once:
                assert len(trace) == 1
            with turns() as again:
                shown = [trace._repr_html_(), repr(trace), trace.frame()]
            assert len(shown) == 3
            assert once.seconds < 2.0
            assert again.seconds < 0.4
            pid = cluster.nodes["n1"].pid
            assert pid is not None
            os.kill(pid, signal.SIGUSR2)
            echo.call.echo("after")
            assert [row.payload for row in trace.messages] == ["'before'", "'after'"]


def test_on_the_clusters_own_thread_and_after_the_end_what_is_there_is_shown() -> None:
    with rk.Cluster(nodes=1) as cluster:
        echo = cluster.start(Echo, name="echo")
        trace = echo.trace(kinds="call")
        echo.call.echo("one")
        trace.wait(1)

        async def look() -> int:
            return len(trace)

        assert cluster._session.thread.sync(look()) == 1
    assert len(trace) == 1
