"""What can be the name of a server, wherever it is given: in a spec, or at run time."""

from __future__ import annotations

import functools
import re
import unicodedata

from resilkit import validate
from resilkit.errors import InvalidArgument

__all__ = ["SCOPES", "check_name", "check_scope", "name_of_class"]

SCOPES = ("cluster", "node")
"""Where a name is unique: in the whole cluster, or on each node."""

_LONGEST = 255
_NEVER = {"Cc", "Zl", "Zp", "Cs"}
"""Control characters, separators of lines, and halves of surrogate pairs, never writable."""


def check_name(value: object, path: str) -> str:
    """Return `value` if it can be the name of a server.

    Names go to every node, into events, logs, saved runs and reports, which show each on one line
    and escape what has a meaning in HTML. NUL parts a name of scope ``"node"`` from its node, so a
    name that held one could pose as another node's.

    Args:
        value: The name.
        path: Where it stands, for the error.

    Raises:
        InvalidArgument: It is no text of 1 to 255 characters, or a control character (NUL, a line's
            end), a separator of lines or half a surrogate pair is among them.

    Examples:
        >>> check_name("replica of a", "name")
        'replica of a'
    """
    if isinstance(value, str) and _is_name(str(value)):
        return value
    raise InvalidArgument(
        "must be a name",
        path=path,
        value=value,
        allowed=f"1 to {_LONGEST} characters, no control characters, no half of a surrogate pair",
    )


@functools.lru_cache(4096)  # servers look the same names up again and again
def _is_name(value: str) -> bool:
    return 0 < len(value) <= _LONGEST and not any(
        unicodedata.category(each) in _NEVER for each in value
    )


def name_of_class(kind: type) -> str:
    """Return the name of a server that is given as its class alone.

    Examples:
        >>> class HTTPGate2Go: ...
        >>> name_of_class(HTTPGate2Go)
        'http_gate2_go'
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", kind.__name__)
    return words.strip("_").lower() or "server"


def check_scope(value: object, path: str) -> str:
    """Return `value` if it is ``"cluster"`` or ``"node"``.

    Raises:
        InvalidArgument: It is anything else.

    Examples:
        >>> check_scope("node", "scope")
        'node'
    """
    return validate.choice(value, path, SCOPES)
