"""Experiments: a cluster, a system, a load and faults in one run, judged, shown and kept.

Nothing heavy is imported before a name is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resilkit.importing import whole

if TYPE_CHECKING:
    from resilkit.experiment.audit import Audit
    from resilkit.experiment.comparison import Comparison, compare
    from resilkit.experiment.determinism import check_determinism
    from resilkit.experiment.difference import DeterminismCheck
    from resilkit.experiment.experiment import Experiment
    from resilkit.experiment.judging import judge
    from resilkit.experiment.progress import Progress
    from resilkit.experiment.result import Result, load
    from resilkit.experiment.saved import runs

__all__ = [
    "Audit",
    "Comparison",
    "DeterminismCheck",
    "Experiment",
    "Progress",
    "Result",
    "check_determinism",
    "compare",
    "judge",
    "load",
    "runs",
]

# No module has the name of something exported here: importing it would hide the export.
_HOMES = {
    "Audit": "audit",
    "Comparison": "comparison",
    "DeterminismCheck": "difference",
    "Experiment": "experiment",
    "Progress": "progress",
    "Result": "result",
    "check_determinism": "determinism",
    "compare": "comparison",
    "judge": "judging",
    "load": "result",
    "runs": "saved",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(whole(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return __all__
