"""Live panels of a resilkit cluster for notebooks: ``pip install 'resilkit[lab]'``.

Importing loads nothing of Jupyter and starts nothing: each panel is fetched when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resilkit.importing import whole

_HOMES = {
    "ChaosPanel": "resilkit_widgets.chaos_panel",
    "ClusterPanel": "resilkit_widgets.cluster_panel",
    "Lab": "resilkit_widgets.lab",
    "LiveMetrics": "resilkit_widgets.live_metrics",
    "SupervisionPanel": "resilkit_widgets.supervision_panel",
    "TopologyPanel": "resilkit_widgets.topology_panel",
    "TracePanel": "resilkit_widgets.trace_panel",
    "VerdictPanel": "resilkit_widgets.verdict_panel",
    "WorkloadPanel": "resilkit_widgets.workload_panel",
}

__all__ = [
    "ChaosPanel",
    "ClusterPanel",
    "Lab",
    "LiveMetrics",
    "SupervisionPanel",
    "TopologyPanel",
    "TracePanel",
    "VerdictPanel",
    "WorkloadPanel",
]

if TYPE_CHECKING:
    from resilkit_widgets.chaos_panel import ChaosPanel
    from resilkit_widgets.cluster_panel import ClusterPanel
    from resilkit_widgets.lab import Lab
    from resilkit_widgets.live_metrics import LiveMetrics
    from resilkit_widgets.supervision_panel import SupervisionPanel
    from resilkit_widgets.topology_panel import TopologyPanel
    from resilkit_widgets.trace_panel import TracePanel
    from resilkit_widgets.verdict_panel import VerdictPanel
    from resilkit_widgets.workload_panel import WorkloadPanel


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        value = getattr(whole(_HOMES[name]), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"anywidget", "ipywidgets", "traitlets"}:
            raise
        from resilkit import Unavailable

        raise Unavailable(
            "live panels need anywidget and ipywidgets: pip install 'resilkit[lab]', "
            "then restart the kernel"
        ) from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
