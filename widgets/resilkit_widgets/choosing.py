"""Which lines a panel shows: those of the nodes and servers that somebody chose."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from resilkit import InvalidArgument, validate

__all__ = ["Choice", "as_names"]

_ALLOWED = 'a name, a glob such as "counter-*", a list of them, or None for all'
_GLOB = frozenset("*?[")
_MOST = 200


@dataclass(frozen=True, slots=True)
class Choice:
    """The nodes and servers that are shown.

    Attributes:
        nodes: Names and globs; ``None``: all.
        servers: The same, of servers and links; lines about whole nodes are shown whatever it is.

    Examples:
        >>> choice = Choice(nodes=("n1",), servers=("counter-*",))
        >>> choice.shows(("n1", "counter-0")), choice.shows(("n1", "")), choice.shows(("n2", ""))
        (True, True, False)
    """

    nodes: tuple[str, ...] | None = None
    servers: tuple[str, ...] | None = None

    def shows(self, key: tuple[str, str]) -> bool:
        """Return whether a line, its node and its server or ``""``, is shown."""
        node, server = key
        return _fits(node, self.nodes) and (not server or _fits(server, self.servers))


def _fits(name: str, globs: tuple[str, ...] | None) -> bool:
    return globs is None or any(fnmatchcase(name, glob) for glob in globs)


def as_names(
    value: str | Sequence[str] | None, path: str, known: Collection[str] | None = None
) -> tuple[str, ...] | None:
    """Return names and globs as a tuple, ``None`` for all.

    Args:
        value: One, several, or ``None``.
        path: Where it stands.
        known: The names that there are; one that is no glob must be among them. ``None``: any
            name may come to be.

    Raises:
        InvalidArgument: It is neither, empty, or names what there is not.

    Examples:
        >>> as_names("counter-*", "servers"), as_names(["n1", "n2"], "nodes", ["n1", "n2"])
        (('counter-*',), ('n1', 'n2'))
    """
    if value is None:
        return None
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not names or len(names) > _MOST:
        raise InvalidArgument("names nobody", path=path, value=value, allowed=_ALLOWED)
    clean = []
    for place, name in enumerate(names):
        where = path if isinstance(value, str) else f"{path}[{place}]"
        if not isinstance(name, str) or not name.strip():
            raise InvalidArgument("is no name", path=where, value=name, allowed=_ALLOWED)
        if known is not None and not _GLOB & set(name):
            validate.choice(name, where, list(known))
        clean.append(name)
    return tuple(dict.fromkeys(clean))
