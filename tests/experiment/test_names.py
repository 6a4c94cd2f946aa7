"""Servers that a scenario names and the system does not have."""

from __future__ import annotations

import re
import warnings

import pytest

import resilkit as rk
from resilkit.errors import InvalidArgument
from resilkit.experiment import Experiment
from resilkit.faults import KillChildren, ServerCrash
from tests.experiment import systems
from tests.experiment.runs import scenario

LOAD = rk.Workload([rk.Operation.call("a", "get")], arrivals=rk.arrivals.constant(20))


COUNTER = rk.ChildSpec(systems.Counter, name="a", restart="temporary")


class Registering(systems.Counter):
    async def init(self, name):
        super().init()
        await enroll(self, name)


async def enroll(server, name):
    await server.register(name)


def made(*faults, system=systems, criteria=(), workload=None):
    plan = scenario(*faults, criteria=criteria)
    given = workload or (None if system is systems else LOAD)
    return Experiment(2, system=system, workload=given, scenario=plan, duration=0.3, seed=7)


@pytest.mark.parametrize(
    ("faults", "criteria", "words"),
    [
        ([ServerCrash(at=0.1, targets="countr-n1")], [],
         ("faults[0].targets: names no server of the system (did you mean 'counter-n1'?), "
          "got 'countr-n1'; allowed: 'counters-n1', 'counter-n1', 'counters-n2', 'counter-n2'")),
        ([ServerCrash(at=0.1, targets=["counter-n1", "nobody"])], [], "faults[0].targets: "),
        ([KillChildren("counters", at=0.1)], [], "faults[0].supervisor: names no server"),
        ([KillChildren("counters-n1", at=0.1, targets="x")], [], "faults[0].targets: names no"),
        ([], ["queue_length[nope] < 50"], "criteria[0]: names no server of the system, got 'nope'"),
        ([], ["restarts[nope] < 5"], "criteria[0]: names no server"),
        ([], ["memory_share[n9] < 50 %"], "criteria[0]: is not known, got 'n9'; allowed: 'n1'"),
        ([], ["recovery_time[node_crsh] < 5 s"], "criteria[0]: is not known (did you mean 'node_c"),
    ],
)  # fmt: skip
def test_a_name_that_cannot_be_there_is_refused_before_anything_starts(faults, criteria, words):
    with pytest.raises(InvalidArgument, match=re.escape(f"scenario.{words}")):
        made(*faults, criteria=criteria)


def test_names_ids_globs_and_numbers_that_can_be_there_are_let_through():
    faults = [
        ServerCrash(at=0.1, targets="counter-n2"),
        ServerCrash(at=0.1, targets="matching:late-*"),
        ServerCrash(at=0.1, targets=2),
        KillChildren("counters-n1", at=0.1, targets="counter-n1"),
    ]
    criteria = ["queue_length[counter-n1] < 50", "restarts[counter-n2] < 5"]
    criteria += ["loop_lag[n1] < 5 s", "recovery_time[server_crash] < 9 s"]
    assert made(*faults, criteria=criteria).unknown == ()


def test_the_applications_of_a_node_have_names_too():
    spec = rk.ChildSpec(systems.Counter, name="local", restart="temporary")
    nodes = rk.ClusterSpec(nodes=[rk.NodeSpec("n1", applications=[spec])])
    plan = scenario(ServerCrash(at=0.1, targets="local"))
    whole = Experiment(nodes, system=COUNTER, workload=LOAD, scenario=plan, duration=0.3)
    assert whole.unknown == ()


def test_a_node_may_start_what_a_text_names_and_that_may_have_any_name():
    text = "tests.experiment.systems:Counter"
    nodes = rk.ClusterSpec(nodes=["n1", rk.NodeSpec("n2", applications=[text])])
    plan = scenario(ServerCrash(at=0.1, targets="late"))
    whole = Experiment(nodes, system=COUNTER, workload=LOAD, scenario=plan, duration=0.3)
    assert [one.name for one in whole.unknown] == ["late"]
    assert whole.unknown_why == f"a node starts {text!r}, which it imports itself"
    calm = whole.changed(scenario=scenario())
    assert len(calm.run("simulation", progress=False).history) > 0


