"""Where a node listens: a Unix socket in the cluster's folder, or loopback where there are none."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from resilkit.errors import InvalidArgument

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path

__all__ = ["Listener", "connect", "listen"]

_LONGEST_PATH = 100
_PLAIN = re.compile(r"[a-z0-9@_][a-z0-9@_.\-]*")
_UNIX = hasattr(socket, "AF_UNIX")


def _path(folder: Path, name: str) -> Path:
    """Return the socket's path; a name that cannot be a file's is replaced by its hash.

    A Unix socket's path has about a hundred bytes, a name may hold ``/`` or begin with a dot, and
    some file systems take ``N1`` for ``n1``. No plain name begins with the ``~`` of a hash.
    """
    suffix = ".sock" if _UNIX else ".port"
    path = folder / f"{name}{suffix}"
    if not _PLAIN.fullmatch(name) or len(os.fsencode(path)) > _LONGEST_PATH:
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
        path = folder / f"~{digest[:16]}{suffix}"
    if _UNIX and len(os.fsencode(path)) > _LONGEST_PATH:
        raise InvalidArgument(
            "is too long for the path of a socket", path="folder", value=str(folder),
            allowed=f"a path of at most {_LONGEST_PATH - 23} bytes",
        )  # fmt: skip
    return path


def listen(folder: Path, name: str, backlog: int) -> Listener:
    """Return a listening socket for `name`. One that an earlier incarnation left is replaced.

    Raises:
        InvalidArgument: The folder's path is too long, or something else stands there.
    """
    path = _path(folder, name)
    if _UNIX and path.exists() and not path.is_socket():
        raise InvalidArgument("is in the way of a socket", path="folder", value=str(path))
    path.unlink(missing_ok=True)
    sock = socket.socket(socket.AF_UNIX if _UNIX else socket.AF_INET)
    try:
        if _UNIX:
            sock.bind(os.fspath(path))
            path.chmod(0o600)
        else:
            sock.bind(("127.0.0.1", 0))
            path.write_text(str(sock.getsockname()[1]))
        sock.listen(backlog)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return Listener(sock, path, path.stat().st_ino)


@dataclass(frozen=True, slots=True)
class Listener:
    """A listening socket and the file by which it is found."""

    sock: socket.socket
    _path: Path
    _inode: int

    def close(self) -> None:
        """Stop listening. The file goes too, unless a later incarnation has put its own there."""
        self.sock.close()
        with contextlib.suppress(FileNotFoundError):
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()


async def connect(loop: asyncio.AbstractEventLoop, folder: Path, name: str) -> socket.socket:
    """Return a socket that is connected to `name`.

    Raises:
        OSError: Nobody listens there.
    """
    path = _path(folder, name)
    sock = socket.socket(socket.AF_UNIX if _UNIX else socket.AF_INET)
    try:
        sock.setblocking(False)
        if _UNIX:
            await loop.sock_connect(sock, os.fspath(path))
        else:
            try:
                port = int(path.read_text())
            except ValueError as error:  # it is being written just now
                raise ConnectionRefusedError(f"{path} holds no port") from error
            await loop.sock_connect(sock, ("127.0.0.1", port))
    except BaseException:
        sock.close()
        raise
    return sock
