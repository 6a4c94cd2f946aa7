"""Every exception that resilkit raises on purpose.

::

    ResilkitError
    ├── InvalidArgument (also ValueError)   your misuse: nothing has started
    ├── Nondeterministic                    two simulations with one seed did not do the same
    ├── Refused                             a server's answer "no": definite, not a crash
    ├── ClusterError                        the environment; `.definite`: is the effect known
    │   ├── CallTimeout (also TimeoutError) no reply in time; the server may still do the work
    │   ├── NoProcess                       nobody has that name or pid; nothing happened
    │   ├── ServerExit                      the server ended before it replied; `.reason`
    │   ├── NodeDown                        the node was lost, or could not be reached
    │   ├── AlreadyStarted                  the name is taken; `.ref` is the holder
    │   ├── StartFailed                     a start failed and was cleaned up; `.reason`
    │   ├── ClusterClosed                   the cluster was closed
    │   ├── Unavailable                     this machine cannot do it; see `resilkit.capabilities()`
    │   └── StorageError                    the disk refused: full, read-only, damaged
    ├── TrialFailed (also AssertionError)   what was tested does not hold; `.outcome`
    └── InternalError                       our bug: please report it

An error about an operation carries ``definite``: ``True`` when the effect certainly did not
happen (so it is safe to try again), ``False`` when nobody can know.
"""

from __future__ import annotations

from typing import Any, Self

__all__ = [
    "AlreadyStarted",
    "CallTimeout",
    "ClusterClosed",
    "ClusterError",
    "InternalError",
    "InvalidArgument",
    "NoProcess",
    "NodeDown",
    "Nondeterministic",
    "Refused",
    "ResilkitError",
    "ServerExit",
    "StartFailed",
    "StorageError",
    "TrialFailed",
    "Unavailable",
]


def __dir__() -> list[str]:
    return sorted(__all__)


_LONGEST_VALUE = 120


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 - a hostile __repr__ must not hide the real error
        text = f"<{type(value).__name__}, whose repr raised {type(error).__name__}>"
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _with_traceback(text: str, remote_traceback: str) -> str:
    if not remote_traceback:
        return text
    return f"{text}\n\nThe traceback on the server's node:\n{remote_traceback.rstrip()}"


class ResilkitError(Exception):
    """The root: catches everything that resilkit raises on purpose.

    Attributes:
        definite: ``True`` when the failed operation certainly had no effect.
    """

    definite: bool = True


class InvalidArgument(ResilkitError, ValueError):
    """Something given to resilkit is wrong; it was refused whole, before anything started.

    Args:
        message: What is wrong, in one sentence without the value.
        path: Where the value stands, e.g. ``"nodes[2].limits.open_files"``.
        value: The value itself (shown with ``repr``, cut to 120 characters).
        allowed: What would be accepted.

    Examples:
        >>> raise InvalidArgument("must be positive", path="rate", value=-1, allowed="a number > 0")
        Traceback (most recent call last):
        ...
        resilkit.errors.InvalidArgument: rate: must be positive, got -1; allowed: a number > 0
    """

    _ABSENT: Any = object()

    def __init__(
        self, message: str, *, path: str = "", value: object = _ABSENT, allowed: str = ""
    ) -> None:
        self.message = message
        self.path = path
        self.has_value = value is not self._ABSENT
        self.value = value if self.has_value else None
        self.allowed = allowed
        text = f"{path}: {message}" if path else message
        if self.has_value:
            text += f", got {_shown(value)}"
        if allowed:
            text += f"; allowed: {allowed}"
        super().__init__(text)

    def __reduce__(self) -> Any:
        return (
            _rebuild_invalid,
            (self.message, self.path, self.has_value, self.value, self.allowed),
        )

    def below(self, prefix: str) -> Self:
        """Return the same error with `prefix` put before its path."""
        joint = "" if not self.path or self.path.startswith("[") else "."
        value = self.value if self.has_value else self._ABSENT
        path = f"{prefix}{joint}{self.path}"
        return type(self)(self.message, path=path, value=value, allowed=self.allowed)


def _rebuild_invalid(
    message: str,
    path: str,
    has_value: bool,  # noqa: FBT001 - pickle calls it by position
    value: object,
    allowed: str,
) -> InvalidArgument:
    if has_value:
        return InvalidArgument(message, path=path, value=value, allowed=allowed)
    return InvalidArgument(message, path=path, allowed=allowed)


