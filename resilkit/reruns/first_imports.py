"""What a run imports where it first needs it: loaded before the clock of a seed starts."""

from __future__ import annotations

from typing import Final

from resilkit.importing import whole

__all__ = ["FIRST", "import_first"]

FIRST: Final = (
    "pandas",
    "scipy.stats",
    "resilkit.cluster.cluster",
    "resilkit.cluster.node_set_up",
    "resilkit.cluster.simulated.backend",
    "resilkit.cluster.simulated.view",
    "resilkit.experiment.environment",
    "resilkit.experiment.execution",
    "resilkit.experiment.frames",
    "resilkit.experiment.verdicts",
    "resilkit.experiment.words",
    "resilkit.history.columns",
    "resilkit.metrics.baseline",
    "resilkit.metrics.recovery",
    "resilkit.metrics.statistics",
    "resilkit.metrics.trends",
    "resilkit.workload.accounting",
    "resilkit.workload.due",
    "resilkit.workload.following",
    "resilkit.workload.generator",
    "resilkit.workload.generators",
    "resilkit.workload.load",
)
"""Modules that a run of an experiment loads inside of calls."""


def import_first() -> None:
    """Load all that a run would load while its time is counted.

    The first run of a process takes seconds for that, where the second takes hundredths of one:
    with a short timeout the first seed of each worker would fail for no reason of its own.
    """
    for name in FIRST:
        whole(name)
    from resilkit.experiment.environment import read_environment

    read_environment()  # it looks once through what is installed
