"""The table of benchmarks is well formed and judges rightly; the figures are not tested."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.benchmarks.contest import Aim, Row, rows
from tests.benchmarks.report import document, table
from tests.benchmarks.runner import Outcome, judge, run


def nothing(seconds: float) -> float:
    return seconds


def row(unit: str, *aims: Aim) -> Row:
    contestants = {"resilkit": nothing, "peer": nothing}
    return Row(name="a", title="A", unit=unit, contestants=contestants, aims=aims)


@pytest.mark.parametrize("name", rows())
def test_every_aim_compares_with_somebody_who_takes_part(name: str) -> None:
    found = rows()[name]
    assert found.contestants.keys() >= {
        who for aim in found.aims for who in (aim.peer, aim.ours) if who is not None
    }
    assert "resilkit" in found.contestants


@pytest.mark.parametrize(
    ("unit", "ours", "met"),
    [("per second", 31.0, True), ("per second", 29.0, False), ("seconds", 31.0, False)],
)
def test_a_rate_must_reach_its_factor_and_a_time_must_stay_below(
    unit: str, ours: float, met: bool
) -> None:
    outcome = Outcome(row(unit, Aim("peer", 3)), {"resilkit": [1.0, ours, 99.0], "peer": [10.0]})
    (judged,) = judge(outcome)
    assert (judged.ratio, judged.met) == (ours / 10, met)


def test_an_aim_without_a_peer_bounds_the_figure_itself() -> None:
    outcome = Outcome(row("bytes", Aim(None, 3000)), {"resilkit": [3001.0], "peer": [1.0]})
    assert judge(outcome)[0].met is False


def test_a_missing_figure_is_neither_reached_nor_missed() -> None:
    outcome = Outcome(row("bytes", Aim("peer", 3)), {"resilkit": [1.0]}, {"peer": "no such thing"})
    assert judge(outcome)[0].met is None
    assert document([outcome])[0]["failures"] == {"peer": "no such thing"}
    assert table([outcome]).row_count == 2


def test_a_contestant_runs_in_a_process_of_its_own_and_its_error_is_told() -> None:
    known = rows()["sampling"]
    asked: list[str] = []
    strange = Row(
        name="sampling",
        title="",
        unit="per second",
        contestants={**known.contestants, "nobody": nothing},
    )
    outcome = run(strange, rounds=2, seconds=0.01, tell=asked.append)
    assert outcome.figures["resilkit"][0] > 0
    assert len(outcome.figures["psutil"]) == 2
    assert outcome.failures == {"nobody": "KeyError: 'nobody'"}
    assert sum("nobody" in line for line in asked) == 1


def test_a_peer_that_is_not_installed_is_not_available() -> None:
    missing = "import sys; sys.modules['hdrh.histogram'] = None"
    begin = "from tests.benchmarks.contestant import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", f"{missing}; {begin}", "recording", "hdrhistogram", "0.01"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stderr.splitlines() == ["not available: no module 'hdrh.histogram'"]


def test_the_picture_of_costs_holds_every_size_that_is_measured() -> None:
    from resilkit.metrics.plots.style import theme_named
    from tests.benchmarks.picture import draw

    chosen = [rows()[name] for name in ("simulator-start", "simulator-nodes", "simulator-pace")]
    outcomes = [
        Outcome(each, {who: [number + 1.0] for number, who in enumerate(each.contestants)})
        for each in chosen
    ]
    left, right = draw({"rows": document(outcomes)}, theme_named("light")).axes
    drawn = [list(line.get_ydata()) for line in (*left.get_lines(), right.get_lines()[0])]
    assert drawn == [[number + 1.0 for number in range(len(each.contestants))] for each in chosen]
    with pytest.raises(SystemExit, match="no row 'simulator-nodes': run"):
        draw({"rows": document(outcomes[:1])}, theme_named("light"))
