"""A model: what a system should reply, as one pure function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from resilkit import validate
from resilkit.errors import InvalidArgument, ResilkitError
from resilkit.records import readable
from resilkit.testing.calls import Call, Cast
from resilkit.testing.code import as_code, pretty
from resilkit.testing.construction import Made

__all__ = ["Answer", "Model", "NoModel"]


@validate.strict
@readable
@dataclass(frozen=True, slots=True, repr=False)
class Model:
    """What a system should reply, one operation after the other: a state, and what changes it.

    Args:
        initial: The state that it begins in: any value. Where it has a hash (a number, a tuple), or
            can at least be pickled, states that are equal are looked at once.
        step: ``step(state, operation) -> (reply, next state)``, of a `Call` or a `Cast`. It may
            change what it is given, which is a copy of its own. A refusal it raises: ``raise
            Refused("too little")`` says that the system should, whatever the words; the state
            stays. A reply may be anything that is equal to all that are right, as
            ``unittest.mock.ANY`` is.

    Raises:
        InvalidArgument: `step` cannot be called.

    Examples:
        >>> def counting(value, operation):
        ...     if operation.method == "increment":
        ...         value += operation.kwargs.get("by", 1)
        ...     return value, value
        >>> Model(0, counting).step(3, Call("increment", by=2))
        (5, 5)
    """

    initial: Any
    step: Callable[[Any, Any], tuple[Any, Any]]

    def __post_init__(self) -> None:
        """Refuse a step that is none."""
        if not callable(self.step):
            raise InvalidArgument(
                "cannot be called", path="Model.step", value=self.step,
                allowed="a function of a state and a Call or a Cast",
            )  # fmt: skip

    def replies(self, state: Any, operation: Call | Cast) -> tuple[Answer, Any]:
        """Return what the system should answer to an operation, and the state after it.

        Raises:
            InvalidArgument: The step returned no pair, or runs a system that cannot be run alone.
        """
        try:
            found = self.step(state, operation)
        except NoModel:
            raise
        except ResilkitError as error:
            return Answer(error=error), state
        if not isinstance(found, tuple) or len(found) != 2:
            raise InvalidArgument(
                "must return a pair", path="Model.step", value=found,
                allowed="(reply, next state)",
            )  # fmt: skip
        reply, after = found
        return (reply if isinstance(reply, Answer) else Answer(reply)), after

    def __repr__(self) -> str:
        return as_code(self, width=None)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: FBT001 - IPython's own
        pretty(self, printer, cycle=cycle)

    def _made_by(self) -> Made:
        return Made("Model", (self.initial, self.step))


class NoModel(InvalidArgument):
    """Says that a system cannot be run alone: of an operation that is no answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model says that an operation comes to.

    A step may return one as its reply: an error after which the state is another one.

    Attributes:
        reply: The reply.
        error: The error that is the answer instead; ``None`` for none.
    """

    reply: Any = None
    error: BaseException | None = None

    def is_(self, status: str, value: Any, error: BaseException | None) -> bool:
        """Whether an operation that ended in this way had this answer."""
        if self.error is not None:
            return error is not None and isinstance(error, type(self.error))
        return status == "ok" and bool(self.reply == value)

    def __str__(self) -> str:
        """Show it as people say it."""
        return as_code(self.reply) if self.error is None else type(self.error).__name__
