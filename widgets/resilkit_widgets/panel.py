"""What all panels have: a state, errors that are shown, flow control, and a picture that stays."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from resilkit.clock import monotonic
from resilkit.markup import display, paragraph
from resilkit.runtime.reasons import describe
from resilkit.texts import all_writable
from resilkit_widgets import ticker
from resilkit_widgets.showing import Showings

__all__ = ["STATIC", "Panel", "bundle"]

STATIC = Path(__file__).with_name("static")
"""Where the bundles of the front end are."""

_IN_FLIGHT = 2
"""Updates that may be on their way at once: with the tab closed, more would pile up unread."""
_AGAIN = 2.0
"""Seconds after which one is sent though none was acknowledged: somebody may look again."""


def bundle(name: str) -> tuple[str, str]:
    """Return the front end of a panel, its module and its style, as text.

    Of a file anywidget would keep every widget that was ever made, to tell it of changes.
    """
    module, style = ((STATIC / f"{name}.{kind}").read_text("utf-8") for kind in ("js", "css"))
    return module, style


class Panel(anywidget.AnyWidget):
    """A live panel. It ticks once it is displayed, until `close` or until what it shows ends.

    A subclass sets its traits in `_update`; what one update sets goes out as one message, and
    while the browser has not drawn the last two, `_update` is not asked.

    Attributes:
        state: ``"new"``, ``"live"`` or ``"over"``.
        error: What went wrong last, shown under the panel; ``""`` for nothing.
        sent: How many updates have been sent.
        acknowledged: The number of the last update that a browser has drawn.
        closed: Whether what it shows has been closed, so that it is told as it was last seen.
        shown: Whether anybody can see it; one that nobody sees is not updated.
    """

    state = traitlets.Unicode("new").tag(sync=True)
    error = traitlets.Unicode("").tag(sync=True)
    closed = traitlets.Bool(False).tag(sync=True)
    sent = traitlets.Int(0).tag(sync=True)
    acknowledged = traitlets.Int(0).tag(sync=True)

    shown = True
    # Of one that could not be made: it is closed like any other.
    _guard: Any = threading.RLock()
    _showings: Any = None
    _trouble = ""

    def __init__(self, **traits: Any) -> None:
        if unknown := sorted(set(traits) - set(self.trait_names())):
            raise TypeError(f"{type(self).__name__} has no trait {', '.join(unknown)}")
        super().__init__(**traits)
        # Callbacks of the front end run in the kernel's threads, ticks in ours.
        self._guard = threading.RLock()
        self._sent_at = 0.0
        self._changed = False
        self._showings = Showings(self.last_picture, self.tick, self.stop)
        self.observe(self._note_change)
        if self.comm is not None:
            # Since 7.4 ipykernel hands what a front end says to the shell that spoke to it last:
            # the main one, where it waits for the cell that runs. Without this, to the subshell
            # that JupyterLab names, which is never busy.
            self.comm._reply_subshell_for = None

    # For subclasses ------------------------------------------------------------------------------

    def _update(self) -> None:
        """Look at what is shown, and set the traits that are new. Called when there is room."""
        raise NotImplementedError

    def _ended(self) -> bool:
        """Return whether what is shown has ended: the panel stops then, after a last update."""
        return False

    def _picture(self) -> str:
        """Return the picture as it is now, as HTML that needs nobody: no script, no network."""
        raise NotImplementedError

    def _tell(self, **traits: Any) -> None:
        """Set traits at once, whether the browser has drawn the last ones or not."""
        with self._guard, self.hold_sync():
            for name, value in traits.items():
                setattr(self, name, value)

    def _wrong(self) -> str:
        """Return what is wrong, beside what `_update` raises; shown for as long as it is."""
        return self._trouble

    # Flow ----------------------------------------------------------------------------------------

    def _ready(self) -> bool:
        """Return whether an update may be sent now."""
        waiting = self.sent - self.acknowledged
        return waiting < _IN_FLIGHT or monotonic() - self._sent_at >= _AGAIN

    def _note_change(self, change: Any) -> None:
        self._changed |= change["name"] not in ("sent", "acknowledged")

    def _bring_up_to_date(self) -> None:
        # What is set is sent once, whole, when the block ends.
        with self.hold_sync():
            self._changed = False
            try:
                self._update()
            except Exception as error:  # noqa: BLE001 - in a thread it would vanish: show it
                self.error = describe(error)
            else:
                self.error = self._wrong()
            if self._changed:
                self._sent_at = monotonic()
                self.sent += 1

    def get_state(
        self,
        key: Any = None,
        drop_defaults: bool = False,  # noqa: FBT001, FBT002 - ipywidgets' own
    ) -> Any:
        """Return what is sent, its texts such as can be: some are those of the user's errors."""
        return all_writable(super().get_state(key, drop_defaults))

    def _notify_trait(self, name: str, old_value: Any, new_value: Any) -> None:
        # Whatever thread has set it. What is set while an update goes out, ipywidgets forgets with
        # what it has sent; while the front end sets some, traitlets does.
        with self._guard:
            super()._notify_trait(name, old_value, new_value)

    def set_state(self, sync_data: Any) -> None:
        """Take in what the front end has set, when no update is being made."""
        with self._guard:
            super().set_state(sync_data)

    # Life ----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to tick. Displaying does this; twice is once."""
        with self._guard:
            if self.state == "new":
                self.state = "live"
                ticker.begin(self)

    def tick(self) -> None:
        """Bring the panel up to date; what goes wrong is shown under it."""
        try:
            with self._guard:
                if self.state != "live":
                    return
                if self._ended():
                    self._bring_up_to_date()
                    self.stop()
                elif self.shown and self._ready():
                    self._bring_up_to_date()
            self._showings.tick()
        except Exception as error:  # noqa: BLE001 - in a thread it would vanish: show it
            self._trouble = describe(error)
            self._tell(error=self._trouble)
        else:
            self._trouble = ""

    def stop(self) -> None:
        """Tick no more, and leave the last picture in the notebook. Twice is once."""
        with self._guard:
            if self.state == "over":
                return
            live, self.state = self.state == "live", "over"
            # One that was refused ends wherever memory is collected: in `ticker.begin`, maybe.
            if live:
                ticker.end(self)
            if self._showings is not None and self._showings.leave():
                self._take_off()

    def close(self) -> None:
        """Stop, and take the panel off the page's models."""
        self.stop()
        self._take_off()

    def _take_off(self) -> None:
        # ipywidgets keeps each model until then, and with it what it shows: a cluster, say.
        if self.layout is not None:
            self.layout.close()  # a model of its own, which ipywidgets would keep for good
        super().close()

    def last_picture(self) -> dict[str, str]:
        """Return what stays when the panel is gone: HTML that needs nobody, and a line of text."""
        try:
            picture = self._picture()
        except Exception as error:  # noqa: BLE001 - the notebook must not lose the rest
            why = f"cannot be shown: {describe(error)}"
            picture = display(type(self).__name__, "", paragraph(why, kind="unsure"))
        return all_writable({"text/html": picture, "text/plain": repr(self)})

    def _ipython_display_(self) -> None:
        self.start()
        self.tick()
        self._showings.add(self)
