"""What is said where no order of the operations explains the replies, or one is a mistake."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from resilkit import Cluster
from resilkit.testing import Call, Model, Trial, run_trial
from resilkit.testing.judging import explained
from resilkit.testing.performed import Performed
from tests.testing.servers import Counter


def adding(total: int, operation: Call) -> tuple[int, int]:
    return total + operation.args[0], total + operation.args[0]


def done(process: int, by: int, reply: Any, began: int, ended: int) -> Performed:
    record = Performed(Call("add", by), process, 0, f"@p{process}", began)
    record.ended, record.status, record.value = ended, "ok", reply
    record.ranks.extend([began, ended])
    return record


def said(*history: Performed) -> str:
    failure, _ = explained(Model(0, adding), history, broken=False)
    assert failure is not None
    return failure.message.partition(": ")[2]


def test_it_names_the_operations_after_which_the_model_says_otherwise() -> None:
    assert said(done(1, 5, 9, 0, 2), done(2, 7, 7, 3, 4)) == "before all others the model says 5"
    assert said(done(1, 5, 5, 0, 1), done(2, 7, 7, 2, 3)) == (
        'after Call("add", 5) by @p1 the model says 12'
    )


def test_it_names_what_other_orders_would_have_led_to_and_the_shortest_first() -> None:
    race = (done(1, 1, 1, 0, 1), done(2, 2, 9, 2, 5), done(3, 4, 5, 2, 9))
    assert said(*race) == ('after Call("add", 1) by @p1 the model says 3; in other orders 7')


def test_of_many_operations_before_it_names_the_last() -> None:
    ones = [done(1, 1, number + 1, 2 * number, 2 * number + 1) for number in range(4)]
    assert said(*ones, done(2, 7, 7, 90, 91)) == (
        'after 4 operations, the last of them Call("add", 1) by @p1, the model says 11'
    )


def test_a_misuse_is_told_rather_than_the_invariant_that_misses_what_it_should_have_done() -> None:
    def all_counted(cluster: Cluster, history: Sequence[Performed]) -> bool:
        return cluster.whereis("counter").state()["value"] >= len(history)

    calls = [Call("increment", server="counter"), Call("increment")]
    failure = run_trial(Trial(Counter, calls, invariants=[all_counted])).failure
    assert failure is not None
    assert failure.kind == "misuse"
    assert "unexpected keyword argument 'server'" in failure.message
