"""Pressing a panel's buttons, as its front end tells the kernel of it."""

from __future__ import annotations

import threading
from typing import Any

from resilkit_widgets.acting import ActingPanel

__all__ = ["press"]


def press(panel: ActingPanel, what: str, **content: Any) -> None:
    """Send what a press of a button sends; return when it has been carried out."""
    panel._handle_custom_msg({"do": what} | content, [])
    for thread in threading.enumerate():
        if thread.name == "resilkit panel action":
            thread.join(60.0)
    panel.acknowledged = panel.sent  # a browser draws at once
    panel.tick()
