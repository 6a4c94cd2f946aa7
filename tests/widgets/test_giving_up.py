"""What the supervision panel remembers of supervisors that gave up."""

from __future__ import annotations

import json

from resilkit.metrics.events import Event
from resilkit_widgets import giving_up
from resilkit_widgets.giving_up import GivenUp


def event(name: str, target: str, time: float = 112.34, **detail: object) -> Event:
    return Event(time, "supervision", name, "n1", target, json.dumps(detail))


def gave_up(supervisor: str = "shop", pid: str = "<n1.4.1>", most: int = 0) -> Event:
    return event("gave_up", supervisor, pid=pid, child="till", max_restarts=most, max_seconds=2.5)


def made(*events: Event) -> GivenUp:
    told = GivenUp(100.0)
    for mark, one in enumerate(events, start=1):
        told.take_in(one, mark)
    return told


def test_it_says_when_by_which_rule_and_what_the_child_came_to() -> None:
    why = "OSError: no\nsuch file"
    told = made(event("start_failed", "till", supervisor="shop", reason=why), gave_up())
    told.seen([], 2)
    [words] = told.words(all_over=False)
    assert words == (
        "✗ shop gave up on n1 at 12.3 s (more than 0 restarts in 2.5 s): "
        "till could not be started: OSError: no"
    )


def test_the_end_of_another_child_or_supervisor_is_not_the_reason() -> None:
    others = [
        event("terminated", "till", supervisor="other", reason="no"),
        event("terminated", "stock", supervisor="shop", reason="no"),
    ]
    [words] = made(*others, gave_up()).words(all_over=True)
    assert words.endswith(": till ended too often")


def test_one_that_runs_again_when_nodes_are_asked_is_never_told_of() -> None:
    told = made(gave_up())
    assert told.words(all_over=False) == [], "its own supervisor may have started it again"
    told.seen([("shop", "<n1.9.1>")], 1)
    assert told.words(all_over=True) == []


def test_its_own_last_moments_and_answers_from_before_do_not_take_it_back() -> None:
    told = made(gave_up())
    told.seen([("shop", "<n1.2.1>")], 0)
    told.seen([("shop", "<n1.4.1>"), ("other", "<n1.9.1>")], 1)
    assert len(told.words(all_over=False)) == 1


def test_one_that_gives_up_again_is_told_once_and_anew() -> None:
    told = made(gave_up())
    told.seen([], 1)
    told.take_in(gave_up(pid="<n1.9.1>", most=3), 2)
    [words] = told.words(all_over=False)
    assert "more than 3 restarts" in words


def test_of_many_the_newest_are_told_and_the_others_counted() -> None:
    told = made(*(gave_up(f"shop-{number}") for number in range(300)))
    first, *others = told.words(all_over=True)
    assert first == "✗ 190 supervisors gave up before these."
    assert [each.split()[1] for each in others] == [f"shop-{at}" for at in range(290, 300)]


def test_ends_of_children_are_kept_in_bounded_memory() -> None:
    ends = [event("terminated", "x", supervisor=f"s{at}", reason="no") for at in range(2_000)]
    told = made(*ends)
    assert len(told._ends) == giving_up._MOST_ENDS
    assert ("n1", "s1999") in told._ends


def test_a_detail_that_was_cut_is_told_without_what_it_lacks() -> None:
    cut = Event(101.0, "supervision", "gave_up", "n1", "shop", '{"child": "ti')
    assert made(cut).words(all_over=True) == ["✗ shop gave up on n1 at 1.0 s"]
