"""Which lines of a chart are shown, and which have a colour."""

from __future__ import annotations

import math

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
