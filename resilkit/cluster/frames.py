"""Frames between the notebook and its launcher: a JSON object and bytes, with their lengths.

Never pickle, and no codec that costs an import: what the launcher imports is paid for by every
cold start of a cluster.
"""

from __future__ import annotations

import json
import struct
from typing import Any

__all__ = ["ROOT", "Splitter", "frame"]

ROOT = struct.Struct("!cd")
"""A message on the root socket, which carries no frames: ``b"c"`` with a cluster's socket
attached, or ``b"i"`` and the seconds for which the launcher may stay idle."""

_HEAD = struct.Struct("!II")
_LONGEST = 1 << 30  # bytes; more is a damaged stream, not a boot record


def frame(message: dict[str, Any], blob: bytes = b"") -> bytes:
    """Return `message`, which JSON can hold, and `blob` as one frame.

    Examples:
        >>> Splitter().feed(frame({"do": "ping"}, b"x"))
        [({'do': 'ping'}, b'x')]
    """
    text = json.dumps(message, separators=(",", ":")).encode()
    return b"".join((_HEAD.pack(len(text), len(blob)), text, blob))


class Splitter:
    """Cuts a stream of bytes back into frames."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[dict[str, Any], bytes]]:
        """Take the next bytes and return the frames that are complete now.

        Raises:
            ValueError: The bytes are no frames.
        """
        buffer = self._buffer
        buffer += data
        frames, start = [], 0
        while len(buffer) - start >= _HEAD.size:
            text_size, blob_size = _HEAD.unpack_from(buffer, start)
            if max(text_size, blob_size) > _LONGEST:
                raise ValueError(f"a frame of {text_size} and {blob_size} bytes is no frame")
            middle = start + _HEAD.size + text_size
            end = middle + blob_size
            if len(buffer) < end:
                break
            message = json.loads(buffer[start + _HEAD.size : middle])
            frames.append((message, bytes(buffer[middle:end])))
            start = end
        del buffer[:start]
        return frames
