"""Bytecode for the modules of this checkout, as `pip` makes it for a package that it installs."""

from __future__ import annotations

import compileall
from pathlib import Path

__all__ = ["compile_packages"]


def compile_packages() -> None:
    """Compile what is not yet compiled, or older than its source; quietly, where one may write.

    Where ``PYTHONDONTWRITEBYTECODE`` is set, as in many containers, nobody else would: each
    process that a test or a benchmark starts would compile some hundred modules again, which takes
    longer than all the rest of its start.
    """
    root = Path(__file__).parents[1]
    for package in ("resilkit", "widgets/resilkit_widgets"):
        compileall.compile_dir(root / package, quiet=2)
