"""Values as plain data: alike where they say the same, whatever the process and the address."""

from __future__ import annotations

import enum
import json
import threading
from collections import OrderedDict, defaultdict, deque, namedtuple
from datetime import date
from itertools import count
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from resilkit.reruns.likeness import likeness

Pair = namedtuple("Pair", "one other")  # noqa: PYI024 - as many have it


class Fields:
    def __init__(self, value):
        self.value = value

    def __repr__(self):
        return "fields"


class Slots:
    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value


class Text(str):
    __slots__ = ()


class Guarded(Fields):
    def __init__(self, value):
        super().__init__(value)
        self.lock = threading.Lock()


class Unwilling(Fields):
    def __reduce_ex__(self, protocol):
        raise RuntimeError("not to be pickled")


class Colour(enum.Enum):
    RED = 0
    BLUE = 1


def closing(value):
    return lambda: value


ALIKE_BUT_FOR_A_VALUE = [
    Fields, Slots, Guarded, closing, hex, bytes, date.fromordinal, range, float,
    lambda value: {Fields(value)},
    lambda value: {value: Slots(value)},
    lambda value: Pair(value, {1, 2}),
    lambda value: deque([value], 3),
    lambda value: OrderedDict(value=value),
    lambda value: defaultdict(set, value={value}),
    lambda value: SimpleNamespace(value={value}),
    lambda value: 10**5000 + value,
    lambda value: Text(value),
    lambda value: list(Colour)[value - 1],
    lambda value: np.arange(value, value + 5000),
    lambda value: pd.DataFrame({"value": [value]}),
    lambda value: [lambda: "one", lambda: "other"][value - 1],
    lambda value: eval(f"lambda: {value}"),  # noqa: S307 - a function without a source
]  # fmt: skip


@pytest.mark.parametrize("make", ALIKE_BUT_FOR_A_VALUE, ids=count())
def test_two_are_alike_as_far_as_their_values_are(make):
    one, again, two = likeness(make(1)), likeness(make(1)), likeness(make(2))
    assert json.dumps(one) == json.dumps(again) != json.dumps(two)
    assert " at 0x" not in json.dumps(one)


def test_sets_and_mappings_have_no_order():
    names = [f"name-{number}" for number in range(50)]
    assert likeness({*names}) == likeness({*names[::-1]})
    assert likeness(dict.fromkeys(names)) == likeness(dict.fromkeys(reversed(names)))
    assert likeness(names) != likeness(names[::-1])


def test_what_cannot_be_pickled_is_its_type():
    assert likeness(Unwilling(1)) == likeness(Unwilling(2)) == [f"{__name__}:Unwilling"]


def test_what_holds_itself_or_much_of_the_same_comes_to_an_end():
    loop = Fields(1)
    loop.value = [loop, loop]
    assert likeness(loop) == likeness(loop)
    many, deep = [], []
    for _ in range(100):
        many = [many, many]
    for _ in range(10_000):
        deep = [deep]
    assert len(json.dumps(likeness(many))) < 1000
    assert len(json.dumps(likeness(deep))) < 1000
