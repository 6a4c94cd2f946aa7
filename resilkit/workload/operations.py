"""What users do: named, weighted, asynchronous operations."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from resilkit import validate
from resilkit.errors import InvalidArgument
from resilkit.records import readable
from resilkit.runtime.naming import check_name

if TYPE_CHECKING:
    from resilkit.workload.client import Client, User

__all__ = ["CallMethod", "Operation", "OperationFunction"]

OperationFunction = Callable[["User"], Awaitable[Any]]
"""``async def operation(user)``; what it returns becomes the ``value`` of its history row."""

_LONGEST_NAME = 64


@validate.strict
@readable
@dataclass(frozen=True, slots=True)
class CallMethod:
    """The function behind `Operation.call`: one call of one method of one named server.

    Attributes:
        target: The server's name, or a function of the user that gives it.
        method: The method's name.
        args: Positional arguments; callables are called with the user each time.
        kwargs: Keyword arguments, the same.
        timeout: Seconds to wait for the reply; ``None`` waits for ever.

    Raises:
        InvalidArgument: A malformed field.
    """

    target: str | Callable[[User], str]
    method: str
    args: tuple[Any, ...] = ()
    kwargs: tuple[tuple[str, Any], ...] = ()
    timeout: float | None = 5.0

    def __post_init__(self) -> None:
        if not callable(self.target):
            check_name(self.target, "target")
        _check_method(self.method)
        _check_arguments(self.args, self.kwargs)
        timeout = validate.duration(self.timeout, "timeout", allow_zero=False, allow_none=True)
        object.__setattr__(self, "timeout", timeout)

    def bound(self, client: Client) -> OperationFunction:
        """Return what does the same for users of `client`, without making the reference each time.

        Where a function of the user has a say in what is called, that is this itself.
        """
        if self.asks_the_user:
            return self
        reference = client.whereis(str(self.target)).with_timeout(self.timeout)
        call, args, kwargs = getattr(reference.call, self.method), self.args, dict(self.kwargs)

        async def bound(_: User) -> Any:
            return await call(*args, **kwargs)

        return bound

    @property
    def asks_the_user(self) -> bool:
        """Whether a function of the user has a say in what is called."""
        given = (self.target, *self.args, *(value for _, value in self.kwargs))
        return any(map(callable, given))

    def given(self, user: User) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        """Return whom to call this time, and with what."""
        target = self.target if isinstance(self.target, str) else self.target(user)
        args = [value(user) if callable(value) else value for value in self.args]
        kwargs = {key: value(user) if callable(value) else value for key, value in self.kwargs}
        return target, tuple(args), kwargs

    async def __call__(self, user: User) -> Any:
        """Find the server by its name as of now, call it, and return its reply."""
        target, args, kwargs = self.given(user)
        reference = user.whereis(target).with_timeout(self.timeout)
        return await getattr(reference.call, self.method)(*args, **kwargs)


@validate.strict
@readable
@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that users do.

    How it ended is told from the function: it returned: ``ok``. It raised `Refused`, `NoProcess`
    or another error of resilkit's that is ``definite``: ``fail``, it did not happen. It raised
    anything else (`CallTimeout`, `NodeDown`, `ServerExit`, a foreign exception): ``info``, nobody
    knows whether it happened.

    Only ``ok`` counts as good, in availability, error rate and recovery: a minority that refuses
    is not available. Where a refusal is a good answer of the application's (sold out, no funds),
    catch it in a function of one's own and return it, as in the second example.

    Args:
        name: How it is called in results and criteria (``p95[name]``): printable text of 1 to 64
            characters without brackets.
        function: ``async def function(user)``; see `User`. It returns what the history should
            keep: plain data (numbers, text, bytes, ``None``, and tuples, lists, sets and dicts
            of them); anything else is kept as its ``repr``, cut to 200 characters.
        weight: Its share among the operations, relative to their sum; 0 switches it off.

    Raises:
        InvalidArgument: A malformed name, a weight that is negative or not finite, or a function
            that is not ``async``.

    Examples:
        >>> async def deposit(user):
        ...     await user.whereis("bank").call.deposit(user.rng.randrange(100))
        >>> Operation("deposit", deposit, weight=0.2).weight
        0.2
        >>> from resilkit.errors import Refused
        >>> async def reserve(user):
        ...     try:
        ...         return await user.whereis("seats").call.reserve(user.rng.randrange(100))
        ...     except Refused as refusal:  # sold out: answered well all the same
        ...         return f"refused: {refusal}"
        >>> Operation("reserve", reserve).name
        'reserve'
    """

    name: str
    function: OperationFunction
    weight: float = 1.0

    def __post_init__(self) -> None:
        _check_name(self.name)
        _check_async(self.function)
        object.__setattr__(self, "weight", validate.number(self.weight, "weight", low=0.0))

    @classmethod
    def call(
        cls,
        target: str | Callable[[User], str],
        method: str,
        *args: Any,
        weight: float = 1.0,
        name: str | None = None,
        timeout: float | None = 5.0,
        **kwargs: Any,
    ) -> Self:
        """Return the operation that calls a method of a named server.

        The name is resolved at every call, so it follows restarts. Arguments that are callable
        are called with the user each time, e.g. those of `resilkit.workload.values` (to pass a
        callable itself, wrap it: ``lambda user: it``).

        Args:
            target: The server's name, or a function of the user that gives it.
            method: The method's name.
            *args: Positional arguments.
            weight: The share among the operations.
            name: The operation's name; the method's when ``None``.
            timeout: Seconds to wait for the reply (then the operation ends as ``info``);
                ``None`` waits for ever.
            **kwargs: Keyword arguments of the method.

        Examples:
            >>> add = Operation.call("counter-0", "increment", by=lambda user: user.index)
            >>> add.name, add.weight
            ('increment', 1.0)
        """
        function = CallMethod(target, method, args, tuple(kwargs.items()), timeout)
        return cls(method if name is None else name, function, weight=weight)

    def describe(self) -> dict[str, Any]:
        """Return name, weight and what is done, as plain data for a run's manifest."""
        about: dict[str, Any] = {"name": self.name, "weight": self.weight}
        if isinstance(self.function, CallMethod):
            target = self.function.target
            about["target"] = target if isinstance(target, str) else _shown(target)
            about["method"] = self.function.method
            about["timeout"] = self.function.timeout
        else:
            about["function"] = _shown(self.function)
        return about


