"""Scenarios as the chaos panel shows them: what is planned, and what has become of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from resilkit import Cluster, InvalidArgument, ResilkitError, Scenario, amounts, validate
from resilkit.chaos import RunningScenario, named, scenario_names
from resilkit.chaos.fitting import check_fit
from resilkit.chaos.planning import planned_strikes
from resilkit.chaos.scenario_files import line_of
from resilkit.faults.lasting import lasts
from resilkit.metrics.fault_looks import look_of_fault
from resilkit.runtime.reasons import describe
from resilkit_widgets.fault_forms import described
from resilkit_widgets.machine import lacking

if TYPE_CHECKING:
    from resilkit.chaos import Planned, Struck

__all__ = ["drafted", "library", "plans_of", "read_draft", "run_shown"]

_LONGEST_DRAFT = 10_000
"""Characters of a scenario that are read with each key that somebody presses: for 0.2 s at most."""

_MOST_MARKS = 300
"""Strikes of one fault that are drawn: more stand so close that nobody can tell them apart."""


def library() -> list[dict[str, Any]]:
    """Return the named scenarios, with what each does and how long it usually takes."""
    found = [named(name) for name in scenario_names()]
    return [
        {"name": one.name, "doc": one.description, "duration": f"{one.duration:g} s"}
        for one in found
    ]


# What somebody writes -----------------------------------------------------------------------------


def read_draft(content: Mapping[str, Any]) -> tuple[Scenario, float | None, int | None]:
    """Return the scenario that a form describes, and the duration and seed that it asks for.

    Args:
        content: ``yaml`` of at most 10,000 characters, or else ``name`` and ``intensity``;
            ``duration`` and ``seed`` as texts, ``""`` for those of the scenario and of the cluster.

    Raises:
        InvalidArgument: Something is wrong; the path begins with the field, or is inside the YAML.

    Examples:
        >>> read_draft({"name": "progressive node failures", "duration": "1 min", "seed": "7"})[1:]
        (60.0, 7)
    """
    duration = _duration(content.get("duration"))
    seed = _seed(content.get("seed"))
    if (text := content.get("yaml")) is not None:
        if isinstance(text, str) and len(text) > _LONGEST_DRAFT:
            most = f"at most {_LONGEST_DRAFT:,} characters; Scenario.from_file reads longer ones"
            raise InvalidArgument("is too long to be read here", path="yaml", allowed=most)
        return Scenario.from_yaml(text), duration, seed
    intensity = content.get("intensity") or "medium"
    return named(content.get("name"), duration=duration, intensity=intensity), duration, seed  # type: ignore[arg-type]


def _duration(text: object) -> float | None:
    if text is None or (isinstance(text, str) and not text.strip()):
        return None
    if isinstance(text, str):
        try:
            text = float(text)
        except ValueError:
            text = amounts.parse_duration(str(text), "duration")
    return validate.duration(text, "duration", allow_zero=False)


def _seed(text: object) -> int | None:
    if text is None or (isinstance(text, str) and not text.strip()):
        return None
    if isinstance(text, str) and text.strip().isdecimal():
        text = int(text[:40])
    return validate.number(text, "seed", low=0, high=2**63 - 1, integer=True)


def drafted(content: Mapping[str, Any], cluster: Cluster) -> dict[str, Any]:
    """Return what a form comes to: its plan as a timeline, or what is wrong and where.

    Returns:
        ``timeline`` (``None`` where there is none), ``problem`` (``""`` for none), its ``place``
        (``"duration"``, ``"seed"``, ``"yaml"`` or ``"name"``) and ``line`` in the YAML, the
        ``yaml`` of the scenario, the ``seed``, and the ``number`` of the question.
    """
    text = content.get("yaml")
    answer: dict[str, Any] = {"timeline": None, "problem": "", "place": "", "line": None}
    answer |= {"yaml": text or "", "seed": str(cluster.seed), "number": content.get("number", 0)}
    try:
        scenario, duration, seed = read_draft(content)
        answer["yaml"] = scenario.to_yaml() if text is None else text
        length = duration or scenario.duration
        if length is None:
            allowed = "seconds > 0, here or as duration of the scenario"
            raise InvalidArgument("is missing", path="duration", allowed=allowed)
        check_fit(scenario, cluster._session, length, machine=lacking() is not None)
        root = cluster.seed if seed is None else seed
        answer["timeline"] = plan_shown(scenario, length, root)
    except ResilkitError as error:
        answer |= _placed(error, content)
    except Exception as error:  # noqa: BLE001 - a fault of the user's may raise anything
        place = "name" if text is None else "yaml"
        answer |= {"timeline": None, "place": place, "problem": describe(error)}
    return answer


def _placed(error: ResilkitError, content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the problem, the field where it stands, and its line where that is the YAML."""
    path = error.path if isinstance(error, InvalidArgument) else ""
    text = content.get("yaml")
    written = f"\n{text}" if isinstance(text, str) else ""
    if path in ("duration", "seed") and (content.get(path) or f"\n{path}:" not in written):
        return {"place": path, "problem": str(error).removeprefix(f"{path}: ")}
    if text is None:
        return {"place": "name", "problem": str(error).removeprefix("name: ")}
    if path == "yaml":
        told = re.search(r"\bline (\d+)", str(error))  # it cannot be read, and says where not
        line = int(told[1]) if told else None
    else:
        line = line_of(written[1:], path) if path else None
    return {"place": "yaml", "problem": str(error).removeprefix("yaml: "), "line": line}


