"""Faults as plain data: read whole, written back, refused with the path to the slip."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilkit import faults
from resilkit.errors import InvalidArgument
from resilkit.faults import (
    CPU,
    Bandwidth,
    ClockSkew,
    Hold,
    KillChildren,
    Latency,
    Memory,
    NodeCrash,
    Partition,
    SlowNode,
)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            {"latency": {"low": "20 ms", "high": 0.2, "for": "5 s"}},
            Latency(0.02, 0.2, duration=5.0),
        ),
        ({"latency": {"low": 0, "high": 1, "duration": 5}}, Latency(0, 1, duration=5)),
        (
            {"memory": {"share": 0.9, "at": "5 s", "for": "20 s", "targets": "one"}},
            Memory(0.9, at=5, duration=20),
        ),
        (
            {"memory": {"share": "90 %", "limit_bytes": "64 MiB"}},
            Memory(0.9, limit_bytes=64 * 1024**2),
        ),
        (
            {"partition": {"kind": "halves", "every": "15 s", "for": "5 s"}},
            Partition("halves", every=15, duration=5),
        ),
        (
            {"partition": {"kind": "custom", "groups": [["n1"], ["n2", "n3"]]}},
            Partition("custom", (("n1",), ("n2", "n3"))),
        ),
        ("hold", Hold()),
        ({"hold": {"targets": "n1<->n2", "for": "5 s"}}, Hold(targets="n1<->n2", duration=5)),
        ({"bandwidth": {"bytes_per_second": "1 MB/s"}}, Bandwidth(1_000_000)),
        (
            {"supervisor_children": {"supervisor": "counters", "rate": "2 /s"}},
            KillChildren("counters", 2.0),
        ),
        ("slow_node", SlowNode()),
        ({"slow_node": {"factor": "2.5", "for": "5 s"}}, SlowNode(2.5, duration=5)),
        (
            {"clock_skew": {"offset": "-500 ms", "drift": "-5 %"}},
            ClockSkew(-0.5, drift=-0.05),
        ),
        ({"clock_skew": {"offset": " -2 min", "drift": "200 ppm"}}, ClockSkew(-120, drift=2e-4)),
        ({"clock_skew": {"offset": "1 s", "drift": "0.1 s/s"}}, ClockSkew(1, drift=0.1)),
        ({"cpu": {"workers": "2", "share": "1"}}, CPU(1.0, 2)),
        ({"node_crash": None}, NodeCrash()),
        ("node_crash", NodeCrash()),
        ({"node_crash": {"targets": ["n1", "n2"], "at": None}}, NodeCrash(targets=("n1", "n2"))),
    ],
)
def test_what_a_scenario_file_says_becomes_the_fault(data, expected):
    fault = faults.from_dict(data)
    assert fault == expected
    assert faults.from_dict(faults.to_dict(fault)) == fault


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"latancy": {}}, r": is not known \(did you mean 'latency'\?\)"),
        ({"latency": {"low": 1, "hihg": 2}}, r"\.latency\.hihg: .*did you mean 'high'"),
        ({"latency": {"low": 1}}, r"\.latency\.high: is missing; allowed: a number of"),
        ({"latency": {"low": 2, "high": 1}}, r"\.latency\.low: is above high"),
        (
            {"latency": {"low": "20 mss", "high": 1}},
            r"\.latency\.low: .*'20 mss'.*20 ms",
        ),
        (
            {"latency": {"low": -1, "high": 1}},
            r"\.latency\.low: is out of range, got -1",
        ),
        ({"latency": {"low": True, "high": 1}}, r"\.latency\.low: must be a number"),
        ({"latency": [1, 2]}, r"\.latency: must be a mapping"),
        ({"latency": {"low": "-1 s", "high": 1}}, r"\.latency\.low: cannot be read"),
        ({"clock_skew": {"offset": "--1 s"}}, r"\.clock_skew\.offset: cannot be read"),
        ({"clock_skew": {"offset": 0, "drift": "fast"}}, r"\.clock_skew\.drift: .*200 ppm"),
        ({"clock_skew": {"drift": 0.1}}, r"\.clock_skew\.offset: is missing"),
        ({"loss": {"share": "120 %"}}, r"\.loss\.share: is out of range"),
        ({"loss": {"share": 0.1, "for": "0 s"}}, r"\.loss\.for: is out of range"),
        ({"loss": {"share": 0.1, "targets": []}}, r"\.loss\.targets: is an empty list"),
        (
            {"partition": {"kind": "halvse"}},
            r"\.partition\.kind: .*did you mean 'halves'",
        ),
        ({"node_crash": {"count": 2}}, r"\.node_crash\.count: several injections need"),
        ({"node_crash": {"count": "2.5"}}, r"\.node_crash\.count: must be a whole"),
        ({"node_crash": {"kind": "chosen"}}, r"\.node_crash\.targets: must name nodes"),
        ({"node_crash": {}, "loss": {}}, r": must be one fault"),
        ({}, r": must be one fault"),
        (None, r": must be one fault"),
        ({3: {}}, r": is not known"),
        (
            {"supervisor_children": {"supervisor": ""}},
            r"\.supervisor_children\.supervis",
        ),
    ],
)
def test_a_slip_is_refused_with_its_path(data, message):
    with pytest.raises(InvalidArgument, match=rf"^faults\[2\]{message}"):
        faults.from_dict(data, "faults[2]")


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["5 s", "20 ms", "5 %", "n1", "all", "matching:*", "halves", "1 MB/s"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def nearly_faults(draw):
    name = draw(st.sampled_from(sorted(faults.registered_faults())))
    keys = [info.key for info in faults.field_info(faults.registered_faults()[name])]
    fields = draw(st.dictionaries(st.sampled_from(keys) | st.text(max_size=4), plain, max_size=5))
    return {name: fields}


@given(nearly_faults() | plain | st.dictionaries(st.text(), plain))
def test_whatever_is_thrown_at_it_gives_a_fault_that_round_trips_or_an_invalid_argument(data):
    with contextlib.suppress(InvalidArgument):
        fault = faults.from_dict(data)
        assert faults.from_dict(faults.to_dict(fault)) == fault


def test_a_fault_that_is_not_registered_has_no_document():
    class Child(Latency):
        pass

    with pytest.raises(InvalidArgument, match="is no registered fault"):
        faults.to_dict(Child(0.1, 0.2))
    with pytest.raises(InvalidArgument, match="is no registered fault"):
        faults.to_dict("latency")


@pytest.mark.parametrize(
    ("fields", "place", "message"),
    [
        ({}, "supervisor", "is missing"),
        ({"supervisor": ""}, "supervisor", "is no name|must"),
        ({"supervisor": "s", "rate": 0}, "rate", "is out of range"),
        ({"supervisor": "s", "count": 2}, "count", "several injections need"),
        ({"supervisor": "s", "rat": 2}, "rat", "is an unknown key"),
    ],
)
def test_a_slip_has_the_class_as_its_path_in_python_and_the_name_in_a_file(fields, place, message):
    with pytest.raises(InvalidArgument) as in_python:
        faults.KillChildren(**fields)
    with pytest.raises(InvalidArgument) as in_a_file:
        faults.from_dict({"supervisor_children": fields}, "faults[2]")
    assert in_python.value.path == f"KillChildren.{place}"
    assert in_a_file.value.path == f"faults[2].supervisor_children.{place}"
    assert re.search(message, str(in_a_file.value))
