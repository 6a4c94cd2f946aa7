"""What a user gives to a search for the smallest: functions that raise, faults of any fields."""

from __future__ import annotations

from dataclasses import field
from itertools import count

import pytest

import resilkit as rk
from resilkit.errors import InvalidArgument, StartFailed
from resilkit.faults import LinkFault, register_fault, registry
from resilkit.network.verdicts import PASS
from resilkit.reruns.case import Subject
from tests.reruns.shrinks import SYSTEM, quiet
from tests.reruns.systems import bank, failing

# With a budget of 9 runs, the function is called last for the run once more at the end.
_CALLS = [0, 1, 2, 5, 8]


@pytest.mark.parametrize("nth", _CALLS)
@pytest.mark.parametrize(
    "error",
    [
        ValueError("no such column"),
        InvalidArgument("is wrong", path="mine", value=1),
        StartFailed("cannot start", reason="mine"),
        TimeoutError("mine"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_the_function_raises_comes_to_the_user_as_it_is(nth, error):
    calls = count()

    def asked(result):
        if next(calls) == nth:
            raise error
        return len(result.history) > 0

    with pytest.raises(type(error)) as caught:
        quiet(bank(scenario=rk.Scenario("calm"), system=SYSTEM), failing=asked, budget=9)
    assert caught.value is error
    assert next(calls) == nth + 1


@pytest.fixture
def listed(monkeypatch):
    monkeypatch.setattr(registry, "_REGISTERED", dict(registry._REGISTERED))

    @register_fault("with_a_list")
    class WithAList(LinkFault):
        """Lets all through.

        Args:
            names: Some names.
        """

        names: list = field(default_factory=list)

        def verdict(self, message, rng):
            del message, rng
            return PASS

    return WithAList


def test_a_fault_that_has_no_hash_is_left_out_like_any(listed, lost):
    fault = listed(["a", "b"], at=0.1, duration=0.5)
    with pytest.raises(TypeError, match="unhashable"):
        hash(fault)
    found = quiet(failing(scenario=_with(fault))[0])
    assert found.words.split(" → ")[1].startswith("2 operations, 0 faults (")
    assert found.experiment.workload == lost.experiment.workload


def test_a_fault_that_has_no_hash_is_kept_where_it_is_needed(listed):
    def has_it(result):
        return any(type(each).__name__ == "WithAList" for each in result.experiment.scenario.faults)

    made = bank(scenario=_with(listed(["a"], at=0.1), rk.faults.Loss(0.1, at=0.2)), duration=0.5)
    found = quiet(made, failing=has_it, budget=40)
    assert [type(each) for each in found.experiment.scenario.faults] == [listed]
    assert len(found.experiment.workload.arrivals.due) < 3


def _with(*faults):
    return rk.Scenario("with", list(faults), criteria=["data_consistency >= 1"])


def test_cases_that_are_equal_have_the_same_hash_and_others_differ(listed):
    load = rk.arrivals.explicit([(0.1, "add")])
    case = Subject(bank(rate=load, scenario=_with(listed([1], at=0.1)))).case("fifo")
    (fault,) = case.faults
    same = case.changed(faults=(type(fault)([1.0], at=fault.at, duration=fault.duration),))
    assert (same, hash(same)) == (case, hash(case))
    assert len({case, same, case.changed(seed=case.seed + 1), case.changed(faults=())}) == 3
