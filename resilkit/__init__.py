"""resilkit: a resilience laboratory for Python that lives in the notebook.

Write a server, launch it as a cluster of processes, load it, break it, watch memory, queue length
and latency, and end with a checked verdict::

    import resilkit as rk

Importing loads almost nothing and starts nothing: each name is fetched when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "resilkit.runtime": (
        "NO_REPLY", "ChildSpec", "Deferred", "Down", "Exit", "NodeLost", "NodeUp", "Pid",
        "Published", "Reference", "Server", "Storage", "SupervisorSpec",
    ),
    "resilkit.cluster": (
        "Alert", "Cluster", "ClusterReference", "ClusterSpec", "Injection", "Limits", "LinkLatency",
        "NodeHandle", "NodeSpec", "RestartPolicy", "Trace",
    ),
    "resilkit.network.verdicts": ("HOLD", "PASS", "Deliver", "Drop", "Duplicate", "Hold", "Pass"),
    "resilkit.faults": (
        "Fault", "LinkFault", "NodeFault", "PartitionFault", "ResourceFault", "ServerFault",
        "register_fault",
    ),
    "resilkit.history": ("History",),
    "resilkit.workload": ("Operation", "User", "Workload"),
    "resilkit.chaos": ("Criterion", "Scenario", "capabilities"),
    "resilkit.experiment": (
        "Audit", "Comparison", "DeterminismCheck", "Experiment", "Result", "check_determinism",
        "compare", "judge", "load", "runs",
    ),
    "resilkit.reruns": ("Replay", "Shrunk", "replay", "shrink", "sweep"),
    "resilkit.testing": ("find_races",),
    "resilkit.settings": ("options",),
    "resilkit.errors": (
        "AlreadyStarted", "CallTimeout", "ClusterClosed", "ClusterError", "InternalError",
        "InvalidArgument", "NoProcess", "NodeDown", "Nondeterministic", "Refused", "ResilkitError",
        "ServerExit", "StartFailed", "StorageError", "TrialFailed", "Unavailable",
    ),
}  # fmt: skip
_MODULES = {
    "arrivals": "resilkit.workload.arrivals",
    "chaos": "resilkit.chaos",
    "errors": "resilkit.errors",
    "faults": "resilkit.faults",
    "telemetry": "resilkit.telemetry",
    "testing": "resilkit.testing",
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "HOLD",
    "NO_REPLY",
    "PASS",
    "Alert",
    "AlreadyStarted",
    "Audit",
    "CallTimeout",
    "ChildSpec",
    "Cluster",
    "ClusterClosed",
    "ClusterError",
    "ClusterReference",
    "ClusterSpec",
    "Comparison",
    "Criterion",
    "Deferred",
    "Deliver",
    "DeterminismCheck",
    "Down",
    "Drop",
    "Duplicate",
    "Exit",
    "Experiment",
    "Fault",
    "History",
    "Hold",
    "Injection",
    "InternalError",
    "InvalidArgument",
    "Limits",
    "LinkFault",
    "LinkLatency",
    "NoProcess",
    "NodeDown",
    "NodeFault",
    "NodeHandle",
    "NodeLost",
    "NodeSpec",
    "NodeUp",
    "Nondeterministic",
    "Operation",
    "PartitionFault",
    "Pass",
    "Pid",
    "Published",
    "Reference",
    "Refused",
    "Replay",
    "ResilkitError",
    "ResourceFault",
    "RestartPolicy",
    "Result",
    "Scenario",
    "Server",
    "ServerExit",
    "ServerFault",
    "Shrunk",
    "StartFailed",
    "Storage",
    "StorageError",
    "SupervisorSpec",
    "Trace",
    "TrialFailed",
    "Unavailable",
    "User",
    "Workload",
    "__version__",
    "arrivals",
    "capabilities",
    "chaos",
    "check_determinism",
    "compare",
    "errors",
    "faults",
    "find_races",
    "judge",
    "load",
    "options",
    "register_fault",
    "replay",
    "runs",
    "shrink",
    "sweep",
    "telemetry",
    "testing",
]

if TYPE_CHECKING:
    from resilkit import chaos, errors, faults, telemetry, testing
    from resilkit.chaos import Criterion, Scenario
    from resilkit.chaos.capabilities import capabilities
    from resilkit.cluster import (
        Alert,
        Cluster,
        ClusterReference,
        ClusterSpec,
        Injection,
        Limits,
        LinkLatency,
        NodeHandle,
        NodeSpec,
        RestartPolicy,
        Trace,
    )
    from resilkit.errors import (
        AlreadyStarted,
        CallTimeout,
        ClusterClosed,
        ClusterError,
        InternalError,
        InvalidArgument,
        NodeDown,
        Nondeterministic,
        NoProcess,
        Refused,
        ResilkitError,
        ServerExit,
        StartFailed,
        StorageError,
        TrialFailed,
        Unavailable,
    )
    from resilkit.experiment import (
        Audit,
        Comparison,
        DeterminismCheck,
        Experiment,
        Result,
        check_determinism,
        compare,
        judge,
        load,
        runs,
    )
    from resilkit.faults import (
        Fault,
        LinkFault,
        NodeFault,
        PartitionFault,
        ResourceFault,
        ServerFault,
        register_fault,
    )
    from resilkit.history import History
    from resilkit.network.verdicts import HOLD, PASS, Deliver, Drop, Duplicate, Hold, Pass
    from resilkit.reruns import Replay, Shrunk, replay, shrink, sweep
    from resilkit.runtime import (
        NO_REPLY,
        ChildSpec,
        Deferred,
        Down,
        Exit,
        NodeLost,
        NodeUp,
        Pid,
        Published,
        Reference,
        Server,
        Storage,
        SupervisorSpec,
    )
    from resilkit.settings import options
    from resilkit.testing import find_races
    from resilkit.workload import Operation, User, Workload, arrivals


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
    elif name in _MODULES:
        value = import_module(_MODULES[name])
    else:
        raise AttributeError(f"module 'resilkit' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(shell: Any) -> None:
    """Add magics and completion to a shell: what ``%load_ext resilkit`` calls."""
    import_module("resilkit.ipython").load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Take them away again: what ``%unload_ext resilkit`` calls."""
    import_module("resilkit.ipython").unload(shell)
