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
from typing import Any, NamedTuple

from resilkit.clock import monotonic
from resilkit_widgets.still_images import with_images

__all__ = ["Showings"]

_RENEW_EVERY = 10.0
"""Seconds between two pictures while no cell ends."""
_CHEAP = 0.02
"""Seconds that a picture may take after each cell."""
_SHARE = 20.0
"""One that takes longer may take a twentieth of the time."""
_LAST = (
    # JupyterLab says of the widget that its model was not found, which helps nobody here. That is
    # text without an element; where the models are restored, the panel comes back in its place.
    "<style>.jp-OutputArea-child:has(+ .jp-OutputArea-child .rk-still) > "
    ".jp-OutputArea-output.jupyter-widgets:not(:has(*)){display:none}</style>"
    '<p style="margin:0 0 .5em;font:13px/1.45 system-ui,sans-serif;opacity:.7">'
    "Last picture of a live panel; run the cell again for a new one.</p>"
)
"""Stands above a picture that is seen since its widget is not there."""
_NOTHING = {"text/html": "<span></span>", "text/plain": ""}


class _Place(NamedTuple):
    """Two outputs of a cell, of one run of it; no cell where there is no notebook that tells."""

    live: Any
    still: Any
    cell: str | None
    run: str | None


class Showings:
    """The places of one panel in a notebook: as many as it was displayed.

    Args:
        picture: Returns the bundle of the picture as it is now.
        look: Brings the panel up to date, whoever ticks. Called at the end of each cell, so that
            what a cell has ended has left before the cell is over: nbclient, which executes
            notebooks without a browser, takes what comes later for a stray message.
        stop: Stops the panel. Called when the cells that displayed it have been run again, and
            none of them has displayed it once more: what nobody can see any more would go on until
            the kernel ends.
    """

    def __init__(
        self,
        picture: Callable[[], dict[str, str]],
        look: Callable[[], None],
        stop: Callable[[], None],
    ) -> None:
        self._lock = threading.RLock()
        self._picture_of = picture
        self.look = look
        self.stop = stop
        self._places: list[_Place] = []
        self._displayed = self._over = False
        self._last: dict[str, str] = {}
        self._renewed = self._cost = 0.0
        self._due = False
        self._forget: Any = None

    def add(self, widget: Any) -> None:
        """Display the panel once more.

        Args:
            widget: What is displayed: the panel, or the box of several.
        """
        from IPython.core.getipython import get_ipython
        from IPython.display import display

        shell: Any = get_ipython()
        if _terminal(shell):  # every picture, and each new one, would be one more line there
            display({"text/plain": self._made()["text/plain"]}, raw=True)
            return
        cell, run = _cell_and_run(shell)
        with self._lock:
            self._forget_earlier_runs(cell, run)
            if self._over:
                display(self._picture(), raw=True, display_id=True)
                return
            bundle = widget._repr_mimebundle_()
            data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
            self._last = self._made()
            # Where no widget can be shown, the picture says all, also as text.
            data = data | {"text/plain": ""}
            live = display(data, metadata=metadata, raw=True, display_id=True)
            still = display(self._last, raw=True, display_id=True)
            self._places.append(_Place(live, still, cell, run))
            self._displayed = True
            self._hear_of_cells(shell)

    def _hear_of_cells(self, shell: Any) -> None:
        if shell is None or self._forget is not None:
            return
        # Nobody is kept by the shell: a panel that is forgotten takes its callback along.
        itself = weakref.ref(self)

        def ended(result: object = None) -> None:
            # Who interrupts a cell twice means the cell: a panel is brought up to date by the
            # next tick, and IPython would tell of this function here.
            with contextlib.suppress(KeyboardInterrupt):
                if showings := itself():
                    showings.look()
                    if _whole_cell(result):
                        showings._leave_earlier_runs(*_cell_and_run(shell))
                    showings.cell_ended()

        shell.events.register("post_run_cell", ended)
        self._forget = weakref.finalize(self, _unregister, shell, ended)
        self._forget.atexit = False

    def _forget_earlier_runs(self, cell: str | None, run: str | None) -> bool:
        """Forget the places in earlier runs of a cell; return whether those were the last ones."""
        with self._lock:
            had = len(self._places)
            self._places = [
                each
                for each in self._places
                if cell is None or each.cell != cell or each.run == run
            ]
            return len(self._places) < had and not self._places

    def _leave_earlier_runs(self, cell: str | None, run: str | None) -> None:
        # Only now: until the cell is over it may still display the panel again.
        if self._forget_earlier_runs(cell, run):
            self.stop()

    def _picture(self) -> dict[str, str]:
        bundle = self._picture_of()
        return bundle | {"text/html": with_images(bundle["text/html"])}

    def _made(self) -> dict[str, str]:
        began = monotonic()
        bundle = self._picture()
        self._renewed = monotonic()
        self._cost = self._renewed - began
        return bundle | {"text/html": f'<div class="rk-still">{_LAST}{bundle["text/html"]}</div>'}

    def tick(self) -> None:
        """Renew the picture when it is time to."""
        if not self._places:
            return
        since = monotonic() - self._renewed
        if since >= max(_RENEW_EVERY, _SHARE * self._cost) or (self._due and self._affordable):
            self.renew()

    @property
    def _affordable(self) -> bool:
        return self._cost <= _CHEAP or monotonic() - self._renewed >= _SHARE * self._cost

    def cell_ended(self) -> None:
        """Renew the picture now, or, where it is dear, as soon as another one may be made."""
        if self._affordable:
            self.renew()
        else:
            self._due = True

    def renew(self) -> None:
        """Put the picture as it is now into the notebook, if it is another one."""
        with self._lock:
            if self._over:
                return
            self._due = False
            if (still := self._made()) != self._last:
                self._last = still
                for place in self._places:
                    _put(place.still, still)

    def leave(self) -> bool:
        """Put the last picture in the place of the widget. Twice is once.

        Returns:
            Whether it was displayed at all: then the widget itself is of no use any more.
        """
        with self._lock:
            if self._over:
                return False
            self._over = True
            if self._forget is not None:
                self._forget()
            picture = self._picture() if self._places else {}
            for place in self._places:
                _put(place.live, picture)
                _put(place.still, _NOTHING)
            return self._displayed


def _cell_and_run(shell: Any) -> tuple[str | None, str | None]:
    """Return the cell that runs now, and which run of it this is, where the notebook tells."""
    asked: dict[str, Any] = getattr(shell, "get_parent", dict)()
    return asked.get("metadata", {}).get("cellId"), asked.get("header", {}).get("msg_id")


def _terminal(shell: object) -> bool:
    """Return whether somebody types at a prompt, where nothing that is displayed can change."""
    return "TerminalInteractiveShell" in [kind.__name__ for kind in type(shell).__mro__]


def _whole_cell(result: object) -> bool:
    """Return whether what has ended is a cell, and not a part of one, as ``%run`` has them."""
    return getattr(getattr(result, "info", None), "cell_id", None) is not None


def _put(place: Any, bundle: dict[str, str]) -> None:
    if place is not None:  # outside of IPython nothing is displayed
        place.update(bundle, raw=True)


def _unregister(shell: Any, callback: Callable[..., None]) -> None:
    with contextlib.suppress(ValueError):  # somebody has reset the shell's events
        shell.events.unregister("post_run_cell", callback)
