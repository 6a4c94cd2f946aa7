"""`%%chaos`: faults as YAML, put into the current cluster whole or not at all."""

from __future__ import annotations

import pytest

import resilkit as rk
from resilkit.chaos import RunningScenario
from resilkit.faults import registry
from resilkit.ipython import chaos_magic
from tests.cluster.servers import Counter
from tests.ipython.conftest import Shell


@pytest.fixture
def cluster(shell: Shell) -> rk.Cluster:
    """A cluster that runs."""
    return shell.run("%cluster start 3 --seed 7")


def injections(cluster: rk.Cluster) -> list[rk.Injection]:
    """Return what is in the cluster now."""
    return list(cluster._session.faults.injections.values())


def test_a_cell_injects_its_faults_and_keeps_them_in_a_variable(
    shell: Shell, cluster: rk.Cluster
) -> None:
    running = shell.run(
        "%%chaos\n- node_pause: {targets: n2}\n- latency: {low: 1 ms, high: 0.1, targets: n1<->n3}"
    )
    assert running is shell.names["running"]
    assert list(running.scenario.faults) == [
        rk.faults.NodePause(targets="n2"),
        rk.faults.Latency(0.001, 0.1, targets="n1<->n3"),
    ]
    assert injections(cluster) == running.injections
    assert cluster.nodes["n2"].status == "paused"
    (first, second) = running.strikes
    assert (first.fault, first.where, first.state) == ("node_pause", "n2", "active")
    assert second.state == "active"
    shell.run("running.stop()")
    assert running.done
    assert cluster.nodes["n2"].status == "running"
    assert injections(cluster) == []


@pytest.mark.parametrize(
    "cell",
    [
        "node_pause",
        "- node_pause",
        "node_pause:",
        "node_pause: {targets: one}",
        "faults: [node_pause]",
        "name: a pause\nfaults:\n  - node_pause: {for: 60 s}",
    ],
)
def test_one_fault_a_list_a_mapping_and_a_scenario_are_all_read(
    shell: Shell, cluster: rk.Cluster, cell: str
) -> None:
    running = shell.run(f"%%chaos --as mine\n{cell}")
    (only,) = running.injections
    assert type(only.fault) is rk.faults.NodePause
    assert shell.names["mine"] is running


def test_all_heals_after_the_time_that_was_given_or_that_the_scenario_has(
    shell: Shell, cluster: rk.Cluster
) -> None:
    first = shell.run("%%chaos --for 200ms\n- node_pause: {targets: n2, every: 1 h, at: 0}\n")
    assert first.wait(10.0)
    assert cluster.nodes["n2"].status == "running"
    second = shell.run("%%chaos --wait\nduration: 200 ms\nfaults: [{node_pause: {targets: n2}}]\n")
    assert second.done
    assert second.duration == 0.2
    assert "all heals after" not in shell.told


def test_chaos_without_an_end_heals_after_ten_minutes_and_that_is_told(
    shell: Shell, cluster: rk.Cluster
) -> None:
    running = shell.run("%%chaos --as mine\nnode_pause: {targets: n2}")
    assert running.duration == 600.0
    assert "all heals after 10 min, or by mine.stop(); --for TIME says when" in shell.told


def test_a_seed_strikes_when_and_whom_the_timeline_shows(shell: Shell) -> None:
    # In virtual time a strike is never late, which a moment after it could be missed for.
    cluster = shell.run("%cluster start 3 --seed 7 --backend simulation")
    cell = "- node_pause: {random: true, count: 3, for: 10 ms}\n"
    shown = shell.run(f"%%chaos --show --for 400ms --seed 3\n{cell}")
    assert injections(cluster) == []
    struck = shell.run(f"%%chaos --wait --for 400ms --seed 3\n{cell}").frame()
    assert len(shown) == 3
    assert list(struck["planned"]) == list(shown["time"])
    assert set(struck["state"]) == {"healed"}
    usual = shell.run("%%chaos --show\n- node_crash: {every: 250 s}\n")
    assert list(usual["time"]) == [250.0, 500.0]
    assert injections(cluster) == []


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("- latency: {low: 1 ms, hihg: 1}", "faults[0].latency.hihg: is an unknown key"),
        ("- node_pause\n- latency: {low: 1}", "faults[1].latency.high: is missing"),
        ("- node_pause\n- node_crash: {targets: n9}", "faults[1].node_crash.targets: is not known"),
        ("latecny: {low: 1}", "did you mean 'latency'?"),
        ("- latecny", "did you mean 'latency'?"),
        ("name: x\nfautls: []", "fautls: is an unknown key (did you mean 'faults'?)"),
        ("- {", "cell: is no YAML (line 2"),
        ("a: 1\na: 2", "cell: gives the key 'a' twice"),
        ("# nothing", "the cell holds no fault"),
        ("- node_crash: {every: 1 ms}", "faults[0].node_crash.every: makes too many"),
        ("requires: [teleport]", "requires[0]"),
        ("- server_crash: {targets: nobody}", "no named server runs, got 'nobody'"),
        ("- node_pause: {targets: n1}\n- server_crash: {targets: nobody}", "nobody"),
        ("3", "faults"),
    ],
)
def test_what_is_wrong_is_told_with_its_path_and_nothing_is_left_in(
    shell: Shell, cluster: rk.Cluster, cell: str, words: str
) -> None:
    assert words in shell.refused(f"%%chaos\n{cell}\n")
    assert injections(cluster) == []
    assert {node.status for node in cluster.nodes.values()} == {"running"}
    assert "running" not in shell.names


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--for soon", "is no duration"),
        ("--wait", "needs an end"),
        ("--for 1s --seed -1", "seed"),
        ("--as 2x", "'2x' is no name"),
        ("--cluster other", "there is no 'other'"),
        ("n2", "unrecognized arguments: n2"),
        ("--for 1s --show now", "unrecognized arguments: now"),
    ],
)
def test_a_slip_in_the_line_is_told_in_short(
    shell: Shell, cluster: rk.Cluster, line: str, words: str
) -> None:
    assert words in shell.refused(f"%%chaos {line}\nnode_pause")
    assert injections(cluster) == []


