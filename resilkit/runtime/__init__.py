"""One node's inside: servers, supervisors, links, monitors, names, topics and storage.

The runtime knows no transport and no clock but the ones that it is handed.
"""

from __future__ import annotations

from resilkit.runtime.messages import (
    NO_REPLY,
    Down,
    Exit,
    NodeLost,
    NodeUp,
    Pid,
    Published,
)
from resilkit.runtime.node import Node
from resilkit.runtime.pending import Deferred
from resilkit.runtime.reasons import RemoteError
from resilkit.runtime.reference import Reference
from resilkit.runtime.server import Server
from resilkit.runtime.spawn import spawn
from resilkit.runtime.specs import ChildSpec, SupervisorSpec
from resilkit.runtime.storage import Storage

__all__ = [
    "NO_REPLY",
    "ChildSpec",
    "Deferred",
    "Down",
    "Exit",
    "Node",
    "NodeLost",
    "NodeUp",
    "Pid",
    "Published",
    "Reference",
    "RemoteError",
    "Server",
    "Storage",
    "SupervisorSpec",
    "spawn",
]


def __dir__() -> list[str]:
    return sorted(__all__)
