"""Lines of magics: how they are read, and how what is wrong is told in one line."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from IPython.core.error import UsageError

from resilkit import amounts
from resilkit.errors import InternalError, InvalidArgument, ResilkitError
from resilkit.validate import choice

__all__ = ["Line", "Parser", "duration", "read", "told_in_short", "words"]


class _Helped(Exception):
    """The help was asked for, and has been printed."""


class Parser(argparse.ArgumentParser):
    """Reads the words of a line; what is wrong is a `UsageError`, and never ends the kernel."""

    def __init__(self, prog: str, description: str, **options: Any) -> None:
        layout = argparse.RawDescriptionHelpFormatter
        super().__init__(
            prog=prog,
            description=description,
            formatter_class=layout,
            allow_abbrev=False,
            **options,
        )

    def error(self, message: str) -> NoReturn:
        """Tell what is wrong, and how it is written."""
        raise UsageError(f"{self.prog}: {message}\n{self.format_usage().rstrip()}")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:  # noqa: ARG002
        """Leave: argparse has printed the help."""
        raise _Helped

    @property
    def commands(self) -> dict[str, Parser]:
        """The commands that the first word may be, each with its own parser."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                return dict(action.choices)
        return {}

    @property
    def flags(self) -> list[str]:
        """The options, in their long form."""
        return [action.option_strings[-1] for action in self._actions if action.option_strings]

    def option(self, flag: str) -> argparse.Action | None:
        """Return the option of that name, ``None`` where there is none."""
        found = (action for action in self._actions if flag in action.option_strings)
        return next(found, None)

    @property
    def places(self) -> list[argparse.Action]:
        """What stands on the line without a flag, in order."""
        return [
            action
            for action in self._actions
            if not action.option_strings and not isinstance(action, argparse._SubParsersAction)
        ]


Line = argparse.Namespace
"""What a line says, by name."""


def duration(text: str) -> float:
    """Return the seconds in an option such as ``--for 10s``, for argparse.

    Raises:
        ArgumentTypeError: It is no time above 0.
    """
    try:
        seconds = amounts.parse_duration(text, "")
    except InvalidArgument as error:
        raise argparse.ArgumentTypeError(str(error).removeprefix(": ")) from None
    if not seconds:
        raise argparse.ArgumentTypeError("must be longer than 0 s")
    return seconds


def words(line: str) -> list[str]:
    """Return the words of a line as a shell reads them.

    Raises:
        UsageError: A quotation does not end.
    """
    try:
        return shlex.split(line)
    except ValueError as error:
        raise UsageError(f"the line cannot be read: {error}") from None


def read(parser: Parser, line: str | Sequence[str]) -> Line | None:
    """Return what a line says; ``None`` when it asked for help, which has been printed.

    Raises:
        UsageError: It says something that there is not; nothing has happened.
    """
    given = words(line) if isinstance(line, str) else list(line)
    commands = parser.commands
    if commands and given and not given[0].startswith("-"):
        choice(given[0], f"{parser.prog}: the command", list(commands))
    try:
        return parser.parse_args(given)
    except _Helped:
        return None


@contextmanager
def told_in_short() -> Iterator[None]:
    """Turn errors of resilkit into a `UsageError`, of which a shell shows one line.

    A traceback of ours helps nobody who made a slip in a line. Errors of the user's own code, and
    our bugs, keep theirs.
    """
    try:
        yield
    except InternalError:
        raise
    except ResilkitError as error:
        raise UsageError(str(error)) from error
    except KeyboardInterrupt as error:
        raise UsageError("interrupted") from error
