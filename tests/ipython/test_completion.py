"""Completion with a real IPython completer, with jedi and without."""

from __future__ import annotations

import pytest

import resilkit as rk
from tests.cluster.servers import Counter
from tests.ipython.conftest import Shell
from tests.ipython.experiments import small
from tests.turns import turns

PATIENCE = 2.0
"""Seconds: a call that waits for a paused node would take five. On a quiet machine it is 0.2."""


@pytest.fixture(params=[False, True], ids=["plain", "jedi"])
def completing(shell: Shell, request: pytest.FixtureRequest) -> Shell:
    """A shell with a cluster that runs servers, and completes so or so."""
    shell.jedi = request.param
    shell.names["rk"] = rk
    cluster = shell.run("%cluster start 3")
    shell.names["counter"] = cluster.start(Counter, name="counter-0", node="n2")
    shell.names["my_experiment"] = small()
    shell.names["spare"] = cluster.start(
        rk.SupervisorSpec("spares", [rk.ChildSpec(Counter, name="counter-1")])
    )
    return shell


CASES = {
    # Attributes.
    "counter.call.inc": ["counter.call.increment"],
    "counter.cast.inc": ["counter.cast.increment"],
    "spare.acall.count_c": ["spare.acall.count_children"],
    "cluster.whereis('counter-1').call.inc": ["cluster.whereis('counter-1').call.increment"],
    "cluster.nodes['n1'].ki": ["cluster.nodes['n1'].kill"],
    "rk.faults.NodeC": ["rk.faults.NodeCrash"],
    # Names in quotes.
    'cluster.nodes["': [f'cluster.nodes["n{i}' for i in (1, 2, 3)],
    'cluster.metrics.frame("queue_le': ['cluster.metrics.frame("queue_length'],
    "x = cluster.events.frame(kind='supe": ["x = cluster.events.frame(kind='supervision"],
    "cluster.whereis('counter-": [f"cluster.whereis('counter-{i}" for i in (0, 1)],
    'cluster.start(Counter, 3, node="': [
        f'cluster.start(Counter, 3, node="n{i}' for i in (1, 2, 3)
    ],
    'with cluster.partition(["n1"], ["n2", "': ['with cluster.partition(["n1"], ["n2", "n3'],
    'rk.faults.NodeCrash(every=2.0, targets="n': [
        *(f'rk.faults.NodeCrash(every=2.0, targets="n{i}' for i in (1, 2, 3)),
        'rk.faults.NodeCrash(every=2.0, targets="none',
    ],
    "rk.faults.ServerCrash(targets='counter-1": ["rk.faults.ServerCrash(targets='counter-1"],
    "rk.faults.Partition('ha": ["rk.faults.Partition('halves"],
    'rk.Operation.call("counter-0", "inc': ['rk.Operation.call("counter-0", "increment'],
    'rk.Cluster(nodes=3, topology="ri': ['rk.Cluster(nodes=3, topology="ring'],
    # Magics.
    "%cluster ki": ["%cluster kill"],
    "%cluster kill n1 ": ["%cluster kill n1 n2", "%cluster kill n1 n3"],
    "%cluster heal ": ["%cluster heal --cluster", "%cluster heal --help"],
    "%cluster kill --cl": ["%cluster kill --cluster"],
    "%cluster kill --cluster clu": ["%cluster kill --cluster cluster"],
    "%cluster start 3 --topology r": ["%cluster start 3 --topology ring"],
    "%cluster partition n1,n2,": ["%cluster partition n1,n2,n3"],
    "%run_experiment my_ex": ["%run_experiment my_experiment"],
    "%run_experiment my_experiment --ab": ["%run_experiment my_experiment --abort-on-breach"],
    "%trace counter-": ["%trace counter-0", "%trace counter-1"],
    "%trace counter-0 --kinds call,rep": ["%trace counter-0 --kinds call,reply"],
    # Cells of faults.
    "%%chaos\n- node_c": ["%%chaos\n- node_crash"],
    "%%chaos\n- latency: {low: 1 ms, hi": ["%%chaos\n- latency: {low: 1 ms, high: "],
    "%%chaos\n- latency:\n    low: 1 ms\n    hi": [
        "%%chaos\n- latency:\n    low: 1 ms\n    high: "
    ],
    "%%chaos\n- partition: {kind: hal": ["%%chaos\n- partition: {kind: halves"],
    "%%chaos\n- node_crash: {targets: n": [
        *(f"%%chaos\n- node_crash: {{targets: n{i}" for i in (1, 2, 3)),
        "%%chaos\n- node_crash: {targets: none",
    ],
    "%%chaos\nfaults:\n  - node_crash:\n      targets: [n1, n2": [
        "%%chaos\nfaults:\n  - node_crash:\n      targets: [n1, n2"
    ],
    "%%chaos\nname: x\nint": ["%%chaos\nname: x\nintensity: "],
    "%%chaos\nname: x\nintensity: h": ["%%chaos\nname: x\nintensity: high"],
}


def test_names_that_only_resilkit_knows_are_offered_where_they_can_stand(completing: Shell) -> None:
    wrong = {}
    for text, wanted in CASES.items():
        found = completing.completed(text)
        if sorted(found) != sorted(wanted):
            wrong[text] = found[:8]
    assert wrong == {}


def test_calls_and_nodes_are_completed_without_the_extension_too(completing: Shell) -> None:
    completing.run("%unload_ext resilkit")
    assert completing.completed("counter.call.inc") == ["counter.call.increment"]
    assert completing.completed("cluster.nodes['") == [f"cluster.nodes['n{i}" for i in (1, 2, 3)]
    completing.run("%load_ext resilkit")


@pytest.mark.parametrize(
    "text",
    [
        "mine.nodes['a'].",
        "mine.part.frame('",
        "nothing.whereis('a').call.",
        "cluster.nodes['n9'].",
        "cluster.nodes[",
        "f('a')('",
        "%%chaos\n- {",
        "%cluster frobnicate ",
        "%cluster",
        "",
    ],
)
def test_what_is_not_ours_is_left_alone_and_nothing_of_the_users_runs(
    completing: Shell, text: str
) -> None:
    completing.run(
        "class Mine:\n"
        "    @property\n"
        "    def nodes(self): raise SystemExit\n"
        "    part = nodes\n"
        "mine = Mine()"
    )
    # Not all of IPython's completer: jedi runs properties of the user's.
    [matcher] = completing.inner.Completer.custom_matchers
    *rows, last = text.split("\n")
    assert matcher.completion.complete(text, len(rows), len(last))["completions"] == []


def test_completion_holds_nobody_up_while_a_node_is_paused_or_when_all_is_closed(
    completing: Shell,
) -> None:
    late = completing.names["spare"].start_child(rk.ChildSpec(Counter, name="late"))
    completing.names["late"] = late
    cluster = completing.names["cluster"]
    cluster.nodes["n1"].pause()
    completing.completed("late.call.")  # what jedi does the first time is not ours
    for text in ("late.call.", "counter.call.inc", "%cluster kill ", "cluster.whereis('"):
        with turns() as had:
            completing.completed(text)
        assert had.seconds < PATIENCE
    cluster.close()
    for text in ("late.call.", "counter.call.inc", "%cluster kill ", "cluster.nodes['n1']."):
        completing.completed(text)
