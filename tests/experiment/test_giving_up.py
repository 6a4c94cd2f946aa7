"""A run tells which supervisor gave up and why, before what came of it."""

from __future__ import annotations

import json

import pandas as pd
import pytest

import resilkit as rk
from resilkit.experiment.frames import EVENT_COLUMNS
from resilkit.experiment.giving_up import servers_that_stayed_down, supervisors_that_gave_up
from resilkit.experiment.words import story
from tests.experiment import synthetic
from tests.experiment.runs import experiment, scenario
from tests.experiment.systems import Counter

DIVIDED = "ZeroDivisionError: division by zero"


class Divides(rk.Server):
    def sell(self):
        return 1 / 0


def ended(time, reason=DIVIDED, *, pid="<n1.4.1>", child="shop", event="terminated"):
    detail = {"supervisor": "shops", "pid": pid, "reason": reason, "asked": False}
    return (time, "supervision", event, "n1", child, detail)


def started(time, *, pid="<n1.4.1>", child="shop", supervisor="shops", event="restarted"):
    detail = {"supervisor": supervisor, "pid": pid, "restarts": 1}
    return (time, "supervision", event, "n1", child, detail)


def gave_up(time, supervisor="shops", child="shop"):
    detail = {"child": child, "max_restarts": 1, "max_seconds": 5.0}
    return (time, "supervision", "gave_up", "n1", supervisor, detail)


def fault(time, event, target="shop", **detail):
    return (time, "fault", event, "", target, {"id": "server_crash-1", **detail})


def told(*rows):
    texts = [(*row[:5], json.dumps(row[5])) for row in rows]
    return supervisors_that_gave_up(pd.DataFrame(texts, columns=list(EVENT_COLUMNS)))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([ended(0.02), gave_up(0.02)], f"gave up at 0.02 s: shop ended with {DIVIDED}"),
        ([ended(-0.5), gave_up(-0.5)], f"gave up before the load began: shop ended with {DIVIDED}"),
        (
            [ended(1.0), ended(1.1, "OSError: no\nsuch file", event="start_failed"), gave_up(1.2)],
            "gave up at 1.20 s: shop could not be started: OSError: no",
        ),
        ([gave_up(2.0)], "gave up at 2.00 s: shop ended too often"),
        (
            [ended(1.0), ended(1.5, "KeyError: 3", child="stock"), gave_up(1.6)],
            f"gave up at 1.60 s: shop ended with {DIVIDED}",
        ),
        (
            [ended(1.0), gave_up(1.0), started(1.1, child="shops", supervisor="top"),
             ended(2.0), gave_up(2.0), gave_up(3.0, "others")],
            (f"gave up at 1.00 s: shop ended with {DIVIDED}; its own supervisor started it again; "
             "supervisors gave up 2 times more"),
        ),
    ],
)  # fmt: skip
def test_the_first_that_gave_up_is_told_with_what_its_child_came_to(rows, words):
    assert told(*rows) == [f"supervisor 'shops' {words}"]


def test_a_run_in_which_nobody_gave_up_has_no_such_remark():
    assert told(ended(1.0), started(1.1)) == []


def test_a_fault_that_ended_the_child_is_named():
    crash = {"fault": "server_crash", "outcomes": {"shop": "died"}}
    struck = {"fault": "supervisor_children", "pid": "<n1.4.1>", "reason": "killed"}
    by_crash = "supervisor 'shops' gave up at 1.00 s: shop was ended by the fault server_crash"
    by_kill = by_crash.replace("server_crash", "supervisor_children")
    last = (ended(1.0, "chaos"), gave_up(1.0))
    assert told(started(0.5), fault(0.99, "injected", **crash), *last) == [by_crash]
    assert told(started(0.5), *last, fault(1.01, "struck", **struck)) == [by_kill]


def test_a_fault_that_ended_the_one_before_is_not_blamed_for_the_next():
    crash = {"fault": "server_crash", "outcomes": {"shop": "died"}}
    struck = {"fault": "supervisor_children", "pid": "<n1.3.1>", "reason": "killed"}
    (words,) = told(
        fault(0.4, "injected", **crash),
        fault(0.4, "struck", **struck),
        started(0.5),
        ended(1.0),
        gave_up(1.0),
    )
    assert words.endswith(f"shop ended with {DIVIDED}")


