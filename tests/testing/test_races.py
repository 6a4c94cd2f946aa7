"""Races are found, made short, and shown again; what is right is left alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import resilkit as rk
from resilkit.errors import InvalidArgument
from resilkit.testing import Barrier, Call, Cast, Concurrent, Model, Races, find_races, run_trial
from resilkit.testing.shortening import shorter
from tests.seen import drawings
from tests.testing.servers import (
    COUNTER,
    Account,
    Counter,
    Fragile,
    Front,
    SafeAccount,
    SafeFront,
    counting,
    fronts,
)

DEPOSITS = [Call("deposit", 5), Call("get"), Call("deposit", 7)]


def found(**options: Any) -> Races:
    return find_races(Account, DEPOSITS, **{"processes": 3, "progress": False, **options})


def test_a_lost_update_is_found_and_made_as_short_as_can_be() -> None:
    races = found()
    assert races.found
    assert races
    trial = races.trial
    assert trial is not None
    assert isinstance(trial.operations, Concurrent)
    assert [each.method for each in trial.operations.operations] == ["deposit", "deposit"]
    assert len(trial.processes) == 2
    assert races.switches == 2
    assert trial.model is Account
    again = run_trial(trial)
    assert again.failure is not None
    assert again.failure.kind == "model"


def test_what_does_one_after_the_other_has_no_race() -> None:
    races = find_races(SafeAccount, DEPOSITS, seeds=range(100), progress=False)
    assert not races.found
    assert races.tried == 200
    assert races.undecided == 0
    assert races.trial is None
    assert races.script() == ""
    assert races.figure() is None
    assert races.diagram() is None
    assert repr(races) == "<Races: no race found in 200 schedules>"
    races.raise_if_found()
    assert "no race found" in races._repr_html_()


def test_fronts_of_one_store_lose_updates_of_each_other() -> None:
    race = Concurrent([[Call("add", 5, to="front-1")], [Call("add", 7, to="front-2")]])
    races = find_races(fronts(Front), race, seeds=range(20), progress=False)
    assert races.found
    assert races.trial is not None
    assert len(races.trial.cluster.names) == 3
    assert not find_races(fronts(SafeFront), race, seeds=range(20), progress=False)


def test_a_lost_cast_shows_in_what_is_read_behind_a_barrier() -> None:
    casts = Concurrent(
        [[Cast("deposit", 5), Barrier(), Call("get")], [Cast("deposit", 7), Barrier()]]
    )
    assert find_races(Account, casts, progress=False)
    assert not find_races(SafeAccount, casts, seeds=range(50), progress=False)


def test_a_model_may_say_what_is_right() -> None:
    assert not find_races(
        Counter, [Call("increment"), Call("get")], model=COUNTER, seeds=range(20), progress=False
    )
    late = Model(0, lambda value, operation: (value, counting(value, operation)[1]))
    with pytest.raises(InvalidArgument, match=r"operations: fail when one follows the other.*the"):
        find_races(Counter, [Call("increment")], model=late, progress=False)
    # Another class may be the model, too.
    assert found(model=SafeAccount).found


def test_a_crash_under_some_schedule_is_a_race_and_one_that_always_comes_is_not() -> None:
    races = find_races(Busy, [Call("deposit", 1)], progress=False)
    assert races.outcome is not None
    assert races.outcome.failure is not None
    assert races.outcome.failure.kind == "crash"
    with pytest.raises(InvalidArgument, match="which is no race: fragile crashed"):
        find_races(Fragile, [Call("increment", by=3)], progress=False)


def test_replies_that_differ_without_a_race_name_what_runs_share_as_a_likely_cause() -> None:
    Ticket.given = 0
    with pytest.raises(InvalidArgument, match=r"which is no race: .*replied 1.*says") as caught:
        find_races(Ticket, [Call("take")], progress=False)
    assert "module globals and class attributes, which all runs of a process share" in str(
        caught.value
    )
    with pytest.raises(InvalidArgument, match="fragile crashed") as crashed:
        find_races(Fragile, [Call("increment", by=3)], progress=False)
    assert "class attributes" not in str(crashed.value), "that says why it ended"


class Ticket(rk.Server):
    """Counts in its class, which all runs of the process share."""

    given = 0

    def take(self) -> int:
        Ticket.given += 1
        return Ticket.given


class Busy(Account):
    """Cannot do two things at once, and dies of it."""

    def deposit(self, amount: int) -> object:
        if any(not task.done() for task in self.work):
            raise RuntimeError("busy")
        return super().deposit(amount)


def test_of_the_schedules_that_fail_it_is_the_one_with_the_fewest_switches() -> None:
    race = Concurrent([[Call("add", 5, to="front-1")], [Call("add", 7, to="front-2")]])
    first = find_races(fronts(Front), race, seeds=[0], progress=False)
    more = find_races(fronts(Front), race, seeds=range(20), progress=False)
    assert first.found
    assert (first.switches, more.switches) == (3, 2)


def test_what_does_not_fail_again_is_told_with_what_was_seen_to_fail() -> None:
    Moody.started = 0
    counted = Model(0, lambda state, each: (state + each.args[0],) * 2)
    races = find_races(Moody, [Call("deposit", 1)], model=counted, progress=False)
    assert races.found
    assert not races.again
    assert races.outcome is not None
    assert races.outcome.failure is not None
    assert races.trial is not None
    assert races.trial.model is counted
    assert run_trial(races.trial).passed
    told = " ".join(repr(races).split())
    assert "which did not fail when it was carried out again (likely causes: " in told
    assert "module globals and class attributes, which all runs of a process share)" in told
    assert found(seeds=range(40)).again


class Moody(Account):
    """Loses updates in the first clusters that it is in, and in no later one."""

    started = 0

    def init(self) -> None:
        super().init()
        Moody.started += 1

    def deposit(self, amount: int) -> object:
        if Moody.started < 30:
            return super().deposit(amount)
        self.balance += amount
        return self.balance


def test_the_same_search_finds_the_same() -> None:
    one, other = found(seeds=range(40)), found(seeds=range(40))
    assert repr(one) == repr(other)
    assert one.tried == other.tried


def test_the_script_shows_it_again(tmp_path: Path) -> None:
    races = found(seeds=range(40))
    path = tmp_path / "race.py"
    path.write_text(races.script())
    ended = subprocess.run(
        [sys.executable, str(path)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "no order of the operations explains" in ended.stderr
    with pytest.raises(rk.TrialFailed, match="a race of 2 operations and 2 switches"):
        races.raise_if_found()


def test_it_shows_itself_in_a_notebook_with_pictures() -> None:
    races = found(seeds=range(40))
    assert repr(races).startswith("<Races: a race of 2 operations and 2 switches (seed ")
    assert max(map(len, repr(races).splitlines())) < 80
    page = races._repr_html_()
    assert "✗ failed" in page
    assert len(drawings(page)) == 1
    assert "model=Account" in page
    figure, diagram = races.figure(), races.diagram()
    assert figure is not None
    assert diagram is not None
    assert figure.to_png()[1:4] == diagram.to_png()[1:4] == b"PNG"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"operations": Call("get")}, "operations: must be a list"),
        ({"operations": []}, "operations: is an empty list: there is nothing to do"),
        ({"operations": Concurrent([[], []])}, "operations: has no operations"),
        ({"operations": Concurrent([[Barrier()]] * 2)}, "operations: has no operations"),
        ({"operations": [Barrier()]}, r"operations\[0\]: is no operation"),
        ({"operations": [Call("gett")]}, "did you mean 'get'"),
        ({"processes": 1}, "processes: is out of range"),
        ({"processes": 11}, "processes: is out of range"),
        ({"schedules": "random"}, "schedules: must be a list"),
        ({"schedules": []}, "schedules: must be a list"),
        ({"schedules": ["lifo"]}, r"schedules\[0\]"),
        ({"seeds": "3"}, "seeds: must be a list"),
        ({"seeds": []}, "seeds: is an empty list"),
        ({"seeds": iter(())}, "seeds: is an empty list"),
        ({"seeds": [1.5]}, r"seeds\[0\]"),
        ({"model": 3}, "model: is no model"),
        ({"system": 3}, "system: is no system"),
    ],
)
def test_what_is_wrong_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        find_races(**{"system": Counter, "operations": [Call("get")], **arguments})


def test_everything_that_is_shorter_by_one_thing_is_tried() -> None:
    a, b, c = Call("a"), Call("b"), Call("c")
    race = Concurrent([[a, Barrier(), b], [Barrier(), c], [a, Barrier()]])
    assert list(shorter(race)) == [
        Concurrent([[Barrier(), c], [a, Barrier()]]),
        Concurrent([[a, Barrier(), b], [a, Barrier()]]),
        Concurrent([[a, Barrier(), b], [Barrier(), c]]),
        Concurrent([[a, b], [c], [a]]),
        Concurrent([[Barrier(), b], [Barrier(), c], [a, Barrier()]]),
        Concurrent([[a, Barrier()], [Barrier(), c], [a, Barrier()]]),
        Concurrent([[a, Barrier(), b], [a, Barrier()]]),
        Concurrent([[a, Barrier(), b], [Barrier(), c]]),
    ]
    assert list(shorter(Concurrent([[a], []]))) == [Concurrent([[], []])]


def test_it_is_there_where_people_look_for_it() -> None:
    assert rk.find_races is find_races
