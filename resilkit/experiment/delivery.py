"""Which of a run's faults struck, and why the others did not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from resilkit.faults.places import few

if TYPE_CHECKING:
    from resilkit.faults import Fault

__all__ = ["HARMED_NOBODY", "Deliveries"]

HARMED_NOBODY: Final = "was in, but harmed nobody"
"""What is said, with the reason after a colon, of a strike that did as asked and met nobody."""

_IDLE = {
    "touched": "of the messages on its links there was none that it touched",
    "struck": "no message came on which its rule ends a server",
    "killed": "it killed no child while it lasted",
}
"""What it says that a count of the outcome is 0, by the count."""

_MOST_NAMED = 4

_PRESSED = 0.75
"""The part of what was asked below which a node was not pressed as asked."""


class Deliveries:
    """What became of the strikes of each of a scenario's faults."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._faults = faults
        self._planned: set[int] | None = None
        self._injections: dict[int, list[Any]] = {}
        self._refused: dict[int, str] = {}

    def plan(self, indices: Iterable[int]) -> None:
        """Note which of the faults have a moment in this run."""
        self._planned = set(indices)

    def given(self, index: int, injection: Any) -> None:
        """Note the injection of a fault."""
        self._injections.setdefault(index, []).append(injection)

    def refused(self, index: int, why: str) -> None:
        """Note that the cluster did not take a fault."""
        self._refused.setdefault(index, why)

    def problems(self, started: float) -> list[str]:
        """Return a sentence a strike that failed; `started` is when the load began."""
        found = [
            f"{self._faults[index].fault_name} could not be delivered: {why}"
            for index, why in self._refused.items()
        ]
        for index, injections in self._injections.items():
            for outcome in _outcomes(injections):
                if not outcome["delivered"] and not self._spares_all(index):
                    moment = outcome["time"] - started
                    name = self._faults[index].fault_name
                    found.append(
                        f"{name} at {moment:.1f} s could not be delivered: {_why(outcome)}"
                    )
                if idle := _idle(outcome):
                    moment = outcome["time"] - started
                    name = self._faults[index].fault_name
                    found.append(f"{name} at {moment:.1f} s {HARMED_NOBODY}: {idle}")
                for why in _shortfalls(outcome):
                    moment = outcome["time"] - started
                    name = self._faults[index].fault_name
                    found.append(f"{name} at {moment:.1f} s was less than was asked: {why}")
                if "heal_failed" in outcome:
                    moment = outcome["time"] - started
                    found.append(
                        f"{self._faults[index].fault_name} of {moment:.1f} s could not be taken "
                        f"back: {outcome['heal_failed']}"
                    )
        return found

    def undelivered(self) -> dict[str, str]:
        """Return why, by the name of the fault, for each that was due and never struck as asked.

        One strike as asked is enough. A pressure is not as asked where a node reached less than
        3/4 of it; of what nobody could measure there is no proof, either way.
        """
        reasons = {index: self._reason(index) for index in range(len(self._faults))}
        return {self._label(index): why for index, why in reasons.items() if why}

    def unhealed(self) -> dict[str, str]:
        """Return why, by the name of the fault, for each that could not be taken back."""
        return {
            self._label(index): str(outcome["heal_failed"])
            for index, injections in self._injections.items()
            for outcome in _outcomes(injections)
            if "heal_failed" in outcome
        }

    def _label(self, index: int) -> str:
        names = [fault.fault_name for fault in self._faults]
        name = names[index]
        return f"{name} (faults[{index}])" if names.count(name) > 1 else name

    def _reason(self, index: int) -> str:
        outcomes = _outcomes(self._injections.get(index, []))
        if self._spares_all(index) or any(
            outcome["delivered"] and not (_idle(outcome) or _hardly(outcome))
            for outcome in outcomes
        ):
            return ""
        idle = next(filter(None, map(_idle, outcomes)), "")
        if idle:
            return f"it {HARMED_NOBODY}: {idle}"
        if hardly := [why for outcome in outcomes for why in _hardly(outcome)]:
            return hardly[0]
        if outcomes:
            times = "its one strike" if len(outcomes) == 1 else f"all {len(outcomes)} strikes"
            return f"{times} failed: {_why(outcomes[0])}"
        if index in self._refused:
            return self._refused[index]
        # A drawn moment, or the only one, can lie where the run is as good as over.
        fault = self._faults[index]
        if self._planned is not None and index not in self._planned and fault.probability == 1.0:
            return "none of its moments lies before the last 1 % of the run"
        return ""

    def _spares_all(self, index: int) -> bool:
        """Whether the fault is to hit nobody, and did as it was told."""
        return self._faults[index].inert


def _outcomes(injections: Iterable[Any]) -> list[dict[str, Any]]:
    return [outcome for injection in injections for outcome in injection.outcomes]


def _idle(outcome: dict[str, Any]) -> str:
    """Return why a fault that was in did nothing, ``""`` where it did something, or may have."""
    if not outcome["delivered"]:
        return ""
    outcomes = outcome.get("outcomes")
    if outcomes and set(outcomes.values()) == {"trapped"}:
        return f"{few(list(outcomes), _MOST_NAMED)} trapped the exit, and lived on"
    return next((why for key, why in _IDLE.items() if outcome.get(key) == 0), "")


def _shortfalls(outcome: dict[str, Any]) -> list[str]:
    """Return in words where a pressure fell short, or may have."""
    return [f"{short['why']}, on {node}" for node, short in outcome.get("short", {}).items()]


def _hardly(outcome: dict[str, Any]) -> list[str]:
    """Return in words where a pressure fell so far short that the node was hardly pressed."""
    return [
        f"{short['why']}, on {node}"
        for node, short in outcome.get("short", {}).items()
        if short["part"] is not None and short["part"] < _PRESSED
    ]


def _why(outcome: dict[str, Any]) -> str:
    return str(outcome.get("why") or "it had no target")
