"""What asks in a script may be a method, whose object is made again, or the script says so."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import fractions
import functools
from pathlib import Path
from typing import Any

import pytest

import resilkit as rk
from resilkit.testing import Call, Model, Trial, run_trial
from tests.testing.saved import fails_again, run
from tests.testing.servers import Counter, increments


class Check:
    def __init__(self, most: int, of: str = "counter") -> None:
        self.most = most
        self.of = of

    def below(self, cluster: rk.Cluster) -> bool:
        return bool(cluster.whereis(self.of).call.get() < self.most)

    @classmethod
    def never(cls, cluster: rk.Cluster) -> bool:
        return cluster.seed < 0

    def step(self, value: int, operation: Call) -> tuple[int, int]:
        return self.most, self.most


@dataclasses.dataclass
class Doubled:
    most: int
    twice: int = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        self.twice = self.most * 2

    def below(self, cluster: rk.Cluster) -> bool:
        return bool(cluster.whereis("counter").call.get() < self.twice)


class Closed:
    __slots__ = ("_most",)

    def __init__(self, most: int) -> None:
        self._most = most

    def below(self, cluster: rk.Cluster) -> bool:
        return bool(cluster.whereis("counter").call.get() < self._most)


def test_an_invariant_that_is_a_method_has_its_object_in_the_script(tmp_path: Path) -> None:
    script = fails_again(
        Trial(Counter, increments(1, 2), invariants=[Check(2).below], nodes=1), tmp_path
    )
    assert "invariant_1_of = Check(most=2)" in script
    assert "invariants=[invariant_1_of.below]" in script


def test_methods_of_one_object_share_it(tmp_path: Path) -> None:
    check = Check(2)
    asked = [check.below, check.below, Check(9).below]
    script = fails_again(Trial(Counter, increments(3), invariants=asked, nodes=1), tmp_path)
    assert "invariants=[invariant_1_of.below, invariant_1_of.below, invariant_3_of" in script


def test_a_method_of_a_class_that_is_in_no_module_is_written_down(tmp_path: Path) -> None:
    class Local(Check):
        """Has its own source in the script."""

        def __init__(self, most: int) -> None:
            super().__init__(most)

    script = fails_again(
        Trial(Counter, increments(3), invariants=[Local(2).below], nodes=1), tmp_path
    )
    assert "invariant_1_of = Local(most=2)" in script


def test_methods_of_classes_and_of_dataclasses_and_steps_of_models_run(tmp_path: Path) -> None:
    for asked in (Check.never, Doubled(1).below):
        fails_again(Trial(Counter, increments(3), invariants=[asked], nodes=1), tmp_path)
    model = Model(0, Check(7).step)
    script = fails_again(Trial(Counter, increments(3), model=model, nodes=1), tmp_path)
    assert "Model(0, step_of.step)" in script


class Lenient(Check):
    def __init__(self, most: int = 1, step: float = 0.0) -> None:
        super().__init__(most)
        self.step = step  # type: ignore[assignment, method-assign]


def test_what_only_equals_a_default_stands_in_the_script(tmp_path: Path) -> None:
    asked = [Lenient(True).below, Lenient(1, -0.0).below, Lenient(1, 0.0).below]
    script = fails_again(Trial(Counter, increments(3), invariants=asked, nodes=1), tmp_path)
    assert "invariant_1_of = Lenient(most=True)" in script
    assert "invariant_2_of = Lenient(step=-0.0)" in script
    assert "invariant_3_of = Lenient()" in script


class Selfish(Check):
    def __init__(self, me: object = None) -> None:
        super().__init__(1)
        self.me = me or self


@pytest.mark.parametrize(
    "lacking",
    [Closed(1), Check(object()), Selfish()],  # type: ignore[arg-type]
    ids=["slots", "object", "itself"],
)
def test_a_script_says_that_it_will_not_run_where_the_object_cannot_be_made(
    lacking: Check | Closed,
) -> None:
    outcome = run_trial(Trial(Counter, increments(3), invariants=[lacking.below], nodes=1))
    kind = type(lacking).__name__
    told = f"# It will not run as it is: invariant_1_of is {kind}, which cannot be written down."
    assert told in outcome.script()


class Asked(Check):
    def __call__(self, cluster: rk.Cluster) -> bool:
        return self.below(cluster)


def ample(cluster: rk.Cluster, most: Any) -> bool:
    return bool(cluster.whereis("counter").call.get() < most)


LEAST = decimal.Decimal("0.5")


def test_an_invariant_that_is_an_object_is_made_again_in_the_script(tmp_path: Path) -> None:
    for most in (2, decimal.Decimal("1.5")):
        asked: Any = Asked(most)  # type: ignore[arg-type]
        script = fails_again(Trial(Counter, increments(3), invariants=[asked], nodes=1), tmp_path)
        assert f"invariant_1 = Asked(most={most!r})" in script


def test_what_a_partial_is_given_is_made_again_in_the_script(tmp_path: Path) -> None:
    few = functools.partial(ample, most=fractions.Fraction(1, 2))
    asked: list[Any] = [few, functools.partial(Asked(2).below)]
    script = fails_again(Trial(Counter, increments(3), invariants=asked, nodes=1), tmp_path)
    assert "invariant_1 = functools.partial(ample, most=Fraction(1, 2))" in script
    assert "invariant_2 = functools.partial(invariant_2_of_of.below)" in script


def test_what_is_written_down_has_the_values_that_it_uses(tmp_path: Path) -> None:
    since = datetime.date(2000, 1, 2)
    kinds = collections.Counter("ab")

    def few(cluster: rk.Cluster) -> bool:
        return ample(cluster, LEAST * len(kinds) * since.day)

    script = fails_again(Trial(Counter, increments(3), invariants=[few], nodes=1), tmp_path)
    for line in (
        "LEAST = Decimal('0.5')",
        'kinds = collections.Counter({"a": 1, "b": 1})  # as the runs left it',
        "since = datetime.date(2000, 1, 2)",
    ):
        assert line in script.splitlines()


def test_functions_of_a_loop_have_their_own_defaults_in_the_script(tmp_path: Path) -> None:
    asked: list[Any] = []
    for most in (decimal.Decimal(2), 9):
        asked.append(lambda cluster, most=most: ample(cluster, most))  # in a loop

    def few(cluster: rk.Cluster, *, most: Any = most * 2, of: Any = LEAST) -> bool:
        return ample(cluster, most) and of is LEAST

    asked += [few, lambda cluster, most=8: ample(cluster, most)]
    asked += [(lambda c, _of="ä", m=7: ample(c, m)), (lambda c, _of="ä", m=6: ample(c, m))]
    script = fails_again(Trial(Counter, increments(3), invariants=asked, nodes=1), tmp_path)
    for line in (
        "invariant_1 = lambda cluster, most=Decimal('2'): ample(cluster, most)",
        "invariant_2 = lambda cluster, most=9: ample(cluster, most)",
        "invariant_4 = lambda cluster, most=8: ample(cluster, most)",
        'invariant_5 = lambda c, _of="ä", m=7: ample(c, m)',
        'invariant_6 = lambda c, _of="ä", m=6: ample(c, m)',
    ):
        assert line in script.splitlines()
    assert "most: Any = 18, of: Any = LEAST" in script


def test_a_script_says_that_it_will_not_run_where_a_default_cannot_be_written_down() -> None:
    for thing in (object(), iter([])):

        def few(cluster: rk.Cluster, of: object = thing) -> bool:
            return of is None

    del thing
    told = run_trial(Trial(Counter, increments(3), invariants=[few], nodes=1)).script()
    assert "# It will not run as it is: a default of few cannot be written down." in told


def test_a_script_says_of_what_can_be_changed_that_the_runs_may_have_done_so(
    tmp_path: Path,
) -> None:
    def collects(values: Any, most: int) -> Any:
        def invariant(cluster: rk.Cluster) -> bool:
            values.append(cluster.whereis("counter").call.get())
            return len(values) < most

        return invariant

    values: list[int] = []
    script = run_trial(Trial(Counter, increments(3), invariants=[collects(values, 2)])).script()
    assert values
    assert f"values = {values}  # as the runs left it" in script.splitlines()
    assert "most = 2" in script.splitlines()
    assert "resilkit.errors.TrialFailed: " in run(script, tmp_path).stderr
