"""Injections as spans of time."""

from __future__ import annotations

from resilkit.chaos import FaultSpan, fault_spans
from tests.chaos.observed import events


def row(time, event, strike="1", fault="node_crash", kind="fault"):
    return (time, kind, event, "", "n1", {"id": strike, "fault": fault})


def test_an_injection_lasts_until_its_own_heal():
    log = events(
        [
            row(1.0, "injected", "1"),
            row(2.0, "injected", "2", "latency"),
            row(3.0, "healed", "1"),
            row(4.0, "injected", "3"),
        ]
    )
    assert fault_spans(log) == [
        FaultSpan(1.0, 3.0, "node crash n1", "node_crash"),
        FaultSpan(2.0, None, "latency n1", "latency"),
        FaultSpan(4.0, None, "node crash n1", "node_crash"),
    ]


def test_a_strike_that_told_of_its_beginning_is_one_span_from_there():
    log = events([row(1.0, "begins"), row(1.0, "injected"), row(3.0, "healed")])
    assert [(span.start, span.end) for span in fault_spans(log)] == [(1.0, 3.0)]
    assert fault_spans(events([row(1.0, "begins"), row(3.0, "failed")])) == []


def test_an_injection_that_returns_under_its_name_is_another_span():
    log = events([row(1.0, "injected"), row(2.0, "healed"), row(3.0, "injected"), row(4, "healed")])
    assert [(span.start, span.end) for span in fault_spans(log)] == [(1.0, 2.0), (3.0, 4.0)]


def test_an_injection_that_could_not_be_healed_ends_all_the_same():
    log = events([row(1.0, "injected"), row(2.0, "heal_failed")])
    assert [(span.start, span.end) for span in fault_spans(log)] == [(1.0, 2.0)]


def test_a_label_names_up_to_two_targets():
    both = events([row(1.0, "injected")]).assign(target="n1, n2")
    assert fault_spans(both)[0].label == "node crash n1, n2"
    many = both.assign(target="n1, n2, n3")
    assert fault_spans(many)[0].label == "node crash"


def test_a_label_names_the_link_that_a_fault_is_on_and_not_the_nodes_it_chose_among():
    detail = {"id": "1", "fault": "latency", "links": ["n1-n2"]}
    one = events([(1.0, "fault", "injected", "", "n1, n2, n3", detail)])
    assert fault_spans(one)[0].label == "latency n1 – n2"
    both = detail | {"links": ["n1-n2", "n1-n3"]}
    many = events([(1.0, "fault", "injected", "", "n1", both)])
    assert fault_spans(many)[0].label == "latency"


def test_what_was_not_delivered_or_is_no_fault_makes_no_span():
    log = events([row(1.0, "failed"), row(2.0, "healed"), row(3.0, "injected", kind="node")])
    assert fault_spans(log) == []
    assert fault_spans(events([])) == []


def test_details_that_cannot_be_read_leave_the_target_to_tell_them_apart():
    log = events([row(1.0, "injected"), row(2.0, "healed")]).assign(detail="{nonsense")
    assert fault_spans(log) == [FaultSpan(1.0, 2.0, "n1", "n1")]


def test_what_was_in_from_start_to_end_is_standing():
    assert FaultSpan(0.0, None, "", "").standing(0.0, 10.0)
    assert FaultSpan(0.4, 9.8, "", "").standing(0.0, 10.0)
    assert not FaultSpan(1.0, None, "", "").standing(0.0, 10.0)
    assert not FaultSpan(0.0, 5.0, "", "").standing(0.0, 10.0)
