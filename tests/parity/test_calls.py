"""Calls, casts and replies: OTP's gen_server, on nodes of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

import resilkit as rk
from tests.parity.grounds import eventually, outcome, took
from tests.parity.servers import Asker, Counter, Desk, Gate

NODES = ["n1", "n2"]


def test_a_call_returns_what_the_handler_returns(cluster: rk.Cluster) -> None:
    for node in NODES:
        counter = cluster.start(Counter, 1, name=f"c-{node}", node=node)
        assert counter.call.increment(by=2) == 3
        assert counter.call.where() == node


def test_servers_call_each_other_from_node_to_node(cluster: rk.Cluster) -> None:
    asker = cluster.start(Asker, name="asker", node="n1")
    for node in cluster.nodes:
        cluster.start(Counter, 1, name=f"c-{node}", node=node)
        assert asker.call.ask(f"c-{node}", "increment", 4) == 5


def test_a_cast_is_handled_before_a_later_sync_returns(cluster: rk.Cluster) -> None:
    for node in NODES:
        counter = cluster.start(Counter, name=f"c-{node}", node=node)
        for _ in range(300):
            counter.cast.increment()
        assert counter.sync() is True
        assert counter.state() == {"value": 300}
        assert counter.queue_length() == 0


def test_what_one_server_sends_another_arrives_in_order(cluster: rk.Cluster) -> None:
    asker = cluster.start(Asker, name="asker", node="n1")
    for node in NODES:
        gate = cluster.start(Gate, name=f"gate-{node}", node=node)
        asker.call.tell(f"gate-{node}", "note", 200)
        asker.call.ask(f"gate-{node}", "note", "last")
        assert gate.state()["log"] == [*range(200), "last"]


def test_a_timeout_ends_the_wait_only_and_the_late_reply_is_dropped(cluster: rk.Cluster) -> None:
    async def main() -> None:
        with pytest.raises(rk.CallTimeout, match="hold") as caught:
            await desk.with_timeout(0.05).acall.hold("a")
        assert not caught.value.definite
        # The server still does the work, and its reply must not be taken for the next call's.
        waiting = asyncio.ensure_future(desk.acall.hold("b"))
        await asyncio.sleep(0)
        await desk.acall.release("a")
        assert not waiting.done()
        await desk.acall.release("b")
        assert await waiting == "b released"

    desk = cluster.start(Desk, name="desk", node="n2")
    asyncio.run(main())


def test_a_timeout_takes_as_long_as_it_says(cluster: rk.Cluster) -> None:
    counter = cluster.start(Counter, name="c", node="n2")
    with took(cluster, 0.2, 1.0), pytest.raises(rk.CallTimeout):
        counter.with_timeout(0.2).call.hold()


def test_a_missing_name_is_noproc_and_definite(cluster: rk.Cluster) -> None:
    with pytest.raises(rk.NoProcess, match="nobody") as caught:
        cluster.whereis("nobody").call.get()
    assert caught.value.definite


def test_a_pid_that_has_ended_is_noproc(cluster: rk.Cluster) -> None:
    for node in NODES:
        counter = cluster.start(Counter, node=node)
        counter.stop()
        with pytest.raises(rk.NoProcess):
            counter.call.get()
        assert not counter.alive()


def test_a_server_that_dies_in_mid_call_fails_the_call_with_its_reason(
    cluster: rk.Cluster,
) -> None:
    for node in NODES:
        counter = cluster.start(Counter, name=f"c-{node}", node=node)
        with pytest.raises(rk.ServerExit, match="no luck") as caught:
            counter.call.boom("no luck")
        assert isinstance(caught.value.reason, ValueError)
        assert "in boom" in caught.value.remote_traceback
        assert not caught.value.definite


def test_calls_that_wait_in_the_mailbox_fail_when_the_server_dies(cluster: rk.Cluster) -> None:
    async def main(gate: rk.ClusterReference) -> None:
        first = asyncio.ensure_future(gate.acall.stuck())
        waiting = [asyncio.ensure_future(gate.acall.note("never")) for _ in range(5)]
        await asyncio.sleep(0)
        await cluster.whereis("other").acall.increment()
        gate.kill()
        for future in (first, *waiting):
            with pytest.raises(rk.ServerExit) as caught:
                await future
            assert caught.value.reason == "killed"

    cluster.start(Counter, name="other", node="n1")
    for node in NODES:
        asyncio.run(main(cluster.start(Gate, name=f"gate-{node}", node=node)))


def test_a_lost_node_fails_the_call_with_nodedown(cluster: rk.Cluster) -> None:
    async def main() -> None:
        waiting = asyncio.ensure_future(desk.with_timeout(30.0).acall.hold("a"))
        await asyncio.sleep(0)
        assert await desk.acall.waits() == ["a"]
        await cluster.nodes["n2"].akill()
        with pytest.raises(rk.NodeDown) as caught:
            await waiting
        assert caught.value.node == "n2"
        assert not caught.value.definite

    desk = cluster.start(OpenDesk, name="desk", node="n2")
    with took(cluster, 0.0, 5.0):
        asyncio.run(main())


class OpenDesk(Desk):
    """A desk that tells who waits."""

    def waits(self) -> list[str]:
        """Return the orders that wait."""
        return list(self.waiting)


def test_a_server_hears_of_a_node_that_is_lost_in_mid_call(cluster: rk.Cluster) -> None:
    async def main() -> None:
        waiting = asyncio.ensure_future(
            asker.with_timeout(30.0).acall.ask("desk", "hold", "a", timeout=20.0)
        )
        await asyncio.sleep(0)
        while await desk.acall.waits() != ["a"]:
            pass
        await cluster.nodes["n2"].akill()
        error = await waiting
        assert isinstance(error, rk.NodeDown)
        assert not error.definite

    asker = cluster.start(Asker, name="asker", node="n1")
    desk = cluster.start(OpenDesk, name="desk", node="n2")
    with took(cluster, 0.0, 10.0):
        asyncio.run(main())


def test_a_call_to_a_node_that_was_lost_before_is_definite(cluster: rk.Cluster) -> None:
    counter = cluster.start(Counter, node="n2")
    monitor = counter.monitor()
    cluster.nodes["n2"].kill()
    monitor.wait()
    with pytest.raises(rk.NodeDown) as caught:
        counter.call.get()
    assert caught.value.definite


def test_a_pid_of_an_earlier_incarnation_reaches_nobody_on_the_new_one(
    cluster: rk.Cluster,
) -> None:
    counter = cluster.start(Counter, node="n2")
    cluster.nodes["n2"].restart()
    with pytest.raises((rk.NoProcess, rk.NodeDown)):
        counter.call.increment()
    assert not counter.alive()


def test_refused_is_an_answer_and_the_server_goes_on(cluster: rk.Cluster) -> None:
    for node in NODES:
        counter = cluster.start(Counter, 5, name=f"c-{node}", node=node)
        with pytest.raises(rk.Refused, match="not today") as caught:
            counter.call.refuse()
        assert caught.value.definite
        assert counter.call.increment() == 6


def test_a_callers_slip_is_the_callers_error_and_ends_nothing(cluster: rk.Cluster) -> None:
    for node in NODES:
        counter = cluster.start(Counter, 5, name=f"c-{node}", node=node)
        with pytest.raises(rk.InvalidArgument, match="did you mean 'increment'"):
            counter.call.incremnt()
        with pytest.raises(rk.InvalidArgument):
            counter.call.increment(1, 2, 3)
        for hidden in ("init", "info", "terminate", "stop"):
            assert isinstance(outcome(getattr(counter.call, hidden)), rk.InvalidArgument)
        counter.cast.incremnt()
        assert counter.call.increment() == 6

    def told() -> bool:
        rows = cluster.events.frame("alert")
        return list(rows["event"]).count("bad_message") >= len(NODES)

    eventually(cluster, told)


def test_what_cannot_travel_is_the_callers_error(cluster: rk.Cluster) -> None:
    import threading

    counter = cluster.start(Counter, name="c", node="n2")
    with pytest.raises(rk.InvalidArgument, match="cannot travel"):
        counter.call.echo(threading.Lock())
    assert counter.call.increment() == 1


def test_a_server_that_calls_itself_is_told_so(cluster: rk.Cluster) -> None:
    selfish = cluster.start(Asker, name="selfish", node="n2")
    with pytest.raises(rk.ServerExit, match="cannot call itself"):
        selfish.call.loop()


def test_deferred_replies_come_later_from_whoever_has_them(cluster: rk.Cluster) -> None:
    async def main() -> None:
        a, b, c = (asyncio.ensure_future(desk.acall.hold(order)) for order in "abc")
        await asyncio.sleep(0)
        await desk.acall.release("b")
        assert await b == "b released"
        await desk.acall.deny("a")
        with pytest.raises(rk.Refused, match="denied"):
            await a
        await desk.acall.pass_on("c", cluster.whereis("other"))
        assert await c == "answered elsewhere"

    desk = cluster.start(Desk, name="desk", node="n2")
    cluster.start(Desk, name="other", node="n1")
    asyncio.run(main())


def test_deferred_callers_fail_when_the_server_dies(cluster: rk.Cluster) -> None:
    async def main() -> None:
        waiting = asyncio.ensure_future(desk.acall.hold("a"))
        await asyncio.sleep(0)
        desk.cast.boom()
        with pytest.raises(rk.ServerExit) as caught:
            await waiting
        assert isinstance(caught.value.reason, ValueError)

    desk = cluster.start(Desk, name="desk", node="n2")
    asyncio.run(main())


def test_one_message_at_a_time_also_while_a_handler_awaits(cluster: rk.Cluster) -> None:
    for node in NODES:
        gate = cluster.start(Gate, name=f"gate-{node}", node=node)
        gate.cast.slow(0.02, "first")
        assert gate.call.note("second") == ["first begins", "first ends", "second"]


def test_many_calls_at_once_are_all_answered_in_their_order(cluster: rk.Cluster) -> None:
    async def main() -> list[int]:
        return list(await asyncio.gather(*(counter.acall.increment() for _ in range(200))))

    counter = cluster.start(Counter, name="c", node="n2")
    assert asyncio.run(main()) == list(range(1, 201))


def test_the_plain_api_works_while_a_loop_runs(cluster: rk.Cluster) -> None:
    async def main() -> int:
        return int(counter.call.increment())  # as in a notebook's cell

    counter = cluster.start(Counter, 6, name="c", node="n2")
    assert asyncio.run(main()) == 7


def test_a_failed_start_says_why_and_leaves_nothing(
    cluster: rk.Cluster, broken: type[rk.Server]
) -> None:
    spec = rk.SupervisorSpec("half", [rk.ChildSpec(Counter, name="h1"), rk.ChildSpec(broken)])
    with pytest.raises(rk.StartFailed, match="cannot start"):
        cluster.start(spec, node="n2")
    assert not {"half", "h1"} & set(cluster.names())


@pytest.fixture
def broken() -> type[rk.Server]:
    """Return a server that does not start."""

    class Broken(rk.Server):
        def init(self) -> None:
            raise ValueError("cannot start")

    return Broken


def test_a_start_that_takes_too_long_is_given_up(cluster: rk.Cluster) -> None:
    class Slow(rk.Server):
        async def init(self) -> None:
            await asyncio.Event().wait()

    with took(cluster, 0.2, 5.0), pytest.raises(rk.StartFailed):
        cluster.start(Slow, name="slow", node="n2", timeout=0.2)
    assert "slow" not in cluster.names()


def test_a_cluster_for_one_test_has_what_it_is_asked_for(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    cluster = cluster_of(nodes=["here", "there"], seed=11)
    assert (list(cluster.nodes), cluster.seed) == (["here", "there"], 11)
    assert cluster.start(Counter, node="there").call.where() == "there"
