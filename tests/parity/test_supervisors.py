"""Supervisors: OTP's rules 1, 2, 3 and 7: intensity, restart types, specs, significance."""

from __future__ import annotations

from typing import Any

import pytest

import resilkit as rk
from tests.cluster.harm import supervision
from tests.parity.grounds import eventually, outcome
from tests.parity.servers import Counter, Log
from tests.parity.supervising import (
    NODE,
    crash,
    ending,
    gone,
    logged,
    pids,
    statuses,
    supervise,
    told,
)

# Rule 1: intensity -------------------------------------------------------------------------------


def test_more_than_max_restarts_ends_the_supervisor_with_shutdown(cluster: rk.Cluster) -> None:
    log = logged(cluster)
    children = ending("a"), ending("b")
    began = cluster.clock.now()  # another test's supervisor of that name may have given up before
    supervisor = supervise(cluster, *children, max_restarts=2, max_seconds=60.0)
    monitor = supervisor.monitor()
    for _ in range(2):
        crash(cluster, "a")
    assert statuses(cluster) == {"a": "running", "b": "running"}, "max_restarts are allowed"
    crash(cluster, "a")
    assert monitor.wait().reason == "shutdown"
    gone(cluster, "sup", "a", "b")
    assert log.call.read()[-1] == ("terminate", "b", "shutdown")
    eventually(cluster, lambda: "gave_up" in supervision(cluster, "sup", since=began))


def test_zero_restarts_end_it_at_the_first_crash(cluster: rk.Cluster) -> None:
    monitor = supervise(cluster, rk.ChildSpec(Counter, name="a"), max_restarts=0).monitor()
    crash(cluster, "a")
    assert monitor.wait().reason == "shutdown"


def test_a_name_that_is_gone_since_its_supervisor_gave_up_says_so(cluster: rk.Cluster) -> None:
    cluster.start(rk.ChildSpec(Counter, name="alone"), node=NODE)
    supervise(
        cluster, *(rk.ChildSpec(Counter, name=name) for name in ("a", "b")), max_restarts=1,
        max_seconds=60.0,
    )  # fmt: skip
    server, sibling = cluster.whereis("a"), cluster.whereis("b")
    for _ in range(2):
        crash(cluster, "a")
    crash(cluster, "alone")
    gone(cluster, "sup", "a", "b", "alone")
    eventually(cluster, lambda: "gave up" in str(outcome(server.call.get)))
    why = "has ended, and is not back: its supervisor 'sup' gave up, after more than 1 restart in"
    for each in (server, sibling):
        assert f"on node {NODE} {why} 60 s" in str(outcome(each.call.get))
    with pytest.raises(rk.NoProcess, match=r"'alone'; .* has ended, and is not back$"):
        cluster.whereis("alone").call.get()
    # Once it was started again, what ended it before is no cause any more.
    before = len(told(cluster, "started"))
    supervise(cluster, rk.ChildSpec(Counter, name="a"))
    cluster.whereis("sup").call.terminate_child("a")
    gone(cluster, "a")
    eventually(cluster, lambda: "a" in [row[1] for row in told(cluster, "started")[before:]])
    assert str(outcome(server.call.get)).endswith("has ended, and is not back")


def test_one_group_restart_counts_once(cluster: rk.Cluster) -> None:
    children = [rk.ChildSpec(Counter, name=name) for name in "abcd"]
    supervise(cluster, *children, strategy="one_for_all", max_restarts=2)
    for _ in range(2):
        crash(cluster, "b")
    assert statuses(cluster) == dict.fromkeys("abcd", "running")


class Flaky(Counter):
    """Starts the first time only."""

    async def init(self, log: str) -> None:  # type: ignore[override]
        """Look whether it was here before."""
        page = self.whereis(log)
        page.cast.note("init")
        if len(await page.call.peek()) > 1:
            raise ValueError("cannot start again")


class OpenLog(Log):
    """A log that is looked at."""

    def peek(self) -> list[Any]:
        """Return what stands there, and leave it."""
        return self.page


def test_each_failed_restart_attempt_counts(cluster: rk.Cluster) -> None:
    log = cluster.start(OpenLog, name="log", node=NODE)
    supervisor = supervise(cluster, rk.ChildSpec(Flaky, name="a", args=("log",)), max_restarts=3)
    monitor = supervisor.monitor()
    cluster.whereis("a").kill()
    assert monitor.wait().reason == "shutdown"
    # The crash is the first restart; its failure and the next two make more than three.
    assert len(log.call.read()) == 1 + 3


def test_a_child_that_is_not_restarted_counts_nothing(cluster: rk.Cluster) -> None:
    children = [rk.ChildSpec(Counter, name=name, restart="temporary") for name in "abcd"]
    supervise(cluster, *children, max_restarts=0)
    for name in "abcd":
        crash(cluster, name)
    assert statuses(cluster) == {}


