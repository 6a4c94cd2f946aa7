"""Criteria: statements that a run must satisfy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import isnan, nan
from typing import Self

from resilkit import validate
from resilkit.chaos import grammar
from resilkit.chaos.quantities import MEASURES, Measure
from resilkit.errors import InvalidArgument
from resilkit.metrics.kinds import SHOWN_UNIT
from resilkit.metrics.reading import compares
from resilkit.records import readable

__all__ = ["DEFAULT_CRITERIA", "Criterion", "as_criteria", "check_operations"]

DEFAULT_CRITERIA: tuple[str, ...] = (
    "mean <= 100 ms",
    "p95 <= 500 ms",
    "error_rate <= 1 %",
    "throughput >= 1000 /s",
    "memory_share <= 80 %",
)
"""Sensible demands on a service under load; nothing is judged by them unless you pass them."""


@validate.strict
@readable
@dataclass(frozen=True, slots=True)
class Criterion:
    """A statement that a run must satisfy, written as text: ``Criterion("p95[bid] < 200 ms")``.

    What can be measured; the name in brackets, as in ``p95[bid] < 200 ms``, is that of an
    operation, server, node or kind of fault, and without it all of them count:

    ================ ===== ========= ==================================================
    measure          unit  brackets  meaning
    ================ ===== ========= ==================================================
    mean             s     operation Mean response time.
    pN               s     operation Percentile of it, e.g. p95, p99.9.
    max              s     operation Longest response time.
    error_rate       share operation Intended operations that did not end ok.
    availability     share operation Intended operations that ended ok.
    good_windows     share operation 1 s windows with 95 % of these ok.
    throughput       1/s   operation Operations that ended ok, a second.
    recovery_time    s     fault     Longest recovery, from a fault's start.
    data_consistency share none      Acknowledged effects still there at the end.
    memory_share     share node      Most resident memory, of the limit in force.
    memory_growth    share node      Growth of resident memory over the run.
    queue_length     count server    Longest mailbox seen.
    gc_pressure      share node      Time in garbage collection, worst second.
    loop_lag         s     node      Longest delay of an event loop.
    restarts         count server    Restarts by supervisors.
    ================ ===== ========= ==================================================

    A share may be written as 0.8 or 80 %, a time in ms, s, min or h. Comparisons are <=, <, >=
    and >. k6's spelling of a percentile, p(95), is read as p95; it needs a unit, since a bare
    number means milliseconds there.

    Response times count from the intended start of operations that ended ok. One that was never
    answered (``info``: it timed out, or its node died) counts as at least the time that it was
    waited for, so a figure that it decides can fail a limit and never pass one. One that certainly
    did not happen (``fail``: refused, never sent) has none; error_rate counts it.

    A refused operation (`Refused`) is not ok, so it lowers availability, raises error_rate and
    makes a window bad, for recovery_time too: a minority that refuses is not available. See
    `Operation` for refusals that are good answers.

    The limit in force is a node's own; without one that of the control group or the machine, which
    all nodes share. While a memory fault is in, it is the one that the fault set for its node.

    In a closed loop the users send nothing while they wait, so that few of their operations fall
    into an outage. There availability is the lower of two shares, of good operations and of good
    windows, where an operation belongs to each window in which it was waited for; the reason of
    the verdict states both. Both have Wilson's interval. A window is bad, too, when somebody
    waited through all of it and nothing was answered ok in it, unless answers usually take that
    long. Response times of a closed loop hide stalls; their verdicts say so.

    Two criteria are equal when they say the same, however they are written.

    Attributes:
        measure: What is measured: a name of `MEASURES`. Given alone, the whole text.
        comparison: ``"<="``, ``"<"``, ``">="`` or ``">"``.
        threshold: In base units: seconds, shares of 1, a second, counts.
        percentile: 0..100, exclusive, for the measure ``"percentile"``; else ``None``.
        subject: The operation, server, node or fault that it speaks of; ``None`` for all.
        text: As it was written.

    Examples:
        >>> criterion = Criterion("p95[bid] < 200 ms")
        >>> criterion.percentile, criterion.subject, criterion.threshold, criterion.unit
        (95.0, 'bid', 0.2, 's')
        >>> print(criterion)
        p95[bid] < 200 ms
        >>> criterion.normal
        'p95[bid] < 0.2 s'
    """

    measure: str
    comparison: str = ""
    threshold: float = nan
    percentile: float | None = None
    subject: str | None = None
    text: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        """Check by the grammar: what could not be written is no criterion."""
        if not self.comparison and isnan(self.threshold):
            parsed = grammar.parse(self.measure, "criterion")._asdict()
            for name, value in {**parsed, "text": " ".join(self.measure.split())}.items():
                object.__setattr__(self, name, value)
        validate.number(self.threshold, "threshold", low=0.0)
        if self.percentile is not None:
            validate.number(self.percentile, "percentile", low=0.0, high=100.0)
        if not isinstance(self.measure, str) or self.measure not in MEASURES:
            raise InvalidArgument("is not known", path="measure", value=self.measure,
                                  allowed=", ".join(MEASURES))  # fmt: skip
        if (self.percentile is None) == (self.measure == "percentile"):
            raise InvalidArgument(
                'belongs to the measure "percentile", and only there',
                path="percentile",
                value=self.percentile,
            )
        if grammar.parse(self.normal) != (
            self.measure,
            self.percentile,
            self.subject,
            self.comparison,
            self.threshold,
        ):
            raise InvalidArgument("is no criterion", path="criterion", value=self.normal)
        if not self.text:
            object.__setattr__(self, "text", self.normal)

    @classmethod
    def parse(cls, text: str | Criterion, path: str = "criterion") -> Self:
        """Return the criterion that `text` states; see `resilkit.chaos.grammar`.

        Args:
            text: The statement; a criterion is returned as it is.
            path: What an error calls it: where the text stands.

        Raises:
            InvalidArgument: It is no criterion; the error shows the place.
        """
        if isinstance(text, cls):
            return text
        parsed = grammar.parse(text, path)
        return cls(**parsed._asdict(), text=" ".join(str(text).split()))

    @property
    def about(self) -> Measure:
        """What is measured: a row of the table above."""
        return MEASURES[self.measure]

    @property
    def unit(self) -> str:
        """The base unit: ``"s"``, ``"share"``, ``"1/s"`` or ``""`` for counts."""
        return SHOWN_UNIT[self.about.kind]

    @property
    def normal(self) -> str:
        """The criterion in its normal form: base units, one spelling."""
        name = self.measure
        if self.percentile is not None:
            name = f"p{_number(self.percentile)}"
        subject = f"[{self.subject}]" if self.subject is not None else ""
        unit = {"time": " s", "rate": " /s"}.get(self.about.kind, "")
        return f"{name}{subject} {self.comparison} {_number(self.threshold)}{unit}"

    def holds(self, value: float) -> bool:
        """Return whether `value`, in base units, satisfies the comparison; NaN does not."""
        return compares(value, self.comparison, self.threshold)

    @property
    def at_the_edge(self) -> bool:
        """Whether it allows one extreme alone (``error_rate <= 0``, ``availability >= 100 %``)."""
        if self.about.kind != "share":
            return False
        return (self.comparison, self.threshold) in {("<=", 0.0), (">=", 1.0)}

    def __str__(self) -> str:
        """Return it as it was written."""
        return self.text


def _number(value: float) -> str:
    return (
        str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))
    )


def as_criteria(
    criteria: str | Criterion | Iterable[str | Criterion], path: str = "criteria"
) -> tuple[Criterion, ...]:
    """Return `criteria` parsed; one alone makes a tuple of one.

    Args:
        criteria: Texts or criteria.
        path: What an error calls them: where they stand.

    Raises:
        InvalidArgument: One is no criterion (its path names its place), or says the same as an
            earlier one.

    Examples:
        >>> [str(one) for one in as_criteria(["p95 <= 500 ms", "error_rate < 5 %"])]
        ['p95 <= 500 ms', 'error_rate < 5 %']
    """
    if isinstance(criteria, str | Criterion):
        criteria = [criteria]
    if not isinstance(criteria, Iterable) or isinstance(criteria, bytes | dict):
        raise InvalidArgument(
            "must be a list of criteria", path=path, value=criteria, allowed='["p95 <= 500 ms"]'
        )
    parsed = [Criterion.parse(one, f"{path}[{index}]") for index, one in enumerate(criteria)]
    for index, one in enumerate(parsed):
        if one in parsed[:index]:
            raise InvalidArgument("says the same twice", path=f"{path}[{index}]", value=str(one))
    return tuple(parsed)


def check_operations(
    criteria: Iterable[str | Criterion], names: Iterable[str], path: str = "criteria"
) -> None:
    """Refuse criteria about operations that a workload does not have.

    Args:
        criteria: The criteria.
        names: The names of the workload's operations.
        path: Where the criteria stand.

    Raises:
        InvalidArgument: A criterion names another operation; the error suggests the nearest.

    Examples:
        >>> check_operations(["p95[bdi] < 200 ms"], ["bid", "create"])
        Traceback (most recent call last):
        ...
        resilkit.errors.InvalidArgument: criteria[0]: is not known (did you mean 'bid'?), \
got 'bdi'; allowed: 'bid', 'create'
    """
    known = list(names)
    for index, one in enumerate(as_criteria(criteria, path)):
        if one.subject is not None and one.about.subject == "operation":
            validate.choice(one.subject, f"{path}[{index}]", known)
