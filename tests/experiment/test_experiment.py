"""An experiment is refused whole before anything starts, or it runs and cleans up."""

from __future__ import annotations

import dataclasses

import pytest

import resilkit as rk
from resilkit.chaos import named
from resilkit.errors import InvalidArgument
from resilkit.experiment import Experiment
from tests.experiment import systems
from tests.experiment.systems import Counter

LOAD = rk.Workload([rk.Operation.call("c", "get")], arrivals=rk.arrivals.constant(10))
COUNTER = rk.ChildSpec(Counter, name="c", restart="temporary")
CRASH = rk.faults.NodeCrash(at=1.0)


def make(**changes):
    parts = {"system": COUNTER, "workload": LOAD, "duration": 5.0, "seed": 7}
    cluster = changes.pop("cluster", rk.ClusterSpec(nodes=3))
    return Experiment(cluster, **{**parts, **changes})


def scenario(*faults, criteria=(), **more):
    return rk.Scenario("test", list(faults), criteria=list(criteria), **more)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"system": 3}, r"^system: is no system, got 3"),
        ({"system": {"n9": Counter}}, r"^system: names no node, got 'n9'.*'n1', 'n2', 'n3'"),
        ({"system": {"n1": [Counter, 5]}}, r"^system\['n1'\]\[1\]: cannot be started, got 5"),
        ({"system": {}}, "starts nothing"),
        ({"workload": None}, r"^workload: is missing"),
        ({"workload": [1]}, r"^workload: is no Workload"),
        ({"scenario": {"name": "x"}}, r"^scenario: is no Scenario.*'progressive node failures'"),
        ({"scenario": "progresive"}, r"^scenario: is not known.*'memory pressure with part"),
        ({"duration": 0}, r"^duration: "),
        ({"duration": float("nan")}, r"^duration: "),
        ({"duration": "5 s"}, r"^duration: "),
        ({"warmup": -1}, r"^warmup: "),
        ({"seed": -1}, r"^seed: "),
        ({"seed": 1.5}, r"^seed: "),
        ({"name": ""}, r"^name: "),
        (
            {"scenario": scenario(criteria=["p95[gte] < 1 s"])},
            r"scenario\.criteria\[0\].*did you mean",
        ),
        (
            {"scenario": scenario(CRASH, rk.faults.NodeCrash(targets="n7"))},
            r"^scenario\.faults\[1\]\.targets: .*'n7'",
        ),
        (
            {"scenario": scenario(rk.faults.Partition("custom", [["n1"], ["n8"]]))},
            r"^scenario\.faults\[0\]\.groups\[1\]\[0\]: .*'n8'",
        ),
        (
            {"scenario": scenario(rk.faults.Latency(0.1, 0.2, targets=["n1", "n6"]))},
            r"^scenario\.faults\[0\]\.targets: .*'n6'",
        ),
        (
            {"scenario": scenario(rk.faults.Latency(0.1, 0.2, targets=["n1<->n2", "n1<->n6"]))},
            r"^scenario\.faults\[0\]\.targets\[1\]: .*'n6'.*allowed: 'n1', 'n2', 'n3'",
        ),
        (
            {
                "cluster": rk.ClusterSpec(nodes=3, topology="line"),
                "scenario": scenario(CRASH, rk.faults.Loss(0.1, targets="n1<->n3")),
            },
            r"^scenario\.faults\[1\]\.targets: is no link of .*'n1<->n3'.*'n1<->n2', 'n2<->n3'",
        ),
        (
            {
                "cluster": rk.ClusterSpec(nodes=3, topology="line"),
                "scenario": scenario(rk.faults.Partition("links", targets=["n1->n3"])),
            },
            r"^scenario\.faults\[0\]\.targets\[0\]: is no link of .*'n1->n3'",
        ),
        (
            {"scenario": scenario(rk.faults.NodeCrash(at=5.0))},
            r"^scenario\.faults\[0\]\.at: would strike .* after the end.*got 5\.0",
        ),
        (
            {"scenario": scenario(rk.faults.NodeCrash(at=4.96))},
            r"^scenario\.faults\[0\]\.at: would strike .* just before the end.*got 4\.96",
        ),
        (
            {"scenario": scenario(rk.faults.NodeCrash(every=9.0))},
            r"^scenario\.faults\[0\]\.every: .*got 9\.0",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_path_before_anything_starts(changes, words):
    with pytest.raises(InvalidArgument, match=words):
        make(**changes)


def test_a_scenario_may_be_the_name_of_a_named_one_and_fits_the_duration():
    made = make(scenario="Progressive_Node_Failures", duration=10.0)
    assert made.scenario == named("progressive node failures", duration=10.0)
    assert made.name == "progressive node failures"
    assert make(scenario="progressive node failures", duration=None).duration == 30.0


def test_a_cluster_is_a_spec_or_a_number_of_nodes():
    assert Experiment(2, system=COUNTER, workload=LOAD).cluster.names == ("n1", "n2")
    for wrong in (True, "3", None, 0):
        with pytest.raises(InvalidArgument):
            Experiment(wrong, system=COUNTER, workload=LOAD)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", " ", "x" * 201, 3, "\ud800"], ids=ascii)
def test_a_name_that_could_not_be_shown_or_saved_is_refused(name):
    with pytest.raises(InvalidArgument, match="name: is no name"):
        make(name=name)


@pytest.mark.parametrize("backend", ["dask", "proceses", 3])
def test_another_backend_is_refused_with_what_is_available(backend):
    with pytest.raises(InvalidArgument, match="'processes', 'simulation'"):
        make().run(backend)


def test_no_system_needs_a_cluster_that_runs_one():
    with pytest.raises(InvalidArgument, match="the cluster that runs the system"):
        make(system=None).run()


def test_what_is_left_out_comes_from_the_scenario_the_system_and_the_cluster():
    made = Experiment(
        rk.ClusterSpec(nodes=2, seed=5), system=systems, scenario=scenario(duration=7.0)
    )
    assert (made.duration, made.seed, made.name) == (7.0, 5, "test")
    assert [one.name for one in made.workload.operations] == ["increment-n1", "increment-n2"]
    assert made.parts.audit is systems.audit
    bare = Experiment(1, system=COUNTER, workload=LOAD)
    assert (bare.duration, bare.scenario.faults, bare.name) == (10.0, (), "no faults")
    assert bare.seed != Experiment(1, system=COUNTER, workload=LOAD).seed


def test_an_experiment_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        make().seed = 8  # type: ignore[misc]


def test_the_way_to_run_it_again_is_python_with_the_seed():
    text = make(warmup=1.0).how_to_rerun()
    compile(text, "rerun", "exec")
    assert "seed=7" in text
    assert "warmup=1.0" in text


def test_the_description_is_plain_data():
    import json

    text = json.dumps(make(scenario=scenario(CRASH, criteria=["p95 < 1 s"])).describe())
    assert "node_crash" in text
    assert "p95 < 1 s" in text


def test_an_experiment_can_be_had_with_other_arguments():
    spec = rk.ClusterSpec(nodes=["n1", "n2"], seed=3)
    first = Experiment(spec, system=systems, duration=2.0, seed=7, name="first")
    other = first.changed(seed=9, warmup=1.0)
    assert (other.seed, other.cluster.seed, other.warmup) == (9, 9, 1.0)
    assert (other.name, other.duration, other.system) == ("first", 2.0, systems)
    assert (first.seed, first.cluster.seed, first.warmup) == (7, 3, 0.0)
    assert first.changed(cluster=2).cluster.seed is None


def test_what_a_system_makes_of_its_own_is_made_anew_for_another_seed():
    class Seeded:
        applications = staticmethod(systems.applications)

        @staticmethod
        def workload(nodes, seed):
            return systems.workload(nodes, rate=float(seed))

    first = Experiment(2, system=Seeded, seed=7)
    assert first.changed(seed=9).workload.arrivals == rk.arrivals.constant(9)
    own = systems.workload(["n1", "n2"])
    assert first.changed(workload=own).changed(seed=9).workload is own


def test_an_unknown_argument_of_an_experiment_is_refused_with_the_path():
    with pytest.raises(InvalidArgument) as caught:
        Experiment(2, system=systems).changed(sed=9)
    assert caught.value.path == "changed.sed"


def test_its_repr_counts_in_words_that_fit():
    made = make(scenario=scenario(CRASH, criteria=["availability >= 0.9"]))
    assert repr(made) == "<Experiment 'test': 3 nodes, 1 fault, 1 criterion, 5 s, seed 7>"


class Shops:
    def applications(self, nodes):
        return {nodes[0]: COUNTER}


class Careless:
    def applications(self):
        return {"n1": COUNTER}


def test_a_class_whose_objects_are_systems_is_no_system():
    with pytest.raises(InvalidArgument) as caught:
        make(system=Shops)
    words = str(caught.value)
    assert words.startswith("system: is a class, whose objects are systems: give one of them, got ")
    assert words.endswith("; allowed: Shops(), for example")
    assert make(system=Shops()).parts.plan == (("n1", COUNTER),)


def test_applications_that_cannot_be_asked_for_nodes_are_refused():
    with pytest.raises(InvalidArgument, match=r"^system\.applications: cannot be called"):
        make(system=Careless())
