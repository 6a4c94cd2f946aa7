"""JSON: one object a line with the keys of Jepsen's op maps, or one array of such objects.

::

    {"type": "invoke", "process": 0, "f": "write", "value": 4, "time": 1500}
    {"type": "ok", "process": 0, "f": "write", "value": 4, "time": 2500}
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

from resilkit.errors import InvalidArgument
from resilkit.history.importers.edn import DEEPEST
from resilkit.history.importers.op import Op, op_from
from resilkit.texts import writable

__all__ = ["ops"]

_NEXT = re.compile(r"[^ \t\r\n]|\Z")
_DECODER = json.JSONDecoder()


def ops(text: str, file: str) -> Iterator[Op]:
    """Yield the ops; arrays become tuples, as the vectors of EDN do. Empty lines are skipped.

    A text that begins with ``[`` is one array of ops, over as many lines as it likes: what
    `json.dump` makes of a list.

    Raises:
        InvalidArgument: A line, or an element of the array, is no JSON object, or no op.

    Examples:
        >>> next(ops('{"type": "ok", "process": 0, "f": "cas", "value": [3, 0]}', "x.jsonl")).value
        (3, 0)
        >>> next(ops('[{"type": "ok", "process": 0, "f": "read", "value": 4}]', "x.json")).value
        4
    """
    if text.lstrip().startswith("["):
        yield from _array(text, file)
        return
    # Not `splitlines`: U+2028 ends no line, and may stand in a text of JSON.
    for line, given in enumerate(text.split("\n"), 1):
        if not given.strip():
            continue
        with _refusing(file, line, line, "one JSON object a line"):
            found = _plain(json.loads(given), DEEPEST)
        yield op_from(found, file, line)


def _array(text: str, file: str) -> Iterator[Op]:
    """Yield the elements of the array that `text` is, each with the line in which it begins."""
    line, counted = 1, 0
    # Element by element, since the whole as one value would not say where each of them stands.
    at = _next(text, text.index("[") + 1)
    ended = text.startswith("]", at)
    while not ended:
        line += text.count("\n", counted, at)
        counted = at
        with _refusing(file, 1, line, "one JSON array of objects"):
            given, end = _DECODER.raw_decode(text, at)
            found = _plain(given, DEEPEST)
            at = _next(text, end)
            ended = text.startswith("]", at)
            if not ended and not text.startswith(",", at):
                raise json.JSONDecodeError("Expecting ',' delimiter", text, at)
        yield op_from(found, file, line)
        at = at if ended else _next(text, at + 1)
    after = _next(text, at + 1)
    with _refusing(file, 1, line, "one JSON array of objects"):
        if after < len(text):
            raise json.JSONDecodeError("Extra data", text, after)


def _next(text: str, at: int) -> int:
    """Return where the next letter from `at` on stands that is no white space, or the end."""
    found = _NEXT.search(text, at)
    return found.start() if found else len(text)


@contextmanager
def _refusing(file: str, first: int, line: int, allowed: str) -> Iterator[None]:
    """Tell what JSON is wrong with the file and the place in it.

    Args:
        file: The name of the file.
        first: The number of the line with which the text begins that is decoded.
        line: The number of the line that is told when the decoder names none.
        allowed: What should stand there.
    """
    try:
        yield
    except json.JSONDecodeError as error:
        raise InvalidArgument(
            f"is no JSON: {error.msg}",
            path=f"{file}:{first + error.lineno - 1}:{error.colno}",
            value=error.doc[max(0, error.pos - 20) : error.pos + 20],
            allowed=allowed,
        ) from None
    except ValueError as error:  # an integer of thousands of digits
        message = f"is no JSON that can be read: {error}"
        raise InvalidArgument(message, path=f"{file}:{line}") from None
    except RecursionError:
        message, allowed = "is nested too deeply", f"{DEEPEST} levels"
        raise InvalidArgument(message, path=f"{file}:{line}", allowed=allowed) from None


def _plain(value: object, levels: int) -> object:
    if not levels:
        raise RecursionError
    if isinstance(value, list):
        return tuple([_plain(item, levels - 1) for item in value])
    if isinstance(value, dict):
        return {writable(key): _plain(item, levels - 1) for key, item in value.items()}
    return writable(value) if isinstance(value, str) else value
