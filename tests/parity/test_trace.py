"""Traces of servers on real nodes: over restarts, within bounds, and over when they are over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import resilkit as rk
from resilkit.cluster.trace import Trace
from tests.cluster.servers import Counter
from tests.metrics.plots.run import texts
from tests.parity.grounds import eventually
from tests.seen import drawings

Words = list[tuple[str, str, str, str]]


class Echo(rk.Server):
    """Answers, tells others, and dies."""

    def echo(self, value: Any) -> Any:
        """Return what came."""
        return value

    async def pass_on(self, name: str, value: Any) -> Any:
        """Ask another one."""
        return await self.whereis(name).call.echo(value)

    def boom(self) -> None:
        """Crash."""
        raise ValueError("boom")


@pytest.fixture
def cluster(cluster: rk.Cluster) -> Iterator[rk.Cluster]:
    """Three nodes, with an echo on the second and another one on the first."""
    for name, node in (("echo", "n2"), ("other", "n1")):
        spec = rk.SupervisorSpec(
            f"boss of {name}", [rk.ChildSpec(Echo, name=name)], max_restarts=1000
        )
        cluster.start(spec, node=node)
    yield cluster
    assert cluster._session.traces._traces == {}, "every test ends its traces"


def words(trace: Trace) -> Words:
    return [(row.direction, row.kind, row.sender, row.method) for row in trace.messages]


def test_messages_are_told_with_both_ends_on_the_clock_of_the_events(cluster: rk.Cluster) -> None:
    start = cluster._session.clock.now()
    with cluster.whereis("echo").trace() as trace:
        cluster.whereis("other").call.pass_on("echo", [1, 2])
        cluster.whereis("echo").cast.echo("x" * 1000)
        asked, answered, cast = trace.wait(3)
    assert words(trace) == [
        ("in", "call", "other", "echo"),
        ("out", "reply", "echo", "echo"),
        ("in", "cast", "@notebook", "echo"),
    ]
    assert (asked.payload, answered.payload, answered.answers) == ("[1, 2]", "[1, 2]", asked.id)
    assert len(cast.payload) < 250
    assert start < asked.time <= answered.time <= cast.time < cluster._session.clock.now()
    assert {row.node for row in trace.messages} == {"n2"}


def test_times_of_a_node_are_put_on_the_clock_of_the_notebook(
    cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = cluster._session.clock.now()
    monkeypatch.setitem(cluster._session.offsets, "n2", -1000.0)  # its clock is behind
    with cluster.whereis("echo").trace(kinds="call") as trace:
        cluster.whereis("echo").call.echo(1)
        [row] = trace.wait(1)
    assert 999.0 < row.time - start < 1100.0


def test_a_trace_follows_its_name_over_a_crash_a_kill_of_the_node_and_its_restart(
    cluster: rk.Cluster,
) -> None:
    echo = cluster.whereis("echo")
    with echo.trace(kinds=["call", "reply", "error", "started", "ended"]) as trace:
        with pytest.raises(rk.ServerExit):
            echo.call.boom()
        trace.wait(4)
        cluster.nodes["n2"].kill()
        cluster.nodes["n2"].restart()
        echo.call.echo(1)
        trace.wait(8)
    found = [(row.kind, row.method, row.payload.partition(" <")[0]) for row in trace.messages]
    assert found == [
        ("call", "boom", ""),
        ("error", "boom", "ServerExit: echo ended before it replied: ValueError: boom"),
        ("ended", "", "ValueError: boom"),
        ("started", "", "Echo"),
        ("ended", "", "node n2 ended"),
        ("started", "", "Echo"),
        ("call", "echo", "1"),
        ("reply", "echo", "1"),
    ]
    assert trace.messages[-1].answers == trace.messages[-2].id
    times = [row.time for row in trace.messages]
    assert times == sorted(times)


def test_a_trace_may_stand_before_its_server_and_goes_with_the_name_to_another_node(
    cluster: rk.Cluster,
) -> None:
    with cluster.whereis("nomad").trace(kinds=["started", "ended"]) as trace:
        for node in ("n1", "n2"):
            cluster.start(Echo, name="nomad", node=node).stop()
        trace.wait(4)
    found = [(row.kind, row.node) for row in trace.messages]
    assert found == [("started", "n1"), ("ended", "n1"), ("started", "n2"), ("ended", "n2")]


def test_a_node_that_is_added_knows_of_the_trace(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    cluster = cluster_of(nodes=2)
    with cluster.whereis("late").trace(kinds="started") as trace:
        cluster.add_node("n9")
        late = cluster.start(Echo, name="late", node="n9")
        trace.wait(1)
        late.stop()
    assert [row.node for row in trace.messages] == ["n9"]


def test_a_node_that_starts_from_an_old_boot_record_is_told_what_has_changed(
    cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def late(_: str) -> None:
        """Stand for a launcher that hears of nothing in time."""

    echo, session = cluster.whereis("echo"), cluster._session
    cluster.start(Bare, name="bare", node="n2")
    monkeypatch.setattr(session, "update_boot", late)
    with echo.trace(kinds="call") as trace:
        cluster.nodes["n2"].restart()
        echo.call.echo(1)
        trace.wait(1)
        monkeypatch.undo()
        cluster.nodes["n2"].restart()  # this one has the trace in its record
        monkeypatch.setattr(session, "update_boot", late)
    cluster.nodes["n2"].restart()
    assert not cluster.whereis("bare").call.wrapped()
    monkeypatch.undo()
    cluster.whereis("bare").stop()


def test_only_what_is_asked_for_is_told(cluster: rk.Cluster) -> None:
    echo = cluster.whereis("echo")
    with echo.trace(kinds="call", methods="e*", direction="in", peers="@*") as trace:
        cluster.whereis("other").call.pass_on("echo", 1)
        echo.cast.echo(2)
        echo.call.echo(3)
        echo.call.pass_on("other", 4)
        trace.wait(1)
    assert [row.payload for row in trace.messages] == ["3"]


def test_the_newest_are_kept_and_a_flood_is_counted(cluster: rk.Cluster) -> None:
    echo = cluster.whereis("echo")
    with echo.trace(kinds="cast", limit=5) as few, echo.trace(kinds="cast", rate=20.0) as slow:
        for number in range(100):
            echo.cast.echo(number)
        echo.sync()
        few.wait(100)
    assert [row.payload for row in few.messages] == ["95", "96", "97", "98", "99"]
    assert (len(few), few.dropped) == (5, 95)
    assert [row.payload for row in slow.messages[:10]] == [str(number) for number in range(10)]
    assert len(slow) + slow.dropped == 100
    assert few.told() == "100 messages; the newest 5 are kept; stopped"
    fast = f"100 messages, of which {slow.dropped} came too fast and were only counted; stopped"
    assert slow.told() == fast
    few._log.extend([few.messages[0]._replace(time=few._log.began + 60.0)] * 5)
    assert {"0.000", "0.00000"} & set(texts(slow.diagram()))
    assert texts(few.diagram()).count("60.000") == 5, "since the trace's first message"
    (drawing,) = drawings(few._repr_html_())
    assert [each.text for each in drawing.iter()].count("60.000") == 5
    assert slow.dropped > 50


def test_what_was_recorded_has_come_when_stop_returns(cluster: rk.Cluster) -> None:
    echo = cluster.whereis("echo")
    for _ in range(20):
        trace = echo.trace(kinds="call")
        echo.call.echo(1)
        trace.stop()
        assert len(trace) == 1
        assert trace.over


def test_after_its_end_a_trace_stays_readable_and_takes_no_more(cluster: rk.Cluster) -> None:
    echo = cluster.whereis("echo")
    with echo.trace(kinds="call") as trace:
        echo.call.echo(1)
    echo.call.echo(2)
    trace.stop()
    assert [row.payload for row in trace] == ["1"]
    assert repr(trace) == "<trace of 'echo': 1 message; stopped>"
    with pytest.raises(rk.CallTimeout, match=r"had 1 of 2 messages when it ended \(stopped\)"):
        trace.wait(2, None)


def test_a_trace_ends_after_its_duration(cluster: rk.Cluster) -> None:
    echo = cluster.whereis("echo")
    trace = echo.trace(duration=0.01)
    assert list(trace) == [], "this waits for the end"
    assert trace.over
    assert "duration" in repr(trace)


def test_one_process_is_traced_until_it_ends_and_no_other(cluster: rk.Cluster) -> None:
    echo = cluster.whereis("echo")
    one = cluster.start(Counter, node="n1")
    with one.trace() as trace:
        one.call.increment()
        one.stop()
        assert [row.kind for row in trace] == ["call", "reply", "request", "ended", "reply"]
    assert {row.receiver for row in trace.messages if row.direction == "in"} == {
        f"Counter {one.pid if one.alive() else one.address}"
    }
    assert "its server has ended" in repr(trace)
    other = cluster.start(Counter, node="n1")
    with other.trace(kinds="cast") as trace:
        other.kill()
        assert list(trace) == [], "its end ends the trace, which is not about ends"
    with pytest.raises(rk.NoProcess):
        one.trace()
    assert echo.alive()


def test_a_trace_of_one_process_ends_with_its_node(cluster: rk.Cluster) -> None:
    cluster.add_node("n8")
    one = cluster.start(Counter, node="n8")
    with one.trace(kinds="call") as trace:
        cluster.nodes["n8"].kill()
        assert list(trace) == []
    assert "its node has ended" in repr(trace)


def test_whoever_iterates_gets_messages_as_they_come(cluster: rk.Cluster) -> None:
    echo = cluster.whereis("echo")
    with echo.trace(kinds="call") as trace:
        echo.call.echo(0)
        for row in trace:
            if row.payload == "3":
                break
            echo.call.echo(int(row.payload) + 1)
    assert [row.payload for row in trace.messages] == ["0", "1", "2", "3"]


def test_async_code_has_the_same(cluster: rk.Cluster) -> None:
    echo = cluster.whereis("echo")

    async def body() -> tuple[list[str], Trace]:
        seen = []
        async with await echo.atrace(kinds="call") as trace:
            await echo.acall.echo(0)
            async for row in trace:
                seen.append(row.payload)
                if len(seen) == 3:
                    break
                await echo.acall.echo(len(seen))
        return seen, trace

    seen, trace = asyncio.run(body())
    assert seen == ["0", "1", "2"]
    assert trace.over


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"kinds": "calls"}, "kinds[0]"),
        ({"limit": 0}, "limit"),
        ({"limit": 1.5}, "limit"),
        ({"rate": 0}, "rate"),
        ({"duration": 0}, "duration"),
        ({"duration": -1}, "duration"),
        ({"direction": "up"}, "direction"),
    ],
)
def test_what_makes_no_trace_is_refused_and_nothing_stands(
    cluster: rk.Cluster, given: dict[str, Any], path: str
) -> None:
    with pytest.raises(rk.InvalidArgument) as caught:
        cluster.whereis("echo").trace(**given)
    assert caught.value.path == path
    assert cluster._session.traces._traces == {}


def test_the_frame_has_the_messages_by_time_with_types_of_their_own(cluster: rk.Cluster) -> None:
    echo = cluster.whereis("echo")
    with echo.trace() as trace:
        echo.call.echo(1)
        echo.cast.echo(2)
        trace.wait(3)
    frame = trace.frame()
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        "time": "float64",
        "direction": "category",
        "kind": "category",
        "sender": "str",
        "receiver": "str",
        "method": "str",
        "payload": "str",
        "node": "str",
        "id": "int64",
        "answers": "Int64",
    }
    assert list(frame["kind"]) == ["call", "reply", "cast"]
    assert list(frame["answers"].fillna(0)) == [0, 1, 0]
    with echo.trace(kinds="call") as empty:
        pass
    assert empty.frame().dtypes.equals(frame.dtypes)


def test_a_trace_shows_itself_as_a_diagram(cluster: rk.Cluster) -> None:
    with cluster.whereis("echo").trace() as trace:
        cluster.whereis("other").call.pass_on("echo", "<b>")
    shown = [each.get_text() for each in trace.diagram(width=700).axes[0].texts]
    assert {"Messages of echo", "other", "echo", "echo('<b>')"} <= set(shown)
    assert "Messages of echo" not in str(trace.diagram(title="").axes[0].texts)
    page = trace._repr_html_()
    assert "<b>echo</b>" in page
    assert "2 messages; stopped" in page
    assert "echo(&#39;&lt;b&gt;&#39;)" in page
    assert "<b>&#39;" not in page


def test_a_node_that_does_not_answer_holds_up_neither_the_beginning_nor_the_end_for_long(
    cluster: rk.Cluster,
) -> None:
    echo = cluster.whereis("echo")
    cluster.nodes["n2"].pause()
    trace = echo.trace(kinds="cast")
    echo.cast.echo("while it sleeps")
    cluster.nodes["n2"].resume()
    trace.wait(1)
    cluster.nodes["n2"].pause()
    trace.stop()
    cluster.nodes["n2"].resume()
    assert [row.payload for row in trace.messages] == ["'while it sleeps'"]
    process = cluster.whereis("echo")
    eventually(cluster, process.alive)


def test_a_trace_ends_with_its_cluster_and_has_what_was_told_until_then(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    with cluster_of(nodes=1) as cluster:
        echo = cluster.start(Echo, name="echo")
        trace = echo.trace()
        echo.call.echo(1)
    assert trace.over
    assert [row.kind for row in trace.messages] == ["call", "reply"]
    assert "closed" in repr(trace)
    trace.stop()
    with pytest.raises(rk.ClusterClosed):
        echo.trace()


def test_a_node_without_traces_has_none_of_their_code_on_its_way(cluster: rk.Cluster) -> None:
    probe = cluster.start(Bare, name="bare", node="n2")
    with cluster.whereis("echo").trace():
        assert probe.call.wrapped()
    assert not probe.call.wrapped()
    probe.stop()


class Bare(rk.Server):
    """Looks at its own node."""

    def wrapped(self) -> bool:
        """Whether a trace stands around the node's sending."""
        node = self._process.node
        return {"call", "deliver", "signal"} <= vars(node).keys()
