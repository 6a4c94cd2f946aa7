"""An interrupt that says what it ended."""

from __future__ import annotations

__all__ = ["Interrupted"]


class Interrupted(Exception):
    """Ctrl-C, after all that was started has been stopped.

    A class of its own, because the library that reads the command line turns a bare
    ``KeyboardInterrupt`` into an exit code without a word.
    """
