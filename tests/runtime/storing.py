"""What the tests of storages share: a look at what the next one to open a storage finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from resilkit.runtime import Storage

__all__ = ["stored"]


def stored(folder: Path) -> dict[Any, Any]:
    """Return what whoever opens the storage called ``a`` below `folder` finds in it."""
    storage = Storage.open(folder, "a")
    try:
        return dict(storage.items())
    finally:
        storage.close()
