"""What each fault answers."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from resilkit import faults
from resilkit.errors import InvalidArgument
from resilkit.faults import (
    CPU,
    Bandwidth,
    ClockSkew,
    Duplicate,
    Hold,
    KillChildren,
    Latency,
    Loss,
    Memory,
    NodeCrash,
    NodePause,
    OpenFiles,
    Partition,
    Reorder,
    ServerCrash,
    SlowNode,
    occurs,
)
from resilkit.network import verdicts
from resilkit.network.verdicts import PASS
from resilkit.rng import stream

MESSAGE = SimpleNamespace(kind="call", source="n1", target="n2", size_bytes=500)
RING = [("n1", "n2"), ("n2", "n3"), ("n3", "n4"), ("n4", "n1")]
LINK_FAULTS = [Latency(0.1, 0.2), Loss(1.0), Duplicate(1.0), Reorder(1.0), Bandwidth(100), Hold()]


def share_of(fault, kind, tries=2000):
    rng = stream(11)
    return sum(isinstance(fault.decide(MESSAGE, rng), kind) for _ in range(tries)) / tries


def test_latency_delays_between_its_bounds_and_keeps_the_order():
    rng = stream(1)
    answers = [Latency(0.02, 0.2).verdict(MESSAGE, rng) for _ in range(500)]
    delays = [answer.after for answer in answers]
    assert 0.02 <= min(delays) < 0.03
    assert 0.19 < max(delays) <= 0.2
    assert not any(answer.reorder for answer in answers)


def test_loss_and_duplicate_touch_their_share():
    assert share_of(Loss(0.2), verdicts.Drop) == pytest.approx(0.2, abs=0.03)
    assert share_of(Duplicate(0.2), verdicts.Duplicate) == pytest.approx(0.2, abs=0.03)
    assert share_of(Loss(0.0), verdicts.Drop) == 0.0
    assert share_of(Loss(1.0), verdicts.Drop) == 1.0


def test_reorder_holds_its_share_back_within_the_window():
    rng = stream(2)
    held = [
        answer for _ in range(1000) if (answer := Reorder(0.5, 0.3).verdict(MESSAGE, rng)) != PASS
    ]
    assert len(held) == pytest.approx(500, abs=60)
    assert all(answer.reorder and 0.0 <= answer.after <= 0.3 for answer in held)


def test_a_message_takes_its_size_over_the_bandwidth():
    assert Bandwidth.needs_size
    assert not Latency.needs_size
    answer = Bandwidth(1000).verdict(MESSAGE, stream(1))
    assert (answer.after, answer.queued) == (0.5, True)


def test_a_hold_keeps_every_message_and_draws_nothing():
    rng = stream(3)
    assert {Hold().decide(MESSAGE, rng) for _ in range(50)} == {verdicts.HOLD}
    assert rng.random() == stream(3).random()
    assert share_of(Hold(probability=0.3), verdicts.Hold) == pytest.approx(0.3, abs=0.04)


@pytest.mark.parametrize("fault", LINK_FAULTS, ids=lambda fault: fault.fault_name)
def test_probability_0_passes_every_message_and_draws_nothing(fault):
    from dataclasses import replace

    rng = stream(1)
    inert = replace(fault, probability=0.0)
    assert {inert.decide(MESSAGE, rng) for _ in range(50)} == {PASS}
    assert rng.random() == stream(1).random()


def test_probability_is_asked_message_by_message_on_links():
    fault = Loss(1.0, probability=0.3)
    assert share_of(fault, verdicts.Drop) == pytest.approx(0.3, abs=0.04)
    assert occurs(fault, stream(1))


def test_probability_decides_injections_of_all_other_faults():
    rng = stream(1)
    took_place = sum(occurs(NodePause(probability=0.3), rng) for _ in range(2000)) / 2000
    assert took_place == pytest.approx(0.3, abs=0.04)
    for name, fault_class in faults.registered_faults().items():
        needed = {"latency": (0, 0), "bandwidth": (1,), "supervisor_children": ("s",)}
        required = [info for info in faults.field_info(fault_class) if info.required]
        fault = fault_class(*needed.get(name, (1.0,) * len(required)), probability=0.0)
        assert not occurs(fault, stream(1)), name


def test_links_are_touched_at_their_targets_and_by_their_fraction():
    nodes = ["n1", "n2", "n3", "n4"]
    assert Latency(0, 1).choose_links(RING, nodes, stream(1)) == sorted(RING)
    near = Latency(0, 1, targets="n1").choose_links(RING, nodes, stream(1))
    assert near == [("n1", "n2"), ("n4", "n1")]
    assert len(Latency(0, 1, 0.5).choose_links(RING, nodes, stream(1))) == 2
    assert len(Latency(0, 1, 0.01).choose_links(RING, nodes, stream(1))) == 1
    assert Latency(0, 1, 0.0).choose_links(RING, nodes, stream(1)) == []
    one = Latency(0, 1, targets="one")
    assert one.choose_links(RING, nodes, stream(1), hit=["n3"]) == [("n2", "n3"), ("n3", "n4")]
    drawn = {tuple(Latency(0, 1, 0.25).choose_links(RING, nodes, stream(n))) for n in range(40)}
    assert len(drawn) == 4


def test_a_crash_kills_and_its_undo_restarts():
    (signal,) = NodeCrash(restart_after=1.5).actions(["n2"])
    assert (signal.node, signal.signal, signal.undo_after) == ("n2", "kill", 1.5)
    assert signal.undo == ("restart",)
    assert faults.Signal("n2", "stop").undo == ("restart",)


def test_a_pause_pauses_and_its_undo_resumes():
    assert [(s.node, s.signal, s.undo) for s in NodePause(duration=1).actions(["a", "b"])] == [
        ("a", "pause", ("resume",)),
        ("b", "pause", ("resume",)),
    ]


def test_a_slowness_slows_and_its_undo_speeds_up_again():
    first, second = SlowNode(20.0).actions(["a", "b"])
    assert (first.node, first.factor, second.node) == ("a", 20.0, "b")
    assert first.undo == ("speed_up",)
    for factor in (1.0, 0.5, 1001.0):
        with pytest.raises(InvalidArgument, match=r"SlowNode\.factor: .*above 1 to 1000"):
            SlowNode(factor)


def test_a_skew_puts_clocks_off_and_its_undo_sets_them_right():
    first, second = ClockSkew(-2.0, drift=0.1).actions(["a", "b"])
    assert (first.node, first.offset, first.drift, second.node) == ("a", -2.0, 0.1, "b")
    assert first.undo == ("set_right",)


def test_a_skew_has_bounds_within_which_time_goes_on():
    for drift in (-1.0, 10.5, float("nan")):
        with pytest.raises(InvalidArgument, match=r"ClockSkew\.drift: .*from -0\.9 to 10"):
            ClockSkew(0.0, drift=drift)
    with pytest.raises(InvalidArgument, match=r"ClockSkew\.offset: .*also a negative one"):
        ClockSkew(-1e10)


def test_progressive_crashes_follow_the_names_whatever_the_seed():
    names = [f"n{number}" for number in range(1, 12)]
    crash = NodeCrash(kind="progressive", every=1.0)
    hit = [crash.choose(names, stream(number), number)[0] for number in range(12)]
    assert hit == [*names, "n1"]
    two = NodeCrash(kind="progressive", every=1.0, targets=2)
    assert [two.choose(["a", "b", "c"], stream(1), number) for number in range(3)] == [
        ["a", "b"],
        ["c", "a"],
        ["b", "c"],
    ]
    named = NodeCrash(kind="progressive", every=1.0, targets=["c", "a"])
    assert [named.choose(["a", "b", "c"], stream(1), n) for n in range(3)] == [["c"], ["a"], ["c"]]
    assert crash.choose([], stream(1), 3) == []


def test_chosen_crashes_hit_the_named_and_random_ones_anybody():
    chosen = NodeCrash(kind="chosen", targets=["n2"])
    assert {chosen.choose(["n1", "n2"], stream(n))[0] for n in range(20)} == {"n2"}
    assert {NodeCrash().choose(["n1", "n2"], stream(n))[0] for n in range(20)} == {"n1", "n2"}
    with pytest.raises(InvalidArgument, match=r"NodeCrash\.targets: must name nodes"):
        NodeCrash(kind="chosen", targets=2)


def test_a_server_crash_waits_for_messages_only_when_told_to():
    assert ServerCrash().rule().at_once
    for field, answered in (
        ({"after_calls": 3}, (3, None, None)),
        ({"share": 0.1}, (None, 0.1, None)),
        ({"method": "get"}, (None, None, "get")),
    ):
        rule = ServerCrash(**field, reason="boom").rule()
        assert not rule.at_once
        assert rule.reason == "boom"
        assert (rule.after_calls, rule.share, rule.method) == answered


def test_children_are_killed_at_a_rate():
    rule = KillChildren("counters", 2.0, whole_tree=True, targets="all").rule()
    assert (rule.supervisor, rule.rate, rule.whole_tree, rule.targets) == (
        "counters",
        2.0,
        True,
        "all",
    )


def test_resources_are_pressed_to_a_share_of_a_limit():
    memory = Memory(0.9, limit_bytes=1000, ramp=2.0).pressure()
    assert (memory.kind, memory.share, memory.limit, memory.ramp) == ("memory", 0.9, 1000, 2.0)
    assert CPU(0.5, 3).pressure().workers == 3
    assert OpenFiles(1.0, limit=64).pressure().limit == 64
    assert memory.options == {"share": 0.9, "ramp": 2.0, "limit": 1000}
    assert CPU(0.5, 3).pressure().options == {"share": 0.5, "ramp": 0.0, "workers": 3}


@pytest.mark.parametrize(
    ("fault", "factor", "expected"),
    [
        (Loss(0.1), 2.0, Loss(0.19)),
        (Loss(1.0), 2.0, Loss(1.0)),
        (Memory(0.9), 0.5, Memory(1 - 0.1**0.5)),
        (Latency(0.1, 0.2, 0.5), 2.0, Latency(0.2, 0.4, 0.75)),
        (NodeCrash(every=4.0, count=2, restart_after=1), 2.0, NodeCrash(1, every=2.0, count=4)),
        (NodeCrash(every=4.0, count=1), 0.5, NodeCrash(every=8.0, count=1)),
        (Bandwidth(1000), 2.0, Bandwidth(500)),
        (KillChildren("s", 2.0), 0.5, KillChildren("s", 1.0)),
        (Partition(at=3.0, duration=5.0), 2.0, Partition(at=3.0, duration=5.0)),
        (Loss(0.1, probability=0.5), 2.0, Loss(0.19, probability=0.5)),
        (SlowNode(4.0), 2.0, SlowNode(7.0)),
        (SlowNode(4.0), 0.5, SlowNode(2.5)),
        (SlowNode(900.0), 2.0, SlowNode(1000.0)),
        (ClockSkew(-2.0, drift=0.1), 2.0, ClockSkew(-4.0, drift=0.2)),
        (ClockSkew(1.0, drift=-0.5), 2.0, ClockSkew(2.0, drift=-0.9)),
        (ClockSkew(1.0, drift=4.0), 4.0, ClockSkew(4.0, drift=10.0)),
    ],
)
def test_intensity_scales_rates_counts_and_shares_and_leaves_moments_alone(fault, factor, expected):
    scaled = fault.scaled(factor)
    for info in faults.field_info(type(fault)):
        assert getattr(scaled, info.name) == pytest.approx(getattr(expected, info.name)), info.name


def test_field_information_describes_the_controls_of_a_panel():
    low, high, fraction, *schedule = faults.field_info(Latency)
    assert [low.name, high.name, fraction.name] == ["low", "high", "fraction"]
    assert (low.type, low.unit.unit, low.required, low.allowed) == (
        "float",
        "s",
        True,
        "a number of seconds >= 0",
    )
    assert (fraction.default, fraction.allowed) == (1.0, "a number from 0 to 1")
    assert [info.key for info in schedule] == [
        "at", "every", "count", "random", "for", "targets", "probability",
    ]  # fmt: skip
    kind, groups, *_ = faults.field_info(Partition)
    kinds = ("halves", "one", "majorities_ring", "bridge", "one_way", "custom", "links")
    assert kind.choices == kinds
    assert groups.type == "groups"


def test_what_is_to_hit_nobody_says_so() -> None:
    nobody = [
        Loss(0.0),
        Loss(0.5, fraction=0.0),
        Loss(0.5, probability=0.0),
        Latency(0.1, 0.2, targets="none"),
        ServerCrash(share=0.0),
        ClockSkew(0.0),
    ]
    somebody = [Loss(0.1), Latency(0.0, 0.0), ServerCrash(), Memory(0.0, limit_bytes=1000)]
    somebody += [ClockSkew(1.0), ClockSkew(0.0, drift=-0.1)]
    assert [fault.inert for fault in nobody] == [True] * 6
    assert [fault.inert for fault in somebody] == [False] * 6
