"""What the checker of durability refuses to judge."""

from __future__ import annotations

import pytest

from resilkit.check import lost_writes
from resilkit.errors import InvalidArgument
from resilkit.history import OperationRecord


def w(key, version, value, sent, done, status="ok"):
    return _record("write", (key, version, value), sent, done, status)


def r(key, version, value, sent, done, status="ok"):
    return _record("read", (key, version, value), sent, done, status)


def _record(name, value, sent, done, status):
    return OperationRecord(name, 0, "g1", sent, sent, done, status, "", value)


def test_rows_that_are_not_as_they_should_be_are_refused_with_their_place():
    with pytest.raises(InvalidArgument, match=r"history\[1\]\.value"):
        lost_writes([w("k", 1, "a", 0, 1), _record("read", "answer", 0, 1, "ok")], None)
    with pytest.raises(InvalidArgument, match="without a version"):
        lost_writes([w("k", None, "a", 0, 1)], None)
    with pytest.raises(InvalidArgument, match="cannot be compared"):
        lost_writes([w("k", 1, "a", 0, 1)], {"k": ("v2", "a")})
    with pytest.raises(InvalidArgument, match=r"final\[0\]"):
        lost_writes([w("k", 1, "a", 0, 1)], [("k", 1)])


@pytest.mark.parametrize("nan", [float("nan"), (1, float("nan")), [float("nan"), "n1"]])
def test_versions_that_equal_nothing_are_refused(nan):
    with pytest.raises(InvalidArgument, match=r"history\[0\]\.value: has a version"):
        lost_writes([w("k", nan, "a", 0, 1)], None)
    with pytest.raises(InvalidArgument, match=r"history\[0\]\.value: has a version"):
        lost_writes([r("k", nan, "a", 0, 1)], None)
    with pytest.raises(InvalidArgument, match=r"final\[0\]: has a version"):
        lost_writes([w("k", 1, "a", 0, 1)], {"k": (nan, "a")})


def test_a_key_has_one_final_read():
    with pytest.raises(InvalidArgument, match=r"final\[1\]: is a second final read"):
        lost_writes([w("k", 2, "a", 0, 1)], [("k", 1, "b"), ("k", 2, "a")])
