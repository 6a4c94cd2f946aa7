"""Which event loop resilkit runs on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

# At import, not when a loop is made: the launcher imports this once, before it forks the nodes, and
# loading uvloop takes longer than all the rest of a node's start.
try:
    import uvloop
except ImportError:  # not on every platform
    _make: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
else:
    _make = uvloop.new_event_loop

__all__ = ["new_loop"]


def new_loop() -> asyncio.AbstractEventLoop:
    """Return a uvloop where there is one, else asyncio's own."""
    return _make()
