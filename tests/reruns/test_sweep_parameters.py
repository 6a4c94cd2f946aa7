"""The names of a sweep's parameters: what a function takes, and what a frame can hold."""

from __future__ import annotations

import pytest

from resilkit.errors import InvalidArgument
from resilkit.reruns import rows
from resilkit.reruns.sweeping import sweep
from tests.reruns.systems import bank


def here(experiment, **options):
    return sweep(experiment, **{"seeds": 1, "processes": 1, "progress": False, **options})


def of_rate(rate, name="a"):
    return bank(rate=rate).changed(name=name)


def of_anything(**given):
    return bank(rate=given["rate"])


def uncalled(rate, name="a"):
    return pytest.fail(f"it was called with {rate} and {name}")


def refused(make, parameters):
    with pytest.raises(InvalidArgument) as caught:
        here(make, parameters=parameters)
    return str(caught.value)


@pytest.mark.parametrize("name", ["seed", "passed", "failed", "inconclusive", *rows._LAST])
def test_a_parameter_with_the_name_of_a_column_is_to_be_renamed(name):
    told = refused(of_anything, {"rate": [5.0], name: [1, 2]})
    assert told == (
        f"parameters.{name}: is the name of a column that each frame has, so rename the parameter"
    )


def test_the_columns_of_each_frame_are_those_that_no_parameter_can_be():
    assert tuple(rows.frame_of([], [], [])) == rows.COLUMNS


@pytest.mark.parametrize("parameters", [{"rat": [5.0]}, {"rate": [5.0], "rat": [5.0]}])
def test_a_misspelt_parameter_is_told_those_that_the_function_takes(parameters):
    assert refused(uncalled, parameters) == (
        "parameters.rat: is an unknown key (did you mean 'rate'?); allowed: 'rate', 'name'"
    )


@pytest.mark.parametrize("parameters", [{"name": ["a"]}, None])
def test_a_parameter_that_the_function_needs_is_told_where_it_is_missing(parameters):
    assert refused(uncalled, parameters) == (
        "parameters.rate: is needed by the function that makes the experiment; "
        "allowed: a list of values"
    )


def test_what_is_no_name_is_no_parameter():
    assert refused(of_anything, {5: [5.0]}) == "parameters: must be a name, got 5"


def test_a_function_of_any_parameters_has_them_all():
    frame = here(of_anything, parameters={"rate": [5.0, 80.0], "more": [1]})
    assert list(frame.columns[:3]) == ["rate", "more", "seed"]
    assert len(frame) == 2


def test_what_a_function_takes_of_itself_need_not_be_given():
    assert list(here(of_rate, parameters={"rate": [5.0]}).columns[:2]) == ["rate", "seed"]


def test_an_error_of_the_function_itself_stays_its_own():
    with pytest.raises(TypeError, match="unsupported operand"):
        here(lambda rate: bank(rate=rate + ""), parameters={"rate": [5.0]})
