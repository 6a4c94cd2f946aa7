"""Where pytest says that a test failed: at its own line, and not within what it called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import resilkit as rk
from resilkit.errors import Nondeterministic, TrialFailed
from resilkit.testing import (
    Arguments,
    Call,
    Model,
    find_races,
    machines,
    run_chaos,
    run_concurrently,
    run_sequence,
)
from resilkit.testing import strategies as rst
from tests.testing.servers import Account, Counter, increments

HERE = Path(__file__)

NEVER = Model(0, lambda state, _: ("another", state))


class Wrong(machines.ClusterMachine):
    system = Counter
    operations = {"increment": rst.arguments()}
    model = NEVER


def deposit_at_once() -> None:
    find_races(Account, [Call("deposit", 5)], seeds=range(20), progress=False).raise_if_found()


def ask_the_order_of_a_set() -> None:
    def use(cluster: rk.Cluster) -> None:
        cluster.start(rk.ChildSpec(Counter, name=f"counter-{id(object())}"))

    rk.check_determinism(use, nodes=1, across_processes=False).raise_if_not()


def take_a_step() -> None:
    state = Wrong()
    try:
        state.start(seed=0, schedule="fifo")
        state.call_increment(arguments=Arguments())  # type: ignore[attr-defined]
    finally:
        state.teardown()


@pytest.mark.parametrize(
    ("do", "error"),
    [
        (lambda: run_sequence(Counter, increments(1), model=NEVER), TrialFailed),
        (lambda: run_concurrently(Counter, [increments(1)] * 2, model=NEVER), TrialFailed),
        (
            lambda: run_chaos(Counter, increments(1), [rk.faults.Latency(0.01, 0.02)], model=NEVER),
            TrialFailed,
        ),
        (deposit_at_once, TrialFailed),
        (ask_the_order_of_a_set, Nondeterministic),
    ],
    ids=["a sequence", "processes", "chaos", "a race", "another run"],
)
def test_pytest_shows_the_line_of_the_test_alone(
    do: Callable[[], object], error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        do()
    assert {Path(entry.path) for entry in caught.traceback.filter(caught)} == {HERE}
    assert len(caught.traceback) > len(caught.traceback.filter(caught))


def test_pytest_shows_of_a_machine_what_hypothesis_does_and_no_more() -> None:
    with pytest.raises(TrialFailed) as caught:
        take_a_step()
    shown = [entry.frame.code.name for entry in caught.traceback.filter(caught)]
    # Hypothesis puts its own function around each rule, and names it so.
    assert shown[1:] == ["take_a_step", "call_increment", "rule_wrapper"]


def test_what_is_refused_shows_where() -> None:
    with pytest.raises(rk.InvalidArgument) as caught:
        run_sequence(Counter, [Call("incremet")])
    assert Path(caught.traceback.filter(caught)[-1].path) != HERE
