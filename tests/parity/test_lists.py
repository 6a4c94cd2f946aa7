"""A load that is a list sends the same operations with the same draws, wherever the nodes are."""

from __future__ import annotations

import pytest

import resilkit as rk


class Ledger(rk.Server):
    def init(self):
        self.amounts = []

    def add(self, amount):
        self.amounts.append(amount)
        return len(self.amounts)

    def all(self):
        return self.amounts


async def add(user):
    return await user.whereis("ledger").call.add(user.rng.randrange(1000))


DUE = [(0.05, "add", 0, 5), (0.1, "all"), (0.15, "add", 1, 6), (0.2, "add", 0, (0.5, 77))]


@pytest.mark.parametrize("backend", ["processes", "simulation"])
@pytest.mark.parametrize("loop", ["open", "closed"])
def test_a_list_is_sent_as_it_stands(backend, loop):
    operations = [rk.Operation("add", add), rk.Operation.call("ledger", "all")]
    experiment = rk.Experiment(
        2,
        system=rk.SupervisorSpec("ledgers", [rk.ChildSpec(Ledger, name="ledger")]),
        workload=rk.Workload(operations, rk.arrivals.explicit(DUE, loop=loop)),
        scenario=rk.Scenario("calm", criteria=["availability >= 1"]),
        duration=0.3,
        seed=7,
    )
    result = experiment.run(backend, progress=False)
    assert [(row.operation, row.user) for row in result.history] == [
        ("add", 0), ("all", 0), ("add", 1), ("add", 0),
    ]  # fmt: skip
    assert [row.value for row in result.history] == [1, [result_of(5)], 2, 3]
    assert result.closed_loop == (loop == "closed")
    assert result.passed
    intended = [round(time, 2) for time in result.operations["intended"]]
    if (backend, loop) == ("processes", "closed"):
        # Users on a busy machine come late, and nobody intended anything before they did.
        assert all(time >= due for time, (due, *_) in zip(intended, DUE, strict=True))
    else:
        assert intended == [0.05, 0.1, 0.15, 0.2]


def result_of(number):
    from resilkit.workload.draws import Redraws

    return Redraws(number).randrange(1000)
