"""What a newcomer gets wrong, on a real cluster: it is told, and it harms nobody else."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator
from typing import Any

import pytest

import resilkit as rk
from resilkit import faults
from resilkit.cluster.cluster import Cluster
from resilkit.cluster.launcher_events import Undone
from resilkit.faults.registry import _REGISTERED
from tests.cluster.harm import wait_until
from tests.cluster.servers import Counter


class Slow(rk.Server):
    """Takes its time to start, unless it is told otherwise."""

    async def init(self, seconds: float = 60.0) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    def here(self) -> str:
        """Say where."""
        return self.node


class Loud(rk.Server):
    """Calls and casts to others."""

    async def talk(self, name: str, times: int) -> int:
        """Call."""
        for _ in range(times - 1):
            self.whereis(name).cast.increment()
        return int(await self.whereis(name).call.increment())


class Unknown(rk.Server):
    """Answers and asks with what only some processes can read."""

    def answer(self) -> Any:
        """Answer with it."""
        return Elsewhere(self.node)

    def take(self, value: Any) -> str:
        """Take it."""
        return str(value)


class Elsewhere:
    """Can be read on no node but the one that made it."""

    def __init__(self, home: str) -> None:
        self.home = home

    def __reduce__(self) -> Any:
        return (_arrive, (self.home,))


def _arrive(home: str) -> Any:
    raise ModuleNotFoundError(f"only {home} has it")


@pytest.fixture(scope="module")
def shared() -> Iterator[Cluster]:
    with rk.Cluster(nodes=2, seed=5) as cluster:
        children = [rk.ChildSpec(Loud, name="loud"), rk.ChildSpec(Unknown, name="unknown")]
        cluster.start(rk.SupervisorSpec("top", children), node="n1")
        cluster.start(Counter, name="counter", node="n2")
        yield cluster


@pytest.fixture
def cluster(shared: Cluster) -> Iterator[Cluster]:
    yield shared
    shared.heal()


def alerts(cluster: Cluster, event: str) -> list[dict[str, Any]]:
    return [
        {"node": row.node, **json.loads(row.detail)}
        for row in cluster.events
        if (row.kind, row.event) == ("alert", event)
    ]


# Faults --------------------------------------------------------------------------------------


WRONG = """
import resilkit as rk
@rk.register_fault("wrong_cell")
class Wrong(rk.LinkFault):
    "Fails."
    how: str = "raises"
    def verdict(self, message, rng):
        if self.how == "raises":
            raise ZeroDivisionError("no verdict")
        return {"none": None, "number": 0.5}[self.how]
