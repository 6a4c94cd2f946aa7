"""Seven classic bugs, each beside its mended twin: what the simulator must find."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from resilkit.testing import Failure, Trial
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
    """A bug: a trial of the system that has it, or of the one that has not, for every seed.

    Attributes:
        name: What people call it.
        trial: Returns the trial of a seed.
        kind: What a trial fails of that meets the bug, and nothing else.
        says: How its sentence begins: a pattern.
    """

    name: str
    trial: Callable[..., Trial]
    kind: str
    says: str

    def is_seen_in(self, failure: Failure | None) -> bool:
        """Whether a failure is this bug's, and not another one that a trial may have."""
        return (
            failure is not None
            and failure.kind == self.kind
            and re.match(self.says, failure.message) is not None
        )


def _violated(name: str) -> tuple[str, str]:
    return "invariant", f"the invariant {name} does not hold "


DEADLOCK = r"(north|south) crashed\b.*CallTimeout: receive on (?!\1)(north|south) was not answered"
"""One branch waits for the other, for which the other has no time."""

BUGS = {
    bug.name: bug
    for bug in (
        Bug("lost update", lost_update.trial, *_violated("deposits_add_up")),
        Bug(
            "early acknowledgement",
            early_acknowledgement.trial,
            *_violated("acknowledged_is_there"),
        ),
        Bug("split brain", split_brain.trial, *_violated("one_holder")),
        Bug("crossed calls", crossed_calls.trial, "crash", DEADLOCK),
        Bug("restart storm", restart_storm.trial, *_violated("nobody_gives_up")),
        Bug("reordering", reordering.trial, *_violated("never_goes_back")),
        Bug("unsynced write", unsynced_write.trial, *_violated("acknowledged_is_there")),
    )
}
