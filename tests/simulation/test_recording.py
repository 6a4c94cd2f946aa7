"""A simulation's trace: what stands in it, how it is read, and that it stays small."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

import resilkit as rk
from resilkit.runtime.kinds import INFO
from resilkit.simulation.recording import Recorder
from resilkit.simulation.scheduler import Scheduler
from resilkit.simulation.schedules import schedule_of
from resilkit.simulation.trace import SimulationTrace


class Counter(rk.Server):
    def init(self) -> None:
        self.value = 0

    def increment(self, by: int = 1) -> int:
        self.value += by
        return self.value

    def fail(self) -> None:
        raise rk.Refused("not today")


class Front(rk.Server):
    async def ask(self) -> Any:
        first = await self.whereis("counter").call.increment(by=2)
        self.whereis("counter").cast.increment(5)
        return {first}

    async def ask_in_vain(self) -> None:
        await self.whereis("counter").call.fail()


@pytest.fixture
def cluster() -> Iterator[rk.Cluster]:
    with rk.Cluster(nodes=2, backend="simulation", seed=7, record=True) as cluster:
        yield cluster


def texts(cluster: rk.Cluster, *kinds: str) -> list[str]:
    assert cluster.simulation is not None
    return [line.text for line in cluster.simulation.trace() if line.kind in kinds]


def test_messages_between_nodes_and_on_one_node_stand_in_the_trace(cluster: rk.Cluster) -> None:
    cluster.start(Counter, name="counter", node="n1")
    front = cluster.start(Front, name="front", node="n1")
    assert front.call.ask() == {2}
    front.sync()
    calls = [text.partition("] ")[2] for text in texts(cluster, "call")]
    assert calls[-3:] == ["front.ask()", "counter.increment(by=2) by front", "front sync()"]
    assert texts(cluster, "cast") == ["counter.increment(5) by front"]
    assert [text.partition("] ")[2] for text in texts(cluster, "reply")][-3:] == [
        "= 2", "= {2}", "= True",
    ]  # fmt: skip


def test_a_message_over_a_link_stands_there_once_also_under_a_users_trace(
    cluster: rk.Cluster,
) -> None:
    counter = cluster.start(Counter, name="counter", node="n1")
    front = cluster.start(Front, name="front", node="n2")
    front.call.ask()
    with counter.trace():
        front.call.ask()
    front.call.ask()
    counter.sync()
    assert texts(cluster, "cast") == ["counter.increment(5)"] * 3
    assert sum("counter.increment(by=2)" in text for text in texts(cluster, "call")) == 3


class Ticker(rk.Server):
    def init(self, most: int = 3) -> None:
        self.ticks, self.most = 0, most

    def info(self, message: object) -> None:
        self.ticks += 1
        if self.ticks < self.most:
            self.me.send("tick")


class Starter(rk.Server):
    def start_ticker(self) -> None:
        self.whereis("ticker").send("tick")


@pytest.mark.parametrize("traced", [False, True])
def test_what_a_server_sends_itself_stands_there_though_it_is_what_has_come_over_a_link(
    cluster: rk.Cluster, traced: bool
) -> None:
    ticker = cluster.start(Ticker, name="ticker", node="n1")
    starter = cluster.start(Starter, name="starter", node="n2")
    with ticker.trace() if traced else nullcontext():
        starter.call.start_ticker()
        cluster.advance(0.1)
        assert ticker.state() == {"ticks": 3, "most": 3}
    told = [text for text in texts(cluster, "info") if text.startswith("ticker.")]
    assert told == ["ticker.info('tick')"] * 3


def test_what_has_come_for_nobody_hides_no_message_of_a_later_step() -> None:
    scheduler = Scheduler(schedule_of("fifo", 1))
    recorder = Recorder(scheduler, lambda _, number: f"#{number}")
    process: Any = SimpleNamespace(node=SimpleNamespace(name="n1"), label="ticker")
    recorder.message("n2", "n1", (INFO, 2, "tick"))
    recorder.put(process, (INFO, 2, "tick"))
    recorder.message("n2", "n1", (INFO, 2, "tick"))  # number 2 has ended
    scheduler.steps += 1
    recorder.put(process, (INFO, 2, "tick"))  # a later incarnation's number 2
    told = [(line.source, line.text) for line in recorder.trace()]
    assert told == [("n2", "#2.info('tick')")] * 2 + [("n1", "ticker.info('tick')")]


def test_an_error_on_the_own_node_is_told_as_one(cluster: rk.Cluster) -> None:
    cluster.start(Counter, name="counter", node="n1")
    with pytest.raises(rk.Refused):
        cluster.start(Front, name="front", node="n1").call.ask_in_vain()
    failed = [text for text in texts(cluster, "reply") if "failed" in text]
    assert [text.partition("] ")[2] for text in failed] == ["failed: Refused('not today')"] * 2


def test_what_befalls_nodes_and_the_events_of_faults_stand_in_the_trace(
    cluster: rk.Cluster,
) -> None:
    node = cluster.nodes["n2"]
    node.pause()
    node.resume()
    node.kill()
    node.restart()
    with cluster.partition(["n1"], ["n2"]):
        cluster.advance(0.1)
    told = [text.partition(" (")[0] for text in texts(cluster, "node")]
    assert told == ["started", "started", "paused", "resumed", "killed", "ended", "started"]
    assert [text.split(" ")[0] for text in texts(cluster, "fault")] == ["injected", "healed"]
    assert "paused n2" in texts(cluster, "event")


def test_lines_have_a_step_a_time_and_a_number(cluster: rk.Cluster) -> None:
    cluster.advance(1.0)
    simulation = cluster.simulation
    assert simulation is not None
    trace = simulation.trace()
    assert [line.number for line in trace] == list(range(len(trace)))
    assert [line.step for line in trace] == sorted(line.step for line in trace)
    assert [line.time for line in trace] == sorted(line.time for line in trace)
    assert trace[-1].time <= simulation.now == cluster.clock.now()
    assert trace[-1].step <= simulation.steps
    frame = trace.frame()
    assert list(frame.columns) == [
        "number", "step", "time", "kind", "source", "target", "text",
    ]  # fmt: skip
    assert frame.iloc[3].to_list() == list(trace[3])
    assert pickle.loads(pickle.dumps(trace)) == trace
    assert trace[-2:] == [trace[-2], trace[len(trace) - 1]]
    assert trace.written().count("\n") == len(trace) - 1


def test_a_trace_and_a_simulation_show_themselves(cluster: rk.Cluster) -> None:
    cluster.start(Counter, name="counter").call.increment()
    simulation = cluster.simulation
    assert simulation is not None
    trace = simulation.trace()
    assert "more; print() shows all" in repr(trace)
    assert trace.digest in repr(trace)
    assert len(str(trace).splitlines()) == len(trace)
    page = trace._repr_html_()
    assert trace.digest in page
    assert "increment" in page
    assert "seed 7, schedule random" in repr(simulation)
    assert simulation.fingerprint in repr(simulation)
    assert simulation.digest in simulation._repr_html_()


def test_what_servers_say_is_escaped() -> None:
    recorder = Recorder(Scheduler(schedule_of("fifo", 1)), lambda _, number: f"#{number}")
    recorder.add("cast", "<b>", "n1", "<script>")
    page = recorder.trace()._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_the_trace_stays_readable_when_the_cluster_is_closed() -> None:
    with rk.Cluster(nodes=1, backend="simulation", seed=7, record=True) as cluster:
        cluster.start(Counter, name="counter").call.increment()
        simulation = cluster.simulation
    assert simulation is not None
    assert cluster.simulation is not None
    assert cluster.simulation.digest == simulation.digest == simulation.trace().digest
    assert texts(cluster, "node")[-1] == "ended"


def filled(lines: int, most: int) -> tuple[Recorder, SimulationTrace]:
    recorder = Recorder(
        Scheduler(schedule_of("fifo", 1)), lambda _, number: f"#{number}", most=most
    )
    for number in range(lines):
        recorder.add("node", "", "n1", f"line {number}")
    return recorder, recorder.trace()


def test_of_too_many_lines_the_first_and_the_last_are_kept_and_all_count_in_the_digest() -> None:
    recorder, trace = filled(20_000, 4096)
    assert recorder.lines == len(trace) + trace.dropped == 20_000
    assert 4096 <= len(trace) <= 4096 + 1024
    assert [line.text for line in trace[:2048]] == [f"line {number}" for number in range(2048)]
    assert all(line.text == f"line {line.number}" for line in trace)
    assert trace[-1].number == 19_999
    assert f"{trace.dropped:,} not kept" in repr(trace)
    assert f"{trace.dropped:,} more were not kept" in trace._repr_html_()
    digests = {filled(20_000, most)[1].digest for most in (4096, 8192, 100_000)}
    assert digests == {trace.digest}
    assert filled(20_001, 4096)[1].digest != trace.digest
    assert filled(3000, 4096)[1].dropped == 0


def test_without_record_nothing_is_written_down() -> None:
    with rk.Cluster(nodes=1, backend="simulation", seed=7) as cluster:
        simulation = cluster.simulation
        assert simulation is not None
        assert not simulation.recording
        assert len(simulation.fingerprint) == 16
        for read in (simulation.trace, lambda: simulation.digest):
            with pytest.raises(rk.InvalidArgument, match=r"record: .* record=True"):
                read()


def test_only_a_simulation_can_record() -> None:
    with pytest.raises(rk.InvalidArgument, match=r"record: .* backend='simulation'"):
        rk.Cluster(nodes=1, record=True)
    with pytest.raises(rk.InvalidArgument, match="record"):
        rk.Cluster(nodes=1, backend="simulation", record="yes")  # type: ignore[arg-type]
