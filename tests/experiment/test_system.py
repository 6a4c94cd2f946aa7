"""What is given as a system has names for all that stands alone, in experiments as in trials."""

from __future__ import annotations

import resilkit as rk
from resilkit import Experiment
from resilkit.experiment.system import System, read_system
from resilkit.testing import Trial


class BankTeller(rk.Server):
    async def init(self) -> None:
        await self.register("bank_teller")

    def greet(self) -> str:
        return "good morning"


WORKLOAD = rk.Workload([rk.Operation.call("bank_teller", "greet")], rk.arrivals.constant(20))
CALM = rk.Scenario("calm", criteria=["availability >= 1"])


def names(given: object, taken: tuple[str, ...] = ()) -> list[str]:
    return [spec.name for _, spec in read_system(given, ["n1", "n2"], taken).plan]


def test_an_experiment_and_a_trial_give_a_class_the_same_name() -> None:
    given = Experiment(1, system=BankTeller, workload=WORKLOAD, scenario=CALM)
    assert given.parts.plan == Trial(BankTeller, nodes=1).parts.plan
    assert names(BankTeller) == ["bank_teller"]


def test_operations_of_an_experiment_find_a_class_by_that_name() -> None:
    given = Experiment(1, system=BankTeller, workload=WORKLOAD, scenario=CALM, duration=0.5)
    result = given.run(backend="simulation")
    assert result.passed
    assert given.unknown == ()


def test_a_name_that_is_given_is_kept_and_taken_by_nobody_else() -> None:
    teller = rk.ChildSpec(BankTeller)
    other = rk.SupervisorSpec("top", [rk.ChildSpec(rk.Server, name="bank_teller-2")])
    given = {"n1": [BankTeller, teller], "n2": [other]}
    assert names(given) == ["bank_teller", "bank_teller-3", "top"]
    assert names(BankTeller, ("bank_teller",)) == ["bank_teller-2"]


def test_a_name_that_a_node_has_by_itself_is_taken() -> None:
    own = rk.NodeSpec("n1", applications=[rk.ChildSpec(rk.Server, name="bank_teller")])
    spec = rk.ClusterSpec(nodes=[own])
    assert Trial(BankTeller, cluster=spec).parts.first == "bank_teller-2"


def test_what_is_in_its_plain_form_stays_as_it_is() -> None:
    plain = System(plan=((None, BankTeller),))
    assert read_system(plain, ["n1"]) is plain


def test_a_class_that_is_started_by_hand_has_no_name() -> None:
    with rk.Cluster(nodes=1, backend="simulation") as cluster:
        assert cluster.start(rk.Server).name is None
