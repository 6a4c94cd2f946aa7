"""In CI, each simulated run of an experiment is checked, and a difference is no pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import resilkit as rk
from resilkit.experiment import repeating
from resilkit.settings import Options


class Greeter(rk.Server):
    """Greets those of a set: in which order, no seed says."""

    def init(self, sure: bool) -> None:
        names = {f"guest {number}" for number in range(20)}
        self.names = sorted(names) if sure else list(names)

    def greet(self) -> str:
        self.names.append(self.names.pop(0))
        return self.names[0]


def greeting(sure: bool) -> rk.Experiment:
    return rk.Experiment(
        1,
        system=rk.ChildSpec(Greeter, name="greeter", args=(sure,)),
        workload=rk.Workload([rk.Operation.call("greeter", "greet")], rk.arrivals.constant(5)),
        scenario=rk.Scenario("a party", criteria=["throughput >= 1 /s"]),
        duration=1.0,
        seed=7,
    )


@pytest.fixture
def again(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Be in CI, and have each run that is done again counted by its seed."""
    monkeypatch.setenv("CI", "true")
    monkeypatch.delenv("RESILKIT_CHECK_DETERMINISM", raising=False)
    seeds: list[Any] = []
    process = repeating.in_another_process

    def counting(run: Any, seed: int, number: int = 0) -> Any:
        seeds.append(seed)
        return process(run, seed, number)

    monkeypatch.setattr(repeating, "in_another_process", counting)
    return seeds


def test_a_run_in_a_simulation_is_done_again_and_returned_where_the_same_happened(
    again: list[Any],
) -> None:
    experiment = greeting(sure=True)
    result = experiment.run("simulation", schedule="pct", progress=False)
    assert (result.passed, again) == (True, [7])
    assert experiment.last is result


def test_a_run_that_does_something_else_again_is_refused_with_the_first_difference(
    again: list[Any],
) -> None:
    experiment = greeting(sure=False)
    with pytest.raises(rk.Nondeterministic, match=r"(?s)seed 7.*guest") as seen:
        experiment.run("simulation", progress=False)
    assert again == [7]
    assert experiment.last is not None, "what the first run measured is still there"
    assert seen.value.outcome is experiment.last
    assert str(seen.value).endswith("; RESILKIT_CHECK_DETERMINISM=0 turns that off."), (
        "who did not ask for it is told why it was checked"
    )


def test_a_run_that_was_stopped_early_is_not_done_again_whole(again: list[Any]) -> None:
    experiment = greeting(sure=False)

    def stop(_: Any) -> None:
        assert experiment.running is not None
        experiment.running.stop()

    assert experiment.run("simulation", on_progress=stop).interrupted
    assert again == []


class Forgetful(rk.Server):
    """Answers by the seed for a while, and then in the order of a set, which no seed decides."""

    def init(self, limit: int) -> None:
        self.limit, self.done = limit, 0
        self.names = list({f"guest {number}" for number in range(20)})

    def greet(self) -> str:
        self.done += 1
        if self.done <= self.limit:
            return "guest"
        self.names.append(self.names.pop(0))
        return self.names[0]


def breaching(limit: int, *, aborts: bool) -> rk.Experiment:
    """Return one that breaches its criterion at once, and is over before ten have been greeted."""
    return rk.Experiment(
        1,
        system=rk.ChildSpec(Forgetful, name="greeter", args=(limit,)),
        workload=rk.Workload([rk.Operation.call("greeter", "greet")], rk.arrivals.constant(2)),
        scenario=rk.Scenario("a party", criteria=["p50 < 1 ns"], abort_on_breach=aborts),
        duration=30.0,
        seed=7,
    )


def test_a_run_that_a_breach_ended_is_not_accused_of_what_comes_after_it(again: list[Any]) -> None:
    experiment = breaching(40, aborts=False)
    result = experiment.run("simulation", progress=False, abort_on_breach=True)
    assert result.ran < 20.0, "the breach ended it before the order of the set came in"
    assert len(result.history) < 40
    assert (result.interrupted, again) == ("", [7])
    assert experiment.last is result


