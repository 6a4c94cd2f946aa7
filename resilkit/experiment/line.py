"""One line that tells how far something is that runs an experiment again and again."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Self

from resilkit import clock
from resilkit.errors import InvalidArgument
from resilkit.experiment.progress import NotebookLine, in_notebook, in_terminal
from resilkit.settings import options

__all__ = ["Line"]

_EVERY = 0.1
"""Seconds between two looks of somebody who looks on."""


class Line:
    """A line of a cell's output that is replaced in place, a bar in a terminal, or nothing.

    Args:
        total: How much there is to do.
        shown: Whether to show anything.
        listener: Is told instead, and nothing is shown.

    Raises:
        InvalidArgument: The listener, ``on_progress``, cannot be called.
    """

    def __init__(
        self, total: int, *, shown: bool, listener: Callable[[str], None] | None = None
    ) -> None:
        if listener is not None and not callable(listener):
            raise InvalidArgument(
                "cannot be called", path="on_progress", value=listener,
                allowed="a function of a text, or None",
            )  # fmt: skip
        self._total = total
        self._told = -math.inf
        self._cell: NotebookLine | None = None
        self._bar: Any = None
        self._listener = listener
        if listener is None and shown and not options.quiet:
            if in_notebook():
                self._cell = NotebookLine()
            elif in_terminal():
                from tqdm import tqdm

                layout = "{desc} {bar} {n_fmt}/{total_fmt}"
                self._bar = tqdm(total=max(total, 1), bar_format=layout, leave=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def tell(self, done: int, text: str) -> None:
        """Tell how much is done, and of what, ten times a second at most."""
        now = clock.monotonic()
        if now >= self._told + _EVERY:
            self._told = now
            self.end(done, text)

    def end(self, done: int, text: str) -> None:
        """Tell the same in any case: what is told last stays in a cell."""
        if self._listener is not None:
            self._listener(text)
        if self._cell is not None:
            self._cell.show(text)
        if self._bar is not None:
            self._bar.n = min(done, self._total)
            self._bar.set_description_str(text, refresh=False)
            self._bar.refresh()
