"""One operation on a server, as plain data: a call or a cast, and its arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from resilkit.errors import InvalidArgument
from resilkit.records import readable
from resilkit.runtime.naming import check_name
from resilkit.testing.code import as_code, pretty
from resilkit.testing.construction import Made

__all__ = ["Arguments", "Call", "Cast"]


@readable
@dataclass(frozen=True, slots=True, init=False, repr=False)
class Arguments:
    """What a method is given.

    Args:
        *args: Positional arguments.
        **kwargs: Keyword arguments.

    Attributes:
        args: The positional ones.
        kwargs: The keyword ones, in the order in which they were given. Two are equal whatever
            their order.

    Examples:
        >>> Arguments(1, by=3)
        Arguments(1, by=3)
        >>> Arguments(source="a", target="b") == Arguments(target="b", source="a")
        True
    """

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]

    def __init__(self, /, *args: Any, **kwargs: Any) -> None:
        object.__setattr__(self, "args", args)
        object.__setattr__(self, "kwargs", kwargs)

    def __hash__(self) -> int:
        return hash((self.args, frozenset(self.kwargs.items())))

    def __repr__(self) -> str:
        return as_code(self, width=None)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: FBT001 - IPython's own
        pretty(self, printer, cycle=cycle)

    def _made_by(self) -> Made:
        """Return the call that makes an equal one."""
        return Made("Arguments", self.args, self.kwargs)


@readable
@dataclass(frozen=True, slots=True, init=False, repr=False)
class _Operation:
    method: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    to: str | None

    def __init__(self, method: str, /, *args: Any, to: str | None = None, **kwargs: Any) -> None:
        kind = type(self).__name__
        if not isinstance(method, str) or not method.isidentifier() or method.startswith("_"):
            allowed = "the name of a public method"
            raise InvalidArgument("is no method", path=f"{kind}.method", value=method,
                                  allowed=allowed)  # fmt: skip
        if to is not None:
            check_name(to, f"{kind}.to")
        for name, value in (("method", method), ("args", args), ("kwargs", kwargs), ("to", to)):
            object.__setattr__(self, name, value)

    def __hash__(self) -> int:
        named = frozenset(self.kwargs.items())
        return hash((type(self).__name__, self.method, self.args, named, self.to))

    def __repr__(self) -> str:
        return as_code(self, width=None)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: FBT001 - IPython's own
        pretty(self, printer, cycle=cycle)

    def _made_by(self) -> Made:
        """Return the call that makes an equal one."""
        to = {} if self.to is None else {"to": self.to}
        return Made(type(self).__name__, (self.method, *self.args), {**self.kwargs, **to})


class Call(_Operation):
    """One call of a server's method: whoever makes it waits for the reply.

    Plain data: it does nothing by itself. It has a hash where its arguments have one.

    Args:
        method: The name of a public method.
        *args: Its positional arguments.
        to: The name of the server; ``None``: the one under test.
        **kwargs: Its keyword arguments. One that is called ``to`` goes by position.

    Attributes:
        method: The name of the method.
        args: The positional arguments.
        kwargs: The keyword arguments.
        to: The name of the server, or ``None``.

    Raises:
        InvalidArgument: The method is no name of a public one, or `to` is no name.

    Examples:
        >>> Call("increment", by=3)
        Call("increment", by=3)
        >>> Call("get", to="counter-2").to
        'counter-2'
        >>> Call("get") == Cast("get")
        False
    """

    __slots__ = ()


class Cast(_Operation):
    """One cast to a server's method: nobody waits, and there is no reply.

    The same as a `Call` in all else.

    Args:
        method: The name of a public method.
        *args: Its positional arguments.
        to: The name of the server; ``None``: the one under test.
        **kwargs: Its keyword arguments. One that is called ``to`` goes by position.

    Attributes:
        method: The name of the method.
        args: The positional arguments.
        kwargs: The keyword arguments.
        to: The name of the server, or ``None``.

    Raises:
        InvalidArgument: The method is no name of a public one, or `to` is no name.

    Examples:
        >>> Cast("move", "till", "safe", amount=10)
        Cast("move", "till", "safe", amount=10)
    """

    __slots__ = ()
