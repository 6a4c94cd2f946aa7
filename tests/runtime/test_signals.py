"""Exit signals, links and monitors: OTP's rules 8, 9 and 11."""

from __future__ import annotations

from typing import Any

from resilkit.runtime import ChildSpec, Down, Exit, Pid, Reference, Server, spawn
from tests.runtime.servers import Counter, Ending, Recorder
from tests.runtime.supervising import ending, pids, supervise
from tests.runtime.world import World, down, on, outcome, settle


async def start(
    world: World, cls: type[Server], *args: object, node: str = "n1", **kwargs: object
) -> Reference:
    """Start a server without a name."""
    process = await spawn(world.nodes[node], ChildSpec(cls, args=args, kwargs=kwargs))
    return Reference(process.pid)


def node_of(reference: Reference) -> str:
    """Return where a pid lives."""
    assert isinstance(reference.address, Pid)
    return reference.address.node


@on("n1", "n2")
async def test_exit_normal_from_another_process_is_ignored(world: World) -> None:
    for node in world.nodes:
        counter = await start(world, Counter, node=node)
        counter.exit("normal")
        assert await counter.call.increment() == 1


@on("n1", "n2")
async def test_exit_normal_is_a_message_when_exits_are_trapped(world: World) -> None:
    for node in world.nodes:
        recorder = await start(world, Recorder, trap_exit=True, node=node)
        recorder.exit("normal")
        [message] = await recorder.call.messages()
        assert isinstance(message, Exit)
        assert message.reason == "normal"


@on("n1", "n2")
async def test_any_other_reason_ends_a_process_that_does_not_trap(world: World) -> None:
    for node in world.nodes:
        counter = await start(world, Counter, node=node)
        counter.exit("tired")
        assert await down(world, counter) in ("tired", "noproc")
        assert not await counter.alive()


@on("n1", "n2")
async def test_kill_cannot_be_trapped_and_becomes_killed(world: World) -> None:
    for node in world.nodes:
        recorder = await start(world, Recorder, trap_exit=True, node=node)
        watcher = await start(world, Recorder)
        await watcher.call.watch(recorder)
        await settle()
        recorder.kill()
        await settle()
        [message] = await watcher.call.messages()
        assert isinstance(message, Down)
        assert message.reason == "killed"


@on("n1", "n2")
async def test_a_reason_kill_that_comes_by_link_can_be_trapped_and_is_not_converted(
    world: World,
) -> None:
    for node in world.nodes:
        trapper = await start(world, Recorder, trap_exit=True)
        other = await start(world, Recorder, node=node)
        await trapper.call.tie(other)
        await settle()
        await other.stop("kill")
        await settle()
        [message] = await trapper.call.messages()
        assert message == Exit(other, "kill")


@on("n1", "n2")
async def test_a_link_is_two_way_and_one_a_pair(world: World) -> None:
    for node in world.nodes:
        one, other = (
            await start(world, Recorder, trap_exit=True),
            await start(world, Recorder, trap_exit=True, node=node),
        )
        await one.call.tie(other)
        await one.call.tie(other)
        await other.call.tie(one)
        await settle()
        await one.stop("gone")
        await settle()
        assert await other.call.messages() == [Exit(one, "gone")]


@on("n1", "n2")
async def test_a_linked_process_ends_with_the_same_reason_unless_it_is_normal(world: World) -> None:
    for node in world.nodes:
        one, other = await start(world, Recorder), await start(world, Recorder, node=node)
        await one.call.tie(other)
        await settle()
        await one.stop("normal")
        await settle()
        assert await other.alive()
        third = await start(world, Recorder)
        await third.call.tie(other)
        await settle()
        await third.stop("broken")
        await settle()
        assert not await other.alive()


@on("n1", "n2")
async def test_an_unlinked_process_hears_nothing(world: World) -> None:
    for node in world.nodes:
        one, other = await start(world, Recorder), await start(world, Recorder, node=node)
        await one.call.tie(other)
        await one.call.untie(other)
        await settle()
        await one.stop("broken")
        await settle()
        assert await other.alive()


@on("n1", "n2")
async def test_a_link_to_nobody_is_an_exit_noproc(world: World) -> None:
    for node in world.nodes:
        gone = await start(world, Counter, node=node)
        await gone.stop()
        trapper = await start(world, Recorder, trap_exit=True)
        await trapper.call.tie(gone)
        await settle()
        [message] = await trapper.call.messages()
        assert message.reason == "noproc"


@on("n1", "n2")
async def test_monitors_stack_and_work_one_way(world: World) -> None:
    for node in world.nodes:
        target = await start(world, Counter, node=node)
        watcher = await start(world, Recorder)
        numbers = [await watcher.call.watch(target) for _ in range(3)]
        await settle()
        await target.stop("done")
        await settle()
        seen = await watcher.call.messages()
        assert [message.monitor for message in seen] == numbers
        assert {message.reason for message in seen} == {"done"}
        assert await watcher.alive()


@on("n1", "n2")
async def test_the_end_of_a_watcher_does_not_touch_the_watched(world: World) -> None:
    for node in world.nodes:
        target = await start(world, Counter, node=node)
        watcher = await start(world, Recorder)
        await watcher.call.watch(target)
        await watcher.stop("broken")
        await settle()
        assert await target.call.increment() == 1
        assert not world.nodes[node].processes[target.address.number].monitored_by  # type: ignore[union-attr]


@on("n1", "n2")
async def test_a_monitor_on_something_dead_gives_down_noproc(world: World) -> None:
    gone = await start(world, Counter, node="n2")
    await gone.stop()
    for target in (gone, "nobody"):
        watcher = await start(world, Recorder)
        number = await watcher.call.watch(target)
        await settle()
        [message] = await watcher.call.messages()
        assert message.monitor == number
        assert message.reason == "noproc"


