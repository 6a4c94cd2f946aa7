"""The other end of the tests of the codec: decodes, answers, and says what it saw. A script."""

from __future__ import annotations

import struct
import sys

from resilkit.network.codec import Codec


def main() -> None:
    """Echo frames: decode each, describe the classes in it, and send the same objects back."""
    codec = Codec()
    held: list[object] = []
    for frame in iter(_read, b""):
        messages = codec.decode(frame)
        held += messages
        kinds = [type(one) for one in held if not isinstance(one, type)]
        facts = {
            "classes": len({id(kind) for kind in kinds}),
            "names": sorted({kind.__qualname__ for kind in kinds}),
            "main": any(kind.__module__ == "__main__" for kind in kinds),
            "bases": [kind.__bases__[0] for kind in kinds],
            "equal": [one == held[0] for one in held],
        }
        _write(codec.encode([facts, *messages]))


def _read() -> bytes:
    head = sys.stdin.buffer.read(4)
    return sys.stdin.buffer.read(struct.unpack(">I", head)[0]) if head else b""


def _write(data: bytes) -> None:
    sys.stdout.buffer.write(struct.pack(">I", len(data)) + data)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
