"""Were acknowledged writes kept? A checker for registers whose writes carry versions.

A store of *versioned registers* answers each write and each read with the key, a version and the
value. Versions of a key can be compared, and a higher one stands for a later write. Then a whole
history is judged in one pass, ``O(n log n)``, where general linearizability needs a search.

What counts as a violation, each with its smallest counterexample (``w k v2`` is an acknowledged
write of key k that was given version 2, ``r k v1`` a read that was answered version 1):

- **Lost**: ``w k v2``, and the final read of k says v1. The store had promised v2. It is lost too
  when the final read says v2 with another value.
- **Stale**: ``w k v2`` was acknowledged *before* ``r k v1`` was sent. The reader could have been
  told of the write by the writer, so answering with the past is wrong, whatever comes later. In
  the same way a later write must be given a version *above* v2: with v1 or v2 it would vanish
  under the earlier one.
  Where reads count too (`after_reads`), the final read must not be below what a read was answered.
- **Conflict**: two operations, or one and the final read, were given v2 with different values,
  whether or not anybody was told that v2 was written. One version must not stand for two values,
  since no reader can tell which he will find. It is a conflict, too, when a write is known to have
  *failed* with v2 and somebody finds v2 with its value, and no acknowledged write wrote just that.

And what does not, though it looks like one:

- ``r k v1`` *overlaps* ``w k v2``: either order is right. At equal times two operations overlap.
- The final read says v3, which nobody was told of: a write whose outcome is unknown (``info``) may
  have taken effect, now or later. It covers v2, as any later write does.
- A write that failed or is unknown is missing: nothing was promised.

What it cannot see: a write that was lost *and* then covered by a later one, while nobody looked.
Use many keys, so that few writes are covered.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from resilkit.check.durability_verdict import (
    Conflict,
    DurabilityVerdict,
    LostWrite,
    StaleOperation,
)
from resilkit.errors import InvalidArgument
from resilkit.history import History, OperationRecord, RowTuple

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Seen", "lost_writes"]

Seen = tuple[Any, Any, Any]
"""What the history keeps of a write or a read: key, version, value."""

_SHOWN = 10


class _Event:
    """One operation that was acknowledged."""

    __slots__ = ("done", "is_write", "key", "name", "sent", "value", "version")

    def __init__(self, record: OperationRecord, seen: Seen, *, is_write: bool) -> None:
        self.name = record.operation
        self.is_write = is_write
        self.key, self.version, self.value = seen
        self.sent = record.intended if record.sent is None else record.sent
        self.done = self.sent if record.done is None else record.done


def lost_writes(
    history: History | Iterable[OperationRecord | RowTuple] | pd.DataFrame,
    final: Mapping[Any, tuple[Any, Any]] | Iterable[Seen] | None,
    *,
    write: str = "write",
    read: str = "read",
    seen: Callable[[OperationRecord], Seen] | None = None,
    step: Callable[[Any], Any] | None = None,
    after_reads: bool = False,
) -> DurabilityVerdict:
    """Judge whether a store kept what it had acknowledged. See the module for the exact rules.

    Args:
        history: What the clients did: a `History`, its frame, or records.
        final: What was found when all was over and the faults were gone: ``{key: (version,
            value)}`` or ``(key, version, value)`` triples. A key that was looked for and not
            found has the version ``None``. A key that is absent here was not read, and leaves the
            verdict open; ``None`` says that nothing was.
        write: The name of the operations that write; their value is ``(key, version, value)``.
        read: The name of those that read; the same, with the version ``None`` for a key that was
            not there.
        seen: Takes ``(key, version, value)`` from a record, where its ``value`` is not that
            already.
        step: Takes from a version the part in which a later write must be strictly higher, where
            that is not the whole: ``lambda version: version[0]`` for ``(counter, writer)``.
            Otherwise ``(2, "a")`` acknowledged and then ``(2, "b")`` written passes, since it is
            higher, though the second writer cannot have seen the first.
        after_reads: Whether a read, too, sets what later operations must at least be given. An
            atomic register promises that; a regular one only after writes.

    Returns:
        The verdict: ``valid`` is ``False`` with the evidence, ``True``, or ``None`` when nothing
        speaks against the store but some acknowledged write could not be looked for, or none was
        acknowledged at all.

    Raises:
        InvalidArgument: A row is not as described, versions cannot be compared (NaN is one that
            cannot), or a key has two final reads; the path says which.

    Examples:
        >>> history = [
        ...     ("write", 0, "g1", 0.0, 0.0, 1.0, "ok", "", ("k", 2, "new")),
        ...     ("read", 1, "g1", 2.0, 2.0, 3.0, "ok", "", ("k", 1, "old")),
        ... ]
        >>> verdict = lost_writes(history, {"k": (2, "new")})
        >>> verdict.valid, verdict.share, verdict.stale[0].floor
        (False, 1.0, 2)
        >>> print(verdict.summary)
        The one acknowledged write is there, but 1 operation saw the past: the read of 'k' sent \
