"""One line that says how far a search is, where somebody may look on."""

from __future__ import annotations

import sys
from typing import Any, Self

from resilkit.experiment.progress import NotebookLine, Progress
from resilkit.settings import options

__all__ = ["Line"]


class Line:
    """A line that is replaced in place, in a notebook's cell or on a terminal, where it goes again.

    Args:
        total: How many steps there may be.
        shown: Whether to show anything; where nobody looks on, nothing is shown in any case.
    """

    def __init__(self, total: int, *, shown: bool) -> None:
        self._total = total
        self._notebook = NotebookLine() if shown and not options.quiet and _in_notebook() else None
        terminal = shown and not options.quiet and self._notebook is None and sys.stderr.isatty()
        self._terminal = terminal
        self._bar: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def say(self, done: int, text: str) -> None:
        """Say how many steps are done, and what is known by now."""
        if self._notebook is not None:
            told = f"{text} ({done} of {self._total})"
            self._notebook.update(Progress(phase="done", text=told))
        elif self._terminal:
            if self._bar is None:
                from tqdm import tqdm

                layout = "{desc}: {bar} {n_fmt}/{total_fmt}"
                self._bar = tqdm(total=self._total, bar_format=layout, leave=False)
            self._bar.n = done
            self._bar.set_description_str(text)


def _in_notebook() -> bool:
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"
