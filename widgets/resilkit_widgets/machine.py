"""Which faults do not work on this machine: found out once, aside, while panels go on."""

from __future__ import annotations

import threading

from resilkit import capabilities

__all__ = ["lacking", "look"]

_lock = threading.Lock()
_found: dict[str, str] | None = None
_looking: threading.Thread | None = None


def lacking() -> dict[str, str] | None:
    """Return why each fault that does not work here does not; ``None``: not known yet."""
    return _found


def look() -> None:
    """Begin to find out, in a thread that ends with that. Twice is once."""
    global _looking  # noqa: PLW0603 - one machine, one look
    with _lock:
        if _looking is None:
            began = threading.Thread(target=_probe, name="resilkit capabilities", daemon=True)
            began.start()
            _looking = began


def _probe() -> None:
    global _found  # noqa: PLW0603
    rows = [row for row in capabilities() if row.kind == "fault"]
    _found = {row.name: row.why for row in rows if not row.works}
