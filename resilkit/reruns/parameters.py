"""The parameters of a sweep: whether a function can be called with them, and a frame hold them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from resilkit import validate
from resilkit.errors import InvalidArgument
from resilkit.reruns.rows import COLUMNS

__all__ = ["check_names"]


def check_names(make: Callable[..., Any], names: Sequence[Any]) -> None:
    """Refuse names that the function does not take, or that the frame's columns have.

    Args:
        make: What makes an experiment of the parameters.
        names: What it is to be called with, by keyword.

    Raises:
        InvalidArgument: A name is not for it, or one that it needs is missing.

    Examples:
        >>> check_names(lambda rate: ..., ["rat"])
        Traceback (most recent call last):
        ...
        resilkit.errors.InvalidArgument: parameters.rat: is an unknown key (did you mean 'rate'?); \
allowed: 'rate'
    """
    for name in names:
        if name in COLUMNS:
            message = "is the name of a column that each frame has, so rename the parameter"
            raise InvalidArgument(message, path=f"parameters.{name}")
        if not isinstance(name, str):
            raise InvalidArgument("must be a name", path="parameters", value=name)
    try:
        taken = inspect.signature(make).parameters.values()
    except (TypeError, ValueError):  # of C code: it says so itself
        return
    named = [each for each in taken if each.kind in {each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY}]
    if not any(each.kind is each.VAR_KEYWORD for each in taken):
        validate.known_keys(dict.fromkeys(names), "parameters", [each.name for each in named])
    for each in named:
        if each.default is each.empty and each.name not in names:
            message = "is needed by the function that makes the experiment"
            raise InvalidArgument(
                message, path=f"parameters.{each.name}", allowed="a list of values"
            )
