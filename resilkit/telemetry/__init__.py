"""Trace points: named events with measurements and metadata, and those who listen to them.

Your servers may emit events of their own; everything stays in one process. Around its own work the
library emits, each with ``.start`` and then ``.stop`` or ``.exception`` (see `span`), in the
notebook's process:

=============================  ====================================================================
``resilkit.cluster.start``     A cluster starts; ``nodes`` (how many).
``resilkit.cluster.stop``      A cluster closes; ``nodes``.
``resilkit.cluster.heal``      `Cluster.heal`; ``injections`` (how many there were).
``resilkit.node.add``          A node is added; ``node`` (its name), as in all about nodes.
``resilkit.node.kill``         A node is killed, by `NodeHandle.kill` or a fault.
``resilkit.node.pause``        A node is paused, by `NodeHandle.pause` or a fault.
``resilkit.node.resume``       A paused node goes on.
``resilkit.node.stop``         A node is stopped in order.
``resilkit.node.restart``      A node is started again, by `NodeHandle.restart` or a fault; not when
                               its restart policy does it.
``resilkit.fault.inject``      A fault strikes, a partition also; ``fault`` (its name), ``id``,
                               ``targets`` (text). ``.exception`` when it could not be delivered,
                               nothing when nobody was there whom it could hit.
``resilkit.fault.heal``        A fault's strike is taken back; the same.
``resilkit.experiment.run``    An experiment runs; ``experiment`` (its name).
``resilkit.experiment.phase``  A phase of it; ``experiment``, and ``phase``: ``"start"``,
                               ``"load"`` (warm-up included), ``"heal"``, ``"drain"``, ``"audit"``
                               or ``"judge"``.
=============================  ====================================================================

An alert (`Cluster.alert_when`) takes no time, so there is no span of it, but one event each time:
``raised`` and ``over``, as in ``resilkit.alert.over``. Its measurements are ``value``, ``limit``,
``worst`` and ``seconds`` (since it began); it is about ``threshold`` (as text), ``metric``,
``unit``, ``node``, ``server`` and ``why`` (it is over).

Handlers of what happens to nodes and faults, and of alerts, run on the clusters' own thread: they
must be short, and cannot use the plain API of a cluster. One that raises is detached, with a
warning.

Examples:
    >>> attach("doc-log", "resilkit.node.**", lambda event, numbers, about: print(event, about))
    >>> detach("doc-log")
    True
"""

from __future__ import annotations

from resilkit.telemetry.events import Attached, Handler, attach, detach, emit, handlers, listening
from resilkit.telemetry.patterns import check_name, compile_pattern, matches
from resilkit.telemetry.spans import span

__all__ = [
    "Attached",
    "Handler",
    "attach",
    "check_name",
    "compile_pattern",
    "detach",
    "emit",
    "handlers",
    "listening",
    "matches",
    "span",
]


def __dir__() -> list[str]:
    return sorted(__all__)
