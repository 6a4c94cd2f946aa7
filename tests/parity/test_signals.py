"""Exit signals, links and monitors: OTP's rules 8, 9 and 11, on nodes of their own."""

from __future__ import annotations

from typing import Any

import pytest

import resilkit as rk
from resilkit import Down, Exit
from tests.parity.grounds import eventually
from tests.parity.servers import Counter, Ending, Log, Recorder

NODES = ["n1", "n2"]


def recorder(
    cluster: rk.Cluster, node: str = "n1", *, trap_exit: bool = False
) -> rk.ClusterReference:
    """Start what keeps each message."""
    spec = rk.ChildSpec(Recorder, kwargs={"trap_exit": trap_exit})
    return cluster.start(spec, node=node)


def messages(cluster: rk.Cluster, of: rk.ClusterReference, count: int = 1) -> list[Any]:
    """Return what came, when so much has come; nothing more comes with what is asked next."""
    eventually(cluster, lambda: len(of.call.messages()) >= count)
    of.sync()
    seen: list[Any] = of.call.messages()
    assert len(seen) == count, seen
    return seen


def test_exit_normal_from_another_process_is_ignored(cluster: rk.Cluster) -> None:
    for node in NODES:
        counter = cluster.start(Counter, node=node)
        counter.exit("normal")
        assert counter.call.increment() == 1


def test_exit_normal_is_a_message_when_exits_are_trapped(cluster: rk.Cluster) -> None:
    for node in NODES:
        trapper = recorder(cluster, node, trap_exit=True)
        trapper.exit("normal")
        [message] = messages(cluster, trapper)
        assert isinstance(message, Exit)
        assert message.reason == "normal"


@pytest.mark.parametrize("reason", ["tired", "shutdown", ("shutdown", 7)], ids=str)
def test_any_other_reason_ends_a_process_that_does_not_trap(
    cluster: rk.Cluster, reason: object
) -> None:
    for node in NODES:
        counter = cluster.start(Counter, node=node)
        monitor = counter.monitor()
        counter.exit(reason)
        assert monitor.wait().reason == reason
        assert not counter.alive()


def test_kill_cannot_be_trapped_and_becomes_killed(cluster: rk.Cluster) -> None:
    watcher = recorder(cluster)
    for node in NODES:
        trapper = recorder(cluster, node, trap_exit=True)
        monitor = trapper.monitor()
        trapper.kill()
        assert monitor.wait().reason == "killed"
        watcher.call.watch(trapper)
    assert [down.reason for down in messages(cluster, watcher, 2)] == ["noproc", "noproc"]


def test_a_reason_kill_that_comes_by_link_can_be_trapped_and_is_not_converted(
    cluster: rk.Cluster,
) -> None:
    for node in NODES:
        trapper = recorder(cluster, trap_exit=True)
        other = recorder(cluster, node)
        trapper.call.tie(other)
        trapper.call.hear(other)
        other.stop("kill")
        [message] = messages(cluster, trapper)
        assert message == Exit(other, "kill")


def test_a_link_is_two_way_and_one_a_pair(cluster: rk.Cluster) -> None:
    for node in NODES:
        one, other = (recorder(cluster, at, trap_exit=True) for at in ("n1", node))
        one.call.tie(other)
        one.call.tie(other)
        other.call.tie(one)
        one.call.hear(other)
        other.call.hear(one)
        one.stop("gone")
        assert messages(cluster, other) == [Exit(one, "gone")]


def test_a_linked_process_ends_with_the_same_reason_unless_it_is_normal(
    cluster: rk.Cluster,
) -> None:
    for node in NODES:
        one, other = recorder(cluster), recorder(cluster, node)
        one.call.tie(other)
        monitor = other.monitor()
        other.sync()  # it comes on the same way, and after the monitor
        one.stop("normal")
        third = recorder(cluster)
        third.call.tie(other)
        third.call.hear(other)
        third.stop("broken")
        assert monitor.wait().reason == "broken"


def test_an_unlinked_process_hears_nothing(cluster: rk.Cluster) -> None:
    for node in NODES:
        one, other = recorder(cluster), recorder(cluster, node)
        one.call.tie(other)
        one.call.untie(other)
        one.call.hear(other)
        one.stop("broken")
        assert other.sync()
        assert other.alive()


def test_a_link_to_nobody_is_an_exit_noproc(cluster: rk.Cluster) -> None:
    for node in NODES:
        gone = cluster.start(Counter, node=node)
        gone.stop()
        trapper = recorder(cluster, trap_exit=True)
        trapper.call.tie(gone)
        [message] = messages(cluster, trapper)
        assert message.reason == "noproc"


def test_monitors_stack_and_work_one_way(cluster: rk.Cluster) -> None:
    for node in NODES:
        target = recorder(cluster, node)
        watcher = recorder(cluster)
        numbers = [watcher.call.watch(target) for _ in range(3)]
        watcher.call.hear(target)
        target.stop("done")
        seen = messages(cluster, watcher, 3)
        assert [message.monitor for message in seen] == numbers
        assert {message.reason for message in seen} == {"done"}
        assert watcher.alive()


def test_the_end_of_a_watcher_does_not_touch_the_watched(cluster: rk.Cluster) -> None:
    for node in NODES:
        target = cluster.start(Counter, node=node)
        watcher = recorder(cluster)
        watcher.call.watch(target)
        watcher.stop("broken")
        assert target.call.increment() == 1


