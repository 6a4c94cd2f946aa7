"""Code that something printed, run as somebody would who pastes it into a cell."""

from __future__ import annotations

from typing import Any

import resilkit as rk
from resilkit import faults, testing


def run(code: str, **names: object) -> Any:
    """Return what `code` gives, where the public names of resilkit are known."""
    known = {
        name: getattr(module, name)
        for module in (rk, faults, testing)
        for name in module.__all__
        if name.isidentifier()
    }
    return eval(code, {**known, **names})  # noqa: S307 - the code is our own
