"""Thresholds as text: read exactly, refused with the place and a hint, and about some lines."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilkit.errors import InvalidArgument
from resilkit.metrics import METRICS, Threshold


@pytest.mark.parametrize(
    ("text", "metric", "who", "node", "comparison", "limit"),
    [
        ("queue_length > 1000", "queue_length", None, None, ">", 1000.0),
        ("queue_length[counter-*]>=1,000 messages", "queue_length", "counter-*", None, ">=", 1e3),
        ("queue_length[a@b@n2] > 1", "queue_length", "a@b", "n2", ">", 1.0),
        ("queue_length[ @ n? ] ≥ 1", "queue_length", None, "n?", ">=", 1.0),
        ("memory_rss > 200 MiB", "memory_rss", None, None, ">", 200 * 2.0**20),
        ("memory_rss[n1]>200mb", "memory_rss", "n1", None, ">", 200e6),
        ("memory_rss < 64 kB", "memory_rss", None, None, "<", 64e3),
        ("memory_rss > 0", "memory_rss", None, None, ">", 0.0),
        ("cpu > 80 %", "cpu", None, None, ">", 0.8),
        ("cpu[n*] > 1.5 cores", "cpu", "n*", None, ">", 1.5),
        ("loop_lag > 50 ms", "loop_lag", None, None, ">", 0.05),
        ("gc_pressure >= 20 %", "gc_pressure", None, None, ">=", 0.2),
        ("servers > 100", "servers", None, None, ">", 100.0),
        ("open_files > 50 files", "open_files", None, None, ">", 50.0),
        ("link_drops[n1->*] > 0", "link_drops", "n1->*", None, ">", 0.0),
        ("shop.orders < -2.5", "shop.orders", None, None, "<", -2.5),
        ("free text[x] > 3", "free text", "x", None, ">", 3.0),
    ],
)
def test_a_threshold_means_what_it_says(
    text: str, metric: str, who: str | None, node: str | None, comparison: str, limit: float
) -> None:
    read = Threshold.parse(text, own=["shop.orders", "free text", "free"])
    assert (read.metric, read.who, read.node) == (metric, who, node)
    assert (read.comparison, read.limit) == (comparison, limit)
    assert str(read) == " ".join(text.split())


@pytest.mark.parametrize(
    ("text", "said", "caret"),
    [
        ("memory > 200 MiB", "'memory' is no metric .did you mean 'memory_rss'", 0),
        ("queue length > 3", "did you mean 'queue_length'", 0),
        ("p95 > 3 s", "'p95' is no metric", 0),
        ("> 3", "it must begin with the metric", 0),
        ("queue_length", "a comparison is missing", 12),
        ("queue_length >", "a number is missing", 14),
        ("queue_length = 3", "'=' is no comparison", 13),
        ("queue_length > many", "'many' is no number", 15),
        ("queue_length > -1", "the number is negative", 15),
        ("queue_length[a > 1", "the bracket is not closed", 12),
        ("queue_length[] > 1", "hold no name; allowed: .server, or server@node", 13),
        ("memory_rss > 200", "the unit is missing; allowed: memory_rss > 200 MiB, or 200 B", 13),
        ("memory_rss > 200 M", "'M' is not a unit", 17),
        ("memory_rss[a@n1] > 1 B", "'a' cannot stand before the @", 10),
        ("loop_lag > 500", "the unit is missing", 11),
        ("gc_pressure > 80", "did you mean 80 %", 14),
        ("gc_pressure > 100 %", "it would never alert", 14),
        ("cpu < 0", "nothing is below 0", 6),
        ("queue_length > 3 MiB", "'MiB' is not a unit", 17),
        ("cpu > 1 and memory_rss > 1 MiB", "one text holds one threshold, so 'and'", 8),
    ],
)
def test_a_slip_is_shown_at_its_place_with_what_is_allowed(
    text: str, said: str, caret: int
) -> None:
    with pytest.raises(InvalidArgument, match=said) as refused:
        Threshold.parse(text)
    assert refused.value.path == "threshold"
    *_, shown, marked = str(refused.value).splitlines()
    assert shown == f"    {text}"
    assert marked == " " * (4 + caret) + "^"


@pytest.mark.parametrize("value", ["", "  ", None, 3, ["cpu > 1"], "c" * 501])
def test_what_is_no_text_is_no_threshold(value: object) -> None:
    with pytest.raises(InvalidArgument, match=r"^threshold: "):
        Threshold.parse(value)  # type: ignore[arg-type]


@given(st.text(max_size=40) | st.text("cpu[]@n1<>=≤ .%0123456789MiB", max_size=20))
def test_any_text_is_read_or_refused_with_an_invalid_argument(text: str) -> None:
    with contextlib.suppress(InvalidArgument):
        assert Threshold.parse(str(Threshold.parse(text))) == Threshold.parse(text)


NAMES = st.text("abn0->.*?", min_size=1, max_size=8)


@given(
    metric=st.sampled_from(sorted(METRICS)),
    comparison=st.sampled_from([">", ">=", "<", "<="]),
    limit=st.floats(1e-6, 0.999) | st.integers(1, 10**9).map(float),
    who=st.none() | NAMES,
    node=st.none() | NAMES,
)
def test_one_that_was_made_from_parts_reads_as_it_is_written(
    metric: str, comparison: str, limit: float, who: str | None, node: str | None
) -> None:
    made = Threshold(metric, comparison, limit, who, node)
    with contextlib.suppress(InvalidArgument):  # a share above 1, a part of a byte
        read = Threshold.parse(str(made))
        assert read == made or made.unit == "bytes"
        assert hash(read) == hash(made) or made.unit == "bytes"


@pytest.mark.parametrize(
    ("text", "node", "server", "concerned"),
    [
        ("queue_length > 1", "n1", "a", True),
        ("queue_length[a*] > 1", "n1", "abc", True),
        ("queue_length[a*] > 1", "n1", "bca", False),
        ("queue_length[A*] > 1", "n1", "abc", False),
        ("queue_length[a*@n2] > 1", "n1", "abc", False),
        ("queue_length[@n1] > 1", "n1", "abc", True),
        ("queue_length[n1] > 1", "n1", "abc", False),
        ("memory_rss[n1] > 1 B", "n1", "", True),
        ("memory_rss[n?] > 1 B", "n10", "", False),
        ("memory_rss[@n2] > 1 B", "n1", "", False),
        ("link_bytes[n1->*] > 1 B", "n1", "n1->n2", True),
    ],
)
def test_names_in_brackets_choose_lines(text: str, node: str, server: str, concerned: bool) -> None:
    assert Threshold.parse(text).concerns(node, server) is concerned


def test_those_that_say_the_same_are_equal() -> None:
    assert Threshold.parse("memory_rss > 1 MiB") == Threshold.parse("memory_rss>1048576 B")
    assert Threshold.parse("cpu > 80 %") != Threshold.parse("cpu >= 80 %")


@pytest.mark.parametrize(
    ("text", "value", "broken"),
    [
        ("cpu > 1", 1.0, False),
        ("cpu > 1", 1.1, True),
        ("cpu >= 1", 1.0, True),
        ("cpu < 1", 0.9, True),
        ("cpu <= 1", 1.0, True),
        ("cpu < 1", float("nan"), False),
        ("cpu > 1", float("nan"), False),
    ],
)
def test_values_beyond_the_limit_break_it(text: str, value: float, broken: bool) -> None:
    assert Threshold.parse(text).broken_by(value) is broken


def test_the_limit_is_shown_in_the_unit_that_suits_it() -> None:
    assert Threshold.parse("memory_rss > 209715200 B").shown_limit == "200 MiB"
    assert Threshold.parse("loop_lag > 0.05").shown_limit == "50 ms"
