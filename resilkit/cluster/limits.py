"""What one node may use of the machine."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self

from resilkit import amounts, validate
from resilkit.errors import InvalidArgument
from resilkit.records import readable

__all__ = ["FEWEST_FILES", "Limits"]

FEWEST_FILES = 32
"""Open files with which a small node can still start."""

# The least with which a node can still start; below it, it would die before it could say why.
_LEAST = {
    "memory_bytes": 64 << 20,
    "open_files": FEWEST_FILES,
    "cpu_seconds": 1,
    "processes": 1,
    "file_size_bytes": 0,
}

_MOST = 2**62  # the kernel's own "no limit" lies just above


@validate.strict
@readable
@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one node may use of the machine; the kernel enforces it. ``None`` means no limit.

    In a simulation nothing enforces it, so that the same spec runs on both: the nodes share the
    process of the notebook, which has its own limits.

    Args:
        memory_bytes: Memory that the node may have mapped for itself, at least 64 MiB. Going
            past it raises ``MemoryError`` in the node. (``RLIMIT_DATA`` on Linux: memory shared
            with other processes does not count. ``RLIMIT_AS`` elsewhere; macOS ignores it.)
        open_files: Files and sockets open at once, at least 32: one of them for each link.
        cpu_seconds: Processor time in all, whole seconds; past it the node gets ``SIGXCPU``
            and, a second later, ``SIGKILL``.
        processes: Processes *of this user on the whole machine* at which the node can start no
            more processes or threads. The superuser is exempt.
        file_size_bytes: The longest file that the node may write; past it a write fails with
            ``OSError``.

    Raises:
        InvalidArgument: A limit is not a whole number, or too low for a node to start.

    Examples:
        >>> Limits(memory_bytes=512 << 20, open_files=256).to_dict()
        {'memory_bytes': 536870912, 'open_files': 256}
    """

    memory_bytes: int | None = None
    open_files: int | None = None
    cpu_seconds: int | None = None
    processes: int | None = None
    file_size_bytes: int | None = None

    def __post_init__(self) -> None:
        for key, value in _clean(self.to_dict(), "limits").items():
            object.__setattr__(self, key, value)

    def validated(self) -> Self:
        """Return these limits: they were checked when they were made."""
        return self

    def to_dict(self) -> dict[str, int]:
        """Return the limits that are set."""
        pairs = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {key: value for key, value in pairs if value is not None}

    @classmethod
    def from_dict(cls, mapping: object, path: str = "limits") -> Self:
        """Read limits from a file's mapping; sizes may be text such as ``"512 MiB"``.

        Raises:
            InvalidArgument: A key is unknown or a value is wrong; its path says which.

        Examples:
            >>> Limits.from_dict({"memory_bytes": "512 MiB"}).memory_bytes
            536870912
        """
        given: dict[str, Any] = validate.known_keys(mapping, path, _LEAST)
        for key in ("memory_bytes", "file_size_bytes"):
            if isinstance(given.get(key), str):
                given[key] = amounts.parse_size(given[key], f"{path}.{key}")
        return cls(**_clean(given, path))


def _clean(given: dict[str, Any], path: str) -> dict[str, int]:
    clean = {}
    for key, value in given.items():
        if value is None:
            continue
        where = f"{path}.{key}"
        clean[key] = validate.number(value, where, low=_LEAST[key], integer=True)
        if clean[key] > _MOST:
            raise InvalidArgument("is more than any machine has", path=where, value=value)
    return clean
