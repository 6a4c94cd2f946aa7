"""Shrinking ends: within its budget, on an interrupt, and where nothing fails."""

from __future__ import annotations

from itertools import count

import pytest

import resilkit as rk
from resilkit import clock
from resilkit.errors import InvalidArgument
from resilkit.reruns import in_time, shrinking, trying
from resilkit.reruns.replaying import failed_criteria
from resilkit.reruns.trying import Tries
from tests.reruns.shrinks import LOST, quiet
from tests.reruns.systems import Account, bank, failing, stuck
from tests.seen import seen

# Its budget ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("budget", [4, 5, 9, 20])
def test_it_ends_within_its_runs_with_what_fails(budget):
    made, _ = failing()
    found = quiet(made, budget=budget)
    assert found.runs <= budget
    assert found.reproduced
    assert found.again
    assert found.why == "budget"
    again = found.experiment.run("simulation", schedule=found.schedule, progress=False)
    assert LOST in failed_criteria(again)
    assert "as its budget of runs was used up" in found.sentence()


@pytest.fixture
def ends(monkeypatch):
    """Return for each run when its time was to be up, and for how long it was to work."""
    listed, real = [], trying.run_in_time

    def run_in_time(experiment, **options):
        listed.append((options["until"], options["patience"]))
        return real(experiment, **options)

    monkeypatch.setattr(trying, "run_in_time", run_in_time)
    return listed


def test_it_ends_where_something_goes_on_for_ever(ends):
    before = clock.monotonic()
    found = quiet(bank(operation=stuck), seconds=2.0)
    ((until, patience),) = ends
    assert before + 2.0 <= until <= clock.monotonic()
    assert patience is None
    assert not found.reproduced
    assert "did not fail in the time that there was" in found.sentence()


def test_a_candidate_that_takes_far_longer_is_given_up(ends, monkeypatch):
    monkeypatch.setattr(trying, "_LEAST_PATIENCE", 0.2)
    until = clock.monotonic() + 1000.0
    tries = Tries(lambda _: True, budget=9, until=until)
    for tries._longest in (0.01, 0.3):
        assert tries.run(bank(operation=stuck), "fifo") is None
    assert ends == [(until, 0.2), (until, 1.5)]


class Stopped:
    """The clocks of a process that stands still once: so many seconds pass, and nothing is done."""

    processor = staticmethod(clock.processor)

    def __init__(self, still):
        self.passed = iter([0.0])
        self.still = still

    def monotonic(self):
        return clock.monotonic() + next(self.passed, self.still)


@pytest.mark.parametrize(("still", "given_up"), [(6.0, False), (20.0, True)])
def test_a_candidate_that_stood_still_with_the_machine_for_a_moment_goes_on(
    monkeypatch, still, given_up
):
    monkeypatch.setattr(in_time, "clock", Stopped(still))
    tries = Tries(lambda _: True, budget=9, until=clock.monotonic() + 1000.0)
    tries._longest = 0.01
    assert (tries.run(bank(), "fifo") is None) == given_up


def interrupting(monkeypatch, after):
    def interrupt(self, done, text):
        if done >= after:
            monkeypatch.undo()
            raise KeyboardInterrupt

    monkeypatch.setattr(shrinking.Line, "tell", interrupt)


def test_an_interrupt_gives_the_best_so_far(monkeypatch):
    made, _ = failing()
    interrupting(monkeypatch, 12)
    found = quiet(made)
    assert (found.runs, found.why, found.reproduced, found.again) == (
        12,
        "interrupted",
        True,
        False,
    )
    assert 2 <= len(found.experiment.workload.arrivals.due) < 35
    assert found.result is not None
    assert "once more" not in found.sentence()
    assert "it was interrupted" in found.sentence()
    again = found.experiment.run("simulation", schedule=found.schedule, progress=False)
    assert LOST in failed_criteria(again)


def test_an_interrupt_before_anything_failed_says_so(monkeypatch):
    interrupting(monkeypatch, 1)
    found = quiet(bank(rate=2.0))
    assert not found.reproduced
    assert "it was interrupted after 1 run, before it failed" in found.sentence()
    assert found.interrupted


def test_it_tells_how_far_it_is(monkeypatch, lost):
    told = []
    monkeypatch.setattr(shrinking.Line, "tell", lambda _, done, text: told.append((done, text)))
    monkeypatch.setattr(shrinking.Line, "end", lambda _, done, text: told.append((done, text)))
    found = quiet(failing()[0], budget=9)
    assert told[-1] == (found.runs, found.words)
    assert told[0][1].startswith("looking for a seed that fails")
    first = lost.words.split(" → ")[0]
    best = found.words.split(" → ")[1].split(" (")[0]
    assert best != first
    assert (8, f"{first} → {best} (8 runs)") in told


# Where it does not fail ---------------------------------------------------------------------------


def test_an_experiment_that_never_fails_is_said_not_to():
    found = quiet(bank(rate=2.0), seeds=3)
    assert (found.reproduced, found.case, found.result) == (False, None, None)
    assert "no criterion failed with 3 seeds of the simulation" in found.sentence()
    assert found.runs == len(found.steps) == 3
    assert "not reproduced" in repr(found)
    assert "? not reproduced" in seen(found)
    with pytest.raises(InvalidArgument, match="no case to write down"):
        found.script()


class Moody(Account):
    """Goes wrong where nobody sees why."""

    broken = True

    def get(self):
        if Moody.broken:
            raise ValueError("no")
        return self.value


def test_a_failure_that_the_simulation_does_not_show_is_said_not_to(monkeypatch):
    made = bank(
        system=rk.SupervisorSpec("bank", [rk.ChildSpec(Moody, name="account")], max_restarts=99),
        scenario=rk.Scenario("moody", criteria=["error_rate < 1 %"]),
    )
    result = made.run("simulation", progress=False)
    assert result.passed is False
    monkeypatch.setattr(Moody, "broken", False)
    found = quiet(result, seeds=4)
    assert not found.reproduced
    assert "did not fail in any of" in found.why
    assert "of the same operations and faults" in found.sentence()
    assert "bit for bit" not in found.sentence()  # of a simulated run, that is another matter


def test_what_does_not_fail_again_at_the_end_is_not_given():
    made, _ = failing()
    calls = count()
    found = quiet(made, failing=lambda _: next(calls) < 3, budget=12)
    assert not found.reproduced
    assert "something decides that no seed does" in found.sentence()


def test_a_case_before_the_smallest_is_given_where_that_one_does_not_fail_again():
    seen_to_fail: list[int] = []

    def sometimes(result):
        # The smallest fails once, and then never again.
        size = len(result.history)
        if size < 5 and size in seen_to_fail:
            return False
        seen_to_fail.append(size)
        return size >= 3

    found = quiet(bank(duration=0.3), failing=sometimes, budget=40)
    assert found.reproduced
    assert found.again
    assert len(found.experiment.workload.arrivals.due) >= 5
