"""The faults of a run as they really were: from its events to faults that draw nothing any more."""

from __future__ import annotations

import pytest

import resilkit as rk
from resilkit import faults
from resilkit.experiment.frames import Events
from resilkit.faults import Signal
from resilkit.metrics.events import EventLog
from resilkit.reruns.strikes import recorded_faults

NODES = ["n1", "n2", "n3"]
LINKS = [("n1", "n2"), ("n1", "n3"), ("n2", "n3")]


class Log:
    """Events, as an injection tells them."""

    def __init__(self):
        self.log = EventLog()

    def strike(self, fault, at, target, *, healed=None, number=1, **measured):
        name, parameters = fault.fault_name, faults.to_dict(fault)
        about = {"id": f"{name}-{number}", "fault": name}
        first = {**about, "parameters": parameters, **measured}
        self.log.append(at, "fault", "injected", target=target, detail=first)
        if healed is not None:
            self.log.append(healed, "fault", "healed", target=target, detail=about)
        return self

    def node(self, at, event, name, **detail):
        self.log.append(at, "node", event, node=name, target=name, detail=detail)
        return self

    def struck(self, at, server, number, fault, reason):
        detail = {"id": f"{fault}-{number}", "reason": reason, "pid": "<n1.5.1>"}
        self.log.append(at, "fault", "struck", target=server, detail=detail)
        return self

    def read(self, begin=0.0, end=10.0):
        return recorded_faults(
            Events(self.log.frame()), begin=begin, end=end, nodes=NODES, links=LINKS
        )


def test_a_node_that_was_drawn_is_named_and_the_moment_is_the_real_one():
    crash = faults.NodeCrash(every=2.0, count=2, restart_after=1.0)
    log = Log().strike(crash, 2.009, "n3", healed=3.1)
    log.strike(crash, 4.01, "n1", healed=5.2, number="1.2")
    assert log.read() == (
        [
            faults.NodeCrash(restart_after=1.0, kind="chosen", at=2.009, targets=("n3",)),
            faults.NodeCrash(restart_after=1.0, kind="chosen", at=4.01, targets=("n1",)),
        ],
        [],
    )


def test_moments_count_from_the_end_of_the_warm_up():
    log = Log().strike(faults.NodePause(at=1.0, duration=0.5), 3.0, "n1", healed=3.51)
    assert log.read(begin=2.0)[0] == [faults.NodePause(at=1.0, duration=0.5, targets=("n1",))]


def test_what_was_healed_before_its_time_is_so_again():
    log = Log().strike(faults.NodeCrash(restart_after=5.0), 1.0, "n2", healed=2.0)
    log.strike(faults.Latency(0.1, 0.2, duration=5.0), 1.5, "n1", healed=2.0, links=["n1-n2"])
    crash, latency = log.read()[0]
    assert (crash.restart_after, latency.duration) == pytest.approx((1.0, 0.5))


def test_what_was_in_until_the_end_has_no_end_of_its_own():
    log = Log().strike(faults.NodePause(at=1.0), 1.0, "n1", healed=10.02)
    log.strike(faults.NodePause(at=2.0), 2.0, "n2")
    assert [fault.duration for fault in log.read()[0]] == [None, None]


def test_links_that_were_drawn_are_named():
    slow = faults.Latency(0.1, 0.2, fraction=0.5, probability=0.3, duration=1.0)
    log = Log().strike(slow, 1.0, "n1, n2, n3", healed=2.0, links=["n1-n3", "n2-n3"])
    assert log.read()[0] == [
        faults.Latency(
            0.1, 0.2, at=1.0, duration=1.0, targets=("n1<->n3", "n2<->n3"), probability=0.3
        )
    ]


def test_all_links_are_all_links():
    log = Log().strike(faults.Loss(0.5), 1.0, "", links=["n1-n2", "n1-n3", "n2-n3"])
    assert log.read()[0] == [faults.Loss(0.5, at=1.0)]


def test_a_cut_between_groups_is_one_of_groups():
    cuts = ["n1->n2", "n1->n3", "n2->n1", "n3->n1"]
    log = Log().strike(faults.Partition("one", duration=1.0), 1.0, "n1, n2, n3", healed=2.1,
                       cuts=cuts)  # fmt: skip
    assert log.read()[0] == [faults.Partition("custom", [["n1"]], at=1.0, duration=1.0)]


def test_a_cut_one_way_is_one_of_links():
    log = Log().strike(faults.Partition("one_way"), 1.0, "n1, n2, n3", cuts=["n1->n2", "n1->n3"])
    assert log.read()[0] == [faults.Partition("links", targets=["n1->n2", "n1->n3"], at=1.0)]


def test_a_chain_of_cuts_is_one_of_links():
    log = Log().strike(faults.Partition("bridge"), 1.0, "", cuts=["n1->n2", "n2->n1"])
    assert log.read()[0] == [faults.Partition("links", targets=["n1<->n2"], at=1.0)]


def test_a_crash_at_once_names_its_servers():
    log = Log().strike(faults.ServerCrash(every=1.0), 1.0, "a, b", healed=1.0,
                       outcomes={"a": "died", "b, c": "died"})  # fmt: skip
    assert log.read()[0] == [faults.ServerCrash(at=1.0, targets=("a", "b, c"))]