@on("n1", "n2")
async def test_demonitor_takes_a_waiting_down_out_of_the_mailbox(world: World) -> None:
    class Busy(Recorder):
        def both(self, target: Reference) -> None:
            number = self.monitor(target)
            self.demonitor(number)

    gone = await start(world, Counter)
    await gone.stop()
    busy = await start(world, Busy)
    await busy.call.both(gone)
    await settle()
    assert await busy.call.messages() == []


@on("n1", "n2")
async def test_a_lost_node_gives_noconnection_to_links_and_monitors(world: World) -> None:
    target = await start(world, Counter, node="n2")
    other = await start(world, Recorder, node="n2")
    watcher = await start(world, Recorder, trap_exit=True)
    await watcher.call.watch(target)
    await watcher.call.tie(other)
    await settle()
    world.lose("n2")
    await settle()
    seen = await watcher.call.messages()
    assert sorted((type(message).__name__, message.reason) for message in seen) == [
        ("Down", "noconnection"),
        ("Exit", "noconnection"),
    ]


@on("n1", "n2")
async def test_a_cut_node_gives_noconnection_on_both_sides(world: World) -> None:
    a = await start(world, Recorder)
    b = await start(world, Recorder, node="n2")
    await a.call.watch(b)
    await b.call.watch(a)
    await settle()
    world.cut(("n1", "n2"))
    await settle()
    assert [m.reason for m in await a.call.messages()] == ["noconnection"]
    process = world.nodes["n2"].processes[b.address.number]  # type: ignore[union-attr]
    assert [m.reason for m in process.server.seen] == ["noconnection"]  # type: ignore[attr-defined]


@on("n1", "n2")
async def test_signals_and_messages_between_a_pair_keep_their_order(world: World) -> None:
    """Rule 11: order holds between a pair across all kinds of signal."""
    for node in world.nodes:
        recorder = await start(world, Recorder, trap_exit=True, node=node)
        for number in range(5):
            recorder.send(number)
            recorder.exit(("shutdown", number))
        await settle()
        seen = await recorder.call.messages()
        assert [m.reason[1] if isinstance(m, Exit) else m for m in seen] == [
            0, 0, 1, 1, 2, 2, 3, 3, 4, 4,
        ]  # fmt: skip


@on("n1")
async def test_an_exit_from_the_parent_ends_a_server_whatever_the_reason(world: World) -> None:
    for reason in ("normal", "shutdown", "odd"):
        log: list[Any] = []
        parent = await spawn(world.nodes["n1"], ChildSpec(Recorder, kwargs={"trap_exit": True}))
        child = await spawn(world.nodes["n1"], ChildSpec(Ending, args=(log,)), parent=parent)
        await Reference(parent.pid).stop(reason)
        await settle()
        assert not child.alive
        assert log[-1] == ("terminate", "", reason)


@on("n1")
async def test_terminate_runs_on_stop_and_crash_but_not_on_kill(world: World) -> None:
    expected = {"quit": "normal", "boom": "ValueError"}
    for how, reason in expected.items():
        log: list[Any] = []
        ref = await start(world, Ending, log)
        await outcome(world.nodes["n1"].call(ref.address, how, (), None, 1.0))
        ended = log[-1][2]
        assert ended == reason or type(ended).__name__ == reason
    log = []
    ref = await start(world, Ending, log)
    ref.kill()
    await settle()
    assert log == [("init", "")]


@on("n1")
async def test_without_trapping_exits_terminate_does_not_run_on_an_exit_signal(
    world: World,
) -> None:
    log: list[Any] = []
    ref = await start(world, Ending, log, trap=False)
    ref.exit("broken")
    await settle()
    assert not await ref.alive()
    assert log == [("init", "")]


@on("n1")
async def test_a_kill_ends_a_handler_that_awaits(world: World) -> None:
    counter = await start(world, Counter)
    waiting = counter.call.slow()
    await settle()
    counter.kill()
    error = await outcome(waiting)
    assert error.reason == "killed"
    assert not world.nodes["n1"].processes.get(counter.address.number)  # type: ignore[union-attr]


@on("n1")
async def test_timers_arrive_as_info_and_cancelled_ones_do_not(world: World) -> None:
    recorder = await start(world, Recorder)
    await recorder.call.never("cancelled")
    await recorder.call.later(0.0, "audit")
    while not (seen := await recorder.call.messages()):
        pass
    assert seen == ["audit"]


@on("n1")
async def test_exit_normal_sent_by_its_parent_ends_a_server_only_if_it_traps(world: World) -> None:
    log: list[Any] = []
    parent = await supervise(world, ending(log, "traps"), ChildSpec(Counter, name="c"))
    [deaf] = pids(world, "c")
    for name in ("traps", "c"):
        world.nodes["n1"].send_exit(name, parent.pid, "normal")
    await settle()
    assert log[:2] == [("init", "traps"), ("terminate", "traps", "normal")]
    assert await Reference(deaf).call.increment() == 1


@on("n1")
async def test_a_parents_end_ends_a_server_whatever_its_reason(world: World) -> None:
    log: list[Any] = []
    parent = await supervise(world, ending(log, "traps"), ending(log, "deaf"))
    traps, deaf = (world.nodes["n1"].processes[pid.number] for pid in pids(world, "traps", "deaf"))
    deaf.trap_exit = False
    for process in (traps, deaf):
        process.exit_signal(parent.pid, "normal", by_link=True)
    await settle()
    assert log[2] == ("terminate", "traps", "normal")
    assert not traps.alive
    assert not deaf.alive
