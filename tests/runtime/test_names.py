"""Names on a node and across the cluster: OTP's rules 12 and 13."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from resilkit.errors import AlreadyStarted, NoProcess
from resilkit.rng import stream
from resilkit.runtime import ChildSpec, Down, Pid, Reference, Server, repeating, spawn
from resilkit.runtime.kinds import NAMES
from tests.runtime.servers import Counter
from tests.runtime.world import World, on, outcome, settle, until

NODES = ("n1", "n2", "n3")


def holders(world: World, name: str) -> set[Pid | None]:
    """Return who holds a name, as each node sees it."""
    return {node.names.whereis(name) for node in world.nodes.values()}


class Register(Server):
    """Takes and gives back names by itself."""

    async def take(self, name: str) -> None:
        """Register; a name that is taken is an answer."""
        await self.register(name)

    def give(self, name: str) -> bool:
        """Unregister."""
        return self.unregister(name)


class Watcher(Server):
    """Keeps the notices that it gets."""

    def init(self) -> None:
        """Begin with none."""
        self.downs: list[Down] = []

    def watch(self, name: str) -> None:
        """Monitor the holder of a name."""
        self.monitor(self.whereis(name))

    def info(self, message: Any) -> None:
        """Keep a notice."""
        self.downs.append(message)


@on(*NODES)
async def test_a_name_is_known_on_every_node_when_the_start_returns(world: World) -> None:
    for node in NODES:
        process = await spawn(world.nodes[node], ChildSpec(Counter, name=f"c-{node}"))
        assert holders(world, f"c-{node}") == {process.pid}


@on(*NODES)
async def test_a_taken_name_gives_the_holder_before_init_runs(world: World) -> None:
    ran: list[str] = []

    class Loud(Counter):
        def init(self, start: int = 0) -> None:
            ran.append("init")

    holder = await spawn(world.nodes["n2"], ChildSpec(Counter, name="c"))
    for node in NODES:
        error = await outcome(spawn(world.nodes[node], ChildSpec(Loud, name="c")))
        assert isinstance(error, AlreadyStarted)
        assert error.ref == Reference(holder.pid)
    assert ran == []
    assert holders(world, "c") == {holder.pid}


@on(*NODES)
async def test_one_of_many_that_race_for_a_name_gets_it(world: World) -> None:
    results = await asyncio.gather(
        *(spawn(world.nodes[node], ChildSpec(Counter, name="c")) for node in NODES * 5),
        return_exceptions=True,
    )
    won = [result for result in results if not isinstance(result, BaseException)]
    assert len(won) == 1
    assert all(isinstance(r, AlreadyStarted) for r in results if isinstance(r, BaseException))
    await settle()
    assert holders(world, "c") == {won[0].pid}


@on(*NODES)
async def test_names_are_free_before_exit_and_down_signals_go_out(world: World) -> None:
    for node in NODES:
        seen: list[Any] = []

        class Watcher(Server):
            def init(self, seen: list[Any] = seen) -> None:
                self.monitor("c")
                self.seen = seen

            def info(self, message: Any) -> None:
                self.seen.append(self._process.node.names.whereis("c"))

        process = await spawn(world.nodes[node], ChildSpec(Counter, name="c"))
        await spawn(world.nodes["n1"], ChildSpec(Watcher))
        await settle()
        process.end("gone")
        await settle()
        assert seen == [None]


@on(*NODES)
async def test_a_failed_init_frees_the_name_before_the_parent_is_told(world: World) -> None:
    class Broken(Counter):
        def init(self, start: int = 0) -> None:
            raise ValueError("never")

    await outcome(spawn(world.nodes["n1"], ChildSpec(Broken, name="c")))
    assert world.nodes["n1"].names.whereis("c") is None
    await spawn(world.nodes["n1"], ChildSpec(Counter, name="c"))


@on(*NODES)
async def test_a_reference_by_name_follows_the_name_to_another_node(world: World) -> None:
    counter = Reference("c")
    for node in ("n3", "n1", "n2"):
        process = await spawn(world.nodes[node], ChildSpec(Counter, name="c", args=(10,)))
        assert await counter.call.increment() == 11
        await Reference(process.pid).stop()
        assert isinstance(await outcome(counter.call.increment()), NoProcess)


@on(*NODES)
async def test_a_server_takes_gives_and_takes_names_again(world: World) -> None:
    one = Reference((await spawn(world.nodes["n1"], ChildSpec(Register, name="one"))).pid)
    other = Reference((await spawn(world.nodes["n2"], ChildSpec(Register, name="other"))).pid)
    await one.call.take("role")
    assert await other.call.give("role") is False
    assert await one.call.give("role") is True
    await settle()
    assert holders(world, "role") == {None}
    await other.call.take("role")
    assert holders(world, "role") == {other.address}
    for _ in range(3):
        assert await other.call.give("role") is True
        await settle()
        await other.call.take("role")
        await settle()
        assert holders(world, "role") == {other.address}


@on(*NODES)
async def test_a_name_is_agreed_over_links_that_lose_messages(world: World) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repeating, "_AGAIN", 0.005)
        chance = stream(7, "loss")
        world.loses = lambda _: chance.random() < 0.3
        for round_ in range(3):
            process = await spawn(world.nodes["n3"], ChildSpec(Counter, name="c", args=(round_,)))
            assert holders(world, "c") == {process.pid}
            process.end("gone")
            again = await spawn(world.nodes["n3"], ChildSpec(Counter, name="c"))
            assert world.nodes["n3"].names.whereis("c") == again.pid
            again.end("gone")
            await until(lambda: holders(world, "c") == {None})


@on(*NODES)
async def test_names_meet_again_over_links_that_lose_messages(world: World) -> None:
    pids = [
        (await spawn(world.nodes[name], ChildSpec(Counter, name=f"c-{name}"))).pid for name in NODES
    ]
    world.cut(("n1", "n3"), ("n2", "n3"))
    world.loses = lambda _: True
    world.mend(("n1", "n3"), ("n2", "n3"))
    await settle()
    assert world.nodes["n1"].names.whereis("c-n3") is None
    world.loses = lambda _: False
    await until(lambda: [holders(world, f"c-{name}") for name in NODES] == [{pid} for pid in pids])


@on(*NODES)
async def test_names_told_to_a_node_that_is_not_ready_are_told_again(world: World) -> None:
    process = await spawn(world.nodes["n1"], ChildSpec(Counter, name="c"))
    world.cut(("n1", "n3"))
    world._cut.clear()
    world.nodes["n1"].peer_up("n3", 1, "member")
    await settle()
    assert world.nodes["n3"].names.whereis("c") is None
    world.nodes["n3"].peer_up("n1", 1, "member")
    await settle()
    assert holders(world, "c") == {process.pid}


@on(*NODES)
async def test_what_is_told_again_does_not_bring_back_an_ended_holder(world: World) -> None:
    process = await spawn(world.nodes["n3"], ChildSpec(Counter, name="c"))
    names = world.nodes["n1"].names
    told = ({"c": process.pid}, world.nodes["n3"].names._stamp, 0, False)
    process.end("gone")
    await until(lambda: holders(world, "c") == {None})
    names.receive("n3", (NAMES, "all", 0, told))
    assert names.whereis("c") is None


@on(*NODES)
async def test_a_loss_that_one_end_noticed_is_one_for_both(world: World) -> None:
    here = await spawn(world.nodes["n1"], ChildSpec(Counter, name="here"))
    there = await spawn(world.nodes["n3"], ChildSpec(Counter, name="there"))
    watching = await spawn(world.nodes["n1"], ChildSpec(Watcher))
    Reference(watching.pid).cast.watch("there")
    await settle()
    n1, n3 = world.nodes["n1"], world.nodes["n3"]
    for _ in range(2):
        seen = len(world.events)
        n3.peer_down("n1", 1)
        assert n3.names.whereis("here") is None
        n3.peer_up("n1", 1, "member")
        n3.membership.found_by("n1", 1)  # said before, and late
        await settle()
        assert holders(world, "here") == {here.pid}
        assert holders(world, "there") == {there.pid}
        # Each end lost the other one time, and that is the end of it.
        told = [(event, target) for kind, event, target, _ in world.events[seen:] if kind == "node"]
        assert sorted(told) == [
            ("lost", "n1"),
            ("lost", "n3"),
            ("reached", "n1"),
            ("reached", "n3"),
        ]
    assert [down.reason for down in watching.server.downs] == ["noconnection"]
    assert n1.membership.reachable() == n3.membership.reachable() == list(NODES)


@on(*NODES)
async def test_names_of_a_lost_node_become_free(world: World) -> None:
    await spawn(world.nodes["n3"], ChildSpec(Counter, name="c"))
    world.lose("n3")
    assert holders(world, "c") == {None}
    process = await spawn(world.nodes["n2"], ChildSpec(Counter, name="c"))
    assert holders(world, "c") == {process.pid}


@on(*NODES)
async def test_the_error_says_when_the_holder_has_ended_or_its_node_was_lost(world: World) -> None:
    process = await spawn(world.nodes["n3"], ChildSpec(Counter, name="c"))
    missing = Reference("c").call
    process.end("gone")
    await until(lambda: holders(world, "c") == {None})
    nobody = "no process is called 'c'"
    why = "what had that name on node n3 has ended, and is not back"
    assert str(await outcome(missing.get())) == f"{nobody}; {why}"
    typo = Reference("d").call
    assert str(await outcome(typo.get())) == "no process is called 'd'"
    await spawn(world.nodes["n3"], ChildSpec(Counter, name="c"))
    world.cut(("n1", "n3"))
    error = await outcome(missing.get())
    assert isinstance(error, NoProcess)
    assert str(error) == f"{nobody}; it was on node n3, which cannot be reached"
    world.mend(("n1", "n3"))
    await until(lambda: world.nodes["n1"].names.whereis("c"))
    assert await outcome(missing.increment()) == 1


@on(*NODES)
async def test_registering_survives_the_loss_of_the_arbiter(world: World) -> None:
    task = asyncio.ensure_future(spawn(world.nodes["n3"], ChildSpec(Counter, name="c")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    world.lose("n1")
    process = await task
    assert holders(world, "c") == {process.pid}


@on(*NODES)
async def test_after_a_partition_one_holder_stays_and_the_other_is_killed(world: World) -> None:
    left = await spawn(world.nodes["n1"], ChildSpec(Counter, name="c"))
    world.cut(("n1", "n2"), ("n1", "n3"))
    assert world.nodes["n2"].names.whereis("c") is None
    right = await spawn(world.nodes["n2"], ChildSpec(Counter, name="c"))
    assert left.alive
    world.mend(("n1", "n2"), ("n1", "n3"))
    await settle()
    assert left.alive
    assert not right.alive
    assert holders(world, "c") == {left.pid}


@on(*NODES)
async def test_a_resolver_decides_who_keeps_the_name(world: World) -> None:
    for node in world.nodes.values():
        node.names.resolver = lambda _, one, other: max(one, other)
    left = await spawn(world.nodes["n1"], ChildSpec(Counter, name="c"))
    world.cut(("n1", "n2"), ("n1", "n3"))
    right = await spawn(world.nodes["n3"], ChildSpec(Counter, name="c"))
    world.mend(("n1", "n2"), ("n1", "n3"))
    await settle()
    assert (left.alive, right.alive) == (False, True)
    assert holders(world, "c") == {right.pid}


@on(*NODES)
async def test_a_name_of_the_node_can_be_held_once_on_each(world: World) -> None:
    for node in NODES:
        await spawn(
            world.nodes[node],
            ChildSpec(Counter, name="local", scope="node", args=(int(node[1]) * 10,)),
        )
    await settle()
    for node in NODES:
        assert await Reference(("local", node)).call.increment() == int(node[1]) * 10 + 1
    assert await Reference("local").call.increment() == 12
    again = await outcome(spawn(world.nodes["n1"], ChildSpec(Counter, name="local", scope="node")))
    assert isinstance(again, AlreadyStarted)
    await Reference(("local", "n2")).stop()
    await settle()
    assert isinstance(await outcome(Reference(("local", "n2")).call.increment()), NoProcess)


@on(*NODES)
async def test_each_side_of_a_partition_knows_whether_it_is_the_majority(world: World) -> None:
    class Member(Server):
        def init(self) -> None:
            self.monitor_nodes()
            self.seen: list[tuple[str, str, bool]] = []

        def info(self, message: Any) -> None:
            self.seen.append((type(message).__name__, message.node, message.majority))

        def side(self) -> tuple[bool, list[str]]:
            return self.majority(), self.nodes()

    processes = {
        node: await spawn(world.nodes[node], ChildSpec(Member, name=f"m-{node}")) for node in NODES
    }
    world.cut(("n1", "n2"), ("n1", "n3"))
    await settle()
    sides = {node: process.server.side() for node, process in processes.items()}  # type: ignore[attr-defined]
    assert sides == {
        "n1": (False, ["n1"]),
        "n2": (True, ["n2", "n3"]),
        "n3": (True, ["n2", "n3"]),
    }
    assert processes["n1"].server.seen == [  # type: ignore[attr-defined]
        ("NodeLost", "n2", True),
        ("NodeLost", "n3", False),
    ]
    world.mend(("n1", "n2"), ("n1", "n3"))
    await settle()
    assert processes["n1"].server.seen[2:] == [  # type: ignore[attr-defined]
        ("NodeUp", "n2", True),
        ("NodeUp", "n3", True),
    ]


@on("n1", "n2", "n3")
async def test_a_node_that_is_found_while_a_name_is_agreed_hears_of_it(world: World) -> None:
    world.cut(("n1", "n2"), ("n1", "n3"))
    holder = world.nodes["n3"]
    process = await spawn(holder, ChildSpec(Register))
    receive, held = holder.names.receive, []

    def slow(source: str, message: tuple[Any, ...]) -> None:
        if message[1] == "note":
            held.append((source, message))
        else:
            receive(source, message)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(holder.names, "receive", slow)
        taking = asyncio.ensure_future(holder.names.register("bank", process))
        await until(lambda: held)  # n2 has asked all whom it reaches, and n1 is none of them
        world.mend(("n1", "n2"), ("n1", "n3"))
        await settle()  # n3 has told n1 the names that it holds: none so far
    receive(*held[0])
    await taking
    await settle()
    assert holders(world, "bank") == {process.pid}


@on("n1", "n2")
async def test_a_reference_tells_the_pid_of_who_holds_its_name(world: World) -> None:
    process = await spawn(world.nodes["n2"], ChildSpec(Register))
    assert Reference(process.pid).pid == process.pid
    with pytest.raises(NoProcess, match="bank"):
        _ = Reference("bank").pid
    await Reference(process.pid).call.take("bank")
    assert Reference("bank").pid == process.pid
