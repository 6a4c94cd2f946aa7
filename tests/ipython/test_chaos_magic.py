"""`%%chaos`: faults as YAML, put into the current cluster whole or not at all."""

from __future__ import annotations

import pytest

import resilkit as rk
from resilkit.faults import registry
from resilkit.ipython.injected import Injected
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
    group = shell.run("%%chaos\n- node_pause: {targets: n2}\n- latency: {low: 1 ms, high: 0.1}\n")
    assert group is shell.names["injections"]
    assert [each.fault for each in group] == [
        rk.faults.NodePause(targets="n2"),
        rk.faults.Latency(0.001, 0.1),
    ]
    assert injections(cluster) == list(group)
    assert cluster.nodes["n2"].status == "paused"
    (first, _) = group.frame().to_dict("records")
    assert (first["fault"], first["targets"], first["delivered"]) == ("node_pause", "n2", True)
    shell.run("injections.heal()")
    assert group.done
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
    (only,) = shell.run(f"%%chaos --as mine\n{cell}")
    assert type(only.fault) is rk.faults.NodePause
    assert shell.names["mine"][0] is only


def test_all_heals_after_the_time_that_was_given_or_that_the_scenario_has(
    shell: Shell, cluster: rk.Cluster
) -> None:
    first = shell.run("%%chaos --for 200ms\n- node_pause: {targets: n2, every: 1 h, at: 0}\n")
    assert first.wait(10.0)
    assert cluster.nodes["n2"].status == "running"
    second = shell.run("%%chaos --wait\nduration: 200 ms\nfaults: [{node_pause: {targets: n2}}]\n")
    assert second.done
    assert second.length == 0.2


def test_a_seed_strikes_when_and_whom_the_timeline_shows(shell: Shell, cluster: rk.Cluster) -> None:
    cell = "- node_pause: {random: true, count: 3, for: 10 ms}\n"
    shown = shell.run(f"%%chaos --show --for 400ms --seed 3\n{cell}")
    assert injections(cluster) == []
    group = shell.run(f"%%chaos --wait --for 400ms --seed 3\n{cell}")
    struck = group.frame()
    assert len(shown) == len(struck) == 3
    gaps = struck["time"].diff().dropna() - shown["time"].diff().dropna()
    assert (gaps.abs() < 0.15).all()
    assert "first 60 s" not in shell.told
    endless = shell.run("%%chaos --show\n- node_crash: {every: 25 s}\n")
    assert list(endless["time"]) == [25.0, 50.0]
    assert "first 60 s" in shell.told


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("- latency: {low: 1 ms, hihg: 1}", "faults[0].latency.hihg: is an unknown key"),
        ("- node_pause\n- latency: {low: 1}", "faults[1].latency.high: is missing"),
        ("- node_pause\n- node_crash: {targets: n9}", "faults[1].targets: is not known, got 'n9'"),
        ("latecny: {low: 1}", "did you mean 'latency'?"),
        ("- latecny", "did you mean 'latency'?"),
        ("name: x\nfautls: []", "fautls: is an unknown key (did you mean 'faults'?)"),
        ("- {", "cell: is no YAML (line 2"),
        ("a: 1\na: 2", "cell: gives the key 'a' twice"),
        ("# nothing", "the cell holds no fault"),
        ("- node_crash: {random: true}", "faults[0].node_crash.random"),
        ("requires: [teleport]", "requires[0]"),
        ("- server_crash: {targets: nobody}", "faults[0].server_crash.targets: is not known"),
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
    assert "injections" not in shell.names


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--for soon", "is no duration"),
        ("--wait", "needs an end"),
        ("--for 1s --seed -1", "must be 0 or more"),
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


def test_a_pattern_and_a_server_that_may_come_are_let_through(
    shell: Shell, cluster: rk.Cluster
) -> None:
    cluster.start(Counter, name="counter-1")
    cell = "- server_crash: {targets: 'matching:count*'}\n- server_crash: {targets: x, at: 1 h}"
    first, second = shell.run(f"%%chaos\n{cell}\n")
    assert first.outcomes[0]["targets"] == ["counter-1"]
    assert second.outcomes == []


def test_a_fault_after_the_end_is_refused(shell: Shell, cluster: rk.Cluster) -> None:
    told = shell.refused("%%chaos --for 2s\n- node_crash: {at: 3 s}\n")
    assert "faults[0].node_crash.at: lies after the end of the chaos" in told


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


def test_an_interrupt_while_it_waits_heals_and_leaves_the_cluster_usable(
    shell: Shell, cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: Injected, timeout: float | None = None) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(Injected, "wait", interrupted)
    told = shell.refused("%%chaos --wait --for 60s\n- node_pause: {targets: n1}\n")
    assert "interrupted: the faults were healed" in told
    assert injections(cluster) == []
    assert cluster.start(Counter).call.increment() == 1


def test_names_of_the_users_are_escaped(shell: Shell, cluster: rk.Cluster) -> None:
    cluster.start(Counter, name="<b>x</b>")
    cell = "name: <script>\nfaults: [{server_crash: {targets: <b>x</b>}}]"
    group = shell.run(f"%%chaos\n{cell}")
    shown = group._repr_html_()
    assert "<script>" not in shown
    assert "<b>" not in shown
    assert "&lt;b&gt;x" in shown
    assert repr(group).startswith("<Injected '<script>': server_crash-1 ")
