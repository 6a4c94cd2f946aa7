"""How the parts of an experiment are made again from plain JSON, without a pickle."""

from __future__ import annotations

import dataclasses
import functools
import io
import json
import math
import pickle
from itertools import count
from typing import NamedTuple

import pytest

import resilkit as rk
from resilkit.apps import counters, store
from resilkit.errors import InvalidArgument
from resilkit.experiment.recipes import NoRecipe, from_recipe, recipe_or_why, to_recipe
from resilkit.workload import Due
from tests.experiment import systems
from tests.experiment.runs import experiment
from tests.reruns.systems import Bank


class Point(NamedTuple):
    x: int
    y: tuple[int, ...] = ()


def again(value):
    return from_recipe(json.loads(json.dumps(to_recipe(value))))


@pytest.mark.parametrize(
    "value",
    [
        None, True, 5, "a", 0.5, math.inf, b"\x00\xff", [1, [2]], (1, ("a",)), {1, 2},
        frozenset("ab"), {"a": 1}, {1: "a", (2,): None}, {"$a": 1}, math, math.floor, rk.Server,
        Point(1, (2,)), Due(0.5, "put", 1, (0.25, 3)), counters, counters.Counter,
        store.Store(early_ack=True), store.workload(), store.scenario(20.0), rk.ClusterSpec(3),
        rk.ClusterSpec(nodes=["a", "b"], topology=[("a", "b")], restart="always", latency=0.1),
        rk.SupervisorSpec("s", [rk.ChildSpec(counters.Counter, name="c", args=(1,))]),
        {"n1": [counters.Counter]}, rk.arrivals.explicit([(0.5, "put", 0, 3)]), math.pi,
    ],
    ids=count(),
)  # fmt: skip
def test_what_can_be_imported_and_plain_data_are_made_again(value):
    made = again(value)
    assert type(made) is type(value)
    assert made == value


def test_nan_and_partials_and_plain_objects_are_made_again():
    assert math.isnan(again(math.nan))
    made = again(functools.partial(round, ndigits=1))
    assert (made.func, made.args, made.keywords) == (round, (), {"ndigits": 1})
    bank = again(Bank("other"))
    assert type(bank) is Bank
    assert vars(bank) == {"name": "other"}


@dataclasses.dataclass
class Holder:
    value: object = None


def local():
    class Inside(rk.Server):
        pass

    return Inside


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (lambda: None, "<lambda>"),
        (local(), "Inside was defined in a function"),
        (Holder(local()), "Inside"),
        ({"a": [local()]}, "Inside"),
        (iter([]), "cannot be imported"),
        (pickle.Pickler(io.BytesIO()), "neither plain data nor a dataclass"),
        (functools.reduce(lambda inner, _: [inner], range(60), 1), "nested too deeply"),
    ],
    ids=count(),
)
def test_what_has_no_recipe_says_why(value, why):
    with pytest.raises(NoRecipe, match=why):
        to_recipe(value)
    assert why in recipe_or_why(value)["why"]


def test_what_was_bound_anew_since_has_none(monkeypatch):
    old = Holder
    monkeypatch.setattr("tests.experiment.test_recipes.Holder", int)
    with pytest.raises(NoRecipe, match="something else by now"):
        to_recipe(old)


@pytest.mark.parametrize(
    ("recipe", "path"),
    [
        ({"$name": "no.such.module:thing"}, "run"),
        ({"$name": "math:no_such"}, "run"),
        ({"$name": ""}, "run"),
        ([1, {"$what": 3}], "run[1]"),
        ({"a": {"$record": "math:floor", "fields": {}}}, "run.a"),
        ({"$record": "builtins:int", "fields": {}}, "run"),
        ({"$record": "tests.experiment.test_recipes:Holder", "fields": {"other": 1}}, "run"),
        ({"$record": "tests.experiment.test_recipes:Holder"}, "run"),
        ({"$object": "math:floor", "state": {}}, "run"),
        ({"$object": "builtins:int", "state": {}}, "run"),
        ({"$bytes": "!"}, "run"),
        ({"$partial": [1]}, "run"),
    ],
    ids=count(),
)
def test_a_damaged_recipe_is_refused_with_the_path(recipe, path):
    with pytest.raises(InvalidArgument) as caught:
        from_recipe(recipe, "run")
    assert caught.value.path == path


def test_a_result_knows_how_its_parts_are_made_saved_and_pickled_too(tmp_path):
    made = experiment(workload=systems.workload(["n1", "n2", "n3"]), duration=0.5)
    result = made.run("simulation", progress=False)
    assert result.experiment is made
    result.save(tmp_path / "run")
    for other in (rk.load(tmp_path / "run"), pickle.loads(pickle.dumps(result))):
        assert other.experiment is None
        assert other.how_to_make() == result.how_to_make()
        parts = {name: from_recipe(part["recipe"]) for name, part in other.recipes.items()}
        assert parts["system"] is systems
        assert parts["workload"] == made.workload
        assert parts["scenario"] == made.scenario
        assert parts["cluster"] == made.cluster
    assert pickle.loads(pickle.dumps(other)).how_to_make() == result.how_to_make()


def test_a_run_of_before_is_read_without_them(tmp_path):
    made = experiment(workload=systems.workload(["n1", "n2", "n3"]), duration=0.5)
    made.run("simulation", progress=False).save(tmp_path / "run")
    manifest = tmp_path / "run" / "manifest.json"
    told = json.loads(manifest.read_text())
    del told["recipes"]
    manifest.write_text(json.dumps(told))
    assert rk.load(tmp_path / "run").recipes == {}
