"""Which lines of a chart are shown, and which have a colour."""

from __future__ import annotations

import math
import threading
from typing import Any

from resilkit_widgets.line_choice import LineChoice

Key = tuple[str, str]


def keys(*numbers: int) -> list[Key]:
    return [("n1", f"s{number:03}") for number in numbers]


def values(count: int, **larger: float) -> dict[Key, float]:
    """Return the newest values of servers: 0, but for those that are told."""
    found = dict.fromkeys(keys(*range(count)), 0.0)
    return found | {("n1", name): value for name, value in larger.items()}


def test_forty_lines_are_all_shown() -> None:
    choice = LineChoice()
    assert choice.choose(values(40), 1.0) == keys(*range(40))
    assert choice.of == 40


def test_one_that_grows_is_shown_at_once_when_the_others_have_stood_long_enough() -> None:
    choice = LineChoice()
    first = choice.choose(values(300), 0.0)
    assert first == keys(*range(40)), "where all are as large, those that come first"
    grown = choice.choose(values(300, s123=9.0), 2.0)
    assert set(grown) - set(first) == set(keys(123))


def test_lines_stay_for_two_seconds_though_others_are_larger() -> None:
    choice = LineChoice()
    choice.choose(values(300), 0.0)
    shown = choice.choose(values(300, s123=9.0), 2.0)
    assert choice.choose(values(300, s200=99.0), 3.9) == shown
    assert keys(200)[0] in choice.choose(values(300, s200=99.0), 4.0)


def test_a_line_whose_peak_is_in_view_is_shown_though_it_is_small_by_now() -> None:
    choice = LineChoice()
    choice.choose(values(300, s123=9.0), 0.0)
    others = {f"s{number:03}": 1.0 for number in range(200, 300)}
    assert keys(123)[0] in choice.choose(values(300, **others), 20.0), "its peak counts for 4.5"
    assert keys(123)[0] not in choice.choose(values(300, **others), 90.0)


def test_what_could_not_be_measured_is_no_large_value() -> None:
    choice = LineChoice()
    unknown = {f"s{number:03}": math.nan for number in range(6, 250, 2)}
    shown = set(choice.choose(values(300, **unknown), 0.0))
    assert not shown & {("n1", name) for name in unknown}


def test_of_lines_that_are_as_large_those_stay_that_are_shown() -> None:
    choice = LineChoice()
    before = choice.choose(dict.fromkeys(keys(*range(100, 400)), 0.0), 0.0)
    assert choice.choose(dict.fromkeys(keys(*range(90, 400)), 0.0), 9.0) == before


def test_a_line_that_is_gone_gives_its_place_up_at_once() -> None:
    choice = LineChoice()
    before = choice.choose(values(300), 0.0)
    left = values(300)
    del left[before[-1]]
    after = choice.choose(left, 0.1)
    assert len(after) == 40
    assert before[-1] not in after


def test_a_line_that_comes_back_has_its_colour_still() -> None:
    choice = LineChoice()
    choice.choose(values(3), 0.0)
    choice.choose(dict.fromkeys(keys(1, 2, 3), 0.0), 1.0)
    choice.choose(values(4), 2.0)
    assert [choice.styles[key] for key in keys(0, 1, 2, 3)] == [0, 1, 2, 3]


def named(choice: LineChoice) -> dict[str, int]:
    return {key[1]: style for key, style in choice.styles.items() if style >= 0}


def test_the_largest_have_the_colours_by_name_and_of_those_that_are_alike_the_first() -> None:
    choice = LineChoice()
    choice.choose(values(300, s123=900.0, s007=3.0), 0.0)
    assert named(choice) == {"s000": 0, "s001": 1, "s002": 2, "s003": 3, "s007": 4, "s123": 5}


def test_one_that_becomes_clearly_larger_takes_the_place_of_the_smallest_that_has_a_name() -> None:
    choice = LineChoice()
    six = {f"s00{number}": 10.0 + number for number in range(6)}
    choice.choose(values(6, **six), 0.0)
    before = named(choice)
    choice.choose(values(8, **six, s006=19.0, s007=15.0), 1.0)
    assert named(choice) == before, "not twice as large as the smallest"
    choice.choose(values(8, **six, s006=21.0, s007=15.0), 1.1)
    smallest = before.pop("s000")
    assert named(choice) == before | {"s006": smallest}
    assert choice.styles["n1", "s000"] == -1
    choice.choose(values(8, **six, s006=21.0, s007=99.0), 3.0)
    assert "s007" not in named(choice), "names stay for two seconds"
    choice.choose(values(8, **six, s006=21.0, s007=99.0), 3.1)
    assert named(choice)["s007"] == before["s001"]