def test_a_run_that_no_breach_may_end_is_checked_to_its_end(again: list[Any]) -> None:
    experiment = breaching(40, aborts=True)
    with pytest.raises(rk.Nondeterministic, match="guest"):
        experiment.run("simulation", progress=False, abort_on_breach=False)
    assert again == [7]
    assert experiment.last is not None
    assert experiment.last.ran == pytest.approx(30.0, abs=0.1)


def test_a_variable_that_means_neither_is_refused_before_anything_starts(
    again: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESILKIT_CHECK_DETERMINISM", "maybe")
    experiment, told = greeting(sure=True), list[Any]()
    with pytest.raises(rk.InvalidArgument, match="RESILKIT_CHECK_DETERMINISM"):
        experiment.run("simulation", on_progress=told.append)
    with pytest.raises(rk.InvalidArgument, match="RESILKIT_CHECK_DETERMINISM"):
        rk.sweep(experiment, seeds=2, processes=1, on_progress=told.append)
    assert (told, again) == ([], [])


def test_a_replay_tells_by_itself_whether_the_same_happened(again: list[Any]) -> None:
    with rk.options(check_determinism=False):
        result = greeting(sure=False).run("simulation", progress=False)
    assert rk.replay(result).result.passed
    assert again == []


@pytest.mark.parametrize("off", ["the option", "the variable", "a cluster that runs", "processes"])
def test_what_is_not_to_be_done_again_is_done_once(
    off: str, again: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = greeting(sure=False)
    if off == "the option":
        with rk.options(check_determinism=False):
            experiment.run("simulation", progress=False)
    elif off == "the variable":
        monkeypatch.setenv("RESILKIT_CHECK_DETERMINISM", "0")
        experiment.run("simulation", progress=False)
    elif off == "a cluster that runs":
        with rk.Cluster(nodes=1, backend="simulation", seed=7) as cluster:
            experiment.run(cluster=cluster, progress=False)
    else:
        experiment.run(progress=False)
    assert again == []


@pytest.mark.parametrize("processes", [1, 2])
def test_of_a_sweep_one_seed_is_done_again_and_rather_one_that_failed(
    processes: int, again: list[Any]
) -> None:
    class Odd(rk.Server):
        def init(self) -> None:
            self.fails = self.rng.random() < 0.5

        def answer(self) -> None:
            if self.fails:
                raise rk.Refused("an odd seed")

    experiment = greeting(sure=True).changed(
        system=rk.ChildSpec(Odd, name="odd"),
        workload=rk.Workload([rk.Operation.call("odd", "answer")], rk.arrivals.constant(100)),
        scenario=rk.Scenario("a party", criteria=["availability >= 50 %"]),
    )
    found = rk.sweep(experiment, seeds=12, processes=processes, progress=False)
    assert (found["passed"][0], found["passed"][11]) == (False, True)
    assert again == [found["seed"][0]]


def test_a_sweep_whose_seeds_cannot_be_run_again_says_so(again: list[Any]) -> None:
    with pytest.raises(rk.Nondeterministic, match="guest") as seen:
        rk.sweep(greeting(sure=False), seeds=2, processes=1, progress=False)
    assert again
    assert sorted(seen.value.outcome["seed"]) == [0, 1], "what the sweep found is not lost"


def test_the_runs_of_a_search_for_the_smallest_are_not_checked_one_by_one(again: list[Any]) -> None:
    criteria = ["throughput >= 1000 /s"]
    made = greeting(sure=True).changed(scenario=rk.Scenario("a party", criteria=criteria))
    assert rk.shrink(made, progress=False).reproduced
    assert again == []


@pytest.mark.parametrize(
    ("ci", "variable", "checked"),
    [
        ("true", "", True), ("1", None, True), ("woodpecker", None, True), ("", None, False),
        (None, None, False), ("false", None, False), ("true", "0", False), (None, "1", True),
    ],
)  # fmt: skip
def test_it_is_on_in_ci_unless_its_own_variable_says_otherwise(
    ci: str | None, variable: str | None, checked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("CI", ci), ("RESILKIT_CHECK_DETERMINISM", variable)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    options = Options()
    assert options.check_determinism is checked
    with options(check_determinism=not checked):
        assert options.check_determinism is not checked
    assert options.check_determinism is checked
    assert f"check_determinism={checked}" in repr(options)
