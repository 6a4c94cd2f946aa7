"""What all panels have: a state, errors that are shown, flow control, and a last picture."""

from __future__ import annotations

import html
import threading
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from resilkit.clock import monotonic
from resilkit_widgets import ticker

__all__ = ["STATIC", "Panel"]

STATIC = Path(__file__).with_name("static")
"""Where the bundles of the front end are."""

_IN_FLIGHT = 2
"""Frames that may be on their way at once: with the tab closed, more would pile up unread."""
_AGAIN = 2.0
"""Seconds after which a frame is sent though none was acknowledged: somebody may look again."""


class Panel(anywidget.AnyWidget):
    """A live panel. It ticks once it is displayed, until `close` or until what it shows ends.

    Attributes:
        state: ``"new"``, ``"live"`` or ``"over"``.
        error: What went wrong last, shown under the panel; ``""`` for nothing.
        acknowledged: The number of the last frame that a browser has drawn.
    """

    state = traitlets.Unicode("new").tag(sync=True)
    error = traitlets.Unicode("").tag(sync=True)
    frame = traitlets.Bytes(b"").tag(sync=True)
    acknowledged = traitlets.Int(0).tag(sync=True)

    # Of one that could not be made: it is closed like any other.
    _guard: Any = threading.RLock()
    _handle: Any = None

    def __init__(self, **traits: Any) -> None:
        if unknown := sorted(set(traits) - set(self.trait_names())):
            raise TypeError(f"{type(self).__name__} has no trait {', '.join(unknown)}")
        super().__init__(**traits)
        # Callbacks of the front end run in the kernel's threads, ticks in ours.
        self._guard = threading.RLock()
        self._sent = 0
        self._sent_at = 0.0
        if self.comm is not None:
            # Since 7.4 ipykernel hands what a front end says to the shell that spoke to it last:
            # the main one, where it waits for the cell that runs. Without this, to the subshell
            # that JupyterLab names, which is never busy.
            self.comm._reply_subshell_for = None

    # For subclasses ------------------------------------------------------------------------------

    def _update(self) -> None:
        """Look at what is shown, and send what is new."""
        raise NotImplementedError

    def _picture(self) -> str:
        """Return the last picture as HTML that needs nobody: no script, no network."""
        raise NotImplementedError

    def _ready(self) -> bool:
        """Return whether a frame may be sent now."""
        waiting = self._sent - self.acknowledged
        return waiting < _IN_FLIGHT or monotonic() - self._sent_at >= _AGAIN

    def _send_frame(self, frame: bytes) -> None:
        self._sent_at = monotonic()
        self.frame = frame

    def _next(self) -> int:
        self._sent += 1
        return self._sent

    # Life ----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to tick. Displaying does this; twice is once."""
        with self._guard:
            if self.state == "new":
                self.state = "live"
                ticker.begin(self)

    def tick(self) -> None:
        """Bring the panel up to date; what goes wrong is shown under it."""
        with self._guard:
            if self.state != "live":
                return
            try:
                self._update()
            except Exception as error:  # noqa: BLE001 - in a thread it would vanish: show it
                self.error = f"{type(error).__name__}: {error}"
            else:
                self.error = ""

    def stop(self) -> None:
        """Tick no more, and leave the last picture in the notebook. Twice is once."""
        with self._guard:
            if self.state == "over":
                return
            self.state = "over"
            ticker.end(self)
            if self._handle is not None:
                self._handle.update(self.last_picture(), raw=True)

    def close(self) -> None:
        """Stop, and take the panel off the page's models."""
        self.stop()
        super().close()

    def last_picture(self) -> dict[str, str]:
        """Return what stays when the panel is gone: HTML that needs nobody, and a line of text."""
        try:
            picture = self._picture()
        except Exception as error:  # noqa: BLE001 - the notebook must not lose the rest
            picture = f"<pre>{html.escape(f'{type(error).__name__}: {error}')}</pre>"
        return {"text/html": picture, "text/plain": repr(self)}

    def _ipython_display_(self) -> None:
        from IPython.display import display

        self.start()
        bundle = self._repr_mimebundle_()
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        self._handle = display(data, metadata=metadata, raw=True, display_id=True)
        if self.state == "over":  # it ended while it was being displayed
            self._handle.update(self.last_picture(), raw=True)
