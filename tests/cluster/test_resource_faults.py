"""Pressure on real nodes: by what a server's own request for more of it gets."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import psutil
import pytest

import resilkit as rk
from resilkit import faults
from resilkit.chaos import fault_spans
from resilkit.clock import monotonic
from resilkit.cluster.cluster import Cluster
from tests.cluster.harm import Probe, fault_events, took, wait_until
from tests.cluster.traces import wait_gone

MIB = 1024 * 1024
LIMIT = 400 * MIB
EARLY = 0.002
"""Seconds by which a timer of the loop may fire too soon: it counts in milliseconds."""


@pytest.fixture(scope="module")
def shared() -> Iterator[Cluster]:
    spec = rk.ClusterSpec(
        nodes=["free", rk.NodeSpec("tight", limits=rk.Limits(memory_bytes=LIMIT))]
    )
    with rk.Cluster(spec) as cluster:
        for name in cluster.nodes:
            cluster.start(Probe, name=f"on-{name}", node=name)
        yield cluster


@pytest.fixture
def cluster(shared: Cluster) -> Iterator[Cluster]:
    limits = {name: limits_of(shared, name) for name in shared.nodes}
    yield shared
    shared.heal()
    assert {name: limits_of(shared, name) for name in shared.nodes} == limits


def limits_of(cluster: Cluster, node: str) -> list[tuple[int, int]]:
    """Return the limits in force in a node's process."""
    process = psutil.Process(cluster.nodes[node].pid)
    return [process.rlimit(number) for number in (psutil.RLIMIT_DATA, psutil.RLIMIT_NOFILE)]


def resident(cluster: Cluster, node: str) -> int:
    """Return the resident bytes of a node's process."""
    return int(psutil.Process(cluster.nodes[node].pid).memory_info().rss)


def burners(cluster: Cluster, node: str) -> list[psutil.Process]:
    """Return the processes that a node has forked."""
    return psutil.Process(cluster.nodes[node].pid).children()


def test_memory_is_held_up_to_a_share_of_the_nodes_own_limit_and_given_back(
    cluster: Cluster,
) -> None:
    probe = cluster.whereis("on-tight")
    before = resident(cluster, "tight")
    assert probe.call.allocate(100 * MIB) == "ok"
    with cluster.inject(faults.Memory(0.9, targets="tight")) as injection:
        reached = injection.outcomes[0]["reached"]["tight"]
        assert reached["limit_bytes"] == LIMIT
        assert 0.88 <= reached["share"] <= 0.91
        assert resident(cluster, "tight") - before > 200 * MIB, "pages that are really there"
        assert probe.call.allocate(100 * MIB) == "MemoryError"
        assert probe.call.allocate(4 * MIB) == "ok"
        assert cluster.whereis("on-free").call.allocate(100 * MIB) == "ok"
    assert probe.call.allocate(100 * MIB) == "ok"
    (healed,) = fault_events(cluster, injection, "healed")
    assert healed.detail["left"]["tight"]["used_bytes"] < 0.5 * LIMIT
    assert resident(cluster, "tight") - before < 50 * MIB


def test_a_node_without_a_limit_gets_the_faults_for_as_long_as_it_lasts(cluster: Cluster) -> None:
    probe = cluster.whereis("on-free")
    with cluster.inject(faults.Memory(1.0, limit_bytes=LIMIT, targets="free")) as injection:
        reached = injection.outcomes[0]["reached"]["free"]
        assert reached["limit_bytes"] == LIMIT
        assert 0.95 <= reached["share"] <= 1.0
        assert probe.call.allocate(20 * MIB) == "MemoryError"
        assert probe.call.echo() == cluster.nodes["free"].pid, "it lives, though it has nothing"
        assert cluster.nodes["free"].servers()
    assert probe.call.allocate(20 * MIB) == "ok"


