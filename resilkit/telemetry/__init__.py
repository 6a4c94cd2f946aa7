"""Trace points: named events with measurements and metadata, and those who listen to them.

The library emits ``resilkit.…`` events around its own work (``.start``, ``.stop``,
``.exception``); your servers may emit events of their own. Everything stays in one process.
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
