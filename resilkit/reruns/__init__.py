"""Runs again: over many seeds, as they were recorded, and as small as they still fail.

`sweep` runs an experiment once a seed, `replay` runs what a run recorded in a simulation, and
`shrink` looks for the smallest case that fails as a run did; `resilkit.shrinking` is the search
behind that, which knows nothing of experiments. Nothing heavy is imported before a name is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resilkit.importing import whole

if TYPE_CHECKING:
    from resilkit.reruns.replaying import Replay, replay
    from resilkit.reruns.shrinking import shrink
    from resilkit.reruns.shrunk import Shrunk
    from resilkit.reruns.sweeping import sweep

__all__ = ["Replay", "Shrunk", "replay", "shrink", "sweep"]

# No module has the name of something exported here: importing it would hide the export.
_HOMES = {
    "Replay": "replaying",
    "Shrunk": "shrunk",
    "replay": "replaying",
    "shrink": "shrinking",
    "sweep": "sweeping",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(whole(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return __all__
