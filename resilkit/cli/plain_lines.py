"""How far something long is, as plain lines where there is no terminal to draw in."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, TextIO

from resilkit import clock
from resilkit.cli.output import printable
from resilkit.settings import options

__all__ = ["plain_lines"]

_EVERY: Final = 2.0
"""Seconds between two lines."""


def plain_lines(stream: TextIO, first: str, *, quiet: bool) -> Callable[[str], None] | None:
    """Return what writes plain lines where there is no terminal; ``None``: a line is drawn anew.

    Args:
        stream: Where to.
        first: A line before all others.
        quiet: Write nothing.
    """
    if quiet or options.quiet:
        return lambda _: None
    if stream.isatty():
        return None
    told = -math.inf

    def tell(text: str) -> None:
        nonlocal told
        if told == -math.inf:
            # Not before: what is refused has no other line than that of its error.
            told = clock.monotonic()
            stream.write(f"{printable(first)}\n")
            stream.flush()
        if clock.monotonic() >= told + _EVERY:
            told = clock.monotonic()
            stream.write(f"{printable(text)}\n")
            stream.flush()

    return tell
