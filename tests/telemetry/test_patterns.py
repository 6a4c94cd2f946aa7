from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilkit.errors import InvalidArgument
from resilkit.telemetry import check_name, compile_pattern, matches


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("orders", "orders", True),
        ("orders", "orders.created", False),
        ("orders", "Orders", False),
        ("orders.*", "orders.created", True),
        ("orders.*", "orders", False),
        ("orders.*", "orders.eu.created", False),
        ("orders.**", "orders", True),
        ("orders.**", "orders.eu.created", True),
        ("orders.**", "ordersx", False),
        ("**", "a.b.c", True),
        ("**.stop", "stop", True),
        ("**.stop", "a.b.stop", True),
        ("**.stop", "a.bstop", False),
        ("a.**.z", "a.z", True),
        ("a.**.z", "a.b.c.z", True),
        ("a.**.z", "az", False),
        ("a.**.**.z", "a.b.z", True),
        ("**.*", "a", True),
        ("*.**", "a.b", True),
        ("order*.new", "orders.new", True),
        ("order*.new", "order.eu.new", False),
        ("a+b.(c)", "a+b.(c)", True),
        ("a.c", "abc", False),
        ("a*c", "a.c", False),
        ("*", "line\nbreak", True),
    ],
)
def test_a_pattern_takes_just_the_names_that_it_describes(pattern, name, expected):
    assert matches(pattern, name) is expected


@pytest.mark.parametrize(
    "pattern", ["", ".", "a..b", "a.", ".a", "a.b**", "***", None, 3, "a" * 513]
)
def test_a_malformed_pattern_is_refused(pattern):
    with pytest.raises(InvalidArgument, match="pattern"):
        compile_pattern(pattern)


def test_a_name_holds_no_wildcard():
    assert check_name("orders.created") == "orders.created"
    with pytest.raises(InvalidArgument, match="topic: must be a name"):
        check_name("orders.*", path="topic")


def _by_definition(pattern: list[str], name: list[str]) -> bool:
    if not pattern:
        return not name
    head, *rest = pattern
    if head == "**":
        return any(_by_definition(rest, name[i:]) for i in range(len(name) + 1))
    return bool(name) and (head in ("*", name[0])) and _by_definition(rest, name[1:])


@given(
    st.lists(st.sampled_from(["a", "b", "*", "**"]), min_size=1, max_size=5),
    st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=5),
)
def test_patterns_agree_with_their_definition(pattern, name):
    assert matches(".".join(pattern), ".".join(name)) is _by_definition(pattern, name)


def test_the_definition_is_exercised_both_ways():
    names = [list(one) for n in (1, 2) for one in product("ab", repeat=n)]
    found = {_by_definition(["a", "**"], name) for name in names}
    assert found == {True, False}