def test_a_rule_that_counts_stays_and_one_that_draws_becomes_what_it_did():
    counts = faults.ServerCrash(after_calls=5, duration=2.0)
    draws = faults.ServerCrash(share=0.1, reason="chance")
    log = Log().strike(counts, 1.0, "a", healed=3.0, outcomes={"a": "armed"})
    log.strike(draws, 1.0, "a", healed=3.0, number=2, outcomes={"a": "armed"})
    log.struck(1.5, "a", 2, "server_crash", "chance").struck(2.5, "a", 2, "server_crash", "chance")
    log.struck(2.0, "a", 1, "server_crash", "chaos")
    assert log.read()[0] == [
        faults.ServerCrash(after_calls=5, at=1.0, duration=2.0, targets=("a",)),
        faults.ServerCrash(reason="chance", at=1.5, targets=("a",)),
        faults.ServerCrash(reason="chance", at=2.5, targets=("a",)),
    ]


def test_children_that_were_killed_are_killed_again():
    log = Log().strike(faults.KillChildren("top", rate=3.0), 1.0, "top", healed=3.0)
    log.struck(1.5, "a", 1, "supervisor_children", "killed")
    assert log.read()[0] == [faults.ServerCrash(reason="kill", at=1.5, targets=("a",))]


def test_what_killed_nobody_is_left_out_and_told():
    log = Log().strike(faults.KillChildren("top"), 1.0, "top", healed=3.0)
    found, notes = log.read()
    assert found == []
    assert "supervisor_children on top at 1.0 s is left out: it ended no server" in notes[0]


def test_a_pressure_is_left_out_and_told():
    log = Log().strike(faults.Memory(share=0.5), 1.0, "n1", healed=3.0, reached={})
    found, notes = log.read()
    assert found == []
    assert notes == [
        "memory on n1 at 1.0 s is left out: a simulated node has nothing of that kind to run out of"
    ]


def test_a_fault_that_nobody_knows_here_is_told():
    log = Log()
    detail = {"id": "gone-1", "fault": "gone", "parameters": {"gone": {}}}
    log.log.append(1.0, "fault", "injected", detail=detail)
    found, notes = log.read()
    assert found == []
    assert notes[0].startswith("gone at 1.0 s cannot be put in again: ")


def test_a_node_that_died_by_itself_dies_again_and_comes_back_when_it_did():
    log = Log().node(1.0, "killed", "n2").node(1.8, "started", "n2").node(3.0, "crashed", "n3")
    found, notes = log.read()
    assert found == [
        faults.NodeCrash(restart_after=0.8, kind="chosen", at=1.0, targets=("n2",)),
        faults.NodeCrash(kind="chosen", at=3.0, targets=("n3",)),
    ]
    assert notes[0] == "n2 was killed at 1.0 s, by no fault: that becomes one"


@rk.register_fault("orderly_end")
class OrderlyEnd(rk.NodeFault):
    """Ends the first of its targets, and holds up the others."""

    def actions(self, targets):
        first, *others = targets
        return [Signal(first, "stop"), *(Signal(node, "pause") for node in others)]


@pytest.fixture(scope="module", autouse=True)
def _nothing_is_left():
    # Again where some of these tests have been run before, and others after them.
    faults.registry._REGISTERED["orderly_end"] = OrderlyEnd
    yield
    del faults.registry._REGISTERED["orderly_end"]


@pytest.mark.parametrize("fault", [faults.NodeCrash(restart_after=1.0), OrderlyEnd()], ids=str)
def test_the_deaths_of_a_fault_are_its_own(fault):
    log = Log().strike(fault, 1.0, "n2", healed=2.1, pids={"n2": 52})
    log.node(1.02, "killed", "n2", pid=52).node(2.0, "started", "n2", pid=62)
    found, notes = log.read()
    assert (len(found), notes) == (1, [])


@pytest.mark.parametrize(
    "fault",
    [
        faults.ClockSkew(30.0), faults.NodePause(duration=5.0), faults.SlowNode(3.0), OrderlyEnd(),
    ],
    ids=str,
)  # fmt: skip
def test_a_death_while_a_fault_is_in_that_kills_nobody_is_no_faults(fault):
    log = Log().strike(fault, 1.0, "n1, n2", healed=6.0, pids={"n1": 51, "n2": 52})
    log.node(2.0, "crashed", "n2", pid=52)
    found, notes = log.read()
    assert found[1:] == [faults.NodeCrash(kind="chosen", at=2.0, targets=("n2",))]
    assert notes == ["n2 crashed at 2.0 s, by no fault: that becomes one"]


def test_a_fault_that_kills_explains_one_death_and_not_those_that_follow():
    crash = faults.NodeCrash(restart_after=0.5)
    log = Log().strike(crash, 1.0, "n2", healed=4.0, pids={"n2": 52})
    log.node(1.0, "killed", "n2", pid=52).node(1.5, "started", "n2", pid=62)
    log.node(2.0, "crashed", "n2", pid=62)
    found, notes = log.read()
    assert [fault.at for fault in found] == [1.0, 2.0]
    assert notes == ["n2 crashed at 2.0 s, by no fault: that becomes one"]


def test_what_happened_before_the_load_or_after_it_is_nobodys():
    log = Log().node(-1.0, "killed", "n2").node(10.5, "killed", "n1")
    log.strike(faults.NodePause(), 11.0, "n1")
    assert log.read() == ([], [])


def test_a_fault_of_ones_own_keeps_its_fields():
    @rk.register_fault("deaf_to_all")
    class Deaf(rk.LinkFault):
        """Drops everything."""

        least: float = 0.0

        def verdict(self, message, rng):
            return rk.Drop()

    try:
        log = Log().strike(Deaf(least=0.5, every=1.0), 1.0, "n1", links=["n1-n2"])
        assert log.read()[0] == [Deaf(least=0.5, at=1.0, targets=("n1<->n2",))]
    finally:
        del faults.registry._REGISTERED["deaf_to_all"]
