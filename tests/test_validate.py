"""What comes from outside is refused with its path, value and what is allowed."""

from __future__ import annotations

import math
import traceback
from fractions import Fraction

import pytest

from resilkit import validate
from resilkit.errors import InvalidArgument
from resilkit.faults import Latency
from resilkit.faults.documents import from_dict as fault


@pytest.mark.parametrize("value", [True, False, "3", None, [], 1j, object()])
def test_a_number_is_not_a_truth_value_a_text_or_anything_else(value):
    with pytest.raises(InvalidArgument, match=r"^nodes: must be a whole number, got "):
        validate.number(value, "nodes", integer=True)
    with pytest.raises(InvalidArgument, match=r"^rate: must be a number, got "):
        validate.number(value, "rate")


def test_a_whole_number_that_no_float_could_hold_is_refused():
    with pytest.raises(InvalidArgument, match="count: must be finite"):
        validate.number(10**400, "count", integer=True)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400])
def test_a_number_is_finite(value):
    with pytest.raises(InvalidArgument, match=r"^rate: must be finite"):
        validate.number(value, "rate")


def test_a_whole_number_is_not_a_float_that_happens_to_be_whole():
    with pytest.raises(InvalidArgument):
        validate.number(3.0, "nodes", integer=True)


def test_the_ends_of_a_range_belong_to_it_unless_it_is_open():
    assert validate.number(0, "x", low=0, high=1) == 0
    assert validate.number(1, "x", low=0, high=1) == 1
    with pytest.raises(InvalidArgument, match=r"allowed: a number > 0 and <= 1$"):
        validate.number(0, "x", low=0, high=1, low_open=True)
    with pytest.raises(InvalidArgument, match=r"allowed: a number from 0 to 1$"):
        validate.number(1.5, "x", low=0, high=1)


def test_numbers_of_other_kinds_become_plain_ones():
    assert type(validate.number(Fraction(1, 2), "x")) is float
    numpy = pytest.importorskip("numpy")
    assert type(validate.number(numpy.float32(0.5), "x")) is float
    assert type(validate.number(numpy.int64(3), "x", integer=True)) is int
    with pytest.raises(InvalidArgument):
        validate.number(numpy.bool_(True), "x")


def test_a_duration_may_be_zero_or_none_only_where_that_is_said():
    assert validate.duration(0, "t") == 0.0
    assert validate.duration(None, "t", allow_none=True) is None
    for bad in (None, -1, -0.5, math.nan, math.inf, 1e10, True):
        with pytest.raises(InvalidArgument, match=r"^t: .*allowed: seconds >= 0"):
            validate.duration(bad, "t")
    with pytest.raises(InvalidArgument, match=r"allowed: seconds > 0, at most 1000000000, or None"):
        validate.duration(0, "t", allow_zero=False, allow_none=True)


def test_a_probability_lies_between_0_and_1():
    assert [validate.probability(p, "p") for p in (0, 0.25, 1)] == [0.0, 0.25, 1.0]
    for bad in (-0.01, 1.01, math.nan, True, "0.5"):
        with pytest.raises(InvalidArgument, match=r"^p: "):
            validate.probability(bad, "p")


@pytest.mark.parametrize("good", ["n1", "counter-0", "a.b", "_", "9", "x" * 64])
def test_names_are_plain(good):
    assert validate.name(good, "name") == good


@pytest.mark.parametrize(
    "bad",
    ["", ".", "..", ".a", "-rf", "@g1", "a/b", "a b", "a\n", "é", "x" * 65, "a\0", "٣", None, 1],
)
def test_hostile_names_are_refused(bad):
    with pytest.raises(InvalidArgument, match=r"^nodes\[0\]\.name: is no name"):
        validate.name(bad, "nodes[0].name")


def test_a_choice_suggests_the_nearest_and_takes_unhashable_values():
    assert validate.choice("ring", "topology", ["ring", "star"]) == "ring"
    with pytest.raises(InvalidArgument, match=r"did you mean 'star'"):
        validate.choice("Star", "topology", ["ring", "star"])
    with pytest.raises(InvalidArgument, match=r"is not known, got"):
        validate.choice(["ring"], "topology", ["ring", "star"])


def test_an_unknown_key_is_named_with_its_path():
    with pytest.raises(InvalidArgument) as caught:
        validate.known_keys({"low": 1, "hihg": 2}, "latency", ["low", "high"])
    assert caught.value.path == "latency.hihg"
    assert "did you mean 'high'" in str(caught.value)
    with pytest.raises(InvalidArgument, match=r"^latency: must be a mapping, got 3"):
        validate.known_keys(3, "latency", ["low"])


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"low": 64 << 20}, "a whole number >= 67108864"),
        ({"low": 0, "high": 2**63 - 1}, "a whole number from 0 to 9223372036854775807"),
        ({"low": 1, "low_open": True, "high": 10**7}, "a whole number > 1 and <= 10000000"),
    ],
)
def test_limits_are_told_with_all_their_digits(limits, words):
    with pytest.raises(InvalidArgument) as caught:
        validate.number(-1, "size", integer=True, **limits)
    assert caught.value.allowed == words


def test_the_longest_duration_is_told_with_all_its_digits():
    with pytest.raises(InvalidArgument, match="at most 1000000000"):
        validate.duration(2e9, "timeout")


@pytest.mark.parametrize(
    "make",
    [lambda: Latency(0.1), lambda: Latency(0.1, hihg=1), lambda: fault({"latency": {"low": 1}})],
    ids=["missing", "unknown", "missing in a file"],
)
def test_a_field_that_is_missing_or_unknown_is_told_by_one_error_alone(make):
    with pytest.raises(InvalidArgument, match="high") as caught:
        make()
    shown = "".join(traceback.format_exception(caught.value))
    assert shown.count("Traceback") == 1
