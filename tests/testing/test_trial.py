"""A trial is checked when it is made, and prints as the code that makes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import resilkit as rk
from resilkit import faults
from resilkit.errors import InvalidArgument
from resilkit.testing import (
    Barrier,
    Call,
    Cast,
    Concurrent,
    Model,
    Trial,
    run_trial,
    shrink_trial,
)
from tests.testing.pasted import run
from tests.testing.servers import COUNTER, Counter, counting, increments

COUNTERS = rk.SupervisorSpec(
    "counters", [rk.ChildSpec(Counter, name=f"counter-{number}") for number in range(2)]
)


def always(cluster: rk.Cluster) -> bool:
    return not cluster.closed


def parts(trial: Trial) -> list[Any]:
    return [getattr(trial, name) for name in Trial.__slots__ if name not in {"model", "parts"}]


@pytest.mark.parametrize(
    "trial",
    [
        Trial(Counter),
        Trial(Counter, [Call("increment", by=2), Cast("increment")], seed=7, schedule="pct"),
        Trial(COUNTERS, [Call("get")], to="counter-1", nodes=2, topology="line"),
        Trial({"n2": [Counter, COUNTERS]}, [Call("get")], model=COUNTER, invariants=[always]),
        Trial(
            Counter, Concurrent([[Call("get"), Barrier()], [Barrier(), Call("get")]]),
            faults=[faults.Latency(0.1, 0.2, at=1.0)], duration=3.0, timeout=1.0, settle=0.0,
            look_every=0.5, may_crash=True,
        ),
    ],
)  # fmt: skip
def test_a_trial_prints_as_the_code_that_makes_it(trial: Trial) -> None:
    names = {each.__name__: each for each in (Counter, always, counting)}
    made = run(repr(trial), **names)
    assert repr(made) == repr(trial)
    assert [repr(each) for each in parts(made)] == [repr(each) for each in parts(trial)]


def test_what_has_its_default_is_not_printed() -> None:
    assert repr(Trial(Counter, increments(1))) == 'Trial(Counter, [Call("increment", by=1)])'


def test_a_class_that_stands_alone_has_its_own_name() -> None:
    class HTTPGateKeeper(Counter):
        pass

    assert Trial(HTTPGateKeeper).to == "http_gate_keeper"
    assert Trial({"n1": Counter, "n2": Counter}).parts.servers == {
        "counter": Counter, "counter-2": Counter,
    }  # fmt: skip
    assert Trial(rk.ChildSpec(Counter, args=(3,))).to == "counter"
    assert Trial(COUNTERS).to == "counter-0"


def test_a_scenario_gives_its_faults_and_how_long_they_take() -> None:
    scenario = rk.Scenario("slow", [faults.Latency(0.1, 0.2)], duration=8.0, intensity="high")
    trial = Trial(Counter, faults=scenario)
    assert trial.faults == (faults.Latency(0.2, 0.4),)
    assert trial.length == 8.0


def test_operations_take_as_long_as_the_faults_say_of_themselves() -> None:
    assert Trial(Counter).length == 0.0
    assert Trial(Counter, faults=[faults.Latency(0.1, 0.2)]).length == 0.0
    repeated = [faults.NodePause(every=2.0, count=3, duration=0.5), faults.Partition(at=3.0)]
    assert Trial(Counter, faults=repeated).length == 6.5
    assert Trial(Counter, faults=repeated, duration=9.0).length == 9.0


def test_parts_are_replaced_and_checked_anew() -> None:
    trial = Trial(Counter, increments(1), nodes=2, topology="line", model=COUNTER)
    assert repr(trial.replaced(seed=3)) == repr(
        Trial(Counter, increments(1), nodes=2, topology="line", model=COUNTER, seed=3)
    )
    more = trial.replaced(nodes=4)
    assert (len(more.cluster.names), more.cluster.topology) == (4, "line")
    assert trial.replaced(cluster=rk.ClusterSpec(nodes=1)).cluster.names == ("n1",)
    with pytest.raises(InvalidArgument, match="seed"):
        trial.replaced(seed=-1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"system": None}, "system: is nothing to start"),
        ({"system": 3}, "system: is no system"),
        ({"operations": Call("get")}, "operations: must be a list"),
        ({"operations": [Barrier()]}, r"operations\[0\]: is no operation"),
        ({"operations": [Call("get"), Call("gett")]}, r"operations\[1\].*did you mean 'get'"),
        (
            {"operations": Concurrent([[Call("get")], [Call("got")]])},
            r"operations.processes\[1\]\[0\]: is no method of Counter",
        ),
        ({"faults": [3]}, r"faults\[0\]"),
        ({"faults": [faults.NodeCrash(targets="n9")]}, r"faults\[0\].node_crash.*n9"),
        ({"faults": [faults.ServerCrash(targets="bank")]}, r"faults\[0\].targets: names no server"),
        ({"faults": [faults.Latency(0, 1, at=5.0)], "duration": 3.0}, r"faults\[0\].latency.at"),
        ({"cluster": 3}, "cluster: must be a ClusterSpec"),
        ({"nodes": 0}, "nodes"),
        ({"noodles": 3}, "noodles: is an unknown key"),
        ({"cluster": rk.ClusterSpec(), "nodes": 3}, "nodes: a ClusterSpec carries all settings"),
        ({"to": 3}, "to: must be a name"),
        ({"to": ""}, "to: must be a name"),
        ({"seed": "x"}, "seed: must be a whole number"),
        ({"schedule": "lifo"}, "schedule: is"),
        ({"model": counting}, "model: is no model"),
        ({"invariants": always}, "invariants: must be a list"),
        ({"invariants": [True]}, r"invariants\[0\]: cannot be called"),
        ({"timeout": None}, "timeout"),
        ({"settle": -1}, "settle"),
        ({"look_every": 0}, "look_every"),
        ({"may_crash": "no"}, "may_crash"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_starts(
    arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidArgument, match=message):
        Trial(**{"system": Counter, **arguments})


def test_operations_need_somebody_to_go_to() -> None:
    unnamed = rk.SupervisorSpec("crowd", [rk.ChildSpec(Counter)])
    with pytest.raises(InvalidArgument, match="names no server, and none of the system's has a"):
        Trial(unnamed, [Call("get")])
    assert Trial(unnamed).to is None


def test_a_model_needs_a_step() -> None:
    with pytest.raises(InvalidArgument, match=r"Model.step: cannot be called"):
        Model(0, 3)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="must return a pair"):
        Model(0, lambda state, _: state).replies(0, Call("get"))  # type: ignore[arg-type, return-value]
    assert repr(COUNTER) == "Model(0, counting)"


@pytest.mark.parametrize("carry_out", [run_trial, shrink_trial])
@pytest.mark.parametrize("given", ["counter", None, []])
def test_what_is_no_trial_is_not_carried_out(
    carry_out: Callable[[Any], object], given: object
) -> None:
    with pytest.raises(InvalidArgument, match="is no trial") as caught:
        carry_out(given)
    assert caught.value.path == "trial"
