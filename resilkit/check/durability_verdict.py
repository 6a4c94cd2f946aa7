"""What the durability checker found, as data and as a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from resilkit.texts import plain

__all__ = ["Conflict", "DurabilityVerdict", "LostWrite", "StaleOperation"]


class LostWrite(NamedTuple):
    """An acknowledged write that the final read did not find.

    Attributes:
        key: What was written to.
        version: The version that the write was given.
        value: What was written.
        acknowledged_at: Monotonic seconds.
        found_version: The version that was there in the end; ``None`` when nothing was.
        found_value: The value that was there in the end.
    """

    key: Any
    version: Any
    value: Any
    acknowledged_at: float
    found_version: Any
    found_value: Any


class StaleOperation(NamedTuple):
    """An operation that was given less than what had been acknowledged before it was sent.

    Attributes:
        operation: Its name; ``"final read"`` for the look when all was over.
        key: What it read or wrote.
        version: The version that it was given; ``None`` when it found nothing.
        sent_at: Monotonic seconds; for the final read, when the last operation had ended.
        floor: The version that had been acknowledged.
        acknowledged_at: When that was, in monotonic seconds.
    """

    operation: str
    key: Any
    version: Any
    sent_at: float
    floor: Any
    acknowledged_at: float


class Conflict(NamedTuple):
    """One version that stood for two values, or one that a failed write left behind.

    Attributes:
        operation: The operation that met the second value, or ``"final read"``.
        key: The key.
        version: The version.
        written: What the first acknowledged write of that version wrote, or else what was read
            first.
        seen: What this operation wrote or read. It equals `written` when that is the value of a
            write that had failed.
    """

    operation: str
    key: Any
    version: Any
    written: Any
    seen: Any


@dataclass(frozen=True, slots=True, repr=False)
class DurabilityVerdict:
    """Whether acknowledged writes were kept.

    Attributes:
        acknowledged: How many writes were acknowledged.
        unread: How many of them could not be looked for: their key has no final read.
        lost: All that were looked for and not there, in the order of their acknowledgements.
        stale: The first ten operations that saw the past.
        stale_count: How many there are in all.
        conflicts: The first ten cases of one version with two values.
        conflict_count: How many there are in all.
    """

    acknowledged: int
    unread: int = 0
    lost: tuple[LostWrite, ...] = ()
    stale: tuple[StaleOperation, ...] = ()
    stale_count: int = 0
    conflicts: tuple[Conflict, ...] = ()
    conflict_count: int = 0

    @property
    def valid(self) -> bool | None:
        """``False``: violated; ``True``: kept; ``None``: nobody knows.

        Unknown is a history without violation of which some acknowledged write was not looked
        for, or that has none: a store that refuses everything has not been shown to keep anything.
        """
        if self.lost or self.stale_count or self.conflict_count:
            return False
        return True if self.acknowledged and not self.unread else None

    @property
    def checked(self) -> int:
        """How many acknowledged writes were looked for."""
        return self.acknowledged - self.unread

    @property
    def share(self) -> float | None:
        """The share of the writes looked for that were there, 0..1; ``None`` without any."""
        return 1.0 - len(self.lost) / self.checked if self.checked else None

    @property
    def summary(self) -> str:
        """The verdict in a sentence."""
        if not self.acknowledged:
            return "No write was acknowledged, so there was nothing to keep."
        parts = [self._kept()]
        if self.stale_count:
            parts.append(self._saw_the_past())
        if self.conflict_count:
            parts.append(self._stood_for_two())
        bad = bool(self.stale_count or self.conflict_count) and not self.lost
        return (", but " if bad else ", and ").join(parts) + "."

    def _kept(self) -> str:
        if not self.checked:
            return f"None of {plain(self.acknowledged, 'acknowledged write')} could be looked for"
        if self.lost:
            one, are = self.lost[0], "is" if len(self.lost) == 1 else "are"
            checked = plain(self.checked, "acknowledged write")
            text = (
                f"{len(self.lost):,} of {checked} {are} lost: {one.key!r} = "
                f"{one.value!r} at version {one.version!r} was acknowledged at "
                f"{one.acknowledged_at:.3f} s, and {_found(one)}"
            )
        elif self.checked == 1:
            text = "The one acknowledged write is there"
        else:
            text = f"All {plain(self.checked, 'acknowledged write')} are there"
        if self.unread:
            text += f" ({self.unread:,} more could not be looked for)"
        return text

    def _saw_the_past(self) -> str:
        one = self.stale[0]
        given = "nothing" if one.version is None else f"version {one.version!r}"
        return (
            f"{plain(self.stale_count, 'operation')} saw the past: the {one.operation} of "
            f"{one.key!r} sent at {one.sent_at:.3f} s was given {given} though {one.floor!r} had "
            f"been acknowledged at {one.acknowledged_at:.3f} s"
        )

    def _stood_for_two(self) -> str:
        one, times = self.conflicts[0], plain(self.conflict_count, "time")
        if one.written == one.seen:
            return (
                f"{times} a version stood for what it must not: version {one.version!r} of "
                f"{one.key!r} was seen as {one.seen!r}, whose write had failed"
            )
        return (
            f"{times} one version stood for two values: version {one.version!r} of {one.key!r} was "
            f"first {one.written!r} and then seen as {one.seen!r}"
        )

    def __str__(self) -> str:
        return self.summary

    def __repr__(self) -> str:
        word = {True: "kept", False: "violated", None: "unknown"}[self.valid]
        found = {
            "lost": len(self.lost),
            "stale": self.stale_count,
            "conflict" if self.conflict_count == 1 else "conflicts": self.conflict_count,
        }
        told = "".join(f", {count} {name}" for name, count in found.items() if count)
        return f"<DurabilityVerdict {word}: {self.checked} of {self.acknowledged} checked{told}>"

    def _repr_html_(self) -> str:
        from resilkit.check.display import durability_html

        return durability_html(self)


def _found(one: LostWrite) -> str:
    if one.found_version is None:
        return "nothing was there in the end"
    return f"version {one.found_version!r} = {one.found_value!r} was there in the end"