def _shown(function: object) -> str:
    return str(getattr(function, "__qualname__", type(function).__qualname__))


def _check_name(name: object) -> None:
    fits = isinstance(name, str) and 0 < len(name.strip()) == len(name) <= _LONGEST_NAME
    if not fits or not str(name).isprintable() or "[" in str(name) or "]" in str(name):
        allowed = f"printable text of 1 to {_LONGEST_NAME} characters without '[' and ']'"
        raise InvalidArgument("is no name", path="name", value=name, allowed=allowed)


def _check_method(method: object) -> None:
    if not (isinstance(method, str) and method.isidentifier()) or method.startswith("_"):
        allowed = "the name of a public method"
        raise InvalidArgument("is no method", path="method", value=method, allowed=allowed)


def _check_arguments(args: object, kwargs: object) -> None:
    if not isinstance(args, tuple):
        raise InvalidArgument("must be a tuple", path="args", value=args, allowed="(1, 2)")
    pairs = kwargs if isinstance(kwargs, tuple) else (None,)
    if not all(
        isinstance(one, tuple) and len(one) == 2 and isinstance(one[0], str) for one in pairs
    ):
        message, allowed = "must be pairs of a name and a value", "(('by', 2),)"
        raise InvalidArgument(message, path="kwargs", value=kwargs, allowed=allowed)


def _check_async(function: object) -> None:
    inner = function
    while hasattr(inner, "func"):  # functools.partial
        inner = inner.func
    allowed = "async def function(user)"
    if not callable(inner):
        raise InvalidArgument("must be callable", path="function", value=function, allowed=allowed)
    if inspect.iscoroutinefunction(inner) or inspect.iscoroutinefunction(type(inner).__call__):
        return
    message = "must be async: a blocking function would hold up all the other users"
    raise InvalidArgument(message, path="function", value=function, allowed=allowed)
