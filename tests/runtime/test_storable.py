"""What a storage refuses to take, before it has changed anything."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from resilkit.errors import InvalidArgument
from resilkit.runtime import Storage
from tests.runtime.storing import stored


class Stays:
    """Equal to itself alone: its copy is another one."""


class Raises:
    """Raises what it is told to, when it is hashed or pickled."""

    def __init__(self, error: BaseException, *, hashed: bool = False) -> None:
        self.error, self.hashed = error, hashed

    def __hash__(self) -> int:
        if self.hashed:
            raise self.error
        return 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Raises)

    def __reduce__(self) -> Any:
        raise self.error


class Choosy(Exception):
    """Pickles, and cannot be read back."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(one + two)


UNHASHABLE = [[1], {}, ("a", [1]), Raises(ValueError("no"), hashed=True)]
NO_KEYS = [
    *UNHASHABLE,
    lambda: None,
    Stays(),
    (1, Stays()),
    Choosy(1, 2),
    threading.Lock(),
    float("nan"),
    Raises(SystemExit("bye")),
]
NO_VALUES = [
    lambda: None,
    [threading.Lock()],
    Choosy(1, 2),
    Raises(OSError("no")),
    Raises(SystemExit("bye")),
    Raises(asyncio.CancelledError()),
]


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    storage = Storage.open(tmp_path, "a")
    storage.put("fine", 1)
    storage.sync()
    return storage


@pytest.mark.parametrize("key", NO_KEYS)
def test_what_would_not_be_found_again_is_no_key(
    storage: Storage, tmp_path: Path, key: Any
) -> None:
    with pytest.raises(
        InvalidArgument, match=r"^key: .*got .*; allowed: a hashable key"
    ) as refused:
        storage.put(key, 1)
    assert refused.value.value is key
    assert dict(storage.items()) == {"fine": 1}
    storage.sync()
    storage.close()
    assert stored(tmp_path) == {"fine": 1}


@pytest.mark.parametrize("value", NO_VALUES)
def test_what_would_not_come_back_is_no_value_and_leaves_what_was_there(
    storage: Storage, tmp_path: Path, value: Any
) -> None:
    with pytest.raises(InvalidArgument, match=r"^value: cannot be stored") as refused:
        storage.put("fine", value)
    assert refused.value.value is value
    assert storage.get("fine") == 1
    storage.sync()
    storage.close()
    assert stored(tmp_path) == {"fine": 1}


@pytest.mark.parametrize("key", UNHASHABLE)
def test_whoever_asks_for_what_can_be_no_key_is_told(storage: Storage, key: Any) -> None:
    for ask in (storage.get, storage.delete, storage.__contains__):
        with pytest.raises(InvalidArgument, match=r"^key: cannot be hashed"):
            ask(key)
    storage.close()


def test_a_key_that_only_looks_like_one_that_is_stored_cannot_delete_it(
    storage: Storage, tmp_path: Path
) -> None:
    class Twin(str):
        __slots__ = ()

        def __reduce__(self) -> Any:
            raise ValueError("no copies")

    with pytest.raises(InvalidArgument, match=r"^key: cannot be stored"):
        storage.delete(Twin("fine"))
    assert storage.get("fine") == 1
    storage.sync()
    storage.close()
    assert stored(tmp_path) == {"fine": 1}


def test_a_node_without_memory_is_no_fault_of_the_value(storage: Storage) -> None:
    with pytest.raises(MemoryError):
        storage.put("k", Raises(MemoryError()))
    storage.close()


def test_keys_and_values_of_many_kinds_are_taken(storage: Storage, tmp_path: Path) -> None:
    kinds: dict[Any, Any] = {
        ("a", 1, None): {1: [2.5]},
        frozenset({1}): b"\x93",
        1.5: Path("/"),
        Path("/tmp"): ValueError("kept"),
    }
    for key, value in kinds.items():
        storage.put(key, value)
    storage.sync()
    storage.close()
    found = stored(tmp_path)
    assert found.keys() == {"fine", *kinds}
    assert repr(found[Path("/tmp")]) == "ValueError('kept')"
