"""How a load ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cluster.traces import wait_gone

if TYPE_CHECKING:
    import pandas as pd

    from resilkit.workload.load import LoadRun


def finished(run: LoadRun, timeout: float = 20.0) -> pd.DataFrame:
    """Wait for the end of a load whose generators all report, and return its history."""
    assert run.wait(timeout)
    assert run.finished
    assert run.errors == {}
    wait_gone(list(run.pids.values()))
    return run.history.frame()