def test_a_pattern_is_let_through_and_a_server_that_is_not_there_refused(
    shell: Shell, cluster: rk.Cluster
) -> None:
    cluster.start(Counter, name="counter-1")
    running = shell.run("%%chaos\n- server_crash: {targets: 'matching:count*'}")
    assert running.strikes[0].where == "counter-1"
    told = shell.refused("%%chaos\n- node_pause\n- server_crash: {targets: counter-2, at: 9 s}")
    assert "faults[1].server_crash.targets: is not known" in told
    assert "did you mean 'counter-1'?" in told


def test_a_fault_after_the_end_is_refused(shell: Shell, cluster: rk.Cluster) -> None:
    told = shell.refused("%%chaos --for 2s\n- node_crash: {at: 3 s}\n")
    assert "faults[0].node_crash.at: would strike for the first time after the end" in told


def test_criteria_are_left_to_an_experiment_and_that_is_told(
    shell: Shell, cluster: rk.Cluster
) -> None:
    shell.run("%%chaos\nname: x\nfaults: [node_pause]\ncriteria: ['p95 < 1 s']")
    assert "not judged here" in shell.told


def test_what_is_in_is_taken_out_again_when_a_later_one_cannot_be_delivered(
    shell: Shell, cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_REGISTERED", dict(registry._REGISTERED))

    @rk.register_fault("undelivered")
    class Undelivered(rk.NodeFault):
        def actions(self, targets: object) -> list[object]:
            raise rk.Refused("not today")

    cell = "- node_pause: {targets: n1}\n- undelivered"
    assert "not today" in shell.refused(f"%%chaos\n{cell}\n")
    assert injections(cluster) == []
    assert cluster.nodes["n1"].status == "running"


@pytest.mark.parametrize("wait", ["wait", "wait_first"])
def test_an_interrupt_while_it_waits_heals_and_leaves_the_cluster_usable(
    shell: Shell, cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch, wait: str
) -> None:
    def interrupted(self: RunningScenario, timeout: float | None = None) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(RunningScenario, wait, interrupted)
    told = shell.refused("%%chaos --wait --for 60s\n- node_pause: {targets: n1}\n")
    assert "interrupted: the faults were healed" in told
    assert injections(cluster) == []
    assert cluster.start(Counter).call.increment() == 1


@pytest.mark.parametrize(
    ("impatient_after", "told"), [(60.0, "were healed"), (-1.0, "are still being healed")]
)
def test_a_second_interrupt_while_it_heals_is_taken_for_the_same_or_later_for_impatience(
    shell: Shell,
    cluster: rk.Cluster,
    monkeypatch: pytest.MonkeyPatch,
    impatient_after: float,
    told: str,
) -> None:
    presses = iter(range(2))
    stop = RunningScenario.stop

    def interrupted(self: RunningScenario, timeout: float | None = None) -> bool:
        raise KeyboardInterrupt

    def pressed_again(self: RunningScenario) -> None:
        if next(presses, None) is not None:
            raise KeyboardInterrupt
        stop(self)

    monkeypatch.setattr(chaos_magic, "_IMPATIENT_AFTER", impatient_after)
    monkeypatch.setattr(RunningScenario, "wait", interrupted)
    monkeypatch.setattr(RunningScenario, "stop", pressed_again)
    said = shell.refused("%%chaos --wait --for 60s\n- node_pause: {targets: n1}\n")
    assert f"interrupted: the faults {told}" in said
    cluster.heal()


def test_names_of_the_users_are_escaped(shell: Shell, cluster: rk.Cluster) -> None:
    cluster.start(Counter, name="<b>x</b>")
    cell = "name: <script>\nfaults: [{server_crash: {targets: <b>x</b>}}]"
    running = shell.run(f"%%chaos\n{cell}")
    shown = running._repr_html_()
    assert "<script>" not in shown
    assert "<b>x" not in shown
    assert "&lt;b&gt;x" in shown
    assert repr(running).startswith("<scenario '<script>' running: ")
