"""A panel's front end, as the kernel knows it: it presses buttons, and draws."""

from __future__ import annotations

import threading
from typing import Any

from resilkit_widgets.acting import ActingPanel
from resilkit_widgets.panel import Panel
from tests.cluster.harm import wait_until

__all__ = ["press", "ticked"]


def press(panel: ActingPanel, what: str, **content: Any) -> None:
    """Send what a press of a button sends; return when it has been carried out."""
    panel._handle_custom_msg({"do": what} | content, [])
    for thread in threading.enumerate():
        if thread.name == "resilkit panel action":
            thread.join(60.0)
    panel.acknowledged = panel.sent  # a browser draws at once
    panel.tick()


def ticked(panel: Panel, condition: Any) -> None:
    """Tick, as a browser draws, until a condition is true."""

    def tick() -> Any:
        panel.acknowledged = panel.sent
        panel.tick()
        assert panel.error == ""
        return condition()

    wait_until(tick)
