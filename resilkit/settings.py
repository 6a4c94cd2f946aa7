"""What a user sets once for the whole process: `resilkit.options`."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from resilkit import validate
from resilkit.errors import InvalidArgument

__all__ = ["Options", "options", "unchecked"]

_QUIET = "RESILKIT_QUIET"
_CHECK = "RESILKIT_CHECK_DETERMINISM"
_WORDS = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("", "0", "false", "no", "off"), False),
}

_unchecked: Final = ContextVar("unchecked", default=False)


class Options:
    """Settings of this process: ``resilkit.options.quiet = True``.

    Attributes:
        quiet: Whether resilkit keeps to itself what nobody asked for: no progress of a run, in
            notebook, terminal and command; nothing printed while a cluster starts; no warnings
            that a run goes on with a server that is not there yet. Results, errors and what a
            function of yours is handed (``on_progress``) come all the same. The environment
            variable ``RESILKIT_QUIET`` (``1`` or ``0``) says what holds where nothing was set.
        check_determinism: Whether `check_determinism` looks at what an experiment does in a
            simulation, with one other order of hashes, and a difference raises `Nondeterministic`:
            at each `Experiment.run` that starts its own cluster, and at one seed of a sweep, one
            that failed if there is one. A run takes three times as long then, and half a second.
            Where nothing was set, ``RESILKIT_CHECK_DETERMINISM`` (``1`` or ``0``) says what holds;
            without it, this is on in CI, where the variable ``CI`` is set.

    Raises:
        InvalidArgument: A value is neither true nor false, in the variables either.

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

    __slots__ = ("_blocks", "_lock")

    def __init__(self) -> None:
        # The settings of each ``with`` block that goes on, over those of no block. One ends in
        # whatever order threads leave them, and takes its own settings with it, not another's.
        self._blocks: list[dict[str, bool]] = [{}]
        self._lock = threading.Lock()

    @property
    def quiet(self) -> bool:
        """Whether resilkit keeps to itself what nobody asked for."""
        found = self._found("quiet")
        return _given(_QUIET) if found is None else found

    @quiet.setter
    def quiet(self, wanted: bool) -> None:
        self._blocks[-1]["quiet"] = validate.boolean(wanted, "options.quiet")

    @property
    def check_determinism(self) -> bool:
        """Whether it is checked that what an experiment does in a simulation is repeatable."""
        if _unchecked.get():
            return False
        found = self._found("check_determinism")
        if found is not None:
            return found
        # What CI says is for others: some set it to a word of their own.
        in_ci = _WORDS.get(os.environ.get("CI", "").strip().lower(), True)
        return _given(_CHECK) if os.environ.get(_CHECK, "").strip() else in_ci

    @check_determinism.setter
    def check_determinism(self, wanted: bool) -> None:
        checked = validate.boolean(wanted, "options.check_determinism")
        self._blocks[-1]["check_determinism"] = checked

    def _found(self, name: str) -> bool | None:
        blocks = tuple(self._blocks)
        return next((block[name] for block in reversed(blocks) if name in block), None)

    @contextmanager
    def __call__(
        self, *, quiet: bool | None = None, check_determinism: bool | None = None
    ) -> Iterator[None]:
        """Have other settings in a ``with`` block, in all threads: ``with options(quiet=True):``.

        Args:
            quiet: See the class; ``None`` leaves it as it is.
            check_determinism: Likewise.
        """
        given = {"quiet": quiet, "check_determinism": check_determinism}
        block = {
            name: validate.boolean(wanted, f"options.{name}")
            for name, wanted in given.items()
            if wanted is not None
        }
        with self._lock:
            self._blocks.append(block)
        try:
            yield
        finally:
            with self._lock:
                self._blocks = [each for each in self._blocks if each is not block]

    def __repr__(self) -> str:
        return f"<options: quiet={self.quiet}, check_determinism={self.check_determinism}>"


def _given(variable: str) -> bool:
    word = os.environ.get(variable, "")
    if word.strip().lower() not in _WORDS:
        raise InvalidArgument("must be 1 or 0", path=variable, value=word)
    return _WORDS[word.strip().lower()]


options = Options()
"""The settings of this process."""


@contextmanager
def unchecked() -> Iterator[None]:
    """Have `Options.check_determinism` be False in this thread: what runs here is checked already.

    Other threads go on checking theirs.
    """
    token = _unchecked.set(True)
    try:
        yield
    finally:
        _unchecked.reset(token)
