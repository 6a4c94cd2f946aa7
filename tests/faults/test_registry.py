"""Files, registry, exports and documentation name the same faults; authors' slips are refused."""

from __future__ import annotations

import dataclasses
import pickle
import re
from pathlib import Path

import cloudpickle
import pytest

from resilkit import faults
from resilkit.errors import InvalidArgument
from resilkit.faults import registry
from resilkit.rng import stream

NOT_FAULTS = {
    "__init__",
    "answers",
    "base",
    "display",
    "documents",
    "fields",
    "joining",
    "lasting",
    "link_targets",
    "places",
    "registry",
    "schedule",
    "targets",
}


@pytest.fixture
def own_registry(monkeypatch):
    monkeypatch.setattr(registry, "_REGISTERED", dict(registry._REGISTERED))


def of_resilkit() -> dict[str, type[faults.Fault]]:
    return {
        name: fault_class
        for name, fault_class in faults.registered_faults().items()
        if fault_class.__module__.startswith("resilkit.")
    }


def test_files_registry_exports_and_documentation_name_the_same_faults():
    modules = {path.stem for path in Path(faults.__file__).parent.glob("*.py")} - NOT_FAULTS
    assert {found.__module__.rpartition(".")[2] for found in of_resilkit().values()} == modules
    exported = {
        name
        for name in faults.__all__
        if isinstance(getattr(faults, name), type)
        and issubclass(getattr(faults, name), faults.Fault)
        and getattr(faults, name).fault_name
    }
    assert {found.__name__ for found in of_resilkit().values()} == exported
    table = re.findall(r"^``(\w+)``\s+`(\w+)`", faults.__doc__ or "", re.MULTILINE)
    assert dict(table) == {name: found.__name__ for name, found in of_resilkit().items()}


def test_completion_offers_faults_and_what_it_takes_to_write_one_and_nothing_else():
    answers = {
        "ChildrenRule",
        "MessageView",
        "Pressure",
        "ServerRule",
        "Signal",
        "Skew",
        "Slowdown",
    }
    bases = {"Fault", "LinkFault", "NodeFault", "PartitionFault", "ResourceFault", "ServerFault"}
    kinds = {found.__name__ for found in of_resilkit().values()}
    assert set(dir(faults)) == set(faults.__all__) == {*kinds, *bases, *answers, "register_fault"}


@pytest.mark.parametrize("fault_class", of_resilkit().values(), ids=lambda found: found.__name__)
def test_every_fault_says_what_it_applies_to_what_healing_does_and_what_is_deterministic(
    fault_class,
):
    for part in ("Applies to:", "Healing:", "Deterministic:", "Examples:"):
        assert part in fault_class.__doc__
    assert [info.name for info in faults.field_info(fault_class) if not info.doc] == []


@pytest.mark.parametrize("fault_class", of_resilkit().values(), ids=lambda found: found.__name__)
def test_every_fault_is_frozen_slotted_and_takes_the_schedule_by_keyword_alone(fault_class):
    parameters = fault_class.__dataclass_params__
    assert parameters.frozen
    assert not hasattr(object.__new__(fault_class), "__dict__")
    own = {info.name for info in faults.field_info(fault_class) if info.own}
    positional = {field.name for field in dataclasses.fields(fault_class) if not field.kw_only}
    assert positional == own


def test_a_fault_of_a_user_is_a_dataclass_whose_methods_may_say_super(own_registry):
    @faults.register_fault("slow")
    class Slow(faults.LinkFault):
        low: float
        high: float
        fraction: float = 1.0

        def validate(self):
            super().validate()

        def verdict(self, message, rng):
            return self.low

    slow = Slow(0.1, 0.2, at=1.0)
    assert (slow.low, slow.high, slow.fraction, slow.at) == (0.1, 0.2, 1.0, 1.0)
    assert slow == Slow(0.1, 0.2, at=1.0)
    assert slow != Slow(0.1, 0.2)
    assert repr(slow) == "Slow(low=0.1, high=0.2, at=1.0)"
    assert faults.from_dict({"slow": {"low": "100 ms", "high": "20 %", "at": 1}}) == slow
    assert slow.choose_links([("a", "b")], ["a", "b"], stream(1)) == [("a", "b")]


def test_running_the_cell_again_replaces_but_another_class_under_the_name_is_refused(own_registry):
    def cell(value):
        @faults.register_fault("again")
        class Again(faults.NodeFault):
            size: int = value

            def actions(self, targets):
                return []

        return Again

    old, new = cell(1), cell(2)
    assert faults.registered_faults()["again"] is new
    assert faults.from_dict("again") == new(2)
    assert faults.to_dict(old(5)) == {"again": {"size": 5}}
    with pytest.raises(InvalidArgument, match=r"is taken by .*Again"):

        @faults.register_fault("again")
        class Other(faults.NodeFault):
            def actions(self, targets):
                return []


def test_a_fault_without_its_answer_or_kind_is_refused(own_registry):
    with pytest.raises(InvalidArgument, match=r"has no method verdict\(\)"):

        @faults.register_fault("mute")
        class Mute(faults.LinkFault):
            pass

    with pytest.raises(InvalidArgument, match="subclasses Fault itself"):

        @faults.register_fault("plain")
        class Plain(faults.Fault):
            pass

    with pytest.raises(InvalidArgument, match="is no fault"):
        faults.register_fault("number")(int)
    assert {"mute", "plain", "number"}.isdisjoint(faults.registered_faults())


@pytest.mark.parametrize("name", ["", "Latency", "my fault", "1st", 3, None, "a" * 65])
def test_a_bad_name_is_refused(name):
    with pytest.raises(InvalidArgument, match="is no name for a fault"):
        faults.register_fault(name)


def test_a_field_of_the_schedule_cannot_become_positional(own_registry):
    with pytest.raises(InvalidArgument, match=r"shadow\.count: is a field that all faults share"):

        @faults.register_fault("shadow")
        class Shadow(faults.NodeFault):
            count: int = 3

            def actions(self, targets):
                return []

    assert "shadow" not in faults.registered_faults()


def test_faults_travel_by_pickle_and_by_value(own_registry):
    crash = faults.NodeCrash(every=2.0, count=2, restart_after=1.0, targets=["n1", "n2"])
    assert pickle.loads(pickle.dumps(crash)) == crash

    @faults.register_fault("travels")
    class Travels(faults.NodeFault):
        size: int = 1

        def actions(self, targets):
            return [faults.Signal(node, "pause") for node in targets]

    back = pickle.loads(cloudpickle.dumps(Travels(7, at=2.0)))
    assert (back.size, back.at) == (7, 2.0)
    assert back.actions(["n1"])[0].undo == ("resume",)