at 2.000 s was given version 1 though 2 had been acknowledged at 1.000 s.
    """
    events, failed = _events(history, write=write, read=read, seen=seen)
    found = _final(final)
    try:
        lost, unread = _lost(events, found)
        stale, stale_count = _stale(events, step=step, after_reads=after_reads)
        if after_reads:
            behind = _behind(events, found)
            stale = [*stale, *behind][:_SHOWN]
            stale_count += len(behind)
        conflicts, conflict_count = _conflicts(events, failed, found)
    except TypeError as error:
        message = f"holds versions that cannot be compared ({error})"
        raise InvalidArgument(message, path="history") from error
    return DurabilityVerdict(
        acknowledged=sum(event.is_write for event in events),
        unread=unread,
        lost=tuple(lost),
        stale=tuple(stale),
        stale_count=stale_count,
        conflicts=tuple(conflicts),
        conflict_count=conflict_count,
    )


def _events(
    history: Any, *, write: str, read: str, seen: Callable[[OperationRecord], Seen] | None
) -> tuple[list[_Event], list[_Event]]:
    """Return what was acknowledged, and the writes that failed with a version that is known."""
    if hasattr(history, "itertuples"):
        history = History.from_frame(history)
    elif not isinstance(history, History):
        history = History(history)
    events: list[_Event] = []
    failed: list[_Event] = []
    for row, record in enumerate(history):
        if record.status == "fail" and record.operation == write:
            attempt = _attempt(record, seen)
            if attempt is not None:
                failed.append(_Event(record, attempt, is_write=True))
        if record.status != "ok" or record.operation not in {write, read}:
            continue
        given = record.value if seen is None else seen(record)
        if not isinstance(given, (tuple, list)) or len(given) != 3:
            raise InvalidArgument(
                f"is not what a {record.operation!r} must return",
                path=f"history[{row}].value",
                value=given,
                allowed="(key, version, value); or pass `seen` to take it from the record",
            )
        key, version, value = (_frozen(part) for part in given)
        _refuse_nan(version, f"history[{row}].value")
        is_write = record.operation == write
        if is_write and version is None:
            raise InvalidArgument(
                "is an acknowledged write without a version", path=f"history[{row}].value"
            )
        events.append(_Event(record, (key, version, value), is_write=is_write))
    return events, failed


def _attempt(
    record: OperationRecord, seen: Callable[[OperationRecord], Seen] | None
) -> Seen | None:
    """Return what a failed write would have written, where its record tells."""
    try:
        given = record.value if seen is None else seen(record)
        key, version, value = (_frozen(part) for part in given)
        hash((key, version))
    except (TypeError, ValueError, LookupError, AttributeError):
        return None  # nobody promised that a failure has a version
    if isinstance(given, (str, bytes)) or version is None or _is_nan(version):
        return None
    return key, version, value


def _is_nan(version: Any) -> bool:
    if isinstance(version, tuple):
        return any(_is_nan(part) for part in version)
    return bool(version != version)  # noqa: PLR0124


def _refuse_nan(version: Any, path: str) -> None:
    if _is_nan(version):
        raise InvalidArgument(
            "has a version that does not even equal itself, so it is above and below nothing",
            path=path,
            value=version,
        )


def _frozen(part: Any) -> Any:
    """Return lists as tuples: what was read back from a file compares with what was not."""
    return tuple(_frozen(one) for one in part) if isinstance(part, (list, tuple)) else part


def _final(final: Any) -> dict[Any, tuple[Any, Any]]:
    if final is None:
        return {}
    items = [(key, *pair) for key, pair in final.items()] if isinstance(final, Mapping) else final
    found: dict[Any, tuple[Any, Any]] = {}
    for number, item in enumerate(items):
        if not isinstance(item, (tuple, list)) or len(item) != 3:
            allowed = "(key, version, value), or a mapping {key: (version, value)}"
            raise InvalidArgument(
                "is no final read", path=f"final[{number}]", value=item, allowed=allowed
            )
        key, version, value = (_frozen(part) for part in item)
        _refuse_nan(version, f"final[{number}]")
        if key in found:
            raise InvalidArgument(
                "is a second final read of a key", path=f"final[{number}]", value=item
            )
        found[key] = (version, value)
    return found


def _below(version: Any, other: Any) -> bool:
    """Return whether `version` is lower than `other`; ``None``, no version, is lower than all."""
    if other is None:
        return False
    return version is None or bool(version < other)


def _lost(events: list[_Event], found: dict[Any, tuple[Any, Any]]) -> tuple[list[LostWrite], int]:
    lost: list[LostWrite] = []
    unread = 0
    for event in events:
        if not event.is_write:
            continue
        if event.key not in found:
            unread += 1
            continue
        version, value = found[event.key]
        if _below(version, event.version) or (version == event.version and value != event.value):
            lost.append(
                LostWrite(event.key, event.version, event.value, event.done, version, value)
            )
    lost.sort(key=lambda one: one.acknowledged_at)
    return lost, unread


def _stale(
    events: list[_Event], *, step: Callable[[Any], Any] | None, after_reads: bool
) -> tuple[list[StaleOperation], int]:
    # In order of time, and at one instant the sendings first: those operations then overlap.
    moments = [(event.sent, 0, number) for number, event in enumerate(events)]
    moments += [
        (event.done, 1, number)
        for number, event in enumerate(events)
        if event.is_write or after_reads
    ]
    moments.sort()
    floors: dict[Any, _Event] = {}
    stale: list[StaleOperation] = []
    count = 0
    for _, is_end, number in moments:
        event = events[number]
        floor = floors.get(event.key)
        if is_end:
            if floor is None or _below(floor.version, event.version):
                floors[event.key] = event
        elif floor is not None and _is_stale(event, floor, step):
            count += 1
            if len(stale) < _SHOWN:
                stale.append(
                    StaleOperation(
                        event.name, event.key, event.version, event.sent, floor.version, floor.done
                    )
                )
    return stale, count


def _is_stale(event: _Event, floor: _Event, step: Callable[[Any], Any] | None) -> bool:
    if floor.version is None:
        return False
    if not event.is_write:
        return _below(event.version, floor.version)
    if step is None:
        return not floor.version < event.version
    return not step(floor.version) < step(event.version)


def _behind(events: list[_Event], found: dict[Any, tuple[Any, Any]]) -> list[StaleOperation]:
    """Return the final reads that are below a read, where no lost write tells that already."""
    tops: dict[Any, _Event] = {}
    ended = 0.0
    for event in sorted(events, key=lambda one: (not one.is_write, one.done)):
        ended = max(ended, event.done)
        top = tops.get(event.key)
        if top is None or _below(top.version, event.version):
            tops[event.key] = event
    return [
        StaleOperation("final read", key, found[key][0], ended, top.version, top.done)
        for key, top in tops.items()
        if not top.is_write and key in found and _below(found[key][0], top.version)
    ]


def _conflicts(
    events: list[_Event], failed: list[_Event], found: dict[Any, tuple[Any, Any]]
) -> tuple[list[Conflict], int]:
    first: dict[tuple[Any, Any], _Event] = {}
    refused: dict[tuple[Any, Any], list[_Event]] = {}
    for event in failed:
        refused.setdefault((event.key, event.version), []).append(event)
    conflicts: list[Conflict] = []
    for event in sorted(events, key=lambda one: (not one.is_write, one.done)):
        if event.version is None:
            continue
        at = (event.key, event.version)
        known = first.setdefault(at, event)
        if known.value != event.value:
            conflicts.append(Conflict(event.name, *at, known.value, event.value))
        elif not known.is_write and _failed_before(refused.get(at, ()), event.value, event.done):
            conflicts.append(Conflict(event.name, *at, event.value, event.value))
    for key, (version, value) in found.items():
        if version is None:
            continue
        seen_first = first.get((key, version))
        if seen_first is None or not seen_first.is_write:  # else it is lost, if it is not the same
            if seen_first is not None and seen_first.value != value:
                conflicts.append(Conflict("final read", key, version, seen_first.value, value))
            elif _failed_before(refused.get((key, version), ()), value, math.inf):
                conflicts.append(Conflict("final read", key, version, value, value))
    return conflicts[:_SHOWN], len(conflicts)


def _failed_before(writes: Iterable[_Event], value: Any, done: float) -> bool:
    """Return whether one of `writes` would have written `value`, and was sent by then."""
    return any(one.value == value and one.sent <= done for one in writes)
