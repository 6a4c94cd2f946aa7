"""Where code came from, for tracebacks on another side: a file's name, and lines of no file.

cloudpickle sends code under one name for all, so that equal code gives equal bytes. A traceback
would then show neither the user's file nor a line of it.
"""

from __future__ import annotations

import linecache
import sys
from pathlib import Path

__all__ = ["origin", "showing"]


def origin(filename: str) -> tuple[str, str]:
    """Return the name under which the other side shows code, and its source if that has no file.

    Args:
        filename: The code's own; of a notebook's cell, a file that does not exist.

    Returns:
        The name, for a cell as IPython writes it (``Cell In[3]``), and the text, ``""`` where the
        other side can read the file itself.
    """
    try:
        if Path(filename).is_file():
            return str(Path(filename).absolute()), ""  # a node may have another folder
        source = "".join(linecache.getlines(filename))
        return _name_of_cell(filename) or filename, source
    except Exception:  # noqa: BLE001 - a traceback without lines is no reason not to send a class
        return filename, ""


def _name_of_cell(filename: str) -> str:
    ipython = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    shown = getattr(getattr(ipython, "compile", None), "format_code_name", None)
    words = shown(filename) if shown is not None else None
    return " ".join(words) if words else ""


def showing(name: str, source: str) -> None:
    """Let tracebacks of this process show the lines of what has no file."""
    if source and name not in linecache.cache:
        # Without a time of change: `linecache.checkcache` leaves it alone.
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
