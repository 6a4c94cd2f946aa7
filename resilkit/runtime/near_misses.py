"""Methods of servers that were meant for what the runtime calls, and have another name."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

__all__ = ["warn_of_near_misses"]

_OF_OTP = frozenset({"handle_call", "handle_cast", "handle_continue", "handle_info"})


def warn_of_near_misses(
    name: str, own: Mapping[str, object], missing: Sequence[str], *, stacklevel: int
) -> None:
    """Warn of methods that nobody would call: OTP's ``handle_info``, or two letters swapped.

    Nothing is refused, since each is a method that could be called. Where a class handles more than
    OTP's callbacks (``handle_error``, say), its ``handle_info`` is one of these.

    Args:
        name: Of the class.
        own: What its body defines.
        missing: Which of ``init``, ``info`` and ``terminate`` neither it nor a class that it
            inherits from defines.
        stacklevel: Of the one who defines it, seen from here.

    Examples:
        >>> with warnings.catch_warnings(record=True, action="always") as caught:
        ...     warn_of_near_misses("Desk", {"inti": print}, ["init"], stacklevel=2)
        >>> str(caught[0].message)
        'Desk.inti is never called by the runtime: was init(…) meant?'
    """
    near = {swapped: word for word in missing for swapped in _with_two_letters_swapped(word)}
    handled = {each for each in own if each.startswith("handle_")}
    if "info" in missing and handled <= _OF_OTP:
        near["handle_info"] = "info"
    for method, meant in near.items():
        if callable(own.get(method)):
            warnings.warn(
                f"{name}.{method} is never called by the runtime: was {meant}(…) meant?",
                stacklevel=stacklevel,
            )


def _with_two_letters_swapped(word: str) -> list[str]:
    return [
        word[:place] + word[place + 1] + word[place] + word[place + 2 :]
        for place in range(len(word) - 1)
    ]
