"""How a scenario looks in a notebook: its timeline, its criteria, and how far it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup

from resilkit.chaos.criteria import as_criteria
from resilkit.errors import InvalidArgument
from resilkit.faults import Fault
from resilkit.faults.display import worded
from resilkit.faults.fields import field_info
from resilkit.markup import code, display, guarded, note, paragraph, safe, signed, table
from resilkit.metrics.fault_looks import colour_of_fault
from resilkit.texts import plain

if TYPE_CHECKING:
    from resilkit.chaos.capabilities import Capabilities
    from resilkit.chaos.running import RunningScenario, Struck
    from resilkit.chaos.scenario import Planned, Scenario

__all__ = ["capabilities_html", "criteria_list", "running_html", "scenario_html", "timeline"]

_WIDTH, _LEFT, _RIGHT, _ROW, _AXIS = 640, 150, 14, 22, 34
_LONGEST_LABEL = 22
_MOST_MARKS = 300
_MOST_LANES = 30
_LEAST_SECONDS = 10.0


@guarded
def scenario_html(scenario: Scenario) -> str:
    """Return a scenario: faults on a timeline, what each does, and the criteria."""
    return display(
        "scenario", scenario.name,
        note(scenario.description) if scenario.description else "",
        timeline(scenario), _fault_table(scenario), criteria_list(scenario), _rules(scenario),
    )  # fmt: skip


@guarded
def running_html(running: RunningScenario) -> str:
    """Return a scenario that was started: how far it is, and what became of each strike."""
    strikes = running.strikes
    rows = [
        (
            one.fault.replace("_", " "), *map(_seconds, (one.planned, one.began, one.ended)),
            one.where or "–", signed(one.state, _lasting(one, running.duration)), one.why,
        )
        for one in strikes
    ]  # fmt: skip
    heads = ("fault", "planned (s)", "struck (s)", "healed (s)", "where", "state", "")
    shown = table(heads, rows, numbers=(1, 2, 3)) or note("It has no strike: a control run.")
    # A cell's output stays as it is: what it says must be true later, too.
    later = Markup("") if running.done else note("So it was then; show it again for how it is now.")
    return display("running scenario", running.scenario.name, note(running.told()), later, shown)


def _lasting(strike: Struck, duration: float) -> str:
    """Return for how long a strike is in, where it is."""
    if strike.state != "active":
        return ""
    until = duration if strike.until is None else min(strike.until, duration)
    return f"in until {until:g} s"


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def timeline(scenario: Scenario, duration: float | None = None, seed: int | None = None) -> Markup:
    """Return the planned injections as an inline SVG, and a line that says of which run.

    Args:
        scenario: The scenario.
        duration: Seconds of the run; ``None``: the scenario's own, else what shows all faults.
        seed: Of the run; ``None``: nobody has decided it yet.
    """
    if not scenario.faults:
        return note("No faults: a control run.")
    given = scenario.duration if duration is None else duration
    seconds = given or _horizon(scenario.faults)
    try:
        plan = scenario.timeline(seconds, 0 if seed is None else seed)
    except InvalidArgument as error:
        return paragraph(str(error), kind="bad")
    words = [] if given else [f"drawn for a run of {seconds:g} s"]
    if seed is None and any(fault.random or fault.probability < 1 for fault in scenario.faults):
        words.append("moments and chances as for seed 0; another seed draws others")
    return _svg(scenario, plan, seconds) + (note("; ".join(words).capitalize(), ".") if words
                                            else Markup(""))  # fmt: skip


def _horizon(faults: Sequence[Fault]) -> float:
    ends = []
    for fault in faults:
        first = fault.every if fault.at is None else fault.at
        repeats = fault.every * ((fault.count or 3) - 1) if fault.every else 0.0
        ends.append((first or 0.0) + repeats + (fault.duration or 0.0))
    return float(f"{max(_LEAST_SECONDS, max(ends) * 1.2):.2g}")


def _svg(scenario: Scenario, plan: Sequence[Planned], seconds: float) -> Markup:
    lanes = min(len(scenario.faults), _MOST_LANES)
    height = lanes * _ROW + _AXIS
    across = _WIDTH - _LEFT - _RIGHT
    floor = lanes * _ROW + 4
    parts = []
    if scenario.grace:
        wide = min(scenario.grace / seconds, 1.0) * across
        parts.append(
            Markup(
                '<rect x="{}" y="0" width="{:.1f}" height="{}" fill="#8882">'
                "<title>grace: criteria are not watched</title></rect>"
            ).format(_LEFT, wide, floor)
        )
    for place, fault in enumerate(scenario.faults[:lanes]):
        marks = [one for one in plan if one.fault_index == place][:_MOST_MARKS]
        parts.append(_lane(place, fault, marks, seconds))
    parts += [_tick(moment, seconds, floor) for moment in _ticks(seconds)]
    axis = Markup('<path d="M{},{}H{}" stroke="#8888" fill="none"/>').format(
        _LEFT, floor, _WIDTH - _RIGHT
    )
    more = len(scenario.faults) - lanes
    below = note(f"… and {plain(more, 'more fault')}") if more > 0 else Markup("")
    return (
        Markup(
            '<svg width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" aria-label="{label}">'
            "{parts}</svg>"
        ).format(
            w=_WIDTH,
            h=height,
            label=f"{plain(len(plan), 'injection')} of {plain(len(scenario.faults), 'fault')} "
            f"in {seconds:g} s",
            parts=Markup("").join([*parts, axis]),
        )
        + below
    )


def _lane(place: int, fault: Fault, marks: Sequence[Planned], seconds: float) -> Markup:
    across = _WIDTH - _LEFT - _RIGHT
    colour, top = colour_of_fault(fault.fault_name), place * _ROW
    middle = top + _ROW / 2
    name = fault.fault_name.replace("_", " ")
    label = name if len(name) <= _LONGEST_LABEL else f"{name[:_LONGEST_LABEL]}…"
    drawn = [
        Markup('<text x="{}" y="{}" text-anchor="end">{}</text>').format(
            _LEFT - 8, middle + 4, safe(label)
        )
    ]
    for number, mark in enumerate(marks):
        begin = _LEFT + mark.time / seconds * across
        end = _end_of(mark)
        until = _LEFT + min(seconds if end is None else end, seconds) / seconds * across
        if end is None and number:
            until = begin  # the bar of the first one is there already
        told = f"{name} at {mark.time:.3g} s, {_until(end)}"
        drawn.append(
            Markup(
                '<g><title>{}</title><rect x="{:.1f}" y="{}" width="{:.1f}" height="{}" rx="2" '
                'fill="{}" fill-opacity="{}"/><path d="M{:.1f},{}l-4,-7h8z" fill="{}"/></g>'
            ).format(
                safe(told),
                begin,
                middle - 4,
                max(until - begin, 1.0),
                8,
                colour,
                ".22" if end is None else ".5",
                begin,
                middle + 4,
                colour,
            )
        )
    if not marks:
        drawn.append(
            Markup('<text x="{}" y="{}" opacity=".7">never in this run</text>').format(
                _LEFT + 6, middle + 4
            )
        )
    return Markup("").join(drawn)


def _end_of(mark: Planned) -> float | None:
    """Return when an injection ends by itself, a node that comes back among it."""
    back = getattr(mark.fault, "restart_after", None)
    if mark.end is None and isinstance(back, (int, float)):
        return mark.time + back
    return mark.end


def _until(end: float | None) -> str:
    return "until the run ends" if end is None else f"until {end:.3g} s"


def _ticks(seconds: float) -> list[float]:
    raw = seconds / 6
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * each for each in (1, 2, 5, 10) if power * each >= raw * 0.999)
    return [step * number for number in range(int(seconds / step + 1e-9) + 1)]


def _tick(moment: float, seconds: float, floor: float) -> Markup:
    x = _LEFT + moment / seconds * (_WIDTH - _LEFT - _RIGHT)
    unit = " s" if moment == 0 else ""
    return Markup(
        '<path d="M{0:.1f},{1}v4" stroke="#8888"/>'
        '<text x="{0:.1f}" y="{2}" text-anchor="middle">{3:g}{4}</text>'
    ).format(x, floor, floor + 17, moment, unit)


def _fault_table(scenario: Scenario) -> Markup:
    rows = [
        (fault.fault_name.replace("_", " "), _settings(fault)) for fault in scenario.scaled_faults
    ]
    note_of = "" if scenario.intensity == "medium" else f", scaled: intensity {scenario.intensity}"
    return table(("fault", "as it is injected" + note_of), rows)


def _settings(fault: Fault) -> Markup:
    told = [
        Markup("{} {}").format(info.name.replace("_", " "), safe(worded(value, info)))
        for info in field_info(type(fault))
        if (value := getattr(fault, info.name)) != info.default or (info.own and value is not None)
    ]
    return Markup(" · ").join(told)


def criteria_list(scenario: Scenario) -> Markup:
    """Return the criteria in the letters of code."""
    criteria = as_criteria(scenario.criteria)
    if not criteria:
        return note("No criteria: a run of it is not judged.")
    return paragraph(
        "Criteria: ", Markup(" · ").join(code(str(each).replace(" ", "\N{NO-BREAK SPACE}"))
                                         for each in criteria),
    )  # fmt: skip


def _rules(scenario: Scenario) -> Markup:
    told = [
        f"Criteria are not watched in the first {scenario.grace:g} s." if scenario.grace else "",
        "A run ends as soon as a criterion is breached." if scenario.abort_on_breach else "",
        f"Requires {', '.join(scenario.requires)}." if scenario.requires else "",
    ]
    words = " ".join(each for each in told if each)
    return note(words) if words else Markup("")


@guarded
def capabilities_html(found: Capabilities) -> str:
    """Return what works on this machine, and why the rest does not."""
    heads = ("name", "kind", "works", "in a simulation", "why")
    simulated = {True: "✓ yes", False: "✗ no", None: ""}
    rows = [
        (row.name, row.kind, Markup('<span class="rk-word">{}</span>').format(
            "✓ yes" if row.works else "✗ no"), simulated[row.simulated], row.why)
        for row in found.rows
    ]  # fmt: skip
    working = sum(row.works for row in found.rows)
    return display(
        "capabilities", f"{working} of {len(rows)} work here", table(heads, rows, most=len(rows))
    )
