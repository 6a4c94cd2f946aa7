from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import inf, isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilkit.errors import InvalidArgument
from resilkit.history.importers.edn import DEEPEST, Reader
from tests.history.importers.writing import as_edn, as_python, values


def read(text: str) -> object:
    return Reader(text).one()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("nil", None),
        ("true", True),
        ("false", False),
        ("nilly", "nilly"),
        ("0", 0),
        ("-17", -17),
        ("+3", 3),
        ("12345678901234567890123N", 12345678901234567890123),
        ("0x1fN", 31),
        ("1.5", 1.5),
        ("-2e-3", -0.002),
        ("7.", 7.0),
        ("1.10M", Decimal("1.10")),
        ("5M", Decimal(5)),
        ("2/6", Fraction(1, 3)),
        ("4/2", 2),
        ("##Inf", inf),
        ("##-Inf", -inf),
        (":read", "read"),
        (":my.ns/read!", "my.ns/read!"),
        ("a.b/c*", "a.b/c*"),
        ("-", "-"),
        ('""', ""),
        (r'"a\tb\"c\\d\né\u00e9\101"', 'a\tb"c\\d\néé' + "A"),
        (r'"\ud83d\ude00"', "😀"),
        ('"two\nlines ; no comment"', "two\nlines ; no comment"),
        (r"\c", "c"),
        (r"\newline", "\n"),
        (r"\u00e9", "é"),
        (r"\o101", "A"),
        (r"[\( \) \space]", ("(", ")", " ")),
        ("[]", ()),
        ("[1 (2, 3),, [4]]", (1, (2, 3), (4,))),
        ("#{1 :a}", frozenset({1, "a"})),
        ("{:a 1, :b {:c nil}}", {"a": 1, "b": {"c": None}}),
        ("{[1 2] :pair {:k 1} :map}", {(1, 2): "pair", frozenset({("k", 1)}): "map"}),
        ("#{{:k [{:l 1}]}}", frozenset({frozenset({("k", (frozenset({("l", 1)}),))})})),
        ('#inst "2017-03-30T15:28:17.423Z"', "2017-03-30T15:28:17.423Z"),
        ("#jepsen.history.Op{:f :read}", {"f": "read"}),
        ('#object[clojure.core$inc 0x4a "inc"]', ("clojure.core$inc", 74, "inc")),
        ("#:jepsen{:f 1, :_/g 2, :h/i 3}", {"jepsen/f": 1, "g": 2, "h/i": 3}),
        ("^{:line 3} [1]", (1,)),
        ("[1 #_ 2 #_#_ 3 4 5]", (1, 5)),
        ("[1 #_2]", (1,)),
        ("; first\n[1 ; inside ]\n 2]", (1, 2)),
    ],
)
def test_each_kind_of_value_is_read(text: str, value: object) -> None:
    found = read(text)
    assert found == value
    assert type(found) is type(value)


def test_what_is_no_number_is_read_as_such() -> None:
    found = read("##NaN")
    assert isinstance(found, float)
    assert isnan(found)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("", "1:1", "is missing"),
        ("[1\n [2", "2:2", r"begins, but does not end, got '\['"),
        ("[1\n 2}", "2:3", r"closes another bracket, got '}'; allowed: \]"),
        ("\n ]", "2:2", "closes what was never opened"),
        ('[:a\n "b]', "2:2", "is a text that does not end"),
        (r'"a\q"', "1:1", "has the unknown escape"),
        ("{:a 1 :b}", "1:1", "a key that has no value, got 'b'"),
        ("{:a 1 :a 2}", "1:1", "two keys that are the same .* got 'a'"),
        ("#{1 true}", "1:1", "two keys that are the same"),
        ("007", "1:1", "is no number: it begins with 0"),
        ("1a", "1:1", "is no number"),
        ("1/0", "1:1", "divides by zero"),
        ("9" * 5000, "1:1", "too many digits"),
        ("[:]", "1:2", "is no keyword"),
        ("::a", "1:1", "is no keyword"),
        ("##Nan", "1:1", "is no EDN"),
        ('#"regex"', "1:1", "is no EDN"),
        ("`a", "1:1", "is no EDN"),
        (r"\notacharacter", "1:1", "is no character"),
        ("#_", "1:1", "has no value behind it"),
        ("[#inst]", "1:2", "has no value behind it"),
        ("[^a]", "1:2", "has no value behind it"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(text: str, place: str, words: str) -> None:
    with pytest.raises(InvalidArgument, match=rf"^edn:{place}: .*{words}"):
        read(text)


@pytest.mark.parametrize("opening", ["[", "{:a ", "#{", "(", "#a ", "#_", "^a "])
def test_depth_has_a_bound(opening: str) -> None:
    with pytest.raises(InvalidArgument, match=f"nested too deeply; allowed: {DEEPEST} levels"):
        read(opening * 100_000)


def test_the_bound_itself_is_allowed() -> None:
    found = read("[" * DEEPEST + "]" * DEEPEST)
    for _ in range(DEEPEST - 1):
        assert isinstance(found, tuple)
        (found,) = found
    assert found == ()


def test_values_follow_each_other_and_stand_where_they_begin() -> None:
    text = " 1 ; one\n:two [3]"
    assert list(Reader(text).values()) == [(1, 1), (9, "two"), (14, (3,))]


def test_the_elements_of_one_vector_come_one_by_one() -> None:
    elements = Reader("; of three\n[1\n {:a 2}\n nil] ; no more").elements()
    assert [value for _, value in elements] == [1, {"a": 2}, None]
    with pytest.raises(InvalidArgument, match=r"edn:2:1: stands behind the end"):
        list(Reader("[1]\n2").elements())


@given(values())
def test_what_is_written_as_edn_is_read_again(value: object) -> None:
    assert read(as_edn(value)) == as_python(value)


@given(st.text(alphabet=st.sampled_from('[](){}#_:;"\\ \n1aNM/.-+^@,nil')))
def test_any_text_is_read_or_refused_as_no_edn(text: str) -> None:
    where = "edn:"
    try:
        list(Reader(text).elements())
    except InvalidArgument as error:
        where = error.path
    assert where.startswith("edn:")
