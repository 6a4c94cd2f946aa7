"""The test kit: what a property test draws, as small records, and the strategies that draw it.

`Call` and `Cast` are one operation on a server each, `Concurrent` is what several processes do at
once, with `Barrier` where they wait for each other, and `Arguments` is what a method is given.
All are plain data that print as the code that makes them, so a failing example can be pasted into
a cell. They need nothing beyond the standard library.

`strategies` has the Hypothesis strategies, which load when they are first asked for::

    from resilkit.testing import strategies as rst
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from resilkit.testing.calls import Arguments, Call, Cast
from resilkit.testing.code import as_code
from resilkit.testing.concurrent import Barrier, Concurrent

if TYPE_CHECKING:
    from resilkit.testing import strategies

__all__ = ["Arguments", "Barrier", "Call", "Cast", "Concurrent", "as_code", "strategies"]


def __getattr__(name: str) -> Any:
    if name == "strategies":
        return import_module("resilkit.testing.strategies")
    raise AttributeError(f"module 'resilkit.testing' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
