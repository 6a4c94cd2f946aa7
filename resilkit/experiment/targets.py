"""Whether the operations of a workload call servers and methods that the system has."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping, Sequence
from types import FunctionType
from typing import TYPE_CHECKING

from resilkit.errors import InvalidArgument
from resilkit.experiment.names import Unknown
from resilkit.workload import CallMethod

if TYPE_CHECKING:
    from resilkit.experiment.names import KnownServers
    from resilkit.runtime import Server
    from resilkit.workload import Workload

__all__ = ["check_targets"]


def check_targets(workload: Workload, known: KnownServers) -> tuple[Unknown, ...]:
    """Refuse operations that could never succeed: nobody has that name, or no such method.

    What a function decides (`Operation` with one, or a target that is one) only the run can tell,
    and an operation that weighs 0, or that no list has, is never sent.

    Args:
        workload: The load.
        known: What the specs say of the system's servers.

    Returns:
        The targets that no spec names, where others may come while the system runs.

    Raises:
        InvalidArgument: An operation calls a server that there cannot be, a method that its class
            does not have, or one with arguments that it does not take.
    """
    unknown, shares = [], workload.shares()
    for index, operation in enumerate(workload.operations):
        call, path = operation.function, f"workload.operations[{index}]"
        if not isinstance(call, CallMethod) or not isinstance(call.target, str):
            continue
        if shares[operation.name] == 0:
            continue
        if call.target not in known.names:
            unknown.append(Unknown(f"{path}.target", call.target, known.names))
        elif classes := known.classes.get(call.target):
            _check_method(call, classes, path)
    if unknown and not known.more:
        first = unknown[0]
        message, allowed = first.told()
        raise InvalidArgument(message, path=first.path, value=first.name, allowed=allowed)
    return tuple(unknown)


def _check_method(call: CallMethod, classes: Sequence[type[Server]], path: str) -> None:
    # A name that several specs give, each on its own node, is fine where one of them fits.
    for server in classes:
        if call.method in server.handlers():
            _check_arguments(call, server, path)
            return
    server = classes[0]
    handlers = server.handlers()
    near = difflib.get_close_matches(call.method, handlers, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    raise InvalidArgument(
        f"{server.__name__} has no such public method{hint}",
        path=f"{path}.method",
        value=call.method,
        allowed=", ".join(map(repr, handlers)) or "none: it has no public methods",
    )


def _check_arguments(call: CallMethod, server: type[Server], path: str) -> None:
    method = inspect.getattr_static(server, call.method)
    if not isinstance(method, FunctionType):
        return  # a static method, a wrapper: what it takes is its own business
    given = dict(call.kwargs)
    try:
        inspect.signature(method).bind(server, *call.args, **given)
    except TypeError as error:
        raise InvalidArgument(
            f"{server.__name__}.{call.method} cannot be called like this: {error}",
            path=path,
            value=_shown(call.args, given),
            allowed=_spelling(call, method, given),
        ) from None


def _spelling(call: CallMethod, method: FunctionType, given: Mapping[str, object]) -> str:
    takes = str(inspect.signature(method)).replace("(self, ", "(", 1).replace("(self)", "()", 1)
    allowed = f"{call.method}{takes}"
    positional, named = given.get("args", ()), given.get("kwargs", {})
    as_in_specs = {"args", "kwargs"}.intersection(given)
    if as_in_specs and isinstance(positional, (tuple, list)) and isinstance(named, Mapping):
        inside = _shown(positional, named)[1:-1]
        rest = f", {inside}" if inside else ""
        allowed += (
            "; arguments follow the method as in a call: "
            f"Operation.call({call.target!r}, {call.method!r}{rest})"
        )
    return allowed


def _shown(args: Sequence[object], kwargs: Mapping[str, object]) -> str:
    parts = [*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())]
    return f"({', '.join(parts)})"
