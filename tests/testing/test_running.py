"""Trials are carried out, and what is wrong is found."""

from __future__ import annotations

import pytest

import resilkit as rk
from resilkit import faults
from resilkit.errors import InvalidArgument
from resilkit.testing import (
    Barrier,
    Call,
    Cast,
    Concurrent,
    Model,
    Outcome,
    Performed,
    Trial,
    run_trial,
)
from resilkit.testing.model import Answer
from tests.testing.servers import (
    COUNTER,
    Account,
    Counter,
    Deaf,
    Forgetful,
    Fragile,
    SafeAccount,
    SafeFront,
    Silent,
    counting,
    fronts,
    increments,
)


def failed(outcome: Outcome, kind: str) -> str:
    assert outcome.failure is not None
    assert outcome.failure.kind == kind
    assert not outcome.passed
    return str(outcome.failure)


# Sequences ----------------------------------------------------------------------------------------


def test_a_sequence_replies_what_the_model_says() -> None:
    operations = [*increments(1, 2), Cast("increment", by=4), Call("take", 9), Call("get")]
    outcome = run_trial(Trial(Counter, operations, model=COUNTER))
    assert outcome.passed
    assert [(each.status, each.value) for each in outcome.history] == [
        ("ok", 1), ("ok", 3), ("sent", None), ("fail", None), ("ok", 7),
    ]  # fmt: skip
    assert isinstance(outcome.history[3].error, rk.Refused)


def test_operations_follow_each_other_on_virtual_time() -> None:
    outcome = run_trial(Trial(Counter, increments(1, 2, 3)))
    times = [time for each in outcome.history for time in (each.began, each.ended)]
    assert times == sorted(times)
    assert 0.0 == times[0] < times[-1] < 0.1
    assert 1.0 < outcome.took < 1.1


def test_the_first_reply_that_is_not_the_models_is_named() -> None:
    outcome = run_trial(Trial(Forgetful, increments(2, 3, 1, 1), model=COUNTER))
    said = failed(outcome, "model")
    assert said == 'Call("increment", by=1) by @notebook replied 5; the model says 6'
    assert outcome.failure is not None
    assert outcome.failure.operation is outcome.history[2]


def test_a_cast_that_has_no_effect_is_found_where_nothing_was_broken() -> None:
    trial = Trial(Deaf, [Cast("increment", by=7), Call("get")], model=COUNTER)
    assert failed(run_trial(trial), "model").endswith("replied 0; the model says 7")
    # With a fault it may have been lost on its way.
    lost = trial.replaced(faults=[faults.Latency(0.01, 0.02)])
    assert run_trial(lost).passed


def test_an_answer_is_a_reply_or_an_error_of_one_kind() -> None:
    assert Answer(3).is_("ok", 3, None)
    assert not Answer(3).is_("ok", 4, None)
    assert not Answer(None).is_("fail", None, rk.Refused("no"))
    assert Answer(error=rk.Refused("other words")).is_("fail", None, rk.Refused("no"))
    assert not Answer(error=rk.CallTimeout("late")).is_("fail", None, rk.Refused("no"))
    assert not Answer(error=rk.Refused("no")).is_("ok", None, None)


def test_a_refusal_that_the_model_does_not_know_is_found() -> None:
    generous = Model(0, lambda value, operation: (counting(value, operation)[1], value))
    assert run_trial(Trial(Counter, [Call("take", 1)], model=COUNTER)).passed
    told = Model(9, generous.step)
    assert "the model says 8" in failed(
        run_trial(Trial(Counter, [Call("take", 1)], model=told)), "model"
    )


# Invariants ---------------------------------------------------------------------------------------


def test_an_invariant_is_asked_after_each_operation() -> None:
    seen: list[int] = []

    def small(cluster: rk.Cluster) -> bool:
        seen.append(cluster.whereis("counter").call.get())
        return seen[-1] < 6

    outcome = run_trial(Trial(Counter, increments(1, 2, 3, 4), invariants=[small]))
    assert seen == [1, 3, 6]
    said = failed(outcome, "invariant")
    assert said.startswith('the invariant small does not hold after Call("increment", by=3) by')
    assert len(outcome.history) == 3


