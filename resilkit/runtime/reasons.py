"""Exit reasons: which are normal, how they read, and how an exception becomes one that travels."""

from __future__ import annotations

import copy
import traceback
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

from resilkit.errors import ResilkitError, ServerExit, StartFailed
from resilkit.runtime.tracebacks import formatted, traceback_object

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "RemoteError",
    "describe",
    "exit_error",
    "is_shutdown",
    "is_text",
    "portable",
    "text_of",
    "traceback_of",
    "why_not_started",
]

_MOST_TEXT: Final = 2_000
_MOST_TRACEBACK: Final = 16_000
"""Characters of a description, and of a traceback: they go to many, some over full links."""


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


def is_shutdown(reason: Any) -> bool:
    """Whether `reason` needs no restart of a transient child: normal, shutdown, (shutdown, x).

    Examples:
        >>> is_shutdown("normal"), is_shutdown(("shutdown", 1)), is_shutdown("killed")
        (True, True, False)
    """
    if issubclass(type(reason), tuple):
        return len(reason) == 2 and is_text(reason[0], "shutdown")
    return is_text(reason, "normal") or is_text(reason, "shutdown")


def is_text(reason: object, text: str) -> bool:
    """Whether `reason` is the text `text`, without asking a reason of a user's for ``==``.

    Examples:
        >>> is_text("kill", "kill"), is_text(ValueError("kill"), "kill")
        (True, False)
    """
    return issubclass(type(reason), str) and str.__eq__(reason, text)  # type: ignore[operator]


def portable(error: BaseException) -> BaseException:
    """Return `error`, carrying its traceback as text, or a `RemoteError` if it cannot travel.

    An exception class whose ``__init__`` does not accept its own ``args`` pickles but cannot be
    unpickled, and would take the whole frame that carries it down with it.
    """
    text, shown = traceback_of(error), ""
    if not text:
        text, shown = _formatted(error)
    try:
        # Copying takes the same way through __reduce_ex__ as unpickling, without the bytes.
        copy.copy(error)
        error.remote_traceback = text  # type: ignore[attr-defined]
        if shown:
            error.remote_text = shown  # type: ignore[attr-defined]
    except BaseException:  # noqa: BLE001 - any failure here means "this one cannot travel"
        return replaced(error, text, shown)
    return error


def _formatted(error: BaseException) -> tuple[str, str]:
    """Return the traceback, and the text of an error that it may take long to ask for again."""
    try:
        found = traceback.TracebackException(type(error), error, traceback_object(error))  # type: ignore[arg-type]
        text = formatted(found)
        if len(text) > _MOST_TRACEBACK:
            half = _MOST_TRACEBACK // 2
            text = f"{text[:half]}\n… ({len(text)} characters) …\n{text[-half:]}"
        shown = "" if _plain(error) else _cut(found._str)  # type: ignore[attr-defined]
    except BaseException as second:  # noqa: BLE001 - as in `text_of`
        return f"(its traceback raised {type(second).__name__})", ""
    return text, "" if shown == _NO_TEXT else shown


_NO_TEXT: Final = "<exception str() failed>"
"""What `traceback` has for the text of an exception whose ``__str__`` raises."""


def _plain(error: BaseException) -> bool:
    """Whether the text of `error` is made by no code of a user's, or by ours."""
    if isinstance(error, ResilkitError):
        return True
    by_python = not isinstance(type(error).__str__, FunctionType)
    return by_python and all(type(each) in {str, int, float} for each in error.args)


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}… ({len(text)} characters)"


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


def replaced(error: BaseException, text: str = "", shown: str = "") -> RemoteError:
    """Return the `RemoteError` that stands for `error`.

    Args:
        error: What cannot travel.
        text: Its traceback, if that is known.
        shown: Its text, likewise.
    """
    stand_in = RemoteError(type(error).__qualname__, shown or _text(error))
    stand_in.remote_traceback = text or traceback_of(error)  # type: ignore[attr-defined]
    return stand_in


def traceback_of(reason: object) -> str:
    """Return the traceback text that `reason` carries, or ``""``."""
    return text_of(reason, _traceback_of)


def _traceback_of(reason: object) -> str:
    return str(getattr(reason, "remote_traceback", "") or "")


def describe(reason: Any) -> str:
    """Return a reason as one short line for events and messages.

    Examples:
        >>> describe(ValueError("no"))
        'ValueError: no'
        >>> describe(("shutdown", "done"))
        "('shutdown', 'done')"
    """
    if issubclass(type(reason), RemoteError):
        return _cut(text_of(reason))
    if issubclass(type(reason), BaseException):
        return f"{type(reason).__name__}: {_text(reason)}"
    return _cut(reason if issubclass(type(reason), str) else text_of(reason, repr))


def why_not_started(reason: Any) -> str:
    """Return in words why a server or a supervisor did not start.

    Examples:
        >>> why_not_started(("shutdown", ("failed_to_start_child", "w", ValueError("no"))))
        "its child 'w' could not start: ValueError: no"
    """
    # Not by `match`: it would ask a reason of a user's for ``==``.
    if type(reason) is tuple and len(reason) == 2:
        kind, inner = reason
        if is_text(kind, "already_started"):
            return f"its name is held by {describe(inner)}"
        failed = is_text(kind, "shutdown") and type(inner) is tuple and len(inner) == 3
        if failed and is_text(inner[0], "failed_to_start_child"):
            return f"its child {inner[1]!r} could not start: {why_not_started(inner[2])}"
    return describe(reason)


def _text(error: object) -> str:
    if issubclass(type(error), (ServerExit, StartFailed)):
        # Its text alone: `str` would add the traceback to it.
        return _cut(str(error.args[0]))  # type: ignore[attr-defined]
    return _cut(text_of(error, _asked_before) or text_of(error))


def _asked_before(error: object) -> str:
    """Return what the text of an exception was when it was raised, if it was kept."""
    return str(getattr(error, "remote_text", "") or "")


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