def test_a_run_tells_the_cause_before_that_nobody_is_called_so():
    shops = rk.SupervisorSpec("shops", [rk.ChildSpec(Divides, name="shop")], max_restarts=1)
    load = rk.Workload([rk.Operation.call("shop", "sell")], arrivals=rk.arrivals.constant(90))
    result = experiment(system=shops, workload=load, duration=1.0).run(progress=False)
    # On a busy machine a generator tells, besides, that it was late.
    cause, symptom = (each for each in result.problems if not each.startswith("g"))
    assert cause.startswith("supervisor 'shops' gave up at "), result.problems
    assert cause.endswith(f": shop ended with {DIVIDED}")
    assert symptom.startswith("operation 'sell' never succeeded; most often: NoProcess")
    said = result.sentence()
    assert said.index(f"S{cause[1:]}.") < said.index(f"O{symptom[1:]}.")


def test_a_struck_server_is_told_from_its_process_also_where_its_id_is_another_than_its_name():
    (cause,) = told(
        fault(1.0, "struck", "kv", fault="server_crash", pid="<n1.4.1>"),
        ended(1.0, "chaos", child="kv-1"),
        gave_up(1.0, child="kv-1"),
    )
    assert cause.endswith(": kv-1 was ended by the fault server_crash")


def test_a_supervisor_that_a_fault_made_give_up_is_told_with_the_fault():
    shops = rk.SupervisorSpec("shops", [rk.ChildSpec(Counter, name="shop")], max_restarts=0)
    load = rk.Workload([rk.Operation.call("shop", "get")], arrivals=rk.arrivals.constant(50))
    plan = scenario(rk.faults.ServerCrash(at=0.3, targets="shop"))
    result = experiment(system=shops, workload=load, scenario=plan, duration=1.0).run(
        progress=False
    )
    cause = result.problems[0]  # a busy machine may have others
    assert cause.startswith("supervisor 'shops' gave up at ")
    assert cause.endswith(": shop was ended by the fault server_crash")


def test_what_gave_up_is_said_once_where_the_problems_stand_beside_it():
    cause = f"supervisor 'shops' gave up at 0.02 s: shop ended with {DIVIDED}"
    result = synthetic.result(problems=(cause,))
    assert f"S{cause[1:]}." in result.sentence()
    assert "gave up" not in story(result)


def alone(*rows):
    texts = [(*row[:5], json.dumps(row[5])) for row in rows]
    return servers_that_stayed_down(pd.DataFrame(texts, columns=list(EVENT_COLUMNS)))


def ended_alone(time, child="shop", reason=DIVIDED, *, asked=False):
    detail = {"supervisor": "", "pid": "<n1.4.1>", "reason": reason, "asked": asked}
    return (time, "supervision", "terminated", "n1", child, detail)


def test_a_server_without_a_supervisor_that_stayed_down_is_told_with_its_reason():
    words = f"at 1.00 s 'shop' ended with {DIVIDED}"
    begins = "no supervisor was there to start 'shop'"
    assert alone(ended_alone(1.0)) == [f"{begins} again: {words}"]
    assert alone(ended_alone(1.0), ended_alone(2.0, "a"), ended_alone(3.0, "b")) == [
        f"{begins} and 2 other servers again: {words}"
    ]
    crash = {"fault": "server_crash", "outcomes": {"shop": "died"}}
    (told_,) = alone(fault(0.99, "injected", **crash), ended_alone(1.0, reason="chaos"))
    assert told_.endswith("again: at 1.00 s 'shop' was ended by the fault server_crash")


@pytest.mark.parametrize(
    "rows",
    [
        [ended_alone(1.0), started(2.0, supervisor="", event="started")],
        [ended_alone(1.0, asked=True)],
        [ended_alone(1.0, reason="normal")],
        [ended_alone(1.0, "shops", "shutdown")],
        [ended_alone(1.0, reason="('shutdown', 'done')")],
        [ended(1.0)],
    ],
)
def test_a_server_that_came_back_or_was_to_end_or_has_a_supervisor_is_no_such(rows):
    assert alone(*rows) == []


def test_a_run_tells_that_nobody_was_there_to_start_what_a_fault_ended():
    load = rk.Workload([rk.Operation.call("shop", "get")], arrivals=rk.arrivals.constant(50))
    plan = scenario(rk.faults.ServerCrash(at=0.3, targets="shop"))
    lone = experiment(
        system=rk.ChildSpec(Counter, name="shop"), workload=load, scenario=plan, duration=1.0
    )
    result = lone.run("simulation", progress=False)
    (cause,) = result.problems
    assert cause.startswith("no supervisor was there to start 'shop' again: at ")
    assert " 'shop' was ended by " in cause
    assert f"N{cause[1:]}." in result.sentence()
    assert "no supervisor" not in story(result)
