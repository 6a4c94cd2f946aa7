"""Whatever stands in a spec: it is made whole, or refused with the path to what is wrong."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import math
import threading
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import resilkit as rk
from resilkit.chaos import as_criteria
from resilkit.workload.specs import Poisson
from tests.cluster.servers import Counter


class Odd:
    """Cannot be compared, and is neither true nor false: as an array is."""

    def __eq__(self, other: object) -> bool:
        raise ValueError("cannot be compared")

    def __bool__(self) -> bool:
        raise ValueError("neither true nor false")

    __hash__ = None  # type: ignore[assignment]


async def read(client: object) -> None:
    """Be an operation."""


TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from([
        "", "n1", "mesh", "always", "never", "pkg.mod:Name", "custom", "1 s", "10 GiB", "\ud800",
        "\0", "../x", "x" * 300, "availability > 0.5", "data_consistency >= 1", "node_crash", "all",
    ]),
)  # fmt: skip
PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), TEXTS, st.binary(max_size=4),
    st.sampled_from([0, 1, -1, 2**63, 10**400, -0.0, 5e-324, 1e308, math.nan, math.inf]),
)  # fmt: skip
STRANGE = [
    object(), Odd(), object, int, Counter, Counter(), len, print, read, lambda: 0, ...,
    NotImplemented, 1j, {1, 2}, frozenset("a"), range(3), bytearray(b"x"), memoryview(b"x"),
    decimal.Decimal("NaN"), datetime.timedelta(1), ValueError("x"), iter([1]),
    dataclasses.field(), threading, rk.Limits(open_files=64), rk.NodeSpec("a"), rk.NodeSpec("-"),
    rk.LinkLatency(0, 1), rk.RestartPolicy("always"),
    rk.ChildSpec(Counter), rk.SupervisorSpec("s"), rk.faults.NodeCrash(), rk.Operation("r", read),
    Poisson(10.0), rk.Criterion.parse("data_consistency >= 1"),
]  # fmt: skip
ANYTHING = st.recursive(
    PLAIN | st.sampled_from(STRANGE),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.dictionaries(TEXTS | st.integers() | st.none(), inner, max_size=3),
    ),
    max_leaves=5,
)


def fields(kind: Any) -> list[str]:
    """Return the names of what `kind` is made of."""
    return [each.name for each in dataclasses.fields(kind) if each.init]


MAKERS: dict[str, tuple[Callable[..., object], list[str], dict[str, Any]]] = {
    "ClusterSpec": (rk.ClusterSpec, fields(rk.ClusterSpec), {}),
    "NodeSpec": (
        lambda **given: rk.ClusterSpec([rk.NodeSpec(**given)]),
        fields(rk.NodeSpec),
        {"name": "a"},
    ),
    "Limits": (lambda **given: rk.ClusterSpec(limits=rk.Limits(**given)), fields(rk.Limits), {}),
    "ChildSpec": (rk.ChildSpec, fields(rk.ChildSpec), {"server": Counter}),
    "SupervisorSpec": (rk.SupervisorSpec, fields(rk.SupervisorSpec), {"name": "s"}),
    "Scenario": (rk.Scenario, fields(rk.Scenario), {"name": "s"}),
    "Workload": (rk.Workload, fields(rk.Workload), {
        "operations": [rk.Operation("read", read)], "arrivals": Poisson(10.0),
    }),
    "Operation": (rk.Operation, fields(rk.Operation), {"name": "read", "function": read}),
    "criteria": (lambda given: as_criteria(given), ["given"], {"given": []}),
    "criterion": (lambda text: rk.Criterion.parse(text), ["text"], {"text": ""}),
    "ClusterSpec file": (
        lambda **given: rk.ClusterSpec.from_dict(given), fields(rk.ClusterSpec), {},
    ),
    "NodeSpec file": (
        lambda **given: rk.ClusterSpec.from_dict({"nodes": [given]}),
        fields(rk.NodeSpec),
        {"name": "a"},
    ),
    "Scenario file": (
        lambda **given: rk.Scenario.from_dict(given), [*fields(rk.Scenario), "version"],
        {"name": "s"},
    ),
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _nothing_is_started() -> Iterator[None]:
    def running() -> set[object]:
        return {*threading.enumerate(), *psutil.Process().children()}

    before = running()
    yield
    assert running() <= before, "what tests before have left may end meanwhile"


def refused(make: Callable[[], object]) -> str | None:
    """Return the path at which `make` is refused, in words as well; ``None`` when it is not."""
    try:
        make()
    except rk.InvalidArgument as error:
        return error.path if str(error).startswith(error.path or "") else ""
    return None


@pytest.mark.parametrize("what", MAKERS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_anything_in_any_field_is_taken_or_refused_with_its_path(
    what: str, data: st.DataObject
) -> None:
    make, names, needed = MAKERS[what]
    odd = data.draw(
        st.dictionaries(st.sampled_from(names), ANYTHING, min_size=1, max_size=2), label=what
    )
    path = refused(lambda: make(**{**needed, **odd}))
    assert path != "", odd


@pytest.mark.parametrize("what", MAKERS)
def test_every_strange_value_in_every_field_is_taken_or_refused_with_its_path(what: str) -> None:
    make, names, needed = MAKERS[what]
    for name in names:
        for value in STRANGE:
            for given_ in (value, [value], {"a": value}):
                path = refused(lambda n=name, v=given_: make(**{**needed, n: v}))  # type: ignore[misc]
                assert path != "", (name, given_)
