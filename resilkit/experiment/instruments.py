"""What a run was measured with and lost: its launcher, its load generators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LAUNCHER_DIED", "lost_instruments"]

LAUNCHER_DIED: Final = "the launcher died"
"""How the reason for a lost launcher begins."""


def lost_instruments(events: pd.DataFrame, load: Any) -> dict[str, str]:
    """Return why each instrument of a run was lost, by its name; the cause of all else is first.

    Args:
        events: The frame of the run's events.
        load: Its load, at its end.
    """
    died = events.loc[(events["kind"] == "node") & (events["event"] == "launcher_died"), "time"]
    if len(died):
        # All processes of the cluster end with it, the generators too: one cause, told once.
        moment = float(died.iloc[0]) - float(load.started)
        when = f"at {moment:.1f} s" if moment >= 0 else "before the load began"
        return {"launcher": f"{LAUNCHER_DIED} {when}, and all nodes and load generators with it"}
    told = {f"@{report.generator}" for report in load.reports}
    return {
        f"load generator {name}": f"it gave no report: {why}"
        for name, why in load.errors.items()
        if name not in told and name.partition(".")[0] not in told
    }
