"""What a trial shows when it is over: whether its replies can be explained, and all is well."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from resilkit.check.orders import Interval, Ordered, find_order
from resilkit.errors import InvalidArgument, Refused, ServerExit
from resilkit.runtime.reasons import describe
from resilkit.testing.calls import Cast
from resilkit.testing.failure import Failure

if TYPE_CHECKING:
    from resilkit.metrics.events import Event
    from resilkit.testing.model import Answer, Model
    from resilkit.testing.performed import Performed

__all__ = ["crashed", "died", "explained", "misused", "unanswered"]

_MOST_BEFORE = 3
"""So many operations are named before the one that nothing explains."""

_QUIET = ("normal", "shutdown", "killed", "noproc", "noconnection")


def misused(history: Sequence[Performed]) -> Failure | None:
    """Return the first operation that its server's class does not take: a mistake of the test's."""
    for each in history:
        if isinstance(each.error, InvalidArgument):
            message = f"{each.operation!r} by {each.by} is no operation of its server: {each.error}"
            return Failure("misuse", message, "", each.ended or 0.0, each, each.error)
    return None


def unanswered(history: Sequence[Performed]) -> Failure | None:
    """Return the first call that had no answer, where nothing was broken: all should have one."""
    for each in sorted(history, key=lambda one: one.ranks[-1]):
        if each.status == "info" and not isinstance(each.error, ServerExit):
            message = (
                f"{each.operation!r} by {each.by} had no answer, though nothing was broken: "
                f"{each.told}"
            )
            return Failure("unanswered", message, "", each.ended or each.began, each, each.error)
    return None


def died(history: Sequence[Performed]) -> Failure | None:
    """Return the first call whose server crashed of it, where nothing was broken."""
    for each in history:
        error = each.error
        if isinstance(error, ServerExit) and not isinstance(error.reason, str | tuple):
            message = (
                f"its server crashed of {each.operation!r} by {each.by}, though nothing was "
                f"broken: {describe(error.reason)}"
            )
            return Failure("crash", message, "", each.ended or 0.0, each, error)
    return None


def crashed(events: Iterable[Event], history: Sequence[Performed], since: float) -> Failure | None:
    """Return the first server that crashed, where nothing was broken.

    Args:
        events: Those of the cluster.
        history: What was done.
        since: When the operations began, on the clock of the events.
    """
    for event in events:
        if event.kind != "supervision" or event.event != "terminated" or event.time < since:
            continue
        detail = json.loads(event.detail)
        reason = str(detail.get("reason", ""))
        if detail.get("asked") or reason in _QUIET or reason.startswith("('shutdown'"):
            continue
        by = next((one for one in history if _died_of(one, reason)), None)
        of = "" if by is None else f" of {by.operation!r} by {by.by}"
        message = f"{event.target} crashed{of}, though nothing was broken: {reason}"
        error = None if by is None else by.error
        return Failure("crash", message, event.target, event.time - since, by, error)
    return None


def _died_of(each: Performed, reason: str) -> bool:
    return isinstance(each.error, ServerExit) and describe(each.error.reason) == reason


def explained(
    model: Model,
    history: Sequence[Performed],
    *,
    broken: bool,
    most_steps: int | None = None,
    hint: str = "",
) -> tuple[Failure | None, Ordered]:
    """Return whether some order of the operations explains all replies.

    Args:
        model: What each operation should reply.
        history: What was done.
        broken: Whether there were faults, so that casts may have been lost.
        most_steps: How often the model may be asked; ``None`` for the usual.
        hint: The likely cause if one operation followed the other, and neither they nor the model
            is wrong; ``""`` where nobody knows one.
    """
    did = [each for each in history if _may_have_happened(each)]
    intervals = _intervals(did, broken=broken)
    more = {} if most_steps is None else {"most_steps": most_steps}
    found = find_order(intervals, _stepping(model), model.initial, **more)
    if found.found or found.found is None or found.stuck is None:
        return None, found
    stuck = did[found.stuck]
    what, replied = f"{stuck.operation!r} by {stuck.by}", stuck.told
    alone = not broken and len({each.process for each in did}) == 1
    message = (
        f"{what} replied {replied}; {_said(found)}"
        if alone
        else f"no order of the operations explains that {what} replied {replied}: "
        f"{_after(found, did)}{_said(found)}"
    )
    if alone and hint:
        message = f"{message} (a likely cause, if neither is wrong: {hint})"
    failure = Failure("model", message, "", stuck.ended or stuck.began, stuck, stuck.error)
    return failure, found


def _said(found: Ordered) -> str:
    """Return what the model would have replied, and what in orders that are not named."""
    first, *others = dict.fromkeys(map(str, found.expected)) or ["nothing like it"]
    more = f"; in other orders {' or '.join(others)}" if others else ""
    return f"the model says {first}{more}"


def _after(found: Ordered, did: Sequence[Performed]) -> str:
    """Return after which operations the model would have replied otherwise, of many the last."""
    before = [did[place] for place in (found.before or ((),))[0]]
    several = len({each.process for each in did}) > 1
    told = [f"{each.operation!r}{f' by {each.by}' if several else ''}" for each in before]
    if len(told) > _MOST_BEFORE:
        return f"after {len(told)} operations, the last of them {told[-1]}, "
    return f"after {', then '.join(told)} " if told else "before all others "


def _stepping(model: Model) -> Callable[[Any, Any], tuple[Any, Any]]:
    def step(state: Any, each: Performed) -> tuple[Answer, Any]:
        return model.replies(state, each.operation)

    return step


def _may_have_happened(each: Performed) -> bool:
    """Whether a model has something to say of an operation: not of one that was never done.

    A refusal is a reply of the server's; that nobody has its name is none.
    """
    return each.status != "fail" or isinstance(each.error, Refused)


def _intervals(did: Sequence[Performed], *, broken: bool) -> list[Interval]:
    casts: dict[tuple[int, str | None], list[int]] = {}
    intervals = []
    for place, each in enumerate(did):
        to = (each.process, each.operation.to)
        after = tuple(casts.get(to, ()))
        if isinstance(each.operation, Cast):
            casts.setdefault(to, []).append(place)
            intervals.append(
                Interval(each, each.ranks[0], None, after=after, may_be_lost=broken)
            )  # fmt: skip
        elif each.status == "info":
            intervals.append(Interval(each, each.ranks[0], None))
        else:
            intervals.append(
                Interval(each, each.ranks[0], each.ranks[1], _agreeing(each), after=after)
            )
    return intervals


def _agreeing(each: Performed) -> Callable[[Any], bool]:
    def agrees(answer: Answer) -> bool:
        return answer.is_(each.status, each.value, each.error)

    return agrees
