"""Reads what can still be read of a frame in which something cannot be unpickled.

One class that the other side cannot import, or whose constructor raises, must not cost the other
thousand messages of its frame. The fast way reads a frame in one go and fails as a whole; only then
does this one read it again, slowly, and put a marker where a step failed.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Partly", "salvage"]


class _Lost(Exception):
    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.error = error


class _Marker:
    """Stands where an object could not be made; whoever holds it cannot be pickled."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __reduce__(self) -> Any:
        raise _Lost(self.error)

    def __repr__(self) -> str:
        return "<unreadable>"


class Partly(Exception):
    """What was packed up by itself cannot be read whole.

    Attributes:
        rest: What is left of it, with markers in it.
    """

    def __init__(self, error: BaseException, rest: Any) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.rest = rest


class _Reader(pickle._Unpickler):
    """The interpreter's Python unpickler: its C twin cannot be told to go on after an error."""

    stack: list[Any]
    metastack: list[list[Any]]
    memo: dict[int, Any]
    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = dict(pickle._Unpickler.dispatch)

    def attempt(self, step: Callable[[Any], None], taken: int, *, calls: bool) -> None:
        """Do `step`, which puts the result of the last `taken` values in their place.

        Where it fails, or calls something with a marker, a marker takes that place.
        """
        bottom = len(self.stack) - taken
        target = self.stack[bottom]
        inputs = [target, *(self.stack[bottom + 1] if calls and taken > 1 else ())]
        try:
            for one in inputs:
                if isinstance(one, _Marker):
                    raise one.error
            step(self)
        except BaseException as error:  # noqa: BLE001 - whatever user code raised, a sys.exit too
            marker = error.rest if isinstance(error, Partly) else _Marker(error)
            self.stack[bottom:] = [marker]
            if not calls:
                # It was filled in place, so it may be known already: nobody may use it.
                for index, value in self.memo.items():
                    if value is target:
                        self.memo[index] = marker


def _guard(opcode: str, taken: int, *, calls: bool) -> None:
    original = _Reader.dispatch[_CODES[opcode]]

    def step(reader: _Reader) -> None:
        reader.attempt(original, taken, calls=calls)

    _Reader.dispatch[_CODES[opcode]] = step


def _guard_marked(opcode: str) -> None:
    """Guard a step that puts everything above a mark into the object below."""
    original = _Reader.dispatch[_CODES[opcode]]

    def step(reader: _Reader) -> None:
        # Below the mark stands what is filled: after the mark is taken off, one value is left.
        items, reader.stack = reader.stack, reader.metastack.pop()

        def fill(_: _Reader) -> None:
            reader.metastack.append(reader.stack)
            reader.stack = items
            original(reader)

        reader.attempt(fill, 1, calls=False)

    _Reader.dispatch[_CODES[opcode]] = step


def _guard_frozen(reader: _Reader) -> None:
    """Make a frozen set, which asks what is in it for its hash, or put a marker there."""
    try:
        _load_frozen(reader)
    except BaseException as error:  # noqa: BLE001 - as in `attempt`
        reader.stack.append(_Marker(error))


_CODES = {opcode.name: ord(opcode.code) for opcode in pickletools.opcodes}
_load_frozen = _Reader.dispatch[_CODES["FROZENSET"]]
_Reader.dispatch[_CODES["FROZENSET"]] = _guard_frozen
for _name in ("REDUCE", "NEWOBJ"):
    _guard(_name, 2, calls=True)
_guard("NEWOBJ_EX", 3, calls=True)
_guard("STACK_GLOBAL", 2, calls=False)
for _name in ("BUILD", "APPEND"):
    _guard(_name, 2, calls=False)
_guard("SETITEM", 3, calls=False)
for _name in ("APPENDS", "SETITEMS", "ADDITEMS"):
    _guard_marked(_name)


def salvage(data: bytes, dumps: Any) -> tuple[list[Any], list[tuple[BaseException, Any]]]:
    """Return the items of a pickled list that can be read, and those that cannot.

    Of each of the others there is the error, and what is left of it: the item with a marker in the
    place of what could not be made, or the marker alone.

    Args:
        data: The pickled list.
        dumps: Pickles one item; used to find markers wherever they are.

    Raises:
        Exception: Not even the outer list can be read: the bytes are damaged.

    Examples:
        >>> salvage(pickle.dumps([1, "two"]), pickle.dumps)
        ([1, 'two'], [])
    """
    items = _Reader(io.BytesIO(data)).load()
    if not isinstance(items, list):
        raise pickle.UnpicklingError(f"a frame held a {type(items).__name__}, not a list")
    kept: list[Any] = []
    errors: list[tuple[BaseException, Any]] = []
    for item in items:
        try:
            dumps(item)
        except _Lost as lost:
            errors.append((lost.error, item))
        except BaseException:  # noqa: BLE001 - it came by pickle, so it is whole: it just cannot go on
            kept.append(item)
        else:
            kept.append(item)
    return kept, errors