# Timelines ----------------------------------------------------------------------------------------


def plan_shown(scenario: Scenario, duration: float, seed: int) -> dict[str, Any]:
    """Return a timeline of what is planned."""
    plan = planned_strikes(scenario, duration, seed)
    strikes = [_planned(one, duration) for one in plan]
    lanes = _lanes(scenario, strikes)
    return {"name": scenario.name, "duration": duration, "seed": str(seed), "lanes": lanes}


def plans_of(cluster: Cluster) -> list[RunningScenario]:
    """Return the scenarios to show, the newest first: those that run, else the last one."""
    plans = [one for one in list(cluster._session.faults.plans) if isinstance(one, RunningScenario)]
    running = [one for one in plans if not one.done]
    return list(reversed(running or plans[-1:]))


def run_shown(running: RunningScenario, started: float) -> dict[str, Any]:
    """Return a timeline of what is planned and has happened; `started` is the charts' 0."""
    done = running.done
    faults = running.scenario.scaled_faults
    at_once = {index for index, fault in enumerate(faults) if lasts(fault) == 0.0}
    strikes = [
        _struck(one, running.duration, at_once=one.fault_index in at_once)
        for one in running.strikes
    ]
    return {
        "id": f"{running.started:.6f}",
        "name": running.scenario.name,
        "duration": running.duration,
        "seed": str(running.seed),
        "by": running.by,
        "at": round(running.started - started, 1),
        "elapsed": round(running.elapsed, 2),
        "state": "running" if not done else "stopped" if running.stopped else "over",
        "lanes": _lanes(running.scenario, strikes),
    }


def _planned(one: Planned, duration: float) -> dict[str, Any]:
    until = duration if one.end is None else one.end
    return {"lane": one.fault_index, "at": one.time, "until": until, "state": "planned"}


def _struck(one: Struck, duration: float, *, at_once: bool) -> dict[str, Any]:
    # What is over when it has struck leaves nothing to heal.
    struck = at_once and one.state == "healed"
    return {
        "lane": one.fault_index,
        "at": one.planned,
        "until": duration if one.until is None else one.until,
        "state": "struck" if struck else one.state,
        "began": one.began,
        "ended": None if struck else one.ended,
        "where": one.where,
        "why": one.why,
    }


def _lanes(scenario: Scenario, strikes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    lanes = []
    for index, fault in enumerate(scenario.scaled_faults):
        mine = [one for one in strikes if one["lane"] == index]
        drawn = [{key: each[key] for key in each if key != "lane"} for each in mine]
        lanes.append(
            {
                "label": fault.fault_name.replace("_", " "),
                "about": described(fault),
                "colour": look_of_fault(fault.fault_name),
                "strikes": drawn[:_MOST_MARKS],
                "more": max(len(drawn) - _MOST_MARKS, 0),
            }
        )
    return lanes
