"""How a storage reads: as a dict does, in the order of the puts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resilkit.runtime import storable

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Stored"]


class Stored:
    """The part of a `Storage` that reads."""

    _data: dict[Any, Any]

    def get(self, key: Any, default: Any = None) -> Any:
        """Return the value of `key`, or `default`.

        Raises:
            InvalidArgument: The key cannot be hashed.
        """
        storable.check_key(key)
        return self._data.get(key, default)

    def keys(self) -> Iterator[Any]:
        """Return the keys, in the order in which they were first put."""
        return iter(list(self._data))

    def values(self) -> Iterator[Any]:
        """Return the values, in the order of `keys`."""
        return iter(list(self._data.values()))

    def items(self) -> Iterator[tuple[Any, Any]]:
        """Return the pairs of key and value, in the order of `keys`."""
        return iter(list(self._data.items()))

    def __iter__(self) -> Iterator[Any]:
        return self.keys()

    def __getitem__(self, key: Any) -> Any:
        storable.check_key(key)
        return self._data[key]

    def __contains__(self, key: Any) -> bool:
        storable.check_key(key)
        return key in self._data

    def __len__(self) -> int:
        return len(self._data)

    def __setitem__(self, key: Any, value: Any) -> None:
        raise TypeError("a storage is changed by put(key, value), not by storage[key] = value")

    def __delitem__(self, key: Any) -> None:
        raise TypeError("a storage is changed by delete(key), not by del storage[key]")
