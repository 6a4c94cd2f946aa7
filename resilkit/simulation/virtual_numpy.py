"""numpy's global generator, seeded inside a step; nothing here loads numpy.

``numpy.random.rand`` and the like are methods of one hidden generator, as those of `random` are.
It is written in C altogether, so its functions are replaced in the module. Whoever took one by
name, or the generator itself, is found out when a step ends: its position has moved.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from typing import TYPE_CHECKING, Any

from resilkit.simulation.driving import STATE, Driver, driver
from resilkit.simulation.patching import Replacement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["WHAT", "WHY", "Importing", "Position", "is_loaded", "replacements"]

WHAT = "numpy's global generator"
WHY = (
    "it was taken by name (`from numpy.random import rand`, or by a library), so that other draws "
    "change what it gives: call numpy.random.rand, or draw from self.rng"
)

_BEHIND_THE_KEY = 624 * 4
"""Where the position stands in the state of a Mersenne twister."""

_FUNCTIONS = {"seed": "seed", "ranf": "random_sample", "sample": "random_sample"}
"""Those that are no methods of the hidden generator, and the methods that do the same."""


def is_loaded() -> bool:
    """Whether somebody has imported `numpy.random`, wholly."""
    return hasattr(sys.modules.get("numpy.random"), "mtrand") and "numpy" in sys.modules


def replacements() -> Iterator[Replacement]:
    """Yield what is to be replaced in `numpy.random`."""
    module = sys.modules["numpy.random"]
    generator = module.mtrand._rand
    for name, function in list(vars(module).items()):
        if getattr(function, "__self__", None) is generator:
            yield Replacement(module, name, functools.partial(_routed, name))
    for name, method in _FUNCTIONS.items():
        yield Replacement(module, name, functools.partial(_routed, method))


def _routed(name: str, original: Any) -> Any:
    @functools.wraps(original)
    def either(*args: Any, **options: Any) -> Any:
        by = driver()
        if by is None:
            STATE.drawn_elsewhere = True
            return original(*args, **options)
        return getattr(_generator(by), name)(*args, **options)

    return either


def _generator(by: Driver) -> Any:
    if by.numpys is None:
        by.numpys = sys.modules["numpy.random"].RandomState(by.entropy.getrandbits(32))
    return by.numpys


class Importing:
    """Finds `numpy.random` as Python would, and calls `then` when it is loaded.

    A handler that imports it first would else draw from the machine until the next step of somebody
    who drives the simulation: a whole experiment is one.

    Args:
        then: Called without arguments, in the thread that imports it.
    """

    def __init__(self, then: Callable[[], None]) -> None:
        self._then = then

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Return its spec, from those who come behind this one; ``None`` for all other modules."""
        if name != "numpy.random":
            return None
        others = (each for each in sys.meta_path if each is not self)
        found = (each.find_spec(name, path, target) for each in others)
        spec = next((each for each in found if each is not None), None)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def executed(module: Any) -> None:
                execute(module)
                self._then()

            spec.loader.exec_module = executed  # type: ignore[method-assign]
        return spec


class Position:
    """Where numpy's global generator stands in its numbers.

    ``numpy.random.mtrand`` changes it at every draw but the second of two normal ones.

    Attributes:
        before: Where it stood when the step began.
    """

    def __init__(self) -> None:
        bits = sys.modules["numpy.random"].mtrand._rand._bit_generator
        self._bits = bits  # it owns the memory
        self.before = 0
        self._at = None
        if type(bits).__name__ == "MT19937":
            self._at = ctypes.c_int.from_address(bits.ctypes.state_address + _BEHIND_THE_KEY)

    def read(self) -> int:
        """Return it; always 0 when somebody has put another kind of generator there."""
        return 0 if self._at is None else self._at.value