"""


@rk.register_fault("wrong_module")
class WrongToo(rk.LinkFault):
    """Fails, and can be imported on nodes."""

    how: str = "raises"

    def verdict(self, message: object, rng: object) -> Any:
        """Fail."""
        if self.how == "raises":
            raise ZeroDivisionError("no verdict")
        return {"none": None, "number": 0.5}[self.how]


@rk.register_fault("wrong_elsewhere")
class WrongElsewhere(rk.LinkFault):
    """No node can read it."""

    def verdict(self, message: object, rng: object) -> Any:
        """Pass."""

    def __reduce__(self) -> Any:
        return (_arrive, ("@notebook",))


@pytest.fixture(scope="module")
def of_a_cell() -> type[rk.LinkFault]:
    scope: dict[str, Any] = {"__name__": "__main__"}
    exec(WRONG, scope)  # noqa: S102 - as a cell of a notebook does
    made: type[rk.LinkFault] = scope["Wrong"]
    return made


@pytest.fixture(scope="module", autouse=True)
def _the_registry_stays_as_it_was() -> Iterator[None]:
    yield
    for name in [name for name in _REGISTERED if name.startswith("wrong_")]:
        del _REGISTERED[name]


@pytest.mark.parametrize("where", ["a module", "a cell"])
@pytest.mark.parametrize("how", ["raises", "none", "number"])
def test_a_link_fault_that_fails_harms_nobody_and_counts_as_not_delivered(
    cluster: Cluster, of_a_cell: Any, where: str, how: str
) -> None:
    wrong: Any = WrongToo if where == "a module" else of_a_cell
    loud, top = cluster.whereis("loud"), cluster.whereis("top")
    before = loud.pid, top.pid
    value = cluster.whereis("counter").call.get()
    with cluster.inject(wrong(how)) as injection:
        assert loud.call.talk("counter", 20) == value + 20
        mine = lambda: [one for one in alerts(cluster, "fault_failed") if one["id"] == injection.id]  # noqa: E731
        wait_until(lambda: any(one["node"] == "n1" for one in mine()))
        assert {one["failures"] for one in mine()} == {1}
    assert (loud.pid, top.pid) == before
    (row,) = injection.outcomes
    assert row["delivered"] is False
    assert {"raises": "ZeroDivisionError: no verdict"}.get(how, "is no verdict") in row["why"]
    assert "on n1" in row["why"]
    assert len(mine()) <= 4
    assert max(one["failures"] for one in mine()) >= 20


def test_a_fault_that_no_node_can_read_is_refused(cluster: Cluster) -> None:
    with pytest.raises(rk.InvalidArgument, match=r"cannot be read on n\d: ModuleNotFoundError"):
        cluster.inject(WrongElsewhere())
    failed = [row for row in cluster.events if row.event == "failed"]
    assert failed


# Starting ------------------------------------------------------------------------------------


def test_a_start_that_takes_too_long_fails_and_is_stopped(cluster: Cluster) -> None:
    with pytest.raises(rk.StartFailed, match=r"'w' had not started on node n1 within 0\.3 s"):
        cluster.start(Slow, name="w", node="n1", timeout=0.3)
    assert "w" not in cluster.names()
    assert all(row["name"] != "w" for row in cluster.nodes["n1"].servers())
    assert cluster.start(Slow, 0.0, name="w", node="n1").call.here() == "n1"
    cluster.whereis("w").stop()


def test_a_supervisor_that_takes_too_long_takes_its_children_with_it(cluster: Cluster) -> None:
    children = [rk.ChildSpec(Counter, name="first"), rk.ChildSpec(Slow, name="second")]
    with pytest.raises(rk.StartFailed, match="'both' had not started"):
        cluster.start(rk.SupervisorSpec("both", children), node="n1", timeout=0.3)
    names = {row["name"] for row in cluster.nodes["n1"].servers()}
    assert not names & {"both", "first", "second"}


# What cannot be read --------------------------------------------------------------------------


def test_a_reply_that_cannot_be_read_fails_its_call_at_once(cluster: Cluster) -> None:
    unknown = cluster.whereis("unknown").with_timeout(30.0)
    with pytest.raises(rk.InvalidArgument, match="the reply cannot be read on @notebook"):
        unknown.call.answer()
    with pytest.raises(rk.InvalidArgument, match="what was sent cannot be read on n1"):
        unknown.call.take(Elsewhere("@notebook"))


# Events ----------------------------------------------------------------------------------------


def lives(cluster: Cluster, target: str) -> list[tuple[str, str, Any]]:
    return [
        (row.event, detail["pid"], detail.get("asked"))
        for row in cluster.events
        if (detail := json.loads(row.detail))
        and row.kind == "supervision"
        and row.target == target
        and row.event != "gave_up"
    ]


def test_each_end_has_the_pid_of_its_beginning_and_says_who_wanted_it(cluster: Cluster) -> None:
    spec = rk.SupervisorSpec("brief", [rk.ChildSpec(Counter, name="child")], max_restarts=1)
    brief = cluster.start(spec, node="n1")
    first, own = str(cluster.whereis("child").pid), str(brief.pid)
    brief.terminate_child("child")
    brief.restart_child("child")
    second = str(cluster.whereis("child").pid)
    monitor = brief.monitor()
    for _ in range(2):
        with pytest.raises(rk.ServerExit):
            cluster.whereis("child").call.boom()
        wait_until(lambda: "child" in cluster.names() or "brief" not in cluster.names())
    monitor.wait()
    wait_until(lambda: lives(cluster, "brief")[-1][0] == "terminated")
    rows = lives(cluster, "child")
    third = rows[-1][1]
    assert rows == [
        ("started", first, None), ("terminated", first, True),
        ("started", second, None), ("terminated", second, False),
        ("restarted", third, None), ("terminated", third, False),
    ]  # fmt: skip
    assert len({first, second, third}) == 3
    # It gave up by itself: nobody asked it to.
    assert lives(cluster, "brief") == [("started", own, None), ("terminated", own, False)]


def test_one_that_is_stopped_was_asked(cluster: Cluster) -> None:
    cluster.start(Counter, name="asked", node="n1").stop()
    wait_until(lambda: len(lives(cluster, "asked")) == 2)
    assert lives(cluster, "asked")[-1][2] is True


# Blocking, and who restarts ----------------------------------------------------------------------


class Blocking(rk.Server):
    """Blocks its node."""

    def block(self, seconds: float) -> None:
        """Block."""
        signal.sigtimedwait([], seconds)


def test_a_node_that_stood_still_tells_so_once_and_a_paused_one_does_not(cluster: Cluster) -> None:
    blocking = cluster.start(Blocking, name="blocking", node="n1")
    began = cluster.clock.now()
    cluster.nodes["n2"].pause()
    blocking.call.block(2.0)
    over = cluster.clock.now()
    cluster.nodes["n2"].resume()
    seen = {name: samples(cluster, name) for name in ("n1", "n2")}
    wait_until(lambda: all(samples(cluster, name) > count + 2 for name, count in seen.items()))
    # A busy machine makes others stand still as well, before or after.
    meant = [
        (row.node, seconds)
        for row in cluster.events
        if row.event == "stalled"
        and (seconds := json.loads(row.detail)["seconds"]) > 1.6
        and began - 0.3 < row.time - seconds < over - 0.3
    ]
    ((node, seconds),) = meant
    assert node == "n1"
    assert seconds < 10.0
    blocking.stop()


def samples(cluster: Cluster, node: str) -> int:
    frame = cluster.metrics.frame("loop_lag")
    return int((frame["node"] == node).sum())


def test_the_default_restart_is_taken_at_the_top_written_out_or_not(cluster: Cluster) -> None:
    for spec, same in (
        (
            rk.ChildSpec(Counter, name="upmost"),
            rk.ChildSpec(Counter, name="upmost", restart="permanent"),
        ),
        (rk.SupervisorSpec("upmost"), rk.SupervisorSpec("upmost", restart="permanent")),
    ):
        assert spec == same
        for one in (spec, same):
            cluster.start(one, node="n1").stop()


def test_a_spec_that_asks_for_a_supervisor_is_refused_where_there_is_none(
    cluster: Cluster,
) -> None:
    restart: Any = "transient"
    spec = rk.ChildSpec(Counter, name="alone", restart=restart)
    with pytest.raises(rk.InvalidArgument, match=r"what\.restart: asks for a supervisor") as caught:
        cluster.start(spec)
    assert caught.value.value == restart
    with pytest.raises(rk.InvalidArgument, match=r"what\.restart"):
        cluster.start(rk.SupervisorSpec("alone", restart=restart))
    significant = rk.ChildSpec(Counter, restart="temporary", significant=True)
    with pytest.raises(rk.InvalidArgument, match=r"what\.significant"):
        cluster.start(significant)
    with pytest.raises(rk.InvalidArgument, match=r"nodes\[0\]\.applications\[0\]\.restart"):
        rk.ClusterSpec(nodes=[rk.NodeSpec("a", applications=[spec])]).validated()
    # Under a supervisor it holds, and without it a server may stand alone.
    child = cluster.start(rk.SupervisorSpec("over", [spec])).children()[0]
    assert child["restart"] == restart
    assert type(child["restart"]) is str
    cluster.whereis("over").stop()
    cluster.start(rk.ChildSpec(Counter, name="alone")).stop()


class Stubborn(rk.Server):
    """Takes its time to end."""

    def init(self) -> None:
        """Be asked."""
        self.trap_exit = True

    async def terminate(self, reason: Any) -> None:
        """Take it."""
        await asyncio.sleep(3600.0)


@pytest.mark.parametrize("shutdown", [0.1, "brutal_kill"])
def test_a_server_that_stands_alone_has_the_time_of_its_spec_to_end(shutdown: Any) -> None:
    with rk.Cluster(nodes=1) as cluster:
        cluster.start(rk.ChildSpec(Stubborn, name="stubborn", shutdown=shutdown))
        cluster.nodes["n1"].stop(timeout=20.0)
        assert not alerts(cluster, "unclean_stop")
        assert [asked for *_, asked in lives(cluster, "stubborn")] == [None, True]


def test_what_the_launcher_could_not_undo_is_told(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = cluster._session.launcher
    undo = launcher.undo

    async def half(key: str) -> list[Undone]:
        await undo(key)
        return [
            Undone(key, {}, "failed", "PermissionError: not yours"),
            Undone(key, {}, "gone", ""),
        ]

    monkeypatch.setattr(launcher, "undo", half)
    injection = cluster.inject(faults.NodePause(), "n2")
    with pytest.raises(rk.ClusterError, match="not yours"):
        injection.heal()
    (alert,) = alerts(cluster, "undo_failed")
    assert alert["id"] == injection.id
    assert "PermissionError: not yours" in alert["why"]
    assert cluster.nodes["n2"].status == "running"


def test_a_child_that_somebody_stopped_was_asked_to_end(cluster: Cluster) -> None:
    cluster.start(rk.SupervisorSpec("kind", [rk.ChildSpec(Counter, name="told")]), node="n1")
    cluster.whereis("told").stop()
    wait_until(lambda: len(lives(cluster, "told")) == 3)
    (_, first, _), ended, (again, second, _) = lives(cluster, "told")
    assert ended == ("terminated", first, True)
    assert again == "restarted"
    cluster.whereis("told").kill()
    wait_until(lambda: len(lives(cluster, "told")) == 5)
    assert lives(cluster, "told")[3] == ("terminated", second, False)
