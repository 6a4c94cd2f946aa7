"""Single steps to smaller cases, and cases as experiments again."""

from __future__ import annotations

import pytest

import resilkit as rk
from resilkit.errors import InvalidArgument
from resilkit.reruns.beginning import told
from resilkit.reruns.case import Subject
from resilkit.reruns.case_steps import Steps
from resilkit.reruns.trying import Tries
from tests.reruns.shrinks import quiet
from tests.reruns.systems import Account, bank

LOAD = rk.arrivals.explicit([(0.2, "add"), (0.9, "look", 1)])


def subject(*faults, nodes=3, topology="mesh", **more):
    cluster = rk.ClusterSpec(nodes=nodes, topology=topology)
    return Subject(bank(*faults, rate=LOAD).changed(cluster=cluster, **more))


def strikes(case):
    """Return when each fault strikes, in seconds since the load began."""
    return [round(case.warmup + fault.at, 6) for fault in case.faults]


def test_without_its_warm_up_a_case_has_as_much_load_and_its_faults_strike_when_they_did():
    faults = [rk.faults.Loss(0.1, at=0.25), rk.faults.NodePause(at=0.5, duration=0.1)]
    case = subject(*faults, warmup=0.75).case("fifo")
    (calm,) = Steps().no_warmup(case)
    assert (calm.warmup, calm.duration) == (0.0, case.warmup + case.duration)
    assert strikes(calm) == strikes(case) == [1.0, 1.25]
    assert [fault.at for fault in calm.faults] == [1.0, 1.25]
    assert (calm.due, calm.nodes, calm.seed) == (case.due, case.nodes, case.seed)
    assert calm.changed(warmup=case.warmup, duration=case.duration, faults=case.faults) == case


def test_a_case_without_a_warm_up_has_no_such_step():
    assert list(Steps().no_warmup(subject().case("fifo"))) == []


def test_without_a_node_the_links_of_that_one_are_gone_and_the_others_stay():
    whole = subject(topology=[("n1", "n2"), ("n2", "n3"), ("n1", "n3")])
    case = whole.case("fifo")
    edges = {
        one.nodes: whole.experiment(one).cluster.edges for one in Steps().fewer_nodes(case)
    }  # fmt: skip
    assert edges == {
        ("n1", "n2"): frozenset({("n1", "n2")}),
        ("n1", "n3"): frozenset({("n1", "n3")}),
        ("n2", "n3"): frozenset({("n2", "n3")}),
    }


def test_a_node_that_joins_the_others_cannot_be_left_out():
    whole = subject(topology=[("n1", "n2"), ("n2", "n3")])
    made = {}
    for one in Steps().fewer_nodes(whole.case("fifo")):
        try:
            made[one.nodes] = whole.experiment(one).cluster.edges
        except InvalidArgument as error:
            made[one.nodes] = error.path
    assert made == {
        ("n1", "n2"): frozenset({("n1", "n2")}),
        ("n1", "n3"): "topology",
        ("n2", "n3"): frozenset({("n2", "n3")}),
    }


def test_a_topology_with_a_name_stays_that_and_each_node_keeps_its_own_spec():
    nodes = ["n1", rk.NodeSpec("n2", config={"size": 2}), "n3"]
    whole = subject(nodes=nodes, topology="ring")
    left = whole.experiment(whole.case("fifo").changed(nodes=("n2", "n3"))).cluster
    assert (left.names, left.topology) == (("n2", "n3"), "ring")
    assert left.node("n2").config == {"size": 2}


def test_what_a_node_starts_goes_with_it_and_what_the_others_start_stays():
    child = rk.ChildSpec(Account, name="account")
    other = rk.ChildSpec(Account, name="other")
    plan = {"n1": child, "n3": other}
    whole = subject(system=plan, scenario=rk.Scenario("none"))
    case = whole.case("fifo")
    systems = {one.nodes: whole.experiment(one).system for one in Steps().fewer_nodes(case)
               if "n1" in one.nodes}  # fmt: skip
    assert systems == {("n1", "n2"): {"n1": child}, ("n1", "n3"): plan}
    assert whole.experiment(case).system == plan
    with pytest.raises(InvalidArgument, match="starts nothing any more") as caught:
        whole.experiment(case.changed(nodes=("n2",)))
    assert caught.value.path == "system"


def test_a_function_is_told_of_by_its_name_and_a_criterion_by_its_text():
    def nobody_answers(result):
        return bool(result)

    assert told(nobody_answers) == "nobody_answers"
    assert told("p95 <= 1 s") == "p95 <= 1 s"
    assert told(rk.Criterion) == "Criterion"
    assert told(type("Odd", (), {"__call__": lambda *_: True})()) == "what was asked"


def test_the_seed_of_a_case_is_all_that_draws_but_where_operations_draw_as_they_did():
    whole = subject(seed=7)
    case = whole.case("fifo").changed(seed=3)
    alone = whole.experiment(case)
    assert (alone.seed, alone.cluster.seed) == (3, None)
    own = whole.experiment(case, own_draws=True)
    assert (own.seed, own.cluster.seed) == (7, 3)
    fewer = whole.experiment(case.changed(nodes=("n1",)), own_draws=True)
    assert (fewer.seed, fewer.cluster.seed) == (7, 3)


def test_a_failure_is_looked_for_in_other_orders_with_the_operations_that_the_run_did(monkeypatch):
    seeds, real = [], Tries.run

    def run(self, experiment, schedule):
        seeds.append((experiment.seed, experiment.cluster.seed, schedule))
        return real(self, experiment, schedule)

    result = bank(seed=7, duration=0.3).run("simulation", progress=False)
    monkeypatch.setattr(Tries, "run", run)
    found = quiet(result, failing=lambda _: False, seeds=5)
    assert seeds == [
        (7, 7, "random"), (7, 0, "random"), (7, 1, "fifo"), (7, 2, "random"), (7, 3, "pct"),
    ]  # fmt: skip
    assert found.why == (
        "<lambda> did not fail in any of 5 simulated runs of the same operations and faults"
    )
