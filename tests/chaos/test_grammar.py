"""Criteria as text: read exactly, refused with the place and a hint."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilkit.chaos import DEFAULT_CRITERIA, Criterion, as_criteria, check_operations
from resilkit.chaos.quantities import MEASURES
from resilkit.errors import InvalidArgument
from resilkit.metrics.kinds import SHOWN_UNIT, UNITS


@pytest.mark.parametrize(
    ("text", "measure", "percentile", "subject", "comparison", "threshold"),
    [
        ("p95 <= 500 ms", "percentile", 95.0, None, "<=", 0.5),
        ("p99.9[bid] < 2 s", "percentile", 99.9, "bid", "<", 2.0),
        ("p99_9 < 2 s", "percentile", 99.9, None, "<", 2.0),
        ("p(95) < 200 ms", "percentile", 95.0, None, "<", 0.2),
        ("median <= 1 min", "percentile", 50.0, None, "<=", 60.0),
        ("average<=100ms", "mean", None, None, "<=", 0.1),
        ("  mean   <=   0.5  ", "mean", None, None, "<=", 0.5),
        ("max[create auction] < .5 s", "max", None, "create auction", "<", 0.5),
        ("error_rate < 5 %", "error_rate", None, None, "<", 0.05),
        ("error_rate <= 0", "error_rate", None, None, "<=", 0.0),
        ("availability ≥ 0.8", "availability", None, None, ">=", 0.8),
        ("availability >= 100%", "availability", None, None, ">=", 1.0),
        ("throughput >= 1,000 / s", "throughput", None, None, ">=", 1000.0),
        ("throughput >= 600 /min", "throughput", None, None, ">=", 10.0),
        ("throughput[bid] > 1e3", "throughput", None, "bid", ">", 1000.0),
        ("recovery_time[node_crash] <= 5 s", "recovery_time", None, "node_crash", "<=", 5.0),
        ("memory_share <= 80 %", "memory_share", None, None, "<=", 0.8),
        ("memory_growth <= 150 %", "memory_growth", None, None, "<=", 1.5),
        ("queue_length[counter-0] <= 1000", "queue_length", None, "counter-0", "<=", 1000.0),
        ("data_consistency >= 1", "data_consistency", None, None, ">=", 1.0),
        ("gc_pressure <= 0.8", "gc_pressure", None, None, "<=", 0.8),
        ("loop_lag < 50 ms", "loop_lag", None, None, "<", 0.05),
        ("restarts <= 3", "restarts", None, None, "<=", 3.0),
    ],
)
def test_a_criterion_means_what_it_says(text, measure, percentile, subject, comparison, threshold):
    criterion = Criterion.parse(text)
    assert (criterion.measure, criterion.percentile, criterion.subject) == (
        measure,
        percentile,
        subject,
    )
    assert (criterion.comparison, criterion.threshold) == (comparison, threshold)
    assert str(criterion) == " ".join(text.split())


@pytest.mark.parametrize(
    ("text", "said", "caret"),
    [
        ("p95 < 5oo ms", "'5oo' is no number", 6),
        ("availabilty >= 0.9", r"did you mean 'availability'", 0),
        ("queue length <= 3", r"'queue length' is not known .did you mean 'queue_length'", 0),
        ("errors < 3", r"did you mean 'error_rate'", 0),
        ("latency < 3 s", r"did you mean 'p95'", 0),
        ("memory <= 80 %", r"did you mean 'memory_", 0),
        ("percentile < 3 s", "is not known", 0),
        ("p95 <", "a number is missing", 5),
        ("p95", "a comparison is missing", 3),
        ("p95 <= -3 ms", "the number is negative", 7),
        ("availability >= 80", "did you mean 80 %", 16),
        ("availability >= 101 %", "more than the whole", 16),
        ("p95 >= 5 kg", "'kg' is not a unit", 9),
        ("p95 <= 5 mss", "did you mean 'ms'", 9),
        ("p95 <= 500mss", "'mss' is not a unit of it .did you mean 'ms'", 10),
        ("p95 <= 5 %", "'%' is not a unit", 9),
        ("error_rate <= 5 ms", "'ms' is not a unit", 16),
        ("p95 <= 500", "the unit is missing; allowed: p95 <= 500 ms, or 500 s", 7),
        (
            "p(95) < 200",
            "missing; allowed: p.95. < 200 ms .what k6 means., or 200 s",
            8,
        ),
        ("p(99.9)[bid]<5", "missing; allowed: p.99.9..bid.<5 ms .what k6 means.", 13),
        ("p95 == 3 s", "'==' is no comparison", 4),
        ("p95 =< 3 s", "'=<' is no comparison", 4),
        ("p95 <== 3 s", "one sign too many", 6),
        ("p95[ <= 3 s", "the bracket is not closed", 3),
        ("p95[] <= 3 s", "hold no name; allowed: .name of the operation", 4),
        ("data_consistency[x] >= 1", "nothing can stand in brackets", 16),
        ("error_rate < 0", "it can never hold", 13),
        ("availability > 1", "it can never hold", 15),
        ("p100 < 1 s", "'p100' is no percentile", 0),
        ("p0 < 1 s", "'p0' is no percentile", 0),
        ("<= 3", "it must begin with what is measured", 0),
        ("p95 <= 1 s extra", "'s extra' is not a unit", 9),
        ("p95 <= 1e400 s", "the number is too large", 7),
        ("p95 <= ٣ s", "is no number", 7),
        ("p95 <= nan s", "'nan' is no number", 7),
    ],
)
def test_a_slip_is_shown_at_its_place_with_what_is_allowed(text, said, caret):
    with pytest.raises(InvalidArgument, match=said) as refused:
        Criterion.parse(text, "criteria[1]")
    assert refused.value.path == "criteria[1]"
    *_, shown, marked = str(refused.value).splitlines()
    assert shown == f"    {text}"
    assert marked == " " * (4 + caret) + "^"


@pytest.mark.parametrize("value", ["", "   ", None, 3, ["p95 < 1 s"], "p" * 501, b"p95 < 1 s"])
def test_what_is_no_text_is_no_criterion(value):
    with pytest.raises(InvalidArgument, match=r"^criterion: "):
        Criterion.parse(value)


names = st.text(
    st.characters(exclude_characters="[]", exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")),
    min_size=1,
    max_size=20,
)


@st.composite
def criteria(draw):
    measure = draw(st.sampled_from(sorted(MEASURES)))
    about = MEASURES[measure]
    top = 1.0 if about.kind == "share" else 1e9
    subject = draw(st.none() | names) if about.subject else None
    percentile = None
    if measure == "percentile":
        percentile = draw(st.floats(0.001, 99.999).map(lambda value: round(value, 3)))
    comparison = draw(st.sampled_from(["<=", "<", ">=", ">"]))
    threshold = draw(st.floats(1e-9, top, exclude_max=about.kind == "share"))
    return Criterion(measure, comparison, threshold, percentile, subject)


@given(criteria())
def test_every_criterion_parses_from_its_own_text(criterion):
    assert Criterion.parse(str(criterion)) == criterion
    assert Criterion.parse(criterion.normal).normal == criterion.normal
    assert hash(Criterion.parse(str(criterion))) == hash(criterion)


@given(
    measure=st.sampled_from(sorted(set(MEASURES) - {"percentile"})),
    comparison=st.sampled_from(["<=", ">="]),
    number=st.integers(1, 100),
    data=st.data(),
)
def test_what_is_written_with_any_unit_round_trips(measure, comparison, number, data):
    unit = data.draw(st.sampled_from(sorted(UNITS[MEASURES[measure].kind])))
    with contextlib.suppress(InvalidArgument):  # a share above 1, a long time without its unit
        criterion = Criterion.parse(f"{measure} {comparison} {number} {unit}")
        assert Criterion.parse(str(criterion)) == criterion
        assert Criterion.parse(criterion.normal) == criterion


@given(st.text(max_size=40) | st.text("p95[]<>=≤ .%0123456789ms/", max_size=20))
def test_any_text_is_read_or_refused_with_an_invalid_argument(text):
    with contextlib.suppress(InvalidArgument):
        criterion = Criterion.parse(text)
        assert Criterion.parse(str(criterion)) == criterion


def test_criteria_that_say_the_same_are_equal_and_refused_together():
    assert Criterion.parse("p95 <= 500 ms") == Criterion.parse("p95<=0.5s")
    assert Criterion.parse("p95 <= 500 ms") != Criterion.parse("p95 < 500 ms")
    with pytest.raises(InvalidArgument, match=r"criteria\[1\]: says the same twice"):
        as_criteria(["p95 <= 500 ms", "p95 <= 0.5 s"])
    with pytest.raises(InvalidArgument, match=r"^criteria: must be a list"):
        as_criteria(3)
    assert [str(one) for one in as_criteria("p95 <= 1 s")] == ["p95 <= 1 s"]


@pytest.mark.parametrize(
    "fields",
    [
        (["mean"], "<=", 1.0),
        ("latency", "<=", 1.0),
        ("mean", "=<", 1.0),
        ("mean", "<=", -1.0),
        ("mean", "<=", float("nan")),
        ("mean", "<=", "1"),
        ("mean", "<=", 1.0, 95.0),
        ("percentile", "<=", 1.0),
        ("percentile", "<=", 1.0, 100.0),
        ("availability", ">=", 1.5),
        ("data_consistency", ">=", 0.5, None, "x"),
        ("mean", "<=", 1.0, None, "a]b"),
        ("mean", "<=", 1.0, None, " a"),
    ],
)
def test_what_could_not_be_written_cannot_be_made(fields):
    with pytest.raises(InvalidArgument):
        Criterion(*fields)


def test_the_defaults_are_those_of_the_design():
    assert [Criterion.parse(one).normal for one in DEFAULT_CRITERIA] == [
        "mean <= 0.1 s",
        "p95 <= 0.5 s",
        "error_rate <= 0.01",
        "throughput >= 1000 /s",
        "memory_share <= 0.8",
    ]


def test_operations_that_a_workload_does_not_have_are_refused():
    check_operations(["p95[bid] < 1 s", "queue_length[bank] < 3", "mean < 1 s"], ["bid"])
    with pytest.raises(InvalidArgument, match=r"criteria\[1\]: is not known .did you mean 'bid'"):
        check_operations(["mean < 1 s", "p95[bdi] < 1 s"], ["bid", "create"])


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("p95<2s and p99<3s", 7),
        ("p95 < 2 s AND p99 < 3 s", 10),
        ("p95 < 2 s, p99 < 3 s", 9),
        ("error_rate < 5 %; p95 < 1 s", 16),
        ("p95 < 2 s && p99 < 3 s", 10),
        ("throughput > 1,000 /s or p95 < 1 s", 22),
        ("p95 and p99 < 2 s", 4),
    ],
)
def test_two_criteria_in_one_text_are_refused_where_the_second_begins(text, place):
    with pytest.raises(InvalidArgument, match="one text holds one criterion") as caught:
        Criterion.parse(text)
    assert caught.value.allowed.splitlines()[-1].index("^") == 4 + place
    assert 'a list for several: ["p95 < 2 s", "p99 < 3 s"]' in caught.value.allowed


def test_the_table_of_what_can_be_measured_is_that_of_the_registry():
    lines = str(Criterion.__doc__).splitlines()
    first, second, third = (n for n, line in enumerate(lines) if line.strip().startswith("==="))
    columns = [match.span() for match in re.finditer("=+", lines[first])]
    rows = [
        tuple(line[start:end].strip() for start, end in columns)
        for line in lines[second + 1 : third]
    ]
    assert rows == [
        (
            "pN" if one.name == "percentile" else one.name,
            SHOWN_UNIT[one.kind] or "count",
            one.subject or "none",
            one.doc,
        )
        for one in MEASURES.values()
    ]


def test_a_measure_shows_itself_in_words():
    about = Criterion.parse("queue_length[counter-1] < 50").about
    assert repr(about) == "<Measure 'queue_length' of a server (count): Longest mailbox seen.>"
    assert repr(MEASURES["data_consistency"]).startswith("<Measure 'data_consistency' (share)")


def test_a_criterion_is_its_text():
    assert Criterion("p95[a]  < 1 s") == Criterion.parse("p95[a] < 1 s")
    assert Criterion("p95[a]  < 1 s").text == "p95[a] < 1 s"
    with pytest.raises(InvalidArgument, match="criterion"):
        Criterion("p95[a")
    with pytest.raises(InvalidArgument):
        Criterion("mean", "<")
    with pytest.raises(InvalidArgument):
        Criterion(3)  # type: ignore[arg-type]