@pytest.mark.parametrize(
    ("system", "workload", "why"),
    [
        (rk.ChildSpec(Registering, args=("late",)), LOAD, "Registering calls register"),
        (rk.SupervisorSpec("pool"), LOAD, "the supervisor 'pool' begins without children"),
        (
            systems.Counter,
            rk.Workload([rk.Operation.call("pool", "start_child")], arrivals=LOAD.arrivals),
            "the operation 'start_child' calls start_child",
        ),
        (None, LOAD, "the system is what a given cluster runs"),
    ],
)
def test_a_name_that_may_come_later_is_let_through(system, workload, why):
    found = made(ServerCrash(at=0.1, targets="late"), system=system, workload=workload)
    assert [(one.path, one.name) for one in found.unknown] == [
        ("scenario.faults[0].targets", "late"),
        ("workload.operations[0].target", found.workload.operations[0].function.target),
    ]
    assert found.unknown_why == why


def test_a_run_warns_before_the_load_of_names_that_are_not_there_yet():
    phases = []
    plan = {"n1": rk.ChildSpec(Registering, name="a", args=("here",), restart="temporary")}
    found = made(criteria=["queue_length[here] < 50", "queue_length[hare] < 50"], system=plan)
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: phases.append(str(message))
        warnings.simplefilter("always")
        found.run(on_progress=lambda look: phases.append(look.phase))
    (told,) = [text for text in phases if text.startswith("scenario.")]
    assert told.startswith(
        "scenario.criteria[1]: names no server of the system (did you mean 'here'"
    )
    assert "got 'hare'; now there are: 'a', 'here'. " in told
    assert phases.index(told) < phases.index("load")


class Shelf(rk.Server):
    def put(self, key, value=0):
        return (key, value)

    def call_with(self, args):
        return args

    async def fill(self, *values, **more):
        return (values, more)


SHELF = rk.SupervisorSpec("shelves", [rk.ChildSpec(Shelf, name="shelf")])


def loaded(*call, system=SHELF, **keywords):
    good = rk.Operation.call("shelf", "put", 1, name="good")
    tried = rk.Operation.call(*call, name="tried", **keywords)
    load = rk.Workload([good, tried], arrivals=rk.arrivals.constant(20))
    return Experiment(2, system=system, workload=load, duration=0.3, seed=7)


@pytest.mark.parametrize(
    ("call", "keywords", "words"),
    [
        (("self", "put", 1), {},
         (".target: names no server of the system (did you mean 'shelf'?), got 'self'; allowed: "
         "'shelves', 'shelf'")),
        (("shelf", "pup", 1), {},
         (".method: Shelf has no such public method (did you mean 'put'?), got 'pup'; allowed: "
         "'call_with', 'fill', 'put'")),
        (("shelf", "whereis", "x"), {}, ".method: Shelf has no such public method, got 'whereis'"),
        (("shelf", "info", "x"), {}, ".method: Shelf has no such public method, got 'info'"),
        (("shelves", "put", 1), {}, ".method: Supervisor has no such public method"),
        (("shelf", "put"), {}, ": Shelf.put cannot be called like this: missing a required arg"),
        (("shelf", "put", 1, 2, 3), {}, ": Shelf.put cannot be called like this: too many pos"),
        (("shelf", "put"), {"args": (1, 2)},
         ("allowed: put(key, value=0); arguments follow the method as in a call: "
         "Operation.call('shelf', 'put', 1, 2)")),
        (("shelf", "put"), {"kwargs": {"key": 1}}, "Operation.call('shelf', 'put', key=1)"),
    ],
)  # fmt: skip
def test_an_operation_that_could_never_succeed_is_refused(call, keywords, words):
    with pytest.raises(InvalidArgument, match=re.escape("workload.operations[1]")) as caught:
        loaded(*call, **keywords)
    assert words in str(caught.value)


def test_operations_that_may_succeed_are_let_through():
    assert loaded("shelf", "put", lambda user: user.index, value=2).unknown == ()
    assert loaded("shelf", "call_with", args=(1, 2)).unknown == ()
    assert loaded("shelf", "fill", 1, 2, 3, args=(4,)).unknown == ()
    assert loaded("shelves", "count_children").unknown == ()
    assert loaded(lambda user: f"shelf-{user.index}", "put").unknown == ()
    assert loaded("nobody", "put", weight=0).unknown == ()
