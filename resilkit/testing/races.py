"""What a search for races has found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from resilkit.errors import TrialFailed
from resilkit.texts import plain

if TYPE_CHECKING:
    from resilkit.metrics.plots import Picture
    from resilkit.testing.outcome import Outcome
    from resilkit.testing.trial import Trial

__all__ = ["SHARED", "Races"]

SHARED: Final = "module globals and class attributes, which all runs of a process share"
"""What lets a run reply otherwise than one before it, under the same seed and schedule."""


class Races:
    """What a search for races has found: true where it found one.

    In a notebook it shows the shortest one, with its operations, messages and script.

    Attributes:
        asked: What was looked through: the operations and the cluster that were given.
        outcome: What comes of the shortest one; ``None``: no race was found.
        tried: How many schedules were carried out, those that made it shorter included.
        undecided: How many of them nobody could decide in the steps that a model may be asked.
        switches: Of the shortest one how often it is another process's operation that begins or
            ends next.
        again: Whether the shortest one failed when it was carried out once more, at the end. That
            is false only where something decides that no seed does: most often module globals or
            class attributes, which all runs of a process share. ``rk.check_determinism`` shows
            where.
    """

    def __init__(
        self,
        *,
        asked: Trial,
        outcome: Outcome | None,
        tried: int,
        undecided: int,
        switches: int,
        again: bool = True,
    ) -> None:
        self.asked = asked
        self.outcome = outcome
        self.tried = tried
        self.undecided = undecided
        self.switches = switches
        self.again = again

    @property
    def found(self) -> bool:
        """Whether a race was found."""
        return self.outcome is not None

    def __bool__(self) -> bool:
        """Say whether a race was found."""
        return self.found

    @property
    def trial(self) -> Trial | None:
        """The shortest trial that fails: `run_trial` shows it again; ``None`` where none does."""
        return None if self.outcome is None else self.outcome.trial

    def script(self) -> str:
        """Return a small script that shows the shortest one again; ``""`` where none was found."""
        return "" if self.outcome is None else self.outcome.script()

    def diagram(self, *, most: int = 60, theme: str = "light", width: int = 900) -> Picture | None:
        """Draw the messages of the shortest one; see `Outcome.diagram`. ``None`` without one."""
        if self.outcome is None:
            return None
        return self.outcome.diagram(most=most, theme=theme, width=width)

    def figure(self, *, theme: str = "light", width: int = 900) -> Picture | None:
        """Draw its operations on one clock; see `Outcome.figure`. ``None`` without one."""
        return None if self.outcome is None else self.outcome.figure(theme=theme, width=width)

    def raise_if_found(self) -> None:
        """Raise what was found, if something was.

        Raises:
            TrialFailed: A race was found; the message has the shortest one and its script.
        """
        __tracebackhide__ = True
        if self.outcome is not None:
            raise TrialFailed(f"{self.told()}\n{self.outcome.told()}", outcome=self.outcome)

    def told(self) -> str:
        """Return in a line what was found."""
        schedules = plain(self.tried, "schedule")
        open_ = f", {self.undecided} of them undecided" if self.undecided else ""
        if self.trial is None or self.outcome is None:
            return f"no race found in {schedules}{open_}"
        count = len(self.outcome.history)
        where = f"seed {self.trial.seed}, schedule {self.trial.schedule}"
        passed = ", which did not fail when it was carried out again"
        passed = "" if self.again else f"{passed} (likely causes: {SHARED})"
        return (
            f"a race of {plain(count, 'operation')} and {plain(self.switches, 'switch')} "
            f"({where}; {schedules} tried{open_}){passed}"
        )

    def __repr__(self) -> str:
        """Show the line, and what is wrong."""
        from resilkit.testing.outcome_text import in_lines

        failure = None if self.outcome is None else self.outcome.failure
        return in_lines(f"<Races: {self.told()}{'' if failure is None else f': {failure}'}>")

    def _repr_html_(self) -> str:
        from resilkit.testing.outcome_display import races_html

        return races_html(self)