def test_an_invariant_that_raises_does_not_hold() -> None:
    def small(cluster: rk.Cluster) -> None:
        assert cluster.whereis("counter").call.get() < 3, "too much"

    outcome = run_trial(Trial(Counter, increments(1, 2), invariants=[small]))
    said = failed(outcome, "invariant")
    assert said.startswith('the invariant small does not hold after Call("increment", by=2) by')
    assert said.endswith("s): AssertionError: too much")
    assert outcome.failure is not None
    assert isinstance(outcome.failure.cause, AssertionError)


@pytest.mark.parametrize("restart_after", [None, 0.2])
def test_a_fault_that_cannot_be_taken_back_fails_it(restart_after: float | None) -> None:
    starts: list[int] = []

    class Once(Counter):
        def init(self, start: int = 0) -> None:
            super().init(start)
            starts.append(1)
            if len(starts) > 1:
                raise RuntimeError("not again")

    crash = faults.NodeCrash(at=0.2, targets="n1", restart_after=restart_after)
    outcome = run_trial(Trial(Once, [Call("get")], faults=[crash], nodes=2, duration=1.0))
    said = failed(outcome, "heal")
    assert said.startswith("a fault could not be taken back: ")
    assert "not again" in said


def test_an_invariant_may_ask_for_the_history() -> None:
    def acknowledged(cluster: rk.Cluster, history: list[Performed]) -> bool:
        good = sum(each.operation.kwargs["by"] for each in history if each.status == "ok")
        return bool(cluster.whereis("counter").call.get() >= good)

    good, bad = (
        run_trial(Trial(server, increments(3, 3), invariants=[acknowledged]))
        for server in (Counter, Forgetful)
    )
    assert good.passed
    assert good.looks == 3
    assert "acknowledged" in failed(bad, "invariant")


def test_an_invariant_of_a_history_that_went_on_while_it_looked_is_asked_again() -> None:
    def nothing_else(cluster: rk.Cluster, history: list[Performed]) -> bool:
        asked = sum(each.operation.kwargs["by"] for each in history)
        return bool(cluster.whereis("counter").call.get() <= asked)

    race = Concurrent([increments(*[1] * 20), increments(*[1] * 20)])
    outcome = run_trial(Trial(Counter, race, invariants=[nothing_else], look_every=0.001))
    assert outcome.passed
    assert outcome.missed > 0


def test_an_invariant_that_cannot_look_is_asked_again_but_not_at_the_end() -> None:
    def there(cluster: rk.Cluster) -> bool:
        return bool(cluster.whereis("counter").call.get() >= 0)

    back = Trial(
        Counter, increments(1, 1, 1, 1), invariants=[there], nodes=2,
        faults=[faults.NodeCrash(at=0.5, targets="n1", restart_after=1.0)], duration=4.0,
    )  # fmt: skip
    outcome = run_trial(back)
    assert outcome.passed
    assert outcome.missed > 0
    gone = Trial(
        Counter, increments(1, 1), invariants=[there], duration=1.0,
        faults=[faults.ServerCrash(at=0.2, targets="counter")],
    )  # fmt: skip
    said = failed(run_trial(gone), "invariant")
    assert said.startswith('the invariant there could not be looked at after Call("increment"')
    assert "(t = 2 s): NoProcess: no process is called 'counter'" in said


def test_time_that_goes_on_is_looked_at_too() -> None:
    def settled(cluster: rk.Cluster) -> bool:
        return cluster.clock.now() < 0.5

    trial = Trial(Counter, increments(1, 1), invariants=[settled], duration=10.0)
    outcome = run_trial(trial)
    failed(outcome, "invariant")
    assert outcome.failure is not None
    assert 0.4 < outcome.failure.time < 0.7
    assert len(outcome.history) == 1


# What must hold in any case -----------------------------------------------------------------------


