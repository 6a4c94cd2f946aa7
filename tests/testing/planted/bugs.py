"""Seven classic bugs, each beside its mended twin: what the simulator must find."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from resilkit.testing import Trial
from tests.testing.planted import (
    crossed_calls,
    early_acknowledgement,
    lost_update,
    reordering,
    restart_storm,
    split_brain,
    unsynced_write,
)

__all__ = ["BUGS", "Bug"]


@dataclass(frozen=True)
class Bug:
    """A bug: a trial of the system that has it, or of the one that has not, for every seed."""

    name: str
    trial: Callable[..., Trial]


BUGS = {
    bug.name: bug
    for bug in (
        Bug("lost update", lost_update.trial),
        Bug("early acknowledgement", early_acknowledgement.trial),
        Bug("split brain", split_brain.trial),
        Bug("crossed calls", crossed_calls.trial),
        Bug("restart storm", restart_storm.trial),
        Bug("reordering", reordering.trial),
        Bug("unsynced write", unsynced_write.trial),
    )
}
