"""Supervisor configurations: each can be started, all rules occur, and the least is the default."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import strategies as st

import resilkit as rk
from resilkit.errors import InvalidArgument
from resilkit.runtime.specs import check_unsupervised
from resilkit.testing import as_code
from resilkit.testing import strategies as rst
from tests.cluster.servers import Counter
from tests.testing.pasted import run
from tests.testing.strategies.drawing import drawn, least


class AuctionHouse(rk.Server):
    def init(self, lots: int, *, closed: bool = False) -> None:
        self.lots, self.closed = lots, closed


SERVERS = {
    Counter: None,
    AuctionHouse: rst.arguments(st.integers(0, 9), closed=st.booleans()),
}
NAMES: dict[str, Any] = {"Counter": Counter, "AuctionHouse": AuctionHouse}


def parts(spec: Any, depth: int = 1) -> Iterator[tuple[Any, int]]:
    yield spec, depth
    for child in getattr(spec, "children", ()):
        yield from parts(child, depth + 1)


def test_every_tree_can_stand_at_the_top_of_a_node_and_prints_as_code() -> None:
    for spec in drawn(rst.supervisor_configurations(SERVERS), examples=200):
        check_unsupervised(spec, "top")
        assert run(as_code(spec), **NAMES) == spec


def test_trees_start_and_their_children_answer_by_their_names() -> None:
    trees = drawn(rst.supervisor_configurations(SERVERS, max_depth=3), examples=15)
    for spec in trees:
        with rk.Cluster(nodes=1, backend="simulation", seed=1) as cluster:
            cluster.start(spec, node="n1")
            for part, _ in parts(spec):
                assert cluster.whereis(part.name).alive()


def test_all_that_a_spec_can_say_is_drawn() -> None:
    found = [
        part
        for spec in drawn(rst.supervisor_configurations(SERVERS), examples=200)
        for part in parts(spec)
    ]
    supervisors = [part for part, _ in found if isinstance(part, rk.SupervisorSpec)]
    children = [part for part, depth in found if depth > 1]
    assert {each.strategy for each in supervisors} == {"one_for_one", "one_for_all", "rest_for_one"}
    assert {each.max_restarts for each in supervisors} == set(range(11))
    assert len({each.max_seconds for each in supervisors}) == 5
    assert len({each.auto_shutdown for each in supervisors}) == 3
    assert {each.restart for each in children} == {"permanent", "transient", "temporary"}
    assert {each.significant for each in children} == {True, False}
    assert {type(each) for each in children} == {rk.ChildSpec, rk.SupervisorSpec}
    servers = [each for each in children if isinstance(each, rk.ChildSpec)]
    assert {each.server for each in servers} == set(SERVERS)
    assert len({each.shutdown for each in servers}) == 4
    assert {depth for _, depth in found} == {1, 2, 3}


def test_children_are_named_by_their_class_and_numbered_as_they_start() -> None:
    for spec in drawn(rst.supervisor_configurations(SERVERS, name="top", max_depth=3)):
        names = [part.name for part, _ in parts(spec)]
        assert len(set(names)) == len(names)
        for base, first in (("counter", 0), ("auction_house", 0), ("top", 1)):
            own = [name for name in names if name.startswith(f"{base}-")]
            assert own == [f"{base}-{number}" for number in range(first, first + len(own))]


def test_a_top_that_is_called_as_children_are_keeps_its_name() -> None:
    for spec in drawn(rst.supervisor_configurations({Counter: None}, name="counter-0")):
        assert spec.name == "counter-0"
        assert len({part.name for part, _ in parts(spec)}) == len(list(parts(spec)))


def test_the_fewest_and_the_most_children_are_kept() -> None:
    trees = drawn(rst.supervisor_configurations(min_children=2, max_children=3))
    sizes = Tally(
        len(part.children)
        for spec in trees
        for part, _ in parts(spec)
        if isinstance(part, rk.SupervisorSpec)
    )
    assert sorted(sizes) == [2, 3]


def test_options_narrow_what_is_drawn() -> None:
    narrow = rst.supervisor_configurations(
        SERVERS,
        max_depth=1,
        strategies=["rest_for_one"],
        restarts=["temporary"],
        max_restarts=0,
        significant=False,
    )
    for spec in drawn(narrow):
        assert (spec.strategy, spec.max_restarts, spec.auto_shutdown) == (
            "rest_for_one",
            0,
            "never",
        )
        for child in spec.children:
            assert isinstance(child, rk.ChildSpec)
            assert (child.restart, child.significant) == ("temporary", False)


def test_it_shrinks_to_one_child_and_the_defaults() -> None:
    assert least(rst.supervisor_configurations({Counter: None})) == rk.SupervisorSpec(
        "supervisor", [rk.ChildSpec(Counter, name="counter-0")]
    )
    assert least(rst.supervisor_configurations(min_children=0)) == rk.SupervisorSpec("supervisor")


def test_it_shrinks_to_what_it_takes_deep_in_the_tree() -> None:
    def deep(spec: rk.SupervisorSpec) -> bool:
        return any(part.restart == "temporary" and depth == 3 for part, depth in parts(spec))

    temporary = rk.ChildSpec(Counter, name="counter-0", restart="temporary")
    assert least(rst.supervisor_configurations({Counter: None}), deep) == rk.SupervisorSpec(
        "supervisor", [rk.SupervisorSpec("supervisor-1", [temporary])]
    )


BAD: dict[str, dict[str, Any]] = {
    "servers": {"servers": {}},
    "servers.AuctionHouse": {"servers": {AuctionHouse: None}},
    "servers.Counter": {"servers": {Counter: 3}},
    "name": {"name": ""},
    "min_children": {"min_children": -1},
    "max_children": {"min_children": 2, "max_children": 1},
    "max_depth": {"max_depth": 6},
    "strategies[0]": {"strategies": ["one_for_none"]},
    "restarts": {"restarts": []},
    "max_restarts": {"max_restarts": -1},
    "significant": {"significant": 1},
}


@pytest.mark.parametrize("path", BAD)
def test_a_bad_option_is_refused_where_it_is_written(path: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        rst.supervisor_configurations(**BAD[path])
    assert refused.value.path == path


def test_a_key_that_is_no_server_is_refused_with_an_example() -> None:
    with pytest.raises(
        InvalidArgument, match=r"servers: has a key .* got <class 'int'>; .*Counter"
    ):
        rst.supervisor_configurations({int: None})


def test_a_strategy_that_draws_no_arguments_is_told_of() -> None:
    with pytest.raises(InvalidArgument, match=r"servers.Counter: draws something else .* got 0"):
        least(rst.supervisor_configurations({Counter: st.integers()}))
