"""Whose error a ``TypeError`` is: the caller's, whose arguments misfit, or the handler's own."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["misfits"]


def misfits(
    error: TypeError,
    method: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any] | None,
) -> bool:
    """Whether the arguments do not fit `method`, so that `error` is the caller's.

    The traceback alone cannot tell: one decorator puts a frame between, and what is written in C
    has no frame at all. So the signature is asked, that of the innermost function where
    decorators say what they wrap. One that gives arguments of its own makes that one misfit every
    call, so a handler whose code did run is never a caller's slip.

    Args:
        error: What the call raised; its traceback begins where the call was made.
        method: What was called.
        args: What it was given.
        kwargs: The same by name, ``None`` for nothing.
    """
    code = getattr(inspect.unwrap(method), "__code__", None)
    traceback = error.__traceback__
    while code is not None and traceback is not None:
        if traceback.tb_frame.f_code is code:
            return False
        traceback = traceback.tb_next
    try:
        signature = inspect.signature(method)
    except (TypeError, ValueError):
        # Some of what is written in C does not say what it takes. A server must not die of
        # another's slip, so an error without a frame of its own counts as one.
        return error.__traceback__ is not None and error.__traceback__.tb_next is None
    try:
        signature.bind(*args, **(kwargs or {}))
    except TypeError:
        return True
    return False
