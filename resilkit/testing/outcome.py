"""What came of a trial."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Final

from resilkit.errors import TrialFailed
from resilkit.importing import whole

if TYPE_CHECKING:
    from pandas import DataFrame

    from resilkit.check.orders import Ordered
    from resilkit.cluster.trace_log import TraceMessage
    from resilkit.metrics.events import EventLog
    from resilkit.metrics.plots import Picture
    from resilkit.testing.failure import Failure
    from resilkit.testing.performed import Performed
    from resilkit.testing.trial import Trial

__all__ = ["Outcome"]

_CLOCKS_DIFFER: Final = 0.05
"""Seconds by which what a process says of the time may be off."""

_ROUNDED: Final = 1e-9
"""Seconds by which sums and differences of moments may be off."""


class Outcome:
    """What came of a trial: whether all held, what was done, and how to see it again.

    In a notebook it shows the failure, the operations, a figure, the messages as a sequence diagram
    and the script.

    Attributes:
        trial: What was carried out.
        failure: What it failed of; ``None``: it passed.
        history: The operations in the order in which they began.
        events: What happened on the cluster.
        backend: ``"simulation"`` or ``"processes"``.
        started: When the operations began, on the clock of the events; where faults struck at 0,
            when these did, unless that took 0.1 s or longer.
        took: Seconds from then until the last look.
        steps: How much happened in the simulation; ``None`` on processes.
        fingerprint: Depends on all that happened there, where and when; ``None`` on processes.
        looks: How often the invariants were asked.
        missed: How often one could not look, since something was down.
        ordered: What came of the search for an order of the operations that explains all replies;
            its ``found`` is ``None`` where that was not decided in the steps that it may take, of
            very many operations at once say. ``None`` without a model.
        fresh: Whether nothing was done on the cluster before.
    """

    _what: ClassVar[str] = "trial"

    def __init__(
        self,
        trial: Trial,
        failure: Failure | None,
        *,
        history: tuple[Performed, ...],
        events: EventLog,
        facts: dict[str, Any],
        messages: Callable[[], list[TraceMessage]],
    ) -> None:
        self.trial = trial
        self.failure = failure
        self.history = history
        self.events = events
        self.backend: str = facts["backend"]
        self.started: float = facts["started"]
        self.took: float = facts["took"]
        self.steps: int | None = facts.get("steps")
        self.fingerprint: int | None = facts.get("fingerprint")
        self.looks: int = facts.get("looks", 0)
        self.missed: int = facts.get("missed", 0)
        self.ordered: Ordered | None = facts.get("ordered")
        self.fresh: bool = facts.get("fresh", True)
        self._make_messages = messages
        self._messages: list[TraceMessage] | None = None

    @property
    def passed(self) -> bool:
        """Whether all held."""
        return self.failure is None

    @property
    def undecided(self) -> bool:
        """Whether the model could not be asked often enough to know whether an order explains all.

        It passed then, as far as is known.
        """
        return self.ordered is not None and self.ordered.found is None

    @property
    def who(self) -> list[str]:
        """The processes that did operations, in their order."""
        found = {each.process: each.by for each in self.history}
        return [found[number] for number in sorted(found)]

    @property
    def messages(self) -> list[TraceMessage]:
        """What the servers got and sent, in order, as a trace has it; not what invariants ask.

        A simulation records nothing the first time: the same trial is carried out once more when
        this is first asked for, and looked at from outside.
        """
        if self._messages is None:
            from resilkit.testing.trail import without_questions

            slack = 0.0 if self.backend == "simulation" else _CLOCKS_DIFFER
            self._messages = without_questions(
                self._make_messages(), self.history, self.started, slack=slack
            )
        return self._messages

    @property
    def _faulty(self) -> bool:
        """Whether there were faults, which pictures show."""
        return bool(self.trial.faults)

    @property
    def _busy(self) -> float:
        """For how many seconds something was done, at least."""
        return min(self.trial.length, self.took)

    @property
    def since_the_first(self) -> list[TraceMessage]:
        """The messages from when the operations began."""
        first = min((each.began for each in self.history), default=0.0) - _ROUNDED
        return [message for message in self.messages if message.time - self.started >= first]

    def raise_if_failed(self) -> None:
        """Raise what it failed of, if it did.

        Raises:
            TrialFailed: It did; the message has the operations, the seed and the script.
        """
        __tracebackhide__ = True
        if self.failure is not None:
            raise TrialFailed(self.told(), outcome=self) from self.failure.cause

    def told(self) -> str:
        """Return all there is to say as text: the failure, the operations, and the script."""
        from resilkit.testing.outcome_text import outcome_text

        return outcome_text(self)

    def script(self) -> str:
        """Return a small script that carries the trial out again, and fails as it did.

        It imports what is in a module, and has the source of what was written in a notebook, in
        ``__main__`` or within a function.
        """
        from resilkit.testing.script import script_of

        return script_of(self)

    def frame(self) -> DataFrame:
        """Return the history as a pandas frame.

        Returns:
            Columns ``process`` (int64), ``by``, ``operation`` (its code), ``method`` and ``to``
            (text), ``began`` and ``ended`` (float64, seconds since the operations began),
            ``status`` (text), ``value`` (any) and ``error`` (text).
        """
        whole("pandas")
        from resilkit.testing.outcome_frame import history_frame

        return history_frame(self.history, self.trial.to)

    def diagram(self, *, most: int = 60, theme: str = "light", width: int = 900) -> Picture:
        """Draw the messages as a sequence diagram, time flowing down, with the faults among them.

        Args:
            most: Messages and faults at most, 1..500. Of more the first third, where the cause may
                be, and the newest are drawn, and how many are left out stands between them.
            theme: ``"light"`` or ``"dark"``.
            width: Pixels, 300..4000.

        Raises:
            InvalidArgument: An argument is out of range.
        """
        whole("resilkit.metrics.plots")
        from resilkit.metrics.plots import sequence_figure
        from resilkit.testing.outcome_steps import steps_of

        return sequence_figure(
            steps_of(self), most=most, oldest=most // 3, theme=theme, width=width,
            title=f"Messages of the {self._what}", origin=self.started, kept=self.who,
        )  # fmt: skip

    def figure(self, *, theme: str = "light", width: int = 900) -> Picture:
        """Draw the operations as bars, a lane a process, with the faults shaded.

        Args:
            theme: ``"light"`` or ``"dark"``.
            width: Pixels, 300..4000.

        Raises:
            InvalidArgument: An argument is out of range.
        """
        whole("resilkit.metrics.plots")
        from resilkit.testing.outcome_figure import outcome_figure

        return outcome_figure(self, theme=theme, width=width)

    def __repr__(self) -> str:
        """Show whether it passed, and what it failed of, in lines of less than 80 letters."""
        from resilkit.testing.outcome_text import in_lines

        count = len(self.history)
        operations = f"{count} operation{'s' * (count != 1)}"
        where = f"seed {self.trial.seed}"
        if self.backend == "simulation":
            where += f", schedule {self.trial.schedule}"
        if self.failure is None:
            open_ = ", as far as an order was found" if self.undecided else ""
            return f"<Outcome: passed{open_}; {operations}, {where}>"
        return in_lines(f"<Outcome: failed: {self.failure}; {operations}, {where}>")

    def _repr_html_(self) -> str:
        from resilkit.testing.outcome_display import outcome_html

        return outcome_html(self)
