"""How a scenario and the capabilities show themselves."""

from __future__ import annotations

import re

from resilkit import faults
from resilkit.chaos import Scenario
from resilkit.chaos.display import timeline
from resilkit.metrics.fault_looks import colour_of_fault
from tests.seen import HOSTILE, seen, text_of


def bars(picture: str) -> list[tuple[float, float]]:
    found = re.findall(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)" height="8"', picture)
    return [(float(x), float(width)) for x, width in found]


def test_a_scenario_shows_faults_criteria_and_rules() -> None:
    scenario = Scenario(
        HOSTILE, [faults.Latency(0.02, 0.2, at=2.0, duration=3.0)], duration=10.0,
        criteria=["p95 <= 500 ms"], grace=1.0, abort_on_breach=True, description=HOSTILE,
        intensity="high",
    )  # fmt: skip
    text = seen(scenario)
    assert f"scenario {HOSTILE}" in text
    assert "as it is injected, scaled: intensity high" in text
    assert "latency low 40 ms · high 400 ms" in text
    assert "Criteria: p95 <= 500 ms" in text
    assert "not watched in the first 1 s. A run ends as soon as a criterion is breached." in text
    assert "latency at 2 s, until 5 s" in text


def test_each_injection_stands_at_its_time_and_as_long_as_it_lasts() -> None:
    picture = timeline(Scenario("s", [faults.NodePause(every=2.0, count=2, duration=1.0)]), 10.0)
    (first, one), (second, other) = bars(picture)
    assert one == other
    assert round((second - first) / one, 6) == 2.0, "2 s apart, and 1 s long"


def test_a_kind_of_fault_has_the_colour_that_it_has_in_figures_whatever_stands_before_it() -> None:
    crash, loss = faults.ServerCrash(at=4.0), faults.Loss(0.2, at=2.0, duration=1.0)
    for order in ([crash, loss], [loss, crash]):
        picture = timeline(Scenario("s", order), 10.0)
        drawn = re.findall(r"<title>(\w+ ?\w*) at .*?fill=\"(#\w+)\"", picture)
        assert dict(drawn) == {
            name: colour_of_fault(name.replace(" ", "_")) for name in ("server crash", "loss")
        }


def test_a_node_that_comes_back_ends_its_crash() -> None:
    picture = timeline(Scenario("s", [faults.NodeCrash(at=2.0, restart_after=1.5)]), 10.0)
    assert "node crash at 2 s, until 3.5 s" in text_of(picture)
    assert "until the run ends" in text_of(timeline(Scenario("s", [faults.NodeCrash(at=2.0)]), 9.0))


def test_without_a_duration_the_timeline_says_for_which_run_it_is_drawn() -> None:
    assert "Drawn for a run of 30 s." in seen(
        Scenario("s", [faults.Loss(0.1, at=20.0, duration=5.0)])
    )
    drawn = seen(Scenario("s", [faults.Loss(0.1, random=True)], duration=5.0))
    assert "as for seed 0; another seed draws others" in drawn


def test_a_fault_that_never_strikes_says_so() -> None:
    text = seen(Scenario("s", [faults.NodeCrash(probability=0.0)], duration=5.0))
    assert "never in this run" in text


def test_too_many_injections_are_told_and_cost_only_the_picture() -> None:
    text = seen(Scenario("s", [faults.NodePause(every=0.001)], duration=100.0))
    assert "makes too many injections" in text
    assert "node pause" in text


def test_a_control_run_and_one_without_criteria_say_so() -> None:
    text = seen(Scenario("calm"))
    assert "No faults: a control run." in text
    assert "No criteria: a run of it is not judged." in text
