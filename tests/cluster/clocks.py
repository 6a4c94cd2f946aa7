"""Clusters whose clock is not the machine's.

On one machine all clocks are one, and whoever asks the wrong one would not be found out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from resilkit.clock import monotonic
from resilkit.cluster.loop_thread import loop_thread

__all__ = ["ahead_of_the_machine"]


@contextmanager
def ahead_of_the_machine(seconds: float) -> Iterator[None]:
    """Make clusters, started in the block, have a clock that is so many seconds ahead."""
    clock = SimpleNamespace(now=lambda: monotonic() + seconds)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop_thread(), "clock", clock)
        yield
