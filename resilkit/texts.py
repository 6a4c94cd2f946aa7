"""Texts from outside, made fit for every file, frame and terminal."""

from __future__ import annotations

__all__ = ["writable"]


def writable(text: str) -> str:
    r"""Return `text` with U+FFFD for each half of a surrogate pair, which cannot be written.

    Such halves come from file names and bytes of others, in the text of an error for example.

    Examples:
        >>> writable("no file caf\udce9") == "no file caf\ufffd"
        True
    """
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
