"""What a user sets once for the whole process: `resilkit.options`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from resilkit import validate
from resilkit.errors import InvalidArgument

__all__ = ["Options", "options"]

_VARIABLE = "RESILKIT_QUIET"
_WORDS = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("", "0", "false", "no", "off"), False),
}


class Options:
    """Settings of this process: ``resilkit.options.quiet = True``.

    Attributes:
        quiet: Whether resilkit keeps to itself what nobody asked for: no progress of a run, in
            notebook, terminal and command; nothing printed while a cluster starts; no warnings
            that a run goes on with a server that is not there yet. Results, errors and what a
            function of yours is handed (``on_progress``) come all the same. The environment
            variable ``RESILKIT_QUIET`` (``1`` or ``0``) says what holds where nothing was set.

    Raises:
        InvalidArgument: A value is neither true nor false, in the variable either.

    Examples:
        >>> options = Options()
        >>> with options(quiet=True):
        ...     options.quiet
        True
        >>> options.quiet = "loud"
        Traceback (most recent call last):
        ...
        resilkit.errors.InvalidArgument: options.quiet: must be a truth value, got 'loud'; \
allowed: True or False
    """

    __slots__ = ("_quiet",)

    _quiet: bool | None

    def __init__(self) -> None:
        self._quiet = None

    @property
    def quiet(self) -> bool:
        """Whether resilkit keeps to itself what nobody asked for."""
        if self._quiet is not None:
            return self._quiet
        given = os.environ.get(_VARIABLE, "")
        if given.strip().lower() not in _WORDS:
            raise InvalidArgument("must be 1 or 0", path=_VARIABLE, value=given)
        return _WORDS[given.strip().lower()]

    @quiet.setter
    def quiet(self, wanted: bool) -> None:
        self._quiet = validate.boolean(wanted, "options.quiet")

    @contextmanager
    def __call__(self, *, quiet: bool) -> Iterator[None]:
        """Have other settings in a ``with`` block, in all threads: ``with options(quiet=True):``.

        Args:
            quiet: See the class.
        """
        before = self._quiet
        self.quiet = quiet
        try:
            yield
        finally:
            self._quiet = before

    def __repr__(self) -> str:
        return f"<options: quiet={self.quiet}>"


options = Options()
"""The settings of this process."""
