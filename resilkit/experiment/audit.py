"""What a system says of its own data at the end of a run."""

from __future__ import annotations

from dataclasses import dataclass

from resilkit import validate
from resilkit.errors import InvalidArgument
from resilkit.experiment.own_code import own_frames, place_words
from resilkit.records import readable

__all__ = ["Audit", "as_audit", "audit_failure"]


@readable
@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The consistency of a system's data, found by looking at it after the faults are gone.

    Attributes:
        share: Share of acknowledged effects that are still there, 0..1.
        n: How many acknowledged effects were looked for.
        valid: A checker's verdict: ``None`` when there was none or it could not tell.
        summary: One short sentence, e.g. ``"1,932 acknowledged writes, none lost."``
        example: What is wrong in one case, for the row of the verdicts that says so.

    Examples:
        >>> Audit(share=0.5, n=10)
        Audit(share=0.5, n=10, valid=None, summary='', example='')
    """

    share: float
    n: int
    valid: bool | None = None
    summary: str = ""
    example: str = ""

    def __post_init__(self) -> None:
        validate.probability(self.share, "audit.share")
        validate.number(self.n, "audit.n", low=0, integer=True)


def as_audit(found: object) -> Audit:
    """Return `found` as an `Audit`: one already, or any object with the same attributes.

    Raises:
        InvalidArgument: It lacks ``share`` or ``n``, or they are out of range.
    """
    if isinstance(found, Audit):
        return found
    if not (hasattr(found, "share") and hasattr(found, "n")):
        raise InvalidArgument(
            "must say how much is still there", path="audit", value=found,
            allowed="resilkit.Audit(share=0.98, n=630)",
        )  # fmt: skip
    valid = getattr(found, "valid", None)
    return Audit(
        share=found.share,
        n=found.n,
        valid=None if valid is None else bool(valid),
        summary=str(getattr(found, "summary", "") or ""),
        example=str(getattr(found, "example", "") or ""),
    )


def audit_failure(error: Exception) -> str:
    """Return what to say of an audit that raised: the error, and the user's line that it came from.

    The place stands before the error, whose text may have many lines: another server's traceback.
    """
    frames = own_frames(error)
    place = f" at {place_words(frames[-1])}" if frames else ""
    return f"the audit failed{place}: {type(error).__name__}: {error}"
