"""Two threads at one panel, the second always at the same moment of the first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from resilkit_widgets.panel import Panel

__all__ = ["Other"]


class Other:
    """Another thread that does something to a panel.

    Args:
        panel: The panel; its lock tells from now on when the other thread wants it.
        action: What the other thread does.

    Attributes:
        over: Whether it has done it.
        came_in: Whether it came to a place that it should not have reached.
    """

    def __init__(self, panel: Panel, action: Callable[[], object]) -> None:
        self._action = action
        self._here = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._guard: Any = panel._guard
        self.over = self.came_in = False
        panel._guard = self

    @property
    def is_this(self) -> bool:
        """Whether it is the thread that asks."""
        return threading.current_thread() is self._thread

    def begin(self) -> None:
        """Begin; return when it is over, waits for the panel's lock or has come in. Once."""
        if not self._thread.ident:
            self._thread.start()
        assert self._here.wait(20.0)

    def come(self) -> None:
        """Tell that it has come in."""
        self.came_in = True
        self._here.set()

    def join(self) -> None:
        """Return when it is over."""
        self._thread.join(20.0)
        assert self.over

    def _run(self) -> None:
        try:
            self._action()
            self.over = True
        finally:
            self._here.set()

    def __enter__(self) -> None:
        if self.is_this:
            self._here.set()
        self._guard.__enter__()

    def __exit__(self, *error: object) -> None:
        self._guard.__exit__(*error)
