"""Faults: every kind that is registered is drawn, is valid where it is to go in, and shrinks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random
from typing import Annotated, Any, Literal

import pytest
from hypothesis import strategies as st

from resilkit import faults
from resilkit.chaos.fitting import try_targets
from resilkit.errors import InvalidArgument
from resilkit.faults import fields as units
from resilkit.faults import registry
from resilkit.faults.partition import check_places
from resilkit.network.verdicts import Drop
from resilkit.rng import stream
from resilkit.testing import as_code
from resilkit.testing import strategies as rst
from tests.testing.pasted import run
from tests.testing.strategies.drawing import drawn, least
from tests.testing.strategies.own import OWN

NODES = ("a", "b", "c", "d")
RING = (("a", "b"), ("a", "d"), ("b", "c"), ("c", "d"))

WHERE: dict[str, Any] = {
    "nodes": NODES,
    "topology": "ring",
    "servers": ["counter-0", "counter-1"],
    "supervisors": ["counters"],
}
KINDS = OWN


@pytest.fixture
def registering() -> Iterator[None]:
    """Forget the faults that a test registers."""
    before = dict(registry._REGISTERED)
    yield
    registry._REGISTERED.clear()
    registry._REGISTERED.update(before)


@pytest.mark.parametrize("name", KINDS)
def test_every_registered_fault_is_drawn_by_its_name_and_fits_the_cluster(name: str) -> None:
    found = drawn(rst.faults([name], **WHERE, max_targets=3), examples=60)
    assert {fault.fault_name for fault in found} == {name}
    for fault in found:
        check_places(fault, NODES, RING)
        assert try_targets(fault, NODES, RING) or isinstance(fault, faults.ServerFault)
        assert not fault.inert
        assert (fault.at, fault.every, fault.count, fault.duration) == (None, None, None, None)
        assert run(as_code(fault)) == fault
        assert run(repr(fault)) == fault


def test_without_names_all_that_can_be_drawn_are() -> None:
    found = Counter(fault.fault_name for fault in drawn(rst.faults(**WHERE), examples=500))
    assert sorted(found) == KINDS


def test_without_a_supervisor_the_fault_that_needs_one_is_left_out_or_refused() -> None:
    names = {fault.fault_name for fault in drawn(rst.faults(), examples=500)}
    assert names == set(KINDS) - {"supervisor_children"}
    with pytest.raises(InvalidArgument, match=r"faults\[1\]: .*'supervisor'.*supervisors=\["):
        rst.faults(["loss", "supervisor_children"])


def test_in_a_cluster_of_one_node_there_are_no_faults_of_links() -> None:
    for fault in drawn(rst.faults(nodes=1), examples=100):
        assert not isinstance(fault, faults.LinkFault | faults.PartitionFault)
    with pytest.raises(InvalidArgument, match=r"faults\[0\]: .*one node.*nodes=2"):
        rst.faults(["latency"], nodes=1)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("latency", faults.Latency(0.0, 0.001)),
        ("loss", faults.Loss(0.01)),
        ("node_crash", faults.NodeCrash(targets="n1")),
        ("node_pause", faults.NodePause(targets="n1")),
        ("partition", faults.Partition("one", targets="n1")),
        ("server_crash", faults.ServerCrash()),
        ("memory", faults.Memory(0.01, targets="n1")),
    ],
)
def test_the_least_of_a_kind_has_defaults_the_least_numbers_and_the_first_node(
    name: str, fault: faults.Fault
) -> None:
    assert least(rst.faults([name])) == fault


def test_it_shrinks_in_each_field_by_itself() -> None:
    assert least(
        rst.faults(["latency"]), lambda fault: fault.high >= 0.1 and fault.targets == "n2<->n3"
    ) == faults.Latency(0.0, 0.1, targets="n2<->n3")
    assert least(
        rst.faults(["server_crash"], servers=["x", "y"]),
        lambda fault: fault.after_calls is not None and fault.targets == "y",
    ) == faults.ServerCrash(after_calls=1, targets="y")


def test_every_kind_of_partition_is_drawn_and_cuts_somebody() -> None:
    found = drawn(rst.faults(["partition"], nodes=5, max_targets=2), examples=200)
    kinds = {fault.kind for fault in found}
    assert kinds == {"one", "links", "one_way", "custom", "halves", "majorities_ring", "bridge"}
    nodes = [f"n{number}" for number in range(1, 6)]
    assert all(fault.cuts(nodes, stream(7)) for fault in found)


def test_two_nodes_are_cut_only_in_ways_that_cut_two() -> None:
    for fault in drawn(rst.faults(["partition"], nodes=2, max_targets=2)):
        assert fault.cuts(["n1", "n2"], stream(7))


def test_one_fault_names_at_most_so_many() -> None:
    crashes = drawn(rst.faults(["node_crash"], nodes=4, max_targets=3), examples=200)
    sizes = Counter(1 if isinstance(one.targets, str) else len(one.targets) for one in crashes)
    assert sorted(sizes) == [1, 2, 3]
    assert {type(one.targets) for one in drawn(rst.faults(["node_crash"]))} == {str}


def test_no_field_in_seconds_is_longer_than_half_of_the_run() -> None:
    found = drawn(rst.faults(["latency"], duration=1.0))
    assert max(fault.high for fault in found) <= 0.5


def test_strategies_of_ones_own_take_the_place_of_what_the_annotations_tell() -> None:
    few = {"latency": {"high": st.floats(0.01, 0.02), "targets": st.just("n1")}}
    for fault in drawn(rst.faults(["latency"], fields=few)):
        assert 0.0 <= fault.low <= fault.high
        assert 0.01 <= fault.high <= 0.02
        assert fault.targets == "n1"
    halves = rst.faults(["partition"], fields={"partition": {"kind": st.just("halves")}})
    assert set(drawn(halves, examples=5)) == {faults.Partition("halves")}
    on_get = {"server_crash": {"method": st.just("get")}}
    assert {one.method for one in drawn(rst.faults(["server_crash"], fields=on_get))} == {"get"}


def test_strategies_whose_values_do_not_go_together_are_told_of() -> None:
    bad = {"latency": {"low": st.just(2.0), "high": st.just(1.0)}}
    with pytest.raises(InvalidArgument, match=r"fields.latency: .*low: is above high"):
        least(rst.faults(["latency"], fields=bad))


@pytest.mark.usefixtures("registering")
def test_a_fault_of_ones_own_is_drawn_from_its_annotations() -> None:
    @faults.register_fault("deaf_to")
    class DeafTo(faults.LinkFault):
        low: Annotated[float, units.Unit("s", low=0.5, high=2.0)]
        high: Annotated[float, units.Unit("s", low=0.5, high=2.0)]
        kind: Literal["call", "cast"]
        number: units.Count
        often: bool = False
        share: units.Share = 0.5
        note: str = "none"
        extra: object = None

        def validate(self) -> None:
            if self.low > self.high:
                raise InvalidArgument("is above high", path="low", value=self.low)

        def verdict(self, message: Any, rng: Random) -> Drop:
            return Drop()

    found = drawn(rst.faults(["deaf_to"]), examples=200)
    assert all(0.5 <= fault.low <= fault.high <= 2.0 for fault in found)
    assert {fault.kind for fault in found} == {"call", "cast"}
    assert {fault.often for fault in found} == {True, False}
    assert {(fault.note, fault.extra) for fault in found} == {("none", None)}
    assert len({fault.share for fault in found}) > 3
    assert least(rst.faults(["deaf_to"])) == DeafTo(0.5, 0.5, "call", 1)
    assert run(as_code(found[-1]), DeafTo=DeafTo) == found[-1]


@pytest.mark.usefixtures("registering")
def test_a_fault_whose_field_nothing_tells_of_is_left_out_or_asks_for_a_strategy() -> None:
    @faults.register_fault("picky")
    class Picky(faults.NodeFault):
        word: str

        def actions(self, targets: Sequence[str]) -> list[faults.NodeAction]:
            return []

    assert "picky" not in {fault.fault_name for fault in drawn(rst.faults(), examples=150)}
    with pytest.raises(InvalidArgument, match=r"faults\[0\]: .*'word'.*fields=\{\"picky\""):
        rst.faults(["picky"])
    given = rst.faults(["picky"], fields={"picky": {"word": st.just("x")}})
    assert least(given) == Picky("x", targets="n1")


@pytest.mark.usefixtures("registering")
def test_a_fault_that_refuses_all_but_its_defaults_has_them() -> None:
    @faults.register_fault("stubborn")
    class Stubborn(faults.NodeFault):
        level: units.Count = 3

        def validate(self) -> None:
            if self.level != 3:
                raise InvalidArgument("must be 3", path="level", value=self.level)

        def actions(self, targets: Sequence[str]) -> list[faults.NodeAction]:
            return []

    assert {fault.level for fault in drawn(rst.faults(["stubborn"]))} == {3}


BAD: dict[str, dict[str, Any]] = {
    "faults[0]": {"faults": ["latancy"]},
    "faults": {"faults": "latency"},
    "nodes": {"nodes": 0},
    "topology": {"topology": "rign"},
    "servers[0]": {"servers": [""]},
    "supervisors": {"supervisors": "counters"},
    "max_targets": {"max_targets": 0},
    "duration": {"duration": 0.01},
    "fields.latency.hihg": {"fields": {"latency": {"hihg": st.floats()}}},
    "fields.latency.high": {"fields": {"latency": {"high": 0.5}}},
    "fields.latancy": {"fields": {"latancy": {}}},
}


@pytest.mark.parametrize("path", BAD)
def test_a_bad_option_is_refused_where_it_is_written(path: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        rst.faults(**BAD[path])
    assert refused.value.path == path
    assert refused.value.allowed
