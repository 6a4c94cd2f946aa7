"""Records as code: what is written, how it is laid out, and that it gives the same when it runs."""

from __future__ import annotations

import importlib
import io
import sys

import pytest
from hypothesis.vendor.pretty import pretty as hypothesis_pretty
from IPython.lib.pretty import RepresentationPrinter

import resilkit as rk
from resilkit import faults
from resilkit.testing import Barrier, Call, Concurrent, as_code, construction
from resilkit.testing.strategies import printing
from tests.cluster.servers import Counter
from tests.testing.pasted import run

SCENARIO = rk.Scenario(
    "slow and apart",
    [faults.Latency(0.02, 0.2, at=1.0), faults.Partition("custom", [["n1"], ["n2", "n3"]])],
    criteria=["p95 <= 500 ms", rk.Criterion("availability >= 0.8")],
    duration=10.0,
)
SUPERVISOR = rk.SupervisorSpec(
    "counters",
    [
        rk.ChildSpec(Counter, name="counter-0", args=(1,)),
        rk.ChildSpec(Counter, id="spare", restart="temporary", shutdown="brutal_kill"),
        rk.SupervisorSpec("inner", strategy="one_for_all", max_restarts=1),
    ],
)
RECORDS = {
    "scenario": SCENARIO,
    "supervisor": SUPERVISOR,
    "cluster": rk.ClusterSpec(nodes=3),
    "named nodes": rk.ClusterSpec(nodes=["a", "b"], topology=[("a", "b")], seed=7),
    "whole nodes": rk.ClusterSpec(
        nodes=["a", rk.NodeSpec("b", applications=[Counter], limits=rk.Limits(open_files=64))],
        restart=rk.RestartPolicy("on_crash", delay=0.5),
        latency=(0.001, 0.005),
    ),
    "arrivals": [
        rk.arrivals.constant(5.0),
        rk.arrivals.burst(0.0, 10.0, every=2.0, length=1.0),
        rk.arrivals.stages([(1.0, 5.0)], gaps="poisson"),
        rk.arrivals.closed(3, think_time=(0.1, 0.2)),
        rk.arrivals.explicit([(0.5, "put"), (0.75, "get", 1), (1.0, "get", 0, 7)]),
    ],
    "fault": faults.NodeCrash(every=2.0, count=2, targets=["n1", "n2"]),
    "processes": Concurrent([[Call("get"), Barrier()], [Barrier(), Call("put", float("inf"))]]),
    "plain": [1, ("one",), {"key": {2}}, set(), frozenset({3}), None, "it's", 'a "quote"', b"x"],
}


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize("width", [None, 88, 30])
def test_the_code_of_a_record_makes_an_equal_one(name: str, width: int | None) -> None:
    code = as_code(RECORDS[name], width=width)
    assert run(code, Counter=Counter) == RECORDS[name]


@pytest.mark.parametrize("name", RECORDS)
def test_what_hypothesis_prints_of_a_record_makes_an_equal_one(name: str) -> None:
    code = hypothesis_pretty(RECORDS[name])
    assert run(code, Counter=Counter) == RECORDS[name]


def test_only_what_differs_from_the_defaults_is_written() -> None:
    assert as_code(rk.ClusterSpec()) == "ClusterSpec()"
    assert as_code(rk.ClusterSpec(nodes=4, restart="always")) == (
        'ClusterSpec(nodes=4, restart="always")'
    )
    assert as_code(rk.ChildSpec(Counter)) == "ChildSpec(Counter)"
    assert as_code(rk.Scenario("calm", grace=0.0)) == 'Scenario("calm")'
    assert as_code(faults.ServerCrash(at=None)) == "ServerCrash()"


def test_a_long_call_has_a_line_for_each_argument() -> None:
    assert as_code(rk.Scenario("calm", criteria=["p95 <= 1 s"], duration=5.0), width=40) == (
        'Scenario(\n    "calm",\n    criteria=["p95 <= 1 s"],\n    duration=5.0,\n)'
    )


def test_ipython_writes_it_as_code_and_breaks_long_lines() -> None:
    long = Concurrent([[Call("increment", by=number) for number in range(9)], []])
    for value in (Call("get"), long, faults.Latency(0.02, 0.2)):
        stream = io.StringIO()
        printer = RepresentationPrinter(stream)
        printer.pretty(value)
        printer.flush()
        assert run(stream.getvalue()) == value
    assert "\n" in as_code(long)


def test_what_holds_itself_comes_to_an_end() -> None:
    ring: list[object] = [1]
    ring.append(ring)
    assert as_code(ring) == "[1, ...]"


def test_an_argument_that_does_not_compare_is_written_all_the_same() -> None:
    class Odd:
        def __eq__(self, other: object) -> bool:
            raise ArithmeticError

        __hash__ = None  # type: ignore[assignment]

        def __repr__(self) -> str:
            return "Odd()"

    class Taker(rk.Server):
        def init(self, odd: Odd) -> None: ...

    assert "args=(Odd(),)" in as_code(rk.ChildSpec(Taker, args=(Odd(),)))


def test_each_record_that_is_written_as_a_call_is_one_that_hypothesis_prints() -> None:
    listed = [name for names in printing._RECORDS.values() for name in names]
    assert sorted(listed) == sorted(construction._RECORDS)
    for module, names in printing._RECORDS.items():
        for name in names:
            assert getattr(importlib.import_module(module), name).__module__ == module


def test_a_number_too_long_for_decimal_digits_is_written_all_the_same() -> None:
    most = sys.get_int_max_str_digits()
    for value in (10**most, [-(10**most)], {10**most: {10**most, 1}}):
        assert run(as_code(value)) == value


def test_a_value_whose_repr_raises_is_named_by_its_kind() -> None:
    class Odd:
        def __repr__(self) -> str:
            raise LookupError

    assert as_code([Odd()]) == "[<Odd whose repr raises LookupError>]"
