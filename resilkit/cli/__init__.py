"""The ``resilkit`` command.

Exit codes: 0 all criteria held, 1 one did not or could not be decided, 2 bad input (one line on
stderr says what and where; so it does of a system whose own code raises), 3 the machine refused
(a disk, a process, a port), 4 a bug in resilkit (with a traceback), 130 interrupted.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Args:
        arguments: What follows the command's name; ``None`` means those of this process.
    """
    from resilkit.cli.app import run_app

    return run_app(arguments)


def __dir__() -> list[str]:
    return sorted(__all__)
