"""Panels with buttons: what the front end asks for is done aside, one thing after the other."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import traitlets

from resilkit_widgets.panel import Panel

__all__ = ["ActingPanel"]


class ActingPanel(Panel):
    """A panel whose front end sends ``{"do": ..., ...}`` messages.

    Each is carried out in a thread of its own: a kernel that is busy with a cell hears the
    message, and a node that takes its time to restart holds up neither kernel nor panel. What one
    raises stands under the panel until the next one.

    Attributes:
        doing: What is being carried out now, as words; ``""`` for nothing.
        refused: What the last action raised; ``""`` for nothing.
    """

    doing = traitlets.Unicode("").tag(sync=True)
    refused = traitlets.Unicode("").tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self._turn = threading.Lock()
        self.on_msg(self._heard)

    def _do(self, what: str, content: Mapping[str, Any]) -> None:
        """Carry one action out; what it raises is shown."""
        raise NotImplementedError

    def _words(self, what: str, content: Mapping[str, Any]) -> str:
        """Return what is being done, for whoever waits."""
        raise NotImplementedError

    def _heard(self, _widget: object, content: Any, _buffers: object) -> None:
        if isinstance(content, Mapping) and isinstance(what := content.get("do"), str):
            threading.Thread(
                target=self.act, args=(what, content), name="resilkit panel action", daemon=True
            ).start()

    def act(self, what: str, content: Mapping[str, Any]) -> None:
        """Carry out what the front end asks for, when it is its turn."""
        with self._turn:
            refused = ""
            try:
                self._tell(doing=self._words(what, content), refused="")
                self._do(what, content)
            except Exception as error:  # noqa: BLE001 - in a thread it would vanish: show it
                refused = f"{type(error).__name__}: {error}"
            self._tell(doing="", refused=refused)
        self.tick()

    def _tell(self, **traits: Any) -> None:
        """Set traits at once, whether the browser has drawn the last ones or not."""
        with self._guard, self.hold_sync():
            for name, value in traits.items():
                setattr(self, name, value)
