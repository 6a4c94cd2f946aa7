"""State machines over a live cluster: what is wrong is found, and shrinks to a few steps."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test

import resilkit as rk
from resilkit import faults
from resilkit.errors import InvalidArgument
from resilkit.testing import Arguments, Call, Performed
from resilkit.testing import strategies as rst
from resilkit.testing.machines import ClusterMachine
from tests.testing.servers import COUNTER, Counter, Forgetful, Fragile, Silent

FEW = settings(
    max_examples=40, stateful_step_count=12, database=None, deadline=None, derandomize=True,
    suppress_health_check=list(HealthCheck), phases=(Phase.generate, Phase.shrink),
)  # fmt: skip

INCREMENTS = {"increment": rst.arguments(by=st.integers(1, 9)), "get": None}

COUNTERS = rk.SupervisorSpec(
    "counters", [rk.ChildSpec(Counter, name=f"counter-{number}") for number in range(2)],
    max_restarts=1000,
)  # fmt: skip


def holds(machine: type[ClusterMachine], **changes: Any) -> None:
    run_state_machine_as_test(machine, settings=settings(FEW, **changes))


def steps_of(machine: type[ClusterMachine]) -> tuple[str, list[str]]:
    """Return what a machine fails of, and the steps that Hypothesis shrank it to."""
    with pytest.raises(rk.TrialFailed) as raised:
        holds(machine, max_examples=200)
    lines = [line for note in raised.value.__notes__ for line in note.splitlines()]
    return str(raised.value), [line for line in lines if line.startswith("state.")]


class Counting(ClusterMachine):
    system = Counter
    operations = {**INCREMENTS, "take": rst.arguments(st.integers(1, 20))}
    model = COUNTER
    nodes = 1


def test_what_is_right_holds() -> None:
    holds(Counting)


class Cut(Counting):
    operations = INCREMENTS
    faults = ("partition", "pause_node")
    nodes = 3
    options = {"detect_after": 0.5}


def test_it_holds_while_nodes_are_cut_and_paused() -> None:
    holds(Cut, max_examples=15)


class Forgetting(Counting):
    system = Forgetful
    operations = INCREMENTS


def test_a_reply_that_is_wrong_shrinks_to_the_one_operation() -> None:
    message, steps = steps_of(Forgetting)
    assert message.startswith('Call("increment", by=6) by @notebook replied 5; the model says 6')
    assert 'Call("increment", by=6)  ✓ 5' in message
    assert steps == [
        "state.start(seed=0, schedule='fifo')",
        "state.call_increment(arguments=Arguments(by=6))",
        "state.teardown()",
    ]


class Breaking(Counting):
    system = Fragile
    operations = INCREMENTS


def test_a_crash_shrinks_to_the_one_operation() -> None:
    message, steps = steps_of(Breaking)
    assert 'its server crashed of Call("increment", by=3) by @notebook' in message
    assert steps[1:-1] == ["state.call_increment(arguments=Arguments(by=3))"]


class Casting(ClusterMachine):
    system = Fragile
    operations = INCREMENTS
    casts = ("increment",)
    nodes = 1


def test_a_crash_that_nobody_waits_for_is_found_at_the_end() -> None:
    message, steps = steps_of(Casting)
    assert "fragile crashed, though nothing was broken: ValueError: a three" in message
    assert steps[1:-1] == ["state.cast_increment(arguments=Arguments(by=3))"]


class Hanging(ClusterMachine):
    system = Silent
    operations = {"hang": None}
    casts = ("hang",)
    nodes = 1


def test_a_server_that_hangs_is_found_at_the_end() -> None:
    message, steps = steps_of(Hanging)
    assert message.startswith("silent hangs: it is there, and has not answered at the end")
    assert steps[1:-1] == ["state.cast_hang()"]


class Remembering(ClusterMachine):
    """Expects what was counted to survive its server."""

    system = COUNTERS
    operations = INCREMENTS
    servers = ("counter-0",)
    faults = ("kill_server",)
    model = COUNTER
    nodes = 1


def test_what_a_killed_server_forgets_is_found() -> None:
    message, steps = steps_of(Remembering)
    assert "no order of the operations explains that" in message
    kinds = [re.match(r"state\.(\w+)", step)[1] for step in steps]  # type: ignore[index]
    assert kinds[0] == "start"
    assert kinds[1:3] == ["call_increment", "kill_server"]
    assert len(kinds) <= 6


def there(cluster: rk.Cluster) -> bool:
    return bool(cluster.whereis("counter-0").call.get() >= 0)


class Surviving(Remembering):
    """Expects no more than that the server comes back."""

    model = None
    faults = ("kill_server", "kill_node", "partition", "pause_node")
    nodes = 2
    operations = INCREMENTS
    must_hold = (there,)


def test_a_supervised_server_comes_back_whatever_breaks() -> None:
    holds(Surviving, max_examples=15)


def few(_: rk.Cluster, history: list[Performed]) -> bool:
    return sum(each.operation.method == "get" for each in history) < 2


class Limited(Counting):
    must_hold = (few,)


def test_what_must_hold_is_asked_after_each_step() -> None:
    looks: list[int] = []

    def looking(_: rk.Cluster, history: list[Performed]) -> bool:
        looks.append(len(history))
        return True

    holds(type("Looking", (Counting,), {"must_hold": (looking,)}), max_examples=1)
    assert looks == [*range(12), 11]


def test_what_must_not_be_shrinks_to_the_steps_that_lead_there() -> None:
    message, steps = steps_of(Limited)
    assert message.startswith('the invariant few does not hold after Call("get") by @notebook')
    asked = "state.check_must_hold()"
    assert steps[1:-1] == [asked, "state.call_get()", asked, "state.call_get()", asked]


def never_two(cluster: rk.Cluster) -> bool:
    return bool(cluster.whereis("counter").call.get() != 2)


class Passing(Counting):
    must_hold = (never_two,)


def test_what_held_again_afterwards_fails_in_the_steps_that_are_printed_too() -> None:
    message, steps = steps_of(Passing)
    state = Passing()
    steps.insert(-1, "state.do(Call('increment', by=1))")
    names = {"state": state, "Arguments": Arguments, "Call": Call}
    try:
        with pytest.raises(rk.TrialFailed, match=re.escape(message.splitlines()[0])):
            exec("\n".join(steps), names)  # noqa: S102 - as people paste them
    finally:
        state.cluster.close()


class Own(Counting):
    """Has a rule and an invariant of its own."""

    @rule(times=st.integers(1, 3))
    def several(self, times: int) -> None:
        for _ in range(times):
            assert self.do(Call("increment")).status == "ok"

    @invariant()
    def small(self) -> None:
        assert self.cluster.whereis("counter").call.get() < 3


def test_rules_and_invariants_of_your_own_go_with_them() -> None:
    with pytest.raises(AssertionError) as raised:
        holds(Own)
    notes = "\n".join(raised.value.__notes__)
    assert "state.call_increment(arguments=Arguments(by=3))" in notes or "several(times=3)" in notes


class Injected(Counting):
    operations = INCREMENTS
    inject = st.builds(faults.Latency, low=st.just(0.01), high=st.floats(0.02, 0.1))
    nodes = 2


def test_faults_that_a_strategy_draws_are_put_in_and_healed() -> None:
    holds(Injected, max_examples=10)
    seen: list[str] = []

    class Seeing(Injected):
        def teardown(self) -> None:
            cluster = self.cluster
            super().teardown()
            seen.extend(cluster.events.frame("fault")["event"])

    holds(Seeing, max_examples=20)
    assert seen.count("injected") == seen.count("healed") > 0


def test_the_same_steps_do_the_same() -> None:
    fingerprints: list[int] = []

    class Twice(Counting):
        def teardown(self) -> None:
            scheduler = self.cluster._session.thread.scheduler
            super().teardown()
            fingerprints.append(scheduler.fingerprint)

    holds(Twice, max_examples=5)
    first, fingerprints[:] = fingerprints[:], []
    holds(Twice, max_examples=5)
    assert fingerprints == first
    assert len(set(first)) > 1


def test_every_cluster_is_closed() -> None:
    made: list[rk.Cluster] = []

    class Closing(Forgetting):
        def teardown(self) -> None:
            made.append(self.cluster)
            super().teardown()

    with pytest.raises(rk.TrialFailed):
        holds(Closing)
    assert made
    assert all(cluster.closed for cluster in made)


class OnProcesses(Counting):
    backend = "processes"
    settle = 0.0
    operations = INCREMENTS


def test_it_runs_on_processes_too() -> None:
    holds(OnProcesses, max_examples=2, stateful_step_count=4)


def test_a_strategy_that_draws_no_arguments_is_refused_when_it_does() -> None:
    wrong = type("Wrong", (Counting,), {"operations": {"get": st.integers()}})
    with pytest.raises(
        InvalidArgument, match=r"operations.get: draws something else than arguments"
    ):
        holds(wrong)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"system": 3}, "system: is no system"),
        ({"operations": {"incrment": None}}, "did you mean 'increment'"),
        ({"operations": {"get": 3}}, "operations.get: is no strategy"),
        ({"model": 3}, "model: is no model"),
        ({"must_hold": (3,)}, r"must_hold\[0\]"),
        ({"faults": ("flood",)}, r"faults\[0\]"),
        ({"inject": 3}, "inject: is no strategy"),
        ({"casts": ("got",)}, "casts"),
        ({"nodes": 0}, "nodes"),
        ({"options": {"topologi": "ring"}}, "topologi"),
        ({"backend": "moon"}, "backend"),
        ({"schedules": ("lifo",)}, r"schedules\[0\]"),
        ({"timeout": -1}, "timeout"),
    ],
)
def test_what_is_wrong_is_refused_when_the_class_is_defined(
    attributes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidArgument, match=message):
        type("Wrong", (Counting,), attributes)


def test_a_machine_without_a_system_is_a_base_of_others() -> None:
    base = type("Base", (ClusterMachine,), {"nodes": 1, "operations": INCREMENTS})
    run_state_machine_as_test(type("Made", (base,), {"system": Counter}), settings=FEW)
