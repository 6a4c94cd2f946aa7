"""Values of a history survive as JSON, and nothing is ever rebuilt from somebody's class."""

from __future__ import annotations

import json
import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilkit.history.values import Opaque, from_json, to_json

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.characters(categories=["Cs"])
    | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text() | st.integers(), inner)
        | st.sets(st.integers() | st.text())
        | st.frozensets(st.binary())
    ),
    max_leaves=12,
)


@given(plain)
def test_plain_values_come_back_equal_and_of_the_same_type(value):
    text = to_json(value)
    text.encode("utf-8")
    back = from_json(text)
    assert back == value
    assert type(back) is type(value)
    assert to_json(back) == text


def test_floats_that_json_does_not_know_survive():
    assert from_json(to_json(math.inf)) == math.inf
    assert math.isnan(from_json(to_json([math.nan]))[0])
    json.loads(to_json(math.nan), parse_constant=pytest.fail)


def test_a_mapping_that_looks_like_a_tag_stays_a_mapping():
    value = {"$tuple": [1]}
    assert from_json(to_json(value)) == value


class Auction:
    def __repr__(self):
        return "<Auction 3>"


class Rude:
    def __repr__(self):
        raise RuntimeError("no")


def test_other_objects_keep_their_repr_alone():
    back = from_json(to_json({"won": Auction()}))
    assert isinstance(back["won"], Opaque)
    assert repr(back["won"]) == "<Auction 3>"
    assert from_json(to_json(back)) == back


def test_a_hostile_repr_does_not_lose_the_run():
    assert "Rude" in repr(from_json(to_json(Rude())))


def test_a_value_that_holds_itself_is_kept_as_text():
    loop: list[object] = []
    loop.append(loop)
    assert isinstance(from_json(to_json(loop)), Opaque)


@pytest.mark.parametrize(
    "text",
    ["{", '{"$bytes":"?"}', '{"$tuple":3}', '{"$pickle":"gASV"}', '{"$set":[[1]]}', "[" * 100_000],
)
def test_text_that_nobody_wrote_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        from_json(text)


def test_a_pickle_inside_is_never_opened():
    bomb = pickle.dumps(Auction())
    assert from_json(to_json(bomb)) == bomb