class Nondeterministic(ResilkitError):
    """Two simulations with the same seed did not do the same: a server asks what no seed decides.

    See `resilkit.check_determinism`.

    Attributes:
        outcome: What was measured all the same, where a check in CI raised it: the `Result` of
            a run, the frame of a sweep. Else ``None``.
    """

    def __init__(self, message: str = "", *, outcome: Any = None) -> None:
        super().__init__(message)
        self.outcome = outcome


class Refused(ResilkitError):
    """A server's answer that it will not do what was asked. The server goes on.

    Raise it in a handler; the caller gets it, and the history counts the operation as ``fail``:
    not good, in availability, error rate and recovery alike. An operation to which it is a good
    answer (sold out, no funds) catches it and returns; see `Operation`.
    """


class ClusterError(ResilkitError):
    """The environment failed: a process, a node, a link, a disk or a clock."""

    definite = False

    def __init__(self, message: str = "", *, definite: bool | None = None) -> None:
        super().__init__(message)
        if definite is not None:
            self.definite = definite


class CallTimeout(ClusterError, TimeoutError):
    """No reply came in time. The server may still do the work; a late reply is dropped.

    It is a `TimeoutError` too, and its ``definite`` is ``False``: whether the call took effect
    nobody knows. `Reference.with_timeout` changes how long calls wait; 5 s by default.

    Examples:
        >>> issubclass(CallTimeout, TimeoutError), CallTimeout("after 5 s").definite
        (True, False)
    """


class NoProcess(ClusterError):
    """No process has that name or pid. Nothing happened.

    Where what had the name has ended, the text says on which node; in a notebook, that its
    supervisor gave up, too, some tenths of a second after it did.
    """

    definite = True


class ServerExit(ClusterError):
    """The server ended before it replied.

    Attributes:
        reason: Its exit reason: ``"normal"``, ``"shutdown"``, ``("shutdown", x)``, ``"killed"``,
            or the exception that ended it.
        remote_traceback: The traceback on the server's node, as text, or ``""``.
    """

    def __init__(
        self,
        message: str = "",
        *,
        reason: object = None,
        remote_traceback: str = "",
        definite: bool | None = None,
    ) -> None:
        super().__init__(message, definite=definite)
        self.reason = reason
        self.remote_traceback = remote_traceback

    def __str__(self) -> str:
        return _with_traceback(super().__str__(), self.remote_traceback)


class NodeDown(ClusterError):
    """The node was lost while it was needed, or could not be reached.

    Attributes:
        node: The name of the node.
    """

    def __init__(self, message: str = "", *, node: str = "", definite: bool | None = None) -> None:
        super().__init__(message, definite=definite)
        self.node = node


class AlreadyStarted(ClusterError):
    """The name is taken.

    Attributes:
        ref: A reference to the holder.
    """

    definite = True

    def __init__(self, message: str = "", *, ref: Any = None) -> None:
        super().__init__(message)
        self.ref = ref


class StartFailed(ClusterError):
    """A server, supervisor, node or cluster could not start; what had started was stopped again.

    Attributes:
        reason: Why, as an exit reason or an exception.
    """

    definite = True

    def __init__(self, message: str = "", *, reason: object = None) -> None:
        super().__init__(message)
        self.reason = reason

    def __str__(self) -> str:
        reason = self.reason
        while isinstance(reason, tuple) and len(reason) > 1:
            reason = reason[-1]  # of a supervisor: why its child did not start
        try:
            found = str(getattr(reason, "remote_traceback", "") or "")
        except Exception:  # noqa: BLE001 - a hostile reason must not hide the real error
            found = ""
        return _with_traceback(super().__str__(), found)


class ClusterClosed(ClusterError):
    """The cluster was closed, so nothing can be asked of it any more."""

    definite = True


class Unavailable(ClusterError):
    """This machine cannot do what was asked; `resilkit.capabilities()` says why."""

    definite = True


class StorageError(ClusterError):
    """The disk refused to read or write: full, read-only, or what stands there is damaged."""


class TrialFailed(ResilkitError, AssertionError):
    """Something that was tested does not hold: a trial, a race, the criteria of an experiment.

    Attributes:
        outcome: What came of it, with the history, the messages, a figure and a script; of an
            experiment its `Result`.
    """

    definite = False

    def __init__(self, message: str = "", *, outcome: Any = None) -> None:
        super().__init__(message)
        self.outcome = outcome


class InternalError(ResilkitError):
    """A bug in resilkit. Please report it with the traceback."""

    definite = False
