"""JSON lines: one object a line, with the keys of Jepsen's op maps.

::

    {"type": "invoke", "process": 0, "f": "write", "value": 4, "time": 1500}
    {"type": "ok", "process": 0, "f": "write", "value": 4, "time": 2500}
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from resilkit.errors import InvalidArgument
from resilkit.history.importers.edn import DEEPEST
from resilkit.history.importers.op import Op, op_from
from resilkit.texts import writable

__all__ = ["ops"]


def ops(text: str, file: str) -> Iterator[Op]:
    """Yield the ops; arrays become tuples, as the vectors of EDN do. Empty lines are skipped.

    Raises:
        InvalidArgument: A line is no JSON object, or no op.

    Examples:
        >>> next(ops('{"type": "ok", "process": 0, "f": "cas", "value": [3, 0]}', "x.jsonl")).value
        (3, 0)
    """
    # Not `splitlines`: U+2028 ends no line, and may stand in a text of JSON.
    for line, given in enumerate(text.split("\n"), 1):
        if not given.strip():
            continue
        path = f"{file}:{line}"
        try:
            found = _plain(json.loads(given), DEEPEST)
        except json.JSONDecodeError as error:
            raise InvalidArgument(
                f"is no JSON: {error.msg}",
                path=f"{path}:{error.colno}",
                value=given[max(0, error.pos - 20) : error.pos + 20],
                allowed="one JSON object a line",
            ) from None
        except ValueError as error:  # an integer of thousands of digits
            raise InvalidArgument(f"is no JSON that can be read: {error}", path=path) from None
        except RecursionError:
            allowed = f"{DEEPEST} levels"
            raise InvalidArgument("is nested too deeply", path=path, allowed=allowed) from None
        yield op_from(found, file, line)


def _plain(value: object, levels: int) -> object:
    if not levels:
        raise RecursionError
    if isinstance(value, list):
        return tuple([_plain(item, levels - 1) for item in value])
    if isinstance(value, dict):
        return {writable(key): _plain(item, levels - 1) for key, item in value.items()}
    return writable(value) if isinstance(value, str) else value
