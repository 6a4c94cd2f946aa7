"""What a search does with its seconds and with other seeds: on a clock and with runs of its own."""

from __future__ import annotations

import pytest

from resilkit.reruns import shrinking, trying
from resilkit.reruns.in_time import TimeIsUp
from tests.reruns.shrinks import quiet
from tests.reruns.systems import bank


class Runs:
    """A clock, and runs that take so long on it and come to nothing else than what was run."""

    def __init__(self):
        self.now, self.each = 1000.0, 1.0

    def monotonic(self):
        return self.now

    def run(self, experiment, *, until, **_options):
        if self.now + self.each > until:
            self.now = until
            raise TimeIsUp("its time was up")
        self.now += self.each
        return experiment


@pytest.fixture
def runs(monkeypatch):
    made = Runs()
    monkeypatch.setattr(shrinking, "clock", made)
    monkeypatch.setattr(trying, "clock", made)
    monkeypatch.setattr(trying, "run_in_time", made.run)
    return made


@pytest.fixture(scope="module")
def recorded():
    return bank(rate=20.0, seed=7).run("simulation", progress=False)


def load(experiment):
    return len(experiment.workload.arrivals.due)


def any_load(experiment):
    return load(experiment) > 0


def test_of_its_seconds_a_part_is_kept_for_the_run_once_more_at_the_end(runs, recorded):
    found = quiet(recorded, failing=any_load, seconds=9.0)
    # Three times the first one and a bit: nothing begins after 5.8 s but the last.
    assert list(found.steps["step"])[-1] == "once more"
    assert (found.why, found.again, found.runs, found.seconds) == ("seconds", True, 7, 7.0)
    assert "as its time was over" in found.sentence()
    assert "run once more at the end, it failed again" in found.sentence()


def test_a_third_of_its_seconds_is_kept_at_most(runs, recorded):
    runs.each = 4.0
    found = quiet(recorded, failing=any_load, seconds=30.0)
    # Of 30 s, 10 are kept, and not 12.2: what begins before 20 s is at its end at 20.
    assert (found.again, found.runs, found.seconds) == (True, 6, 24.0)


def test_where_the_last_run_does_not_come_to_its_end_it_was_seen_to_fail_once(runs, recorded):
    runs.each = 4.0
    found = quiet(recorded, failing=any_load, seconds=10.0)
    assert (found.reproduced, found.again, found.seconds) == (True, False, 10.0)
    assert found.case is not None
    assert "once more" not in found.sentence()


@pytest.mark.parametrize(("other", "smaller"), [(1, True), (4, True), (6, False)])
def test_what_passes_is_tried_with_up_to_five_other_seeds(runs, recorded, other, smaller):
    whole = len(recorded.history)

    def by_chance(experiment):
        # All of it fails with its own seed alone, and less of it with another one alone.
        return experiment.seed == (7 if load(experiment) == whole else other)

    found = quiet(recorded, failing=by_chance, seconds=9999.0, budget=5000)
    assert found.why == "smallest"
    assert (found.seed, load(found.experiment)) == ((other, 0) if smaller else (7, whole))
    # And six where the candidate itself had one of those.
    assert set(found.steps["seed"]) - {7, *shrinking._OTHERS} <= set(range(6))


def test_where_chance_has_no_say_no_other_seed_is_tried(runs, recorded):
    found = quiet(recorded, failing=any_load, seconds=9999.0, budget=5000)
    assert (found.why, load(found.experiment)) == ("smallest", 1)
    assert set(found.steps["seed"]) == {7, 0, *shrinking._OTHERS}
    assert list(found.steps["step"])[-3:] == ["any seed", "any seed", "once more"]
