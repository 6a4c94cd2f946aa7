"""What makes a sweep another one, so that a folder of the one is not gone on with by the other."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from functools import partial
from itertools import count

import pytest

import resilkit as rk
from resilkit.cluster.limits import Limits
from resilkit.errors import InvalidArgument
from resilkit.reruns.identity import differences, identity
from resilkit.reruns.sweeping import sweep
from resilkit.workload import CallMethod
from tests.reruns.systems import Account, bank, look

CALM = rk.arrivals.constant(9)


def neither(name, one, other):
    del name, one, other


FIRST = {"nodes": ["n1", "n2"]}
OTHERS = {
    "nodes": ["n1", "n3"],
    "topology": [("n1", "n2")],
    "latency": 0.01,
    "restart": "always",
    "start_timeout": 77.0,
    "sample_interval": 0.5,
    "uss_every": 1.0,
    "detect_after": 3.0,
    "config": {"size": 3},
    "limits": Limits(open_files=128),
    "name_resolver": neither,
    "name": "other",
}


def made(**fields):
    return bank(
        system=rk.ChildSpec(Account, name="account")
    ).changed(cluster=rk.ClusterSpec(**{**FIRST, **fields}))  # fmt: skip


def same_as_first(**fields):
    return differences(identity(made()), identity(made(**fields)))


def test_every_field_of_a_cluster_but_its_seed_is_tried_here():
    fields = {each.name for each in dataclasses.fields(rk.ClusterSpec)}
    assert set(OTHERS) == fields - {"seed"}


@pytest.mark.parametrize("field", OTHERS)
def test_a_cluster_of_which_one_field_differs_is_another(field):
    assert same_as_first() == same_as_first(seed=5) == []
    assert "cluster" in same_as_first(**{field: OTHERS[field]})


class Sized(rk.Server):
    def init(self, *args, **kwargs):
        self.given = args, kwargs

    def take(self, *args):
        self.given = args


FIRST_CHILD = {"server": Sized, "name": "sized"}


@pytest.mark.parametrize(
    "changes",
    [
        {"server": Account},
        {"id": "other"},
        {"name": "other"},
        {"args": (1,)},
        {"kwargs": {"size": 1}},
        {"restart": "temporary"},
        {"shutdown": 1.0},
        {"scope": "node"},
    ],
    ids=lambda changes: next(iter(changes)),
)
@pytest.mark.parametrize("where", ["nodes", "system"])
def test_what_a_node_or_the_system_starts_is_part_of_it_in_each_field(changes, where):
    def identity_of(**more):
        child = rk.ChildSpec(**{**FIRST_CHILD, **more})
        if where == "system":
            return identity(made().changed(system=child))
        nodes = ["n1", rk.NodeSpec("n2", applications=[child])]
        return identity(made(nodes=nodes))

    part = "system" if where == "system" else "cluster"
    assert differences(identity_of(), identity_of()) == []
    assert part in differences(identity_of(), identity_of(**changes))


def test_every_field_of_a_child_that_can_stand_alone_is_tried_there():
    fields = {each.name for each in dataclasses.fields(rk.ChildSpec)}
    assert fields == {
        "server", "id", "name", "args", "kwargs", "restart", "shutdown", "scope", "significant",
    }  # fmt: skip


def test_a_program_that_is_named_by_a_text_is_part_of_it_with_its_code(monkeypatch):
    def identity_of(text):
        return identity(made(nodes=["n1", rk.NodeSpec("n2", applications=[text])]))

    text = "tests.reruns.systems:Account"
    before = identity_of(text)
    assert differences(before, identity_of("tests.reruns.systems:Unstartable")) == [
        "cluster", "code",
    ]  # fmt: skip
    monkeypatch.setattr("tests.reruns.systems.Account", Sized)
    assert differences(before, identity_of(text)) == ["code"]


def test_a_folder_is_refused_where_a_program_is_handed_something_else(tmp_path):
    def run(size):
        child = rk.ChildSpec(Sized, name="sized", kwargs={"size": size})
        experiment = made(nodes=["n1", rk.NodeSpec("n2", applications=[child])])
        return sweep(experiment, seeds=1, processes=1, resume=tmp_path, progress=False)

    run(3)
    assert len(run(3)) == 1
    with pytest.raises(InvalidArgument, match="another cluster"):
        run(4)


# Operations ---------------------------------------------------------------------------------------


class Shop(rk.Server):
    def init(self):
        self.sold = 0

    def buy(self, count=1):
        return 1 / (count - 2)


def one(user):
    return "shop"


def other(user):
    return "shop"


def doing(*operations):
    return rk.Experiment(
        1,
        system=rk.ChildSpec(Shop, name="shop"),
        workload=rk.Workload(operations, CALM),
        scenario=rk.Scenario("sale", criteria=["error_rate < 1 %"]),
        duration=1.0,
        seed=1,
    )


FIRST_CALL = {"target": one, "method": "buy"}
OTHER_CALLS = [
    {"target": other},
    {"method": "sell"},
    {"args": (1,)},
    {"args": (one,)},
    {"kwargs": (("count", 1),)},
    {"timeout": 1.0},
]


@pytest.mark.parametrize("changes", OTHER_CALLS, ids=count())
def test_an_operation_that_calls_a_method_is_part_of_it_in_each_field(changes):
    def identity_of(**more):
        return identity(doing(rk.Operation("buy", CallMethod(**{**FIRST_CALL, **more}))))

    assert differences(identity_of(), identity_of()) == []
    assert differences(identity_of(), identity_of(**changes)) == ["workload"]


async def other_look(user):
    return await user.whereis("shop").call.buy()


@pytest.mark.parametrize(
    "changes", [{"name": "other"}, {"weight": 2.0}, {"function": other_look}], ids=count()
)
def test_an_operation_is_part_of_it_in_each_field(changes):
    def identity_of(**more):
        return identity(doing(rk.Operation(**{"name": "look", "function": look, **more})))

    assert differences(identity_of(), identity_of()) == []
    assert "workload" in differences(identity_of(), identity_of(**changes))


@pytest.mark.parametrize(("kind", "tried"), [(CallMethod, OTHER_CALLS), (rk.Operation, None)])
def test_every_field_of_an_operation_is_tried_there(kind, tried):
    fields = {each.name for each in dataclasses.fields(kind)}
    assert fields == ({"name", "weight", "function"} if tried is None else set().union(*tried))


def closing(value):
    async def act(user):
        return value

    return act


def with_default(value):
    async def act(user, value=value):
        return value

    return act


def with_keyword(value):
    async def act(user, *, value=value):
        return value

    return act


async def given(value, user):
    return value


async def handed_too(value, user):
    return value


class Acting:
    def __init__(self, value):
        self.value = value

    async def __call__(self, user):
        return self.value

    async def act(self, user):
        return self.value


def acting_by(value):
    class Acting:
        async def __call__(self, user):
            return value

    return Acting()


@pytest.mark.parametrize(
    "make",
    [
        closing, with_default, with_keyword, Acting, acting_by,
        lambda value: partial(given, value),
        lambda value: partial(given, value=value),
        lambda value: partial([given, handed_too][value], 1),
        lambda value: Acting(value).act,
        lambda value: partial(given, closing(value)),
    ],
    ids=count(),
)  # fmt: skip
def test_what_the_function_of_an_operation_was_made_with_is_part_of_it(make):
    zero, again, one = (identity(doing(rk.Operation("act", make(n)))) for n in (0, 0, 1))
    assert differences(zero, again) == []
    assert differences(zero, one) == ["code"]


def test_what_a_server_class_was_made_with_is_part_of_it():
    def identity_of(number, constant=0, default=0):
        class Made(Shop):
            least = constant

            def buy(self, count=default):
                return number

        return identity(
            doing(rk.Operation.call("shop", "buy")).changed(system=rk.ChildSpec(Made, name="shop"))
        )

    assert differences(identity_of(1), identity_of(1)) == []
    for other in (identity_of(2), identity_of(1, constant=1), identity_of(1, default=1)):
        assert differences(identity_of(1), other) == ["code"]


def test_a_folder_is_refused_where_an_operation_hands_over_something_else(tmp_path):
    def run(value):
        experiment = doing(rk.Operation.call("shop", "buy", value))
        return sweep(experiment, seeds=2, processes=1, resume=tmp_path, progress=False)

    run(1)
    assert len(run(1)) == 2
    with pytest.raises(InvalidArgument, match="another workload"):
        run(2)


# Parameters ---------------------------------------------------------------------------------------


def calls(policy):
    return doing(rk.Operation.call("shop", "buy", len(policy.value)))


def swept(folder, *policies):
    parameters = {"policy": list(policies)}
    options = {"seeds": 1, "processes": 1, "progress": False, "resume": folder}
    return sweep(calls, parameters=parameters, **options)


def test_a_sweep_whose_parameters_are_objects_goes_on_where_they_are_alike(tmp_path):
    swept(tmp_path, Acting({"a"}), Acting({"b", "c"}))
    assert len(swept(tmp_path, Acting({"a"}), Acting({"c", "b"}))) == 2
    with pytest.raises(InvalidArgument, match="is a sweep of something else: another parameters"):
        swept(tmp_path, Acting({"a"}), Acting({"c", "d"}))


IN_A_SCRIPT = """
import sys
from tests.reruns.test_identity import Acting, swept
print(len(swept(sys.argv[1], Acting({"a", "b", "c"}))))
"""


@pytest.mark.parametrize("seed", ["0", "1"])
def test_a_script_goes_on_with_its_sweep_over_objects_in_another_process(tmp_path, seed):
    swept(tmp_path, Acting({"a", "b", "c"}))
    done = subprocess.run(
        [sys.executable, "-c", IN_A_SCRIPT, str(tmp_path)], capture_output=True, text=True,
        check=False, env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": seed},
    )  # fmt: skip
    assert done.stdout.strip() == "1", done.stderr


# In another process -------------------------------------------------------------------------------

IN_ANOTHER_PROCESS = """
from tests.reruns.test_identity import handed
print(handed())
"""


def handed():
    loop = []
    loop.append(loop)
    kwargs = {"names": {"a", "b", "c"}, "plain": object(), "loop": loop, "nan": float("nan")}
    kwargs |= {"policy": Acting({"a", "b"}), "draw": closing(Acting(frozenset({"a", "b"})))}
    child = rk.ChildSpec(Sized, name="sized", kwargs=kwargs)
    operations = [rk.Operation.call("sized", "take", {"a", "b"}, Acting(look))]
    load = rk.Workload([*operations, rk.Operation("act", closing({"a", "b"}))], CALM)
    return identity(made().changed(system=child, workload=load))


def test_it_is_the_same_in_another_process():
    done = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS],
        capture_output=True, text=True, check=False, env={"PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert done.stdout.strip() == str(handed()), done.stderr
