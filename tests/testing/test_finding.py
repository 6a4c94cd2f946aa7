"""How a search for races goes on: which schedules it tries, how many, and which it keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from resilkit import ClusterSpec, InvalidArgument
from resilkit.testing import Call, Concurrent, Races, find_races, finding
from tests.testing.servers import Account

Verdict = Callable[[int, int], Sequence[int] | None]
"""What a schedule comes to, by the number of operations and the seed: ``None`` where all holds,
else which process did something, one after the other."""


@pytest.fixture
def search(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Races]:
    """Search where it is known beforehand what each schedule comes to."""

    def search(
        verdict: Verdict, *, operations: int, seeds: int, undecided: Sequence[int] = ()
    ) -> Races:
        def run(trial: Any) -> Any:
            race = trial.operations
            at_once = isinstance(race, Concurrent)
            who = verdict(len(race.operations), trial.seed) if at_once else None
            history = [
                SimpleNamespace(process=process, ranks=(2 * place, 2 * place + 1))
                for place, process in enumerate(who or ())
            ]
            return SimpleNamespace(
                trial=trial, passed=who is None, failure=who and "it failed", history=history,
                undecided=at_once and trial.seed in undecided,
            )  # fmt: skip

        monkeypatch.setattr(finding, "run_trial", run)
        half = [Call("get")] * (operations // 2)
        race = Concurrent([half, [Call("get")] * (operations - len(half))])
        return find_races(Account, race, schedules=["random"], seeds=range(seeds), progress=False)

    return search


def test_of_several_schedules_the_first_with_the_fewest_switches_is_kept(
    search: Callable[..., Races],
) -> None:
    switching = {0: [0, 1, 0, 1], 1: [0, 1, 1, 0], 2: [0, 0, 1, 1], 3: [1, 1, 0, 0]}
    races = search(
        lambda count, seed: switching[seed] if count == 2 else None, operations=2, seeds=4
    )
    assert races.trial is not None
    assert (races.switches, races.trial.seed) == (1, 2)


def test_a_shorter_race_that_fails_under_another_schedule_only_is_found(
    search: Callable[..., Races],
) -> None:
    races = search(
        lambda count, seed: [0, 1] if (count, seed) in {(3, 1), (2, 4)} else None,
        operations=3, seeds=6,
    )  # fmt: skip
    assert races.trial is not None
    assert isinstance(races.trial.operations, Concurrent)
    assert len(races.trial.operations.operations) == 2
    assert races.trial.seed == 4


def test_a_race_that_gets_no_shorter_is_tried_under_so_many_schedules_and_no_more(
    search: Callable[..., Races],
) -> None:
    races = search(
        lambda count, seed: [0, 1] if (count, seed) == (20, 0) else None, operations=20, seeds=50
    )
    assert races.found
    # The one that was found, and the most that are tried to shorten it.
    assert races.tried == 1 + 600


def nobody(_count: int, _seed: int) -> None:
    """Say that all holds."""


def test_schedules_that_nobody_could_decide_are_counted(search: Callable[..., Races]) -> None:
    races = search(nobody, operations=2, seeds=10, undecided=[3, 7])
    assert (races.found, races.tried, races.undecided) == (False, 10, 2)
    assert search(nobody, operations=2, seeds=10).undecided == 0


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("settle", 0.5, "nodes, topology"),
        ("may_crash", True, "nodes, topology"),
        ("invariants", [], "nodes, topology"),
        ("faults", [], "nodes, topology"),
        ("duration", 2.0, "nodes, topology"),
        ("node", 2, "nodes, topology"),
        ("seed", 7, "seeds="),
    ],
)
def test_what_is_no_option_of_a_search_is_refused_by_its_name(
    option: str, value: object, allowed: str
) -> None:
    options: dict[str, Any] = {option: value}
    with pytest.raises(InvalidArgument) as refused:
        find_races(Account, [Call("get")], seeds=range(1), progress=False, **options)
    assert (refused.value.path, refused.value.value) == (option, value)
    assert allowed in str(refused.value.allowed)


def test_a_search_takes_a_cluster_or_its_fields() -> None:
    for options in ({"nodes": 2}, {"cluster": ClusterSpec(nodes=2)}):
        given: dict[str, Any] = options
        races = find_races(Account, [Call("get")], seeds=range(1), progress=False, **given)
        assert not races.found
