"""Where a panel stands in a notebook: the live widget, and a picture that stays when it is gone.

A saved notebook holds of a widget only its number, and a page without the kernel shows nothing. So
a cell that displays a panel has a second output: the picture as plain HTML. The front end's style
hides it while the widget is there; a reopened notebook, an export and a kernel that has ended show
it. It is renewed after each cell and every few seconds; when the panel ends, it takes the widget's
place.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Callable
from typing import Any

from resilkit.clock import monotonic

__all__ = ["Showing"]

_RENEW_EVERY = 10.0
"""Seconds between two pictures while no cell ends."""
_NOTHING = {"text/html": "<span></span>", "text/plain": ""}


class Showing:
    """One display of a panel.

    Args:
        widget: The widget to display.
        picture: Returns the bundle of the picture as it is now.
        look: Brings the panel up to date, whoever ticks. Called at the end of each cell, so that
            what a cell has ended has left before the cell is over: nbclient, which executes
            notebooks without a browser, takes what comes later for a stray message.
    """

    def __init__(
        self, widget: Any, picture: Callable[[], dict[str, str]], look: Callable[[], None]
    ) -> None:
        from IPython.core.getipython import get_ipython
        from IPython.display import display

        self._lock = threading.Lock()
        self._picture = picture
        self.look = look
        self._over = False
        self._renewed = monotonic()
        bundle = widget._repr_mimebundle_()
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        self._live: Any = display(data, metadata=metadata, raw=True, display_id=True)
        self._last = self._still()
        self._place: Any = display(self._last, raw=True, display_id=True)
        self._shell: Any = get_ipython()
        if self._shell is not None:
            # Nobody is kept by the shell: a panel that is forgotten takes its callback along.
            itself = weakref.ref(self)

            def renew(_result: object = None) -> None:
                if showing := itself():
                    showing.look()
                    showing.renew()

            self._renew = renew
            self._shell.events.register("post_run_cell", renew)

    def _still(self) -> dict[str, str]:
        bundle = self._picture()
        return bundle | {"text/html": f'<div class="rk-still">{bundle["text/html"]}</div>'}

    def tick(self) -> None:
        """Renew the picture when it is time to."""
        if monotonic() - self._renewed >= _RENEW_EVERY:
            self.renew()

    def renew(self) -> None:
        """Put the picture as it is now into the notebook, if it is another one."""
        with self._lock:
            if self._over:
                return
            self._renewed = monotonic()
            if (still := self._still()) != self._last and self._place is not None:
                self._last = still
                self._place.update(still, raw=True)

    def leave(self) -> None:
        """Put the last picture in the place of the widget. Twice is once."""
        with self._lock:
            if self._over:
                return
            self._over = True
            if self._shell is not None:
                with contextlib.suppress(ValueError):  # somebody has reset the shell's events
                    self._shell.events.unregister("post_run_cell", self._renew)
            if self._place is not None:
                self._live.update(self._picture(), raw=True)
                self._place.update(_NOTHING, raw=True)