def test_a_crash_fails_where_nothing_was_broken() -> None:
    trial = Trial(Fragile, increments(1, 3, 1))
    said = failed(run_trial(trial), "crash")
    assert 'fragile crashed of Call("increment", by=3) by @notebook' in said
    assert "ValueError: a three" in said
    assert run_trial(trial.replaced(may_crash=True)).passed


def test_a_crash_of_a_cast_is_found_too() -> None:
    said = failed(run_trial(Trial(Fragile, [Cast("increment", by=3)])), "crash")
    assert said == "fragile crashed, though nothing was broken: ValueError: a three"


def test_a_call_without_an_answer_fails_where_nothing_was_broken() -> None:
    said = failed(run_trial(Trial(Silent, [Call("ask")], timeout=2.0)), "unanswered")
    assert 'Call("ask") by @notebook had no answer, though nothing was broken: CallTimeout' in said


def test_a_server_that_hangs_at_the_end_is_found() -> None:
    said = failed(run_trial(Trial(Silent, [Cast("hang")])), "unanswered")
    assert said.startswith("silent hangs: it is there, and has not answered at the end")


def test_an_operation_that_its_server_does_not_take_is_a_misuse() -> None:
    said = failed(run_trial(Trial(Counter, [Call("increment", to="counter", much=3)])), "misuse")
    assert said.startswith('Call("increment", much=3, to="counter") by @notebook is no operation')


def test_a_system_that_does_not_start_fails() -> None:
    broken = Trial(rk.ChildSpec(Stillborn), [Call("get")])
    assert "the system did not start" in failed(run_trial(broken), "start")


class Stillborn(Counter):
    def init(self, start: int = 0) -> None:
        raise ValueError("not today")


def test_an_operation_for_nobody_is_refused_when_the_system_has_started() -> None:
    with pytest.raises(InvalidArgument, match=r"is nobody's name.*'ledger'.*'counter'"):
        run_trial(Trial(Counter, [Call("get", to="ledger")]))


# Faults -------------------------------------------------------------------------------------------


def test_what_nobody_knows_may_have_happened_or_not() -> None:
    trial = Trial(
        Counter, increments(1, 1, 1, 1, 1, 1), model=COUNTER, nodes=2, timeout=0.4,
        faults=[faults.NodePause(at=0.9, duration=1.0, targets="n1")], duration=3.0,
    )  # fmt: skip
    outcome = run_trial(trial)
    assert outcome.passed
    assert {each.status for each in outcome.history} == {"ok", "info"}
    assert outcome.ordered is not None
    assert outcome.ordered.found


def test_what_was_lost_with_a_node_is_found_by_the_model() -> None:
    trial = Trial(
        Counter, increments(1, 1, 1, 1), model=COUNTER, nodes=2, duration=4.0,
        faults=[faults.NodeCrash(at=0.5, targets="n1", restart_after=0.2)],
    )  # fmt: skip
    said = failed(run_trial(trial), "model")
    assert "no order of the operations explains that" in said
    assert "replied 1" in said


def test_what_strikes_at_the_beginning_is_in_before_the_first_operation() -> None:
    slow = [faults.Latency(0.3, 0.4)]
    trial = Trial(fronts(SafeFront), [Call("add", 1, to="front-1")], faults=slow)
    ended = run_trial(trial).history[0].ended
    assert ended is not None
    assert ended > 0.6


def test_faults_are_healed_before_the_last_look() -> None:
    healed: list[int] = []

    def told(cluster: rk.Cluster) -> bool:
        healed.append(sum(event.event == "healed" for event in cluster.events))
        return True

    trial = Trial(
        Counter, increments(1), nodes=3, duration=1.0, invariants=[told],
        faults=[faults.Partition(at=0.1), faults.Latency(0.5, 1.0, at=0.2)],
    )  # fmt: skip
    assert run_trial(trial).passed
    assert healed[-2:] == [0, 2]


def test_of_what_definitely_did_not_happen_the_model_is_not_asked() -> None:
    trial = Trial(
        Counter, increments(1, 1, 1), model=COUNTER, duration=1.0,
        faults=[faults.ServerCrash(at=0.2, targets="counter")],
    )  # fmt: skip
    outcome = run_trial(trial)
    assert [each.status for each in outcome.history] == ["ok", "fail", "fail"]
    assert outcome.passed