def test_a_monitor_on_something_dead_gives_down_noproc(cluster: rk.Cluster) -> None:
    gone = cluster.start(Counter, node="n2")
    gone.stop()
    for target in (gone, "nobody"):
        watcher = recorder(cluster)
        number = watcher.call.watch(target)
        [message] = messages(cluster, watcher)
        assert isinstance(message, Down)
        assert (message.monitor, message.reason) == (number, "noproc")


def test_what_is_watched_no_more_gives_no_down(cluster: rk.Cluster) -> None:
    for node in NODES:
        target = cluster.start(Counter, node=node)
        watcher = recorder(cluster)
        watcher.call.unwatch(watcher.call.watch(target))
        kept = watcher.call.watch(target)
        target.stop("done")
        [message] = messages(cluster, watcher)
        assert message.monitor == kept


def test_a_lost_node_gives_noconnection_to_links_and_monitors(cluster: rk.Cluster) -> None:
    target = cluster.start(Counter, node="n2")
    other = recorder(cluster, "n2")
    watcher = recorder(cluster, trap_exit=True)
    watcher.call.watch(target)
    watcher.call.tie(other)
    other.sync()
    cluster.nodes["n2"].kill()
    seen = messages(cluster, watcher, 2)
    assert sorted((type(message).__name__, message.reason) for message in seen) == [
        ("Down", "noconnection"),
        ("Exit", "noconnection"),
    ]


def test_a_cut_node_gives_noconnection_on_both_sides(cluster: rk.Cluster) -> None:
    a, b = recorder(cluster, "n1"), recorder(cluster, "n2")
    a.call.watch(b)
    b.call.watch(a)
    with cluster.partition(["n1"], ["n2", "n3"]):
        for one in (a, b):
            [message] = messages(cluster, one)
            assert message.reason == "noconnection"
    assert a.alive()
    assert b.alive()


def test_signals_and_messages_between_a_pair_keep_their_order(cluster: rk.Cluster) -> None:
    """Rule 11: order holds between a pair across all kinds of signal."""
    for node in NODES:
        trapper = recorder(cluster, node, trap_exit=True)
        for number in range(5):
            trapper.send(number)
            trapper.exit(("shutdown", number))
        seen = messages(cluster, trapper, 10)
        assert [m.reason[1] if isinstance(m, Exit) else m for m in seen] == [
            0, 0, 1, 1, 2, 2, 3, 3, 4, 4,
        ]  # fmt: skip


def test_terminate_runs_on_stop_and_crash_but_not_on_kill(cluster: rk.Cluster) -> None:
    for node in NODES:
        log = cluster.start(Log, name=f"log-{node}", node=node)
        for how, reason in (("quit", "normal"), ("boom", "ValueError")):
            server = cluster.start(Ending, f"log-{node}", how, node=node)
            monitor = server.monitor()
            getattr(server.cast, how)()
            monitor.wait()
            begun, ended = log.call.read()
            assert begun == ("init", how)
            assert ended[:2] == ("terminate", how)
            assert ended[2] == reason or type(ended[2]).__name__ == reason
        server = cluster.start(Ending, f"log-{node}", "killed", node=node)
        monitor = server.monitor()
        server.kill()
        monitor.wait()
        assert log.call.read() == [("init", "killed")]


def test_without_trapping_exits_terminate_does_not_run_on_an_exit_signal(
    cluster: rk.Cluster,
) -> None:
    for node in NODES:
        log = cluster.start(Log, name=f"log-{node}", node=node)
        spec = rk.ChildSpec(Ending, args=(f"log-{node}",), kwargs={"trap": False})
        server = cluster.start(spec, node=node)
        monitor = server.monitor()
        server.exit("broken")
        assert monitor.wait().reason == "broken"
        assert log.call.read() == [("init", "")]


def test_timers_arrive_as_info_and_cancelled_ones_do_not(cluster: rk.Cluster) -> None:
    for node in NODES:
        timed = recorder(cluster, node)
        timed.call.never("cancelled")
        timed.call.later(0.05, "second")
        timed.call.later(0.0, "first")
        assert messages(cluster, timed, 2) == ["first", "second"]


class Breaker(rk.Server):
    """Raises what a test wants, where it wants it."""

    def init(self, where: str, error: type[BaseException]) -> None:
        """Set up, or raise."""
        self.where, self.error = where, error
        self._raise_in("init")

    def _raise_in(self, where: str) -> None:
        if self.where == where:
            raise self.error(7)

    def call_it(self, where: str = "call") -> None:
        """Raise."""
        self._raise_in(where)

    async def info(self, message: object) -> None:
        """Raise."""
        self._raise_in(str(message))

    async def terminate(self, reason: object) -> None:
        """Raise."""
        self._raise_in("terminate")


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit, ValueError])
def test_whatever_a_handler_raises_ends_its_server_and_nothing_else(
    cluster: rk.Cluster, error: type[BaseException]
) -> None:
    beside = cluster.start(Counter, node="n2")
    for where in ("call", "cast", "info", "terminate"):
        breaker = cluster.start(Breaker, where, error, node="n2")
        monitor = breaker.monitor()
        if where == "call":
            with pytest.raises(rk.ServerExit, match=error.__name__):
                breaker.call.call_it()
        elif where == "cast":
            breaker.cast.call_it("cast")
        elif where == "info":
            breaker.send("info")
        else:
            breaker.stop()
        assert error.__name__ in repr(monitor.wait().reason)
    with pytest.raises(rk.StartFailed, match=error.__name__):
        cluster.start(Breaker, "init", error, node="n2")
    assert beside.call.increment() == 1
    assert cluster.nodes["n2"].status == "running"
