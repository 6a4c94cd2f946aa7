"""Named scenarios: ready to run, and examples of how to write one."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Final

from resilkit import validate
from resilkit.chaos.scenario import INTENSITIES, Intensity, Scenario
from resilkit.errors import InvalidArgument
from resilkit.faults import Latency, Memory, NodeCrash, Partition

__all__ = ["SHORTEST", "named", "scenario_names"]

SHORTEST: Final = 0.1
"""Seconds to which a timeline may be squeezed; in less, its moments would be closer than faults
may follow each other, at any intensity.
"""


def _progressive_node_failures(duration: float, intensity: Intensity) -> Scenario:
    """One node after the other crashes and comes back, while links are slow."""
    step = duration / 5
    return Scenario(
        "progressive node failures",
        [
            NodeCrash(kind="progressive", at=step, every=step, count=3, restart_after=step / 2),
            Latency(0.02, 0.2, fraction=0.3),
        ],
        criteria=[
            "availability >= 0.8",
            "recovery_time <= 5 s",
            "p95 <= 500 ms",
            "error_rate < 5 %",
        ],
        duration=duration,
        intensity=intensity,
        description="One node after the other crashes and comes back, while links are slow.",
    )


def _memory_pressure_with_partitions(duration: float, intensity: Intensity) -> Scenario:
    """A node is short of memory while the cluster falls apart and heals, again and again."""
    return Scenario(
        "memory pressure with partitions",
        [
            Memory(0.9, at=duration / 9, duration=duration * 4 / 9),
            Partition("halves", every=duration / 3, duration=duration / 9),
        ],
        criteria=["availability >= 0.7", "error_rate < 5 %", "gc_pressure <= 0.8"],
        duration=duration,
        intensity=intensity,
        description="A node is short of memory while the cluster falls apart and heals again.",
    )


_LIBRARY: Final[Mapping[str, tuple[Callable[[float, Intensity], Scenario], float]]] = {
    "progressive node failures": (_progressive_node_failures, 30.0),
    "memory pressure with partitions": (_memory_pressure_with_partitions, 45.0),
}
"""Each scenario with its usual duration in seconds."""


def scenario_names() -> list[str]:
    """Return the names that `named` knows.

    Examples:
        >>> scenario_names()
        ['progressive node failures', 'memory pressure with partitions']
    """
    return list(_LIBRARY)


def named(name: str, *, duration: float | None = None, intensity: Intensity = "medium") -> Scenario:
    """Return a scenario of the library.

    Args:
        name: Its name; case does not matter, and ``_`` or ``-`` may stand for a space.
        duration: Seconds that a run takes, at least 0.1, with all moments scaled to it; ``None``:
            its own.
        intensity: ``"low"``, ``"medium"`` or ``"high"``; see `Scenario`.

    Raises:
        InvalidArgument: No scenario has that name, or an argument is wrong.

    Examples:
        >>> named("Progressive_Node_Failures", duration=10.0).faults[0].every
        2.0
    """
    wanted = (
        " ".join(name.replace("_", " ").replace("-", " ").lower().split())
        if isinstance(name, str)
        else ""
    )
    if wanted not in _LIBRARY:
        near = difflib.get_close_matches(wanted, _LIBRARY, n=1)
        near = near or [known for known in _LIBRARY if wanted and wanted in known][:1]
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise InvalidArgument(
            f"is not known{hint}", path="name", value=name, allowed=", ".join(map(repr, _LIBRARY))
        )
    validate.choice(intensity, "intensity", list(INTENSITIES))
    build, usual = _LIBRARY[wanted]
    if duration is None:
        return build(usual, intensity)
    length = validate.number(duration, "duration", low=SHORTEST, high=validate.LONGEST_DURATION)
    return build(length, intensity)
