"""Criteria that are watched while a run goes on."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from resilkit import validate
from resilkit.chaos.criteria import Criterion, as_criteria
from resilkit.chaos.evidence import Evidence
from resilkit.chaos.judge import Verdict, judge_so_far

__all__ = ["Breach", "Watch"]


@dataclass(frozen=True, slots=True)
class Breach:
    """A criterion that failed for as long as the watch tolerates.

    Attributes:
        criterion: As it was written.
        since: When it first failed, in seconds on the clock that the watch was fed with.
        time: When the watch called it a breach.
        verdict: The verdict at that moment.
    """

    criterion: str
    since: float
    time: float
    verdict: Verdict

    @property
    def detail(self) -> dict[str, object]:
        """What the event of it says: the figure, or why there is none."""
        if math.isfinite(self.verdict.measured):
            return {"measured": self.verdict.measured, "unit": self.verdict.unit}
        return {"reason": self.verdict.reason}


class Watch:
    """Watches criteria while a run goes on, and says when one is breached.

    The caller feeds it snapshots of evidence on a cadence of its own: all that was seen so far,
    or a sliding window. A criterion is breached when its verdict has been ``fail`` on every
    snapshot for `hold` seconds, outside the grace period; an inconclusive verdict neither begins
    nor continues a breach. Each breach is reported once, and again only after the criterion has
    passed in between.

    Args:
        criteria: Criteria as text or `Criterion`.
        grace: Seconds from the first snapshot's run start during which nothing counts.
        hold: Seconds that a criterion must fail without interruption; 0: one failure is enough.
        abort_on_breach: Whether `should_abort` becomes true at the first breach.

    Raises:
        InvalidArgument: A criterion or a number is wrong.
    """

    def __init__(
        self,
        criteria: Iterable[str | Criterion],
        *,
        grace: float = 0.0,
        hold: float = 1.0,
        abort_on_breach: bool = False,
    ) -> None:
        self.criteria = as_criteria(criteria)
        self.grace = validate.duration(grace, "grace")
        self.hold = validate.duration(hold, "hold")
        self.abort_on_breach = validate.boolean(abort_on_breach, "abort_on_breach")
        self.breaches: list[Breach] = []
        self.latest: tuple[Verdict, ...] = ()
        self._failing_since: dict[Criterion, float] = {}
        self._breached: set[Criterion] = set()

    def feed(self, evidence: Evidence, elapsed: float) -> list[Breach]:
        """Judge one snapshot; return the breaches that are new.

        Args:
            evidence: What has been observed.
            elapsed: Seconds since the run started; it must not go back.

        Raises:
            InvalidArgument: `elapsed` is no duration.
        """
        elapsed = validate.duration(elapsed, "elapsed")
        verdicts = [judge_so_far(criterion, evidence) for criterion in self.criteria]
        self.latest = tuple(verdicts)
        if elapsed < self.grace:
            return []
        new: list[Breach] = []
        for criterion, verdict in zip(self.criteria, verdicts, strict=True):
            if verdict.verdict != "fail":
                self._failing_since.pop(criterion, None)
                if verdict.verdict == "pass":
                    self._breached.discard(criterion)
                continue
            since = self._failing_since.setdefault(criterion, elapsed)
            if elapsed - since >= self.hold and criterion not in self._breached:
                self._breached.add(criterion)
                new.append(Breach(str(criterion), since, elapsed, verdict))
        self.breaches.extend(new)
        return new

    @property
    def should_abort(self) -> bool:
        """Whether the run should end now."""
        return self.abort_on_breach and bool(self.breaches)
