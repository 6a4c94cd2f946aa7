"""What came of a machine's steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from resilkit.testing.machines.steps import substituted
from resilkit.testing.outcome import Outcome

if TYPE_CHECKING:
    from resilkit.cluster.trace_log import TraceMessage
    from resilkit.metrics.events import EventLog
    from resilkit.testing.failure import Failure
    from resilkit.testing.machines.machine import ClusterMachine
    from resilkit.testing.machines.steps import Step
    from resilkit.testing.performed import Performed
    from resilkit.testing.trial import Trial

__all__ = ["MachineOutcome"]


class MachineOutcome(Outcome):
    """What came of a machine's steps, and how to see it again: as the `Outcome` of a trial.

    Its `trial` has the system, the cluster, the seed and what must hold, and no operations: these
    are in `did`, with what was broken and mended between them.

    Attributes:
        machine: The class.
        did: The steps, in order, without the last one, which mends all and looks once more.
        broken: Whether something was broken.
    """

    _what = "machine"

    def __init__(
        self,
        machine: type[ClusterMachine],
        did: Sequence[Step],
        *,
        trial: Trial,
        failure: Failure | None,
        history: tuple[Performed, ...],
        events: EventLog,
        facts: dict[str, Any],
        messages: Callable[[], list[TraceMessage]] | None,
    ) -> None:
        super().__init__(
            trial, failure, history=history, events=events, facts=facts,
            messages=messages or self._again,
        )  # fmt: skip
        self.machine = machine
        self.did = tuple(did)
        self.broken: bool = facts["broken"]
        self._acted: float = facts["acted"]

    @property
    def _faulty(self) -> bool:
        return self.broken

    @property
    def _busy(self) -> float:
        return self._acted

    def told(self) -> str:
        """Return all there is to say as text: the failure, the operations, and the script."""
        return f"{super().told()}\n\n{self.hint()}"

    def hint(self) -> str:
        """Return how to get at more than text."""
        return (
            "More: `outcome` of this exception has `diagram()`, the messages as a sequence "
            "diagram, `figure()`, and `script()`."
        )

    def script(self) -> str:
        """Return a small script that does the same steps again, and fails as they did."""
        from resilkit.testing.machines.script import machine_script

        return machine_script(self)

    def _again(self) -> list[TraceMessage]:
        """Do the steps once more, looked at from outside; return the messages of the servers."""
        machine = self.machine()
        machine._looked_at = True
        known: dict[int, Any] = {}
        with suppress(Exception):  # it is what it failed of the first time
            try:
                for step in self.did:
                    args = [substituted(each, known) for each in step.args]
                    kwargs = {key: substituted(each, known) for key, each in step.kwargs.items()}
                    getattr(machine, step.name)(*args, **kwargs)
                    known |= zip(map(id, step.results), machine._steps[-1].results, strict=False)
            finally:
                machine.teardown()
        trail = machine._trail
        return [] if trail is None else trail.messages()
