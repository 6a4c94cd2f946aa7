"""The disk of a node that runs on the machine itself: a folder of log files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resilkit.runtime.storage import Storage

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FolderDisk"]


class FolderDisk:
    """A folder in which each named server of a node has a file.

    Args:
        folder: Made with its parents when the first storage is opened, if it is missing.

    Examples:
        >>> import tempfile
        >>> from pathlib import Path
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     storage = FolderDisk(Path(folder)).open("bank", scope="cluster", owner="me")
        ...     storage.put("alice", 10)
        ...     storage.sync()
        ...     storage.close()
        ...     again = FolderDisk(Path(folder)).open("bank", scope="cluster", owner="me")
        ...     print(again.get("alice"))
        ...     again.close()
        10
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self, name: str, *, scope: str, owner: str) -> Storage:
        """Open the storage of the server called `name`; see `Storage.open`."""
        return Storage.open(self.folder, name, scope=scope, owner=owner)
