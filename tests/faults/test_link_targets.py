"""Links as targets: how they are written, which there are, and who takes them."""

from __future__ import annotations

from typing import Any

import pytest

from resilkit import faults
from resilkit.errors import InvalidArgument
from resilkit.faults import (
    CPU,
    Latency,
    Loss,
    NodeCrash,
    Partition,
    ServerCrash,
    field_info,
    from_dict,
    to_dict,
)
from resilkit.faults.joining import joined
from resilkit.rng import stream

NODES = ["n1", "n2", "n3", "n4"]
RING = [("n1", "n2"), ("n2", "n3"), ("n3", "n4"), ("n1", "n4")]
KNOWN = [*NODES, *(f"{a}<->{b}" for a, b in RING)]


def touched(targets: Any) -> list[tuple[str, str]]:
    return Latency(0, 1, targets=targets).choose_links(RING, NODES, stream(1))


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ("n1<->n2", [("n1", "n2")]),
        ("n2<->n1", [("n1", "n2")]),
        ("  n4 <-> n1 ", [("n1", "n4")]),
        (["n1<->n2", "n3<->n2"], [("n1", "n2"), ("n2", "n3")]),
        (["n1<->n2", "n4"], [("n1", "n2"), ("n1", "n4"), ("n3", "n4")]),
        ("matching:n1<->*", [("n1", "n2"), ("n1", "n4")]),
        ("matching:*<->n[24]", [("n1", "n2"), ("n1", "n4"), ("n2", "n3"), ("n3", "n4")]),
        ("matching:n9<->*", []),
    ],
)
def test_a_link_is_touched_and_no_other(targets: Any, expected: list[tuple[str, str]]) -> None:
    assert touched(targets) == expected


def test_a_fraction_counts_among_the_links_that_are_named() -> None:
    some = Loss(0.5, 0.5, targets=["n1<->n2", "n2<->n3"]).choose_links(RING, NODES, stream(3))
    assert len(some) == 1
    assert set(some) < {("n1", "n2"), ("n2", "n3")}


@pytest.mark.parametrize(
    ("targets", "told"),
    [
        ("n1<->n9", r"targets: is not known.*'n9'.*allowed: 'n1', 'n2', 'n3', 'n4'"),
        ("n1<->n3", r"targets: is no link.*allowed: 'n1<->n2', 'n1<->n4', 'n2<->n3', 'n3<->n4'"),
        (["n1<->n2", "n2<->n4"], r"targets\[1\]: is no link"),
        (["n1<->n2", "n9"], r"targets: is not known.*'n9'"),
    ],
)
def test_what_the_topology_has_not_is_refused(targets: Any, told: str) -> None:
    fault = Latency(0, 1, targets=targets)
    with pytest.raises(InvalidArgument, match=rf"^{told}"):
        fault.choose_links(RING, NODES, stream(1))
    with pytest.raises(InvalidArgument, match=rf"^{told}"):
        fault.choose(KNOWN, stream(1))


def test_chance_draws_among_nodes_as_it_did_before_links_had_names() -> None:
    for seed in range(20):
        fault = Latency(0, 1, targets="one")
        assert fault.choose(KNOWN, stream(seed)) == fault.choose(NODES, stream(seed))


@pytest.mark.parametrize(
    ("targets", "path"),
    [
        ("n1<->n1", "targets"),
        ("n1<->", "targets"),
        ("<->n1", "targets"),
        ("n1<->n2<->n3", "targets"),
        ("n1<->a b", "targets"),
        ("n1->n2", "targets"),
        ("matching:<->n1", "targets"),
        ("matching:n1->*", "targets"),
        (["n1", "n1->n2"], r"targets\[1\]"),
        (["n1<->n2", "n2 <-> n1"], r"targets\[1\]"),
    ],
)
def test_what_is_no_link_is_refused_when_the_fault_is_made(targets: Any, path: str) -> None:
    with pytest.raises(InvalidArgument, match=rf"^Latency\.{path}: "):
        Latency(0, 1, targets=targets)
    with pytest.raises(InvalidArgument, match=rf"^faults\[2\]\.latency\.{path}: "):
        from_dict({"latency": {"low": 0, "high": 1, "targets": targets}}, "faults[2]")


@pytest.mark.parametrize("kind", [NodeCrash, faults.NodePause, CPU, faults.Memory])
def test_faults_of_nodes_refuse_links(kind: Any) -> None:
    for targets in ("n1<->n2", ["n1", "n1->n2"], "matching:n1<->*"):
        with pytest.raises(InvalidArgument, match=r"targets.*: is a link, where only nodes"):
            kind(targets=targets) if kind is not faults.Memory else kind(0.5, targets=targets)


def test_a_server_may_be_called_like_a_link() -> None:
    assert ServerCrash(targets="a<->b").choose(["a<->b", "c"], stream(1)) == ["a<->b"]


@pytest.mark.parametrize("targets", ["n1<->n2", ["n1<->n2", "n3"], "matching:n1<->*"])
def test_scenario_files_hold_links_and_give_them_back(targets: Any) -> None:
    fault = Latency(0.1, 0.2, targets=targets)
    assert from_dict(to_dict(fault)) == fault
    assert to_dict(fault)["latency"]["targets"] == targets


def test_a_form_tells_who_takes_links() -> None:
    (field,) = [info for info in field_info(Latency) if info.name == "targets"]
    assert field.links == ("<->",)
    assert field.allowed.endswith('; or links: "n1<->n2"')
    (field,) = [info for info in field_info(Partition) if info.name == "targets"]
    assert field.allowed.endswith('; or links: "n1<->n2", "n1->n2"')
    for kind in (NodeCrash, ServerCrash):
        (field,) = [info for info in field_info(kind) if info.name == "targets"]
        assert "<->" not in field.allowed


@pytest.mark.parametrize(
    ("targets", "cuts"),
    [
        ("n1<->n2", {("n1", "n2"), ("n2", "n1")}),
        ("n2->n1", {("n2", "n1")}),
        (["n1<->n2", "n3->n2"], {("n1", "n2"), ("n2", "n1"), ("n3", "n2")}),
        (["n1->n2", "n2->n1"], {("n1", "n2"), ("n2", "n1")}),
    ],
)
def test_a_partition_of_links_cuts_these_alone(targets: Any, cuts: set[tuple[str, str]]) -> None:
    fault = Partition("links", targets=targets)
    assert fault.cuts(NODES, stream(1)) == cuts
    assert from_dict(to_dict(fault)) == fault
    assert joined(fault, NODES, cuts, "n5") == set(), "a new node keeps its links"
    assert joined(fault, NODES, cuts, "n1") == {pair for pair in cuts if "n1" in pair}


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "links"},
        {"kind": "links", "targets": "n1"},
        {"kind": "links", "targets": ["n1<->n2", "n3"]},
        {"kind": "links", "targets": "matching:n1<->*"},
        {"kind": "links", "targets": ["n1<->n2", "n1->n2"]},
        {"kind": "halves", "targets": "n1<->n2"},
        {"kind": "one", "targets": "n1<->n2"},
        {"kind": "one_way", "targets": ["n1->n2"]},
        {"kind": "custom", "groups": [["n1"]], "targets": "n1<->n2"},
    ],
)
def test_links_where_they_mean_nothing_in_a_partition_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match=r"^Partition\.targets"):
        Partition(**fields)


def test_a_partition_of_a_link_whose_end_is_not_there_is_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"^targets: is not known.*'n9'"):
        Partition("links", targets="n1<->n9").cuts(NODES, stream(1))