def test_pressures_that_overlap_give_the_limits_back_in_any_order(cluster: Cluster) -> None:
    before = limits_of(cluster, "free")
    for first_out in (0, 1):
        injections = [
            cluster.inject(faults.Memory(0.1, limit_bytes=limit, targets="free"))
            for limit in (LIMIT // 2, LIMIT)
        ] + [
            cluster.inject(faults.OpenFiles(0.1, limit=limit, targets="free"))
            for limit in (200, 100)
        ]
        assert limits_of(cluster, "free")[0][0] == LIMIT // 2
        assert limits_of(cluster, "free")[1][0] == 100
        injections[first_out].heal()
        injections[2 + first_out].heal()
        assert limits_of(cluster, "free")[0][0] == (LIMIT, LIMIT // 2)[first_out]
        cluster.heal()
        assert limits_of(cluster, "free") == before


def test_a_pressure_that_rises_slowly_can_be_healed_while_it_rises(cluster: Cluster) -> None:
    probe = cluster.whereis("on-tight")
    rows = len(cluster.metrics)
    injection = cluster.inject(faults.Memory(0.9, ramp=10.0, at=0.001, targets="tight"))
    before = resident(cluster, "tight")
    wait_until(lambda: resident(cluster, "tight") > before + 4 * MIB)
    wait_until(lambda: fault_events(cluster, injection, "begins"))
    assert injection.active, "it harms already"
    # The node's agent goes on with its other work meanwhile.
    assert cluster.nodes["tight"].servers()
    wait_until(lambda: len(cluster.metrics) > rows)
    with took(0.0, 5.0):
        injection.heal()
    assert probe.call.allocate(100 * MIB) == "ok"
    injected, healed = fault_events(cluster, injection)
    assert (injected.event, healed.event) == ("injected", "healed")
    (begins,) = fault_events(cluster, injection, "begins")
    span = fault_spans(cluster.events.frame())[-1]
    assert (span.start, span.end) == (begins.time, healed.time), "it did harm from the first on"
    (outcome,) = injection.outcomes
    assert outcome["delivered"]
    assert outcome["reached"]["tight"]["limit_bytes"] == LIMIT
    assert 0.0 < outcome["reached"]["tight"]["share"] < 0.9, "measured, not asked for"
    assert "90 % was asked: it was healed after" in outcome["short"]["tight"]["why"]
    assert injected.detail["why"] == "it was healed before it was wholly in"
    wait_until(lambda: resident(cluster, "tight") < before + 4 * MIB)
    healed = monotonic()
    # It would have taken ten times as much by then, had it gone on.
    wait_until(lambda: monotonic() > healed + 0.5)
    assert resident(cluster, "tight") < before + 4 * MIB


def test_a_pressure_ends_by_itself_after_its_duration(cluster: Cluster) -> None:
    probe = cluster.whereis("on-tight")
    with took(4.0 - EARLY, 5.5):
        injection = cluster.inject(faults.Memory(0.9, duration=4.0, targets="tight"))
        assert probe.call.allocate(100 * MIB) == "MemoryError"
        assert injection.wait(20.0)
    assert probe.call.allocate(100 * MIB) == "ok"
    injected, healed = fault_events(cluster, injection)
    assert healed.time - injected.time >= 4.0 - EARLY
    assert 0.0 < injection.outcomes[0]["built_up_after"] < 4.0
    built_up = injection.outcomes[0]["built_up_after"]
    assert built_up == round(built_up, 6), "no digits that no clock measured"


def test_a_pressure_ends_on_time_though_its_level_was_not_reached(cluster: Cluster) -> None:
    fault = faults.Memory(0.9, ramp=60.0, at=0.001, duration=0.5, targets="tight")
    with took(0.5 - EARLY, 2.0):
        injection = cluster.inject(fault)
        assert injection.wait(20.0)
    injected, healed = fault_events(cluster, injection)
    assert (injected.event, healed.event) == ("injected", "healed")
    (begins,) = fault_events(cluster, injection, "begins")
    assert (begins.time, begins.target) == (injected.time, "tight"), "one strike, told twice"
    assert [span.start for span in fault_spans(cluster.events.frame())][-1] == begins.time
    assert healed.time - injected.time >= 0.5 - EARLY
    assert injection.outcomes[0]["reached"]["tight"]["share"] < 0.5, "measured, not asked for"
    short = injection.outcomes[0]["short"]["tight"]
    assert short["part"] < 0.6
    assert "90 % was asked: its time was over" in short["why"]
    assert injected.detail["short"]["tight"] == short


class Busiest(Probe):
    """Tells how much the loop of its node has worked at most without a rest."""

    def watch(self) -> None:
        """Begin."""
        self.most, self.last = 0.0, time.thread_time()
        self.send_after(0.001, "tick")

    def info(self, message: object) -> None:
        """Compare: processor time, so that a busy machine does not count."""
        now = time.thread_time()
        self.most, self.last = max(self.most, now - self.last), now
        self.send_after(0.001, "tick")

    def busiest(self) -> float:
        """Return the most seconds of work between two ticks of a millisecond."""
        return self.most


@pytest.mark.parametrize("fault", [faults.Memory(0.9), faults.OpenFiles(0.9)])
def test_a_pressure_harms_by_what_it_takes_and_holds_up_nobody(
    cluster: Cluster, fault: rk.Fault
) -> None:
    watcher = cluster.start(Busiest, node="tight")
    watcher.call.watch()
    with cluster.inject(fault, "tight") as injection:
        assert injection.outcomes[0]["reached"]["tight"]["share"] > 0.85
        assert watcher.call.busiest() < 0.025, "while it is built up"
    assert watcher.call.busiest() < 0.025, "while it is taken down"
    watcher.stop()


def test_burners_do_not_share_the_memory_that_their_node_holds(cluster: Cluster) -> None:
    with (
        cluster.inject(faults.Memory(0.9, targets="tight")),
        cluster.inject(faults.CPU(0.1, targets="tight")),
    ):
        (burner,) = burners(cluster, "tight")
        node = psutil.Process(cluster.nodes["tight"].pid).memory_info()
        assert burner.memory_info().vms < node.vms - 200 * MIB


def test_nothing_can_be_opened_at_a_share_of_1_and_everything_after(cluster: Cluster) -> None:
    probe = cluster.whereis("on-tight")
    with cluster.inject(faults.OpenFiles(1.0, limit=128, targets="tight")) as injection:
        assert injection.outcomes[0]["reached"]["tight"] == {
            "limit": 128,
            "open_files": 128,
            "share": 1.0,
        }
        assert probe.call.open_file() == "EMFILE"
        assert cluster.whereis("on-free").call.open_file() == "ok"
    assert probe.call.open_file() == "ok"
    (healed,) = fault_events(cluster, injection, "healed")
    assert healed.detail["left"]["tight"]["open_files"] < 64


def test_a_share_of_the_open_files_leaves_room_for_the_rest(cluster: Cluster) -> None:
    probe = cluster.whereis("on-tight")
    with cluster.inject(faults.OpenFiles(0.5, limit=200, targets="tight")) as injection:
        assert injection.outcomes[0]["reached"]["tight"]["share"] == pytest.approx(0.5, abs=0.02)
        assert probe.call.open_file() == "ok"
        assert psutil.Process(cluster.nodes["tight"].pid).num_fds() >= 100


def test_burners_burn_beside_their_node_and_are_gone(cluster: Cluster) -> None:
    assert burners(cluster, "free") == []
    with cluster.inject(faults.CPU(1.0, workers=2, targets="free")) as injection:
        assert injection.outcomes[0]["reached"]["free"]["workers"] == 2
        running = burners(cluster, "free")
        assert len(running) == 2
        wait_until(lambda: all(sum(one.cpu_times()[:2]) > 0.1 for one in running))
        assert cluster.whereis("on-free").call.echo(), "the node itself is not blocked"
        assert all(one.num_fds() == 0 for one in running), "the node's sockets are its own"
    assert burners(cluster, "free") == []
    (healed,) = fault_events(cluster, injection, "healed")
    left = healed.detail["left"]["free"]
    assert left["workers"] == 0
    assert left["cpu_seconds"] > 0.2
    assert 0.0 < left["share"] <= 1.05


def test_a_burner_takes_its_share_and_not_more(cluster: Cluster) -> None:
    with cluster.inject(faults.CPU(0.05, targets="free")):
        (burner,) = burners(cluster, "free")
        started = monotonic()
        wait_until(lambda: monotonic() - started > 0.8)
        share = sum(burner.cpu_times()[:2]) / (monotonic() - started)
    assert 0.005 < share < 0.15


def test_the_share_that_burners_reached_is_measured(cluster: Cluster) -> None:
    # More of them than the machine has cores cannot each have one.
    workers = 4 * (os.cpu_count() or 1)
    with cluster.inject(faults.CPU(1.0, workers=workers, targets="free")) as injection:
        reached = injection.outcomes[0]["reached"]["free"]
    assert reached["workers"] == workers
    assert 0.0 < reached["share"] < 0.5
    short = injection.outcomes[0]["short"]["free"]
    assert short["part"] > 0.9, "no core was idle for want of them"
    assert "100 % was asked" in short["why"]


def test_what_burners_get_is_measured_while_no_file_can_be_opened(cluster: Cluster) -> None:
    with (
        cluster.inject(faults.OpenFiles(1.0, limit=128, targets="free")) as files,
        cluster.inject(faults.CPU(0.5, targets="free")) as injection,
    ):
        assert injection.outcomes[0]["reached"]["free"]["share"] > 0.02
    assert "short" not in files.outcomes[0]


def test_burners_end_with_their_node_however_that_ends() -> None:
    with rk.Cluster(nodes=2) as cluster:
        cluster.inject(faults.CPU(0.1, workers=2, targets="all"))
        killed, closed = burners(cluster, "n1"), burners(cluster, "n2")
        assert len(killed) == len(closed) == 2
        os.kill(cluster.nodes["n1"].pid, signal.SIGKILL)
        wait_gone([one.pid for one in killed])
    wait_gone([one.pid for one in closed])


def test_a_node_that_is_paused_gives_back_what_it_holds_when_it_goes_on(cluster: Cluster) -> None:
    probe = cluster.whereis("on-tight")
    pressure = cluster.inject(faults.OpenFiles(1.0, limit=128, targets="tight"))
    with cluster.inject(faults.NodePause(targets="tight")), took(0.0, 5.0):
        pressure.heal()
    wait_until(lambda: probe.call.open_file() == "ok")


def test_a_node_that_died_under_pressure_has_nothing_to_give_back(cluster: Cluster) -> None:
    with cluster.inject(faults.OpenFiles(0.9, limit=128, targets="free")) as injection:
        cluster.nodes["free"].restart()
        assert cluster.whereis("on-free").call.open_file() == "ok"
    assert [row.event for row in fault_events(cluster, injection)] == ["injected", "healed"]


def test_memory_is_held_and_given_back_while_no_file_can_be_opened(cluster: Cluster) -> None:
    probe = cluster.whereis("on-free")
    with cluster.inject(faults.OpenFiles(1.0, limit=128, targets="free")):
        assert probe.call.open_file() == "EMFILE"
        with cluster.inject(faults.Memory(0.9, limit_bytes=LIMIT, targets="free")) as injection:
            assert injection.outcomes[0]["reached"]["free"]["share"] >= 0.85
            assert probe.call.allocate(100 * MIB) == "MemoryError"
        assert injection.outcomes[0]["left"]["free"]["used_bytes"] < 0.5 * LIMIT
        assert probe.call.allocate(100 * MIB) == "ok"
        assert probe.call.open_file() == "EMFILE"


def test_whatever_goes_wrong_with_a_pressure_is_told_to_who_asked_for_it(cluster: Cluster) -> None:
    session = cluster._session
    ask = session.ask_agent("free", "press", "strange-1", "no such kind", {}, timeout=10.0)
    with pytest.raises(rk.InternalError, match="KeyError: 'no such kind'"):
        session.thread.sync(ask)
