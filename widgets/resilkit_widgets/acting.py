"""Panels with buttons: what the front end asks for is done aside, one thing after the other."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import traitlets

from resilkit.runtime.reasons import describe
from resilkit_widgets.panel import Panel

__all__ = ["ActingPanel"]


class ActingPanel(Panel):
    """A panel whose front end sends ``{"do": ..., ...}`` messages.

    They are carried out in their order, in a thread of the panel's own: a kernel that is busy with
    a cell hears the message, and a node that takes its time to restart holds up neither kernel nor
    panel. What one raises stands under the panel until the next one.

    Attributes:
        doing: What is being carried out now, as words; ``""`` for nothing.
        refused: What the last action raised; ``""`` for nothing.
    """

    doing = traitlets.Unicode("").tag(sync=True)
    refused = traitlets.Unicode("").tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self._turn = threading.Lock()
        self._queue = threading.Lock()
        self._waiting: deque[tuple[str, Mapping[str, Any]]] = deque()
        self._at_work = False
        self.on_msg(self._heard)

    def _do(self, what: str, content: Mapping[str, Any]) -> None:
        """Carry one action out; what it raises is shown."""
        raise NotImplementedError

    def _words(self, what: str, content: Mapping[str, Any]) -> str:
        """Return what is being done, for whoever waits."""
        raise NotImplementedError

    def _heard(self, _widget: object, content: Any, _buffers: object) -> None:
        if not isinstance(content, Mapping) or not isinstance(what := content.get("do"), str):
            return
        with self._queue:
            self._waiting.append((what, content))
            if self._at_work:
                return
            try:
                self._begin_thread(self._work)
            except RuntimeError as error:  # there is no room for one; the next may find some
                self._waiting.pop()
                refused = describe(error)
            else:
                self._at_work = True
                return
        self._tell(refused=refused)

    def _work(self) -> None:
        """Carry out what waits, in the order in which it was asked for."""
        while True:
            with self._queue:
                if not self._waiting:
                    self._at_work = False
                    return
                asked = self._waiting.popleft()
            self.act(*asked)

    def _aside(self, function: Callable[[], object]) -> None:
        """Carry something out at once, whatever is being done; what it raises is shown."""

        def work() -> None:
            try:
                function()
            except BaseException as error:  # noqa: BLE001 - `sys.exit` of the user's code, too
                self._tell(refused=describe(error))

        try:
            self._begin_thread(work)
        except RuntimeError as error:  # there is no room for one
            self._tell(refused=describe(error))

    def _begin_thread(self, work: Callable[[], None]) -> None:
        threading.Thread(target=work, name="resilkit panel action", daemon=True).start()

    def act(self, what: str, content: Mapping[str, Any]) -> None:
        """Carry out what the front end asks for, when it is its turn."""
        with self._turn:
            refused = ""
            try:
                self._tell(doing=self._words(what, content), refused="")
                self._do(what, content)
            except BaseException as error:  # noqa: BLE001 - `sys.exit` of the user's code, too
                refused = describe(error)
            self._tell(doing="", refused=refused)
        self.tick()