def test_old_restarts_do_not_count(cluster: rk.Cluster) -> None:
    supervise(cluster, rk.ChildSpec(Counter, name="a"), max_restarts=1, max_seconds=0.1)
    counter = cluster.start(Counter, node="n1").with_timeout(0.2)
    for _ in range(3):
        crash(cluster, "a")
        with pytest.raises(rk.CallTimeout):
            counter.call.hold()  # for longer than the restart counts
    assert statuses(cluster) == {"a": "running"}


# Rule 2: restart types ---------------------------------------------------------------------------


@pytest.mark.parametrize("restart", ["permanent", "transient", "temporary"])
@pytest.mark.parametrize(
    "reason", ["normal", "shutdown", ("shutdown", "x"), "crash", "killed"], ids=str
)
def test_restart_types_by_reason(cluster: rk.Cluster, restart: Any, reason: Any) -> None:
    supervise(cluster, rk.ChildSpec(Counter, name="a", restart=restart))
    [before] = pids(cluster, "a")
    crash(cluster, "a", reason)
    if restart == "permanent" or (restart == "transient" and reason in ("crash", "killed")):
        eventually(cluster, lambda: pids(cluster, "a")[0] not in (None, before))
        assert statuses(cluster) == {"a": "running"}
    else:
        gone(cluster, "a")
        assert statuses(cluster) == ({} if restart == "temporary" else {"a": "terminated"})


def test_a_transient_supervisor_that_gave_up_is_not_restarted_a_permanent_one_is(
    cluster: rk.Cluster,
) -> None:
    for restart, status in (("transient", "terminated"), ("permanent", "running")):
        name = f"inner-{restart}"
        inner = rk.SupervisorSpec(
            name, [rk.ChildSpec(Counter, name=f"c-{restart}")], max_restarts=0,
            restart=restart,  # type: ignore[arg-type]
        )  # fmt: skip
        outer = f"outer-{restart}"
        cluster.start(rk.SupervisorSpec(outer, [inner]), node=NODE)
        monitor = cluster.whereis(name).monitor()
        crash(cluster, f"c-{restart}")
        assert monitor.wait().reason == "shutdown"
        assert statuses(cluster, outer) == {name: status}


# Rule 3: specs -----------------------------------------------------------------------------------


def test_a_finished_transient_child_keeps_its_spec(cluster: rk.Cluster) -> None:
    spec = rk.ChildSpec(Counter, name="a", restart="transient")
    supervisor = supervise(cluster, spec)
    crash(cluster, "a", "normal")
    assert statuses(cluster) == {"a": "terminated"}
    with pytest.raises(rk.Refused, match="already_present"):
        supervisor.start_child(spec)
    supervisor.restart_child("a")
    assert cluster.whereis("a").call.increment() == 1


def test_a_temporary_childs_spec_goes_with_it(cluster: rk.Cluster) -> None:
    spec = rk.ChildSpec(Counter, name="a", restart="temporary")
    supervisor = supervise(cluster, spec)
    crash(cluster, "a")
    assert statuses(cluster) == {}
    supervisor.start_child(spec)
    assert statuses(cluster) == {"a": "running"}


# Rule 7: significant children --------------------------------------------------------------------


def test_any_significant_child_that_ends_by_itself_ends_the_supervisor(
    cluster: rk.Cluster,
) -> None:
    monitor = supervise(
        cluster,
        rk.ChildSpec(Counter, name="a", restart="transient", significant=True),
        rk.ChildSpec(Counter, name="b", restart="transient", significant=True),
        auto_shutdown="any_significant",
    ).monitor()
    crash(cluster, "a", "normal")
    assert monitor.wait().reason == "shutdown"
    gone(cluster, "a", "b")


def test_all_significant_waits_for_the_last_one(cluster: rk.Cluster) -> None:
    monitor = supervise(
        cluster,
        rk.ChildSpec(Counter, name="a", restart="temporary", significant=True),
        rk.ChildSpec(Counter, name="b", restart="temporary", significant=True),
        rk.ChildSpec(Counter, name="c"),
        auto_shutdown="all_significant",
    ).monitor()
    crash(cluster, "a")
    assert statuses(cluster) == {"b": "running", "c": "running"}
    crash(cluster, "b")
    assert monitor.wait().reason == "shutdown"


def test_a_significant_child_that_the_supervisor_stops_ends_nothing(cluster: rk.Cluster) -> None:
    supervisor = supervise(
        cluster,
        rk.ChildSpec(Counter, name="a", restart="transient", significant=True),
        auto_shutdown="any_significant",
    )
    supervisor.terminate_child("a")
    assert statuses(cluster) == {"a": "terminated"}
