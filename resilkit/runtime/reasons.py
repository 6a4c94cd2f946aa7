"""Exit reasons: which are normal, how they read, and how an exception becomes one that travels."""

from __future__ import annotations

import copy
import traceback
from typing import TYPE_CHECKING, Any

from resilkit.errors import ResilkitError, ServerExit

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "RemoteError",
    "describe",
    "exit_error",
    "is_shutdown",
    "portable",
    "text_of",
    "traceback_of",
]


class RemoteError(ResilkitError):
    """Stands for an exception that could not travel: its class name and its text.

    Attributes:
        kind: The qualified name of the exception's class.
        text: Its message.
    """

    definite = False

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"{kind}: {text}")
        self.kind = kind
        self.text = text

    def __reduce__(self) -> Any:
        return (RemoteError, (self.kind, self.text), {"remote_traceback": traceback_of(self)})


def is_shutdown(reason: object) -> bool:
    """Whether `reason` needs no restart of a transient child: normal, shutdown, (shutdown, x).

    Examples:
        >>> is_shutdown("normal"), is_shutdown(("shutdown", 1)), is_shutdown("killed")
        (True, True, False)
    """
    if isinstance(reason, str):
        return reason in ("normal", "shutdown")
    return (
        isinstance(reason, tuple)
        and len(reason) == 2
        and isinstance(reason[0], str)
        and reason[0] == "shutdown"
    )


def portable(error: BaseException) -> BaseException:
    """Return `error`, carrying its traceback as text, or a `RemoteError` if it cannot travel.

    An exception class whose ``__init__`` does not accept its own ``args`` pickles but cannot be
    unpickled, and would take the whole frame that carries it down with it.
    """
    text = traceback_of(error) or _formatted(error)
    try:
        # Copying takes the same way through __reduce_ex__ as unpickling, without the bytes.
        copy.copy(error)
        error.remote_traceback = text  # type: ignore[attr-defined]
    except BaseException:  # noqa: BLE001 - any failure here means "this one cannot travel"
        return replaced(error, text)
    return error


def _formatted(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error))
    except BaseException as second:  # noqa: BLE001 - as in `text_of`
        return f"(its traceback raised {type(second).__name__})"


def text_of(value: object, to_text: Callable[[Any], str] = str) -> str:
    """Return the text of something of a user's, whose ``__str__`` may do anything.

    Args:
        value: What to show.
        to_text: `str` or `repr`.
    """
    try:
        return to_text(value)
    except BaseException as error:  # noqa: BLE001 - a hostile __str__ must not end the node
        return f"(its {to_text.__name__} raised {type(error).__name__})"


def replaced(error: BaseException, text: str = "") -> RemoteError:
    """Return the `RemoteError` that stands for `error`."""
    stand_in = RemoteError(type(error).__qualname__, text_of(error))
    stand_in.remote_traceback = text or traceback_of(error)  # type: ignore[attr-defined]
    return stand_in


def traceback_of(reason: object) -> str:
    """Return the traceback text that `reason` carries, or ``""``."""
    return text_of(reason, _traceback_of)


def _traceback_of(reason: object) -> str:
    return str(getattr(reason, "remote_traceback", "") or "")


def describe(reason: object) -> str:
    """Return a reason as one short line for events and messages.

    Examples:
        >>> describe(ValueError("no"))
        'ValueError: no'
        >>> describe(("shutdown", "done"))
        "('shutdown', 'done')"
    """
    if isinstance(reason, RemoteError):
        return text_of(reason)
    if isinstance(reason, BaseException):
        return f"{type(reason).__name__}: {text_of(reason)}"
    return reason if isinstance(reason, str) else text_of(reason, repr)


def exit_error(who: str, reason: object) -> ServerExit:
    """Return the error that a caller of `who` gets when it ended with `reason` mid-call."""
    error = ServerExit(
        f"{who} ended before it replied: {describe(reason)}",
        reason=reason,
        remote_traceback=traceback_of(reason),
    )
    if isinstance(reason, BaseException):
        error.__cause__ = reason
    return error