def test_names_do_not_flicker_while_idle_servers_have_a_message_now_and_then() -> None:
    choice = LineChoice()
    choice.choose(values(30, s000=40.0), 0.0)
    before = named(choice)
    for tick in range(1, 300):
        busy = {f"s{29 - tick % 29:03}": 1.0}
        choice.choose(values(30, s000=40.0, **busy), 0.1 * tick)
        assert named(choice) == before, "one message is no news beside forty"


def test_supervisors_come_last_and_have_a_name_only_where_one_is_left() -> None:
    choice = LineChoice()
    supervisors = {"s000", "s001"}
    assert choice.choose(values(4), 0.0, last=supervisors) == keys(2, 3, 0, 1)
    assert set(named(choice)) == {"s000", "s001", "s002", "s003"}
    before = named(choice)
    after = choice.choose(values(8, s000=9.0), 2.0, last=supervisors)
    assert after == keys(2, 3, 4, 5, 6, 7, 0, 1)
    assert set(named(choice)) == {f"s00{number}" for number in range(2, 8)}
    kept = {name: style for name, style in before.items() if name not in supervisors}
    assert kept.items() <= named(choice).items()
    lines = choice.choose(values(300, s000=9.0, s250=3.0), 4.0, last=supervisors)
    assert "s250" in named(choice), "though a supervisor is larger"
    assert lines[-2:] == keys(0, 1), "shown, but without a name"


def test_one_that_gets_a_name_is_shown_at_once() -> None:
    choice = LineChoice()
    choice.choose(values(300), 0.0)
    assert keys(123)[0] in choice.choose(values(300, s123=9.0), 0.5)
    assert "s123" in named(choice)


def test_lines_that_are_chosen_anew_have_the_colours_of_those_that_are_gone() -> None:
    choice = LineChoice()
    choice.choose(values(300), 0.0)
    assert choice.styles[keys(250)[0]] == -1
    choice.choose(dict.fromkeys(keys(250, 251), 0.0), 1.0)
    assert [choice.styles[key] for key in keys(250, 251)] == [0, 1]


def test_names_that_never_come_back_are_forgotten() -> None:
    choice = LineChoice()
    for number in range(0, 20_000, 10):
        choice.choose(dict.fromkeys(keys(*range(number, number + 10)), 0.0), float(number))
    assert len(choice.styles) < 1_100


def test_what_a_copy_chooses_changes_nothing_where_it_comes_from() -> None:
    choice = LineChoice()
    shown = choice.choose(values(300), 0.0)
    before = dict(choice.styles)
    copied = choice.copy()
    assert (copied.of, copied.styles) == (300, before)
    assert copied.choose(values(300), 1.0) == shown, "it goes on from here"
    copied.choose(values(400, s200=9.0), 9.0)
    copied.wear(keys(0)[0], 5)
    assert copied.styles[keys(200)[0]] >= 0
    assert (choice.of, choice.styles) == (300, before)
    assert choice.choose(values(300), 1.0) == shown


def test_a_copy_that_another_thread_takes_in_the_middle_of_a_choice_is_whole() -> None:
    choice = LineChoice()
    choice.choose(values(3), 0.0)
    copies: list[LineChoice] = []
    other = threading.Thread(target=lambda: copies.append(choice.copy()), daemon=True)

    class Telling:
        """The lock of the choice, which tells when the other thread wants it."""

        def __init__(self) -> None:
            self.lock, self.wanted = choice._lock, threading.Event()

        def __enter__(self) -> None:
            if threading.current_thread() is other:
                self.wanted.set()
            self.lock.acquire()

        def __exit__(self, *_: object) -> None:
            self.lock.release()

    class Values(dict[Key, float]):
        """Values that are looked at when the choice is half made."""

        def items(self) -> Any:
            other.start()
            assert lock.wanted.wait(20.0), "it takes no lock"
            return super().items()

    lock: Any = Telling()
    choice._lock = lock
    choice.choose(Values(values(5)), 1.0)
    other.join(20.0)
    [copied] = copies
    assert copied.of == len(copied.styles) == 5