# Several processes --------------------------------------------------------------------------------


def test_what_several_do_at_once_is_explained_by_some_order() -> None:
    race = Concurrent([increments(1, 2), [*increments(4), Call("get")], increments(8)])
    outcome = run_trial(Trial(Counter, race, model=COUNTER))
    assert outcome.passed
    assert {each.by for each in outcome.history} == {"@p1", "@p2", "@p3"}
    assert outcome.ordered is not None
    assert sorted(outcome.ordered.order) == [0, 1, 2, 3, 4]


def test_a_lost_update_is_explained_by_no_order() -> None:
    race = Concurrent([[Call("deposit", 5)], [Call("deposit", 7)]])

    def depositing(value: int, operation: Call) -> tuple[int, int]:
        return value + operation.args[0], value + operation.args[0]

    model = Model(0, depositing)
    outcomes = [
        run_trial(Trial(Account, race, model=model, nodes=1, seed=seed)) for seed in range(60)
    ]
    found = [each for each in outcomes if not each.passed]
    assert found
    said = failed(found[0], "model")
    first, second = (5, 7) if "replied 7" in said else (7, 5)
    by = {each.operation.args[0]: each.by for each in found[0].history}
    assert said == (
        f'no order of the operations explains that Call("deposit", {second}) by {by[second]} '
        f'replied {second}: after Call("deposit", {first}) by {by[first]} the model says 12'
    )
    safe = (run_trial(Trial(SafeAccount, race, model=model, seed=seed)) for seed in range(20))
    assert all(each.passed for each in safe)


def test_barriers_part_what_is_at_once() -> None:
    race = Concurrent(
        [
            [*increments(1, 1, 1), Barrier(), Call("get")],
            [*increments(1), Barrier(), Call("get")],
        ]
    )
    outcome = run_trial(Trial(Counter, race))
    first = [each for each in outcome.history if each.operation.method == "increment"]
    reads = [each for each in outcome.history if each.operation.method == "get"]
    assert [each.value for each in reads] == [4, 4]
    assert max(each.ranks[1] for each in first) < min(each.ranks[0] for each in reads)


def test_casts_of_one_process_come_in_order_and_none_is_lost() -> None:
    race = Concurrent([[Cast("increment", by=2), Call("get")], [Call("get")]])
    for seed in range(10):
        outcome = run_trial(Trial(Counter, race, model=COUNTER, seed=seed))
        assert outcome.passed
        read = next(each for each in outcome.history if each.by == "@p1" and each.value is not None)
        assert read.value == 2


# The same each time -------------------------------------------------------------------------------


def test_a_trial_is_the_same_each_time_and_another_seed_is_not() -> None:
    trial = Trial(Counter, Concurrent([increments(1, 2), increments(3)]), seed=5)
    runs = [run_trial(trial) for _ in range(3)]
    assert len({each.fingerprint for each in runs}) == 1
    assert len({each.steps for each in runs}) == 1
    assert [[one.began for one in each.history] for each in runs[1:]] == [
        [one.began for one in runs[0].history]
    ] * 2
    assert run_trial(trial.replaced(seed=6)).fingerprint != runs[0].fingerprint


@pytest.mark.parametrize(
    "operations", [increments(1, 2), Concurrent([increments(1), increments(2)])]
)
def test_it_is_carried_out_on_processes_too(operations: object) -> None:
    trial = Trial(Counter, operations, model=COUNTER, nodes=1, settle=0.0)  # type: ignore[arg-type]
    outcome = run_trial(trial, backend="processes")
    assert outcome.passed
    assert outcome.backend == "processes"
    assert [each.status for each in outcome.history] == ["ok", "ok"]
    calls = [message.method for message in outcome.messages if message.kind == "call"]
    assert calls == ["increment", "increment"]


def test_a_backend_that_there_is_not_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="backend"):
        run_trial(Trial(Counter), backend="moon")
