"""Values of a history as JSON text and back, without pickles.

JSON's own types stay what they are. Tuples, bytes, sets, non-finite floats and mappings with
other keys than text travel under a ``$`` tag; whatever else there is becomes an `Opaque`, which
keeps the ``repr`` alone: a saved run must never rebuild objects of somebody's class.
"""

from __future__ import annotations

import base64
import json
import math
from dataclasses import dataclass
from typing import Any

from resilkit.texts import shown, writable

__all__ = ["Opaque", "from_json", "to_json"]

_LONGEST_REPR = 2000


@dataclass(frozen=True, slots=True, repr=False)
class Opaque:
    """Something that was saved by its ``repr`` only.

    Attributes:
        text: What ``repr`` said, cut to 2,000 characters.
    """

    text: str

    def __repr__(self) -> str:
        return self.text


def to_json(value: object) -> str:
    """Return `value` as JSON text that `from_json` reads back.

    Examples:
        >>> to_json((1, "a"))
        '{"$tuple":[1,"a"]}'
        >>> from_json(to_json({"votes": (1, 2)}))
        {'votes': (1, 2)}
    """
    try:
        return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"))
    except (RecursionError, ValueError):  # it holds itself, or is nested thousands deep
        return json.dumps({"$repr": _shown(value)}, ensure_ascii=False, separators=(",", ":"))


def from_json(text: str) -> object:
    """Return the value of JSON text that `to_json` wrote.

    Raises:
        ValueError: It is no JSON, or a tag holds something else than it promises.

    Examples:
        >>> from_json('{"$repr":"<Auction 3>"}')
        <Auction 3>
    """
    try:
        return _rich(json.loads(text))
    except (RecursionError, TypeError) as error:
        raise ValueError(f"no value can be read from this JSON: {error}") from None


def _plain(value: object) -> object:
    kind = type(value)
    if value is None or kind in {bool, int}:
        return value
    if kind is str:
        # A lone surrogate is a text in Python, but cannot be written as UTF-8.
        text = str(value)
        return text if writable(text) == text else {"$ascii": ascii(text)[1:-1]}
    if isinstance(value, float) and kind is float:
        return value if math.isfinite(value) else {"$float": str(value)}
    if isinstance(value, list) and kind is list:
        return [_plain(item) for item in value]
    if isinstance(value, tuple) and kind is tuple:
        return {"$tuple": [_plain(item) for item in value]}
    if isinstance(value, bytes) and kind is bytes:
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, (set, frozenset)) and kind in {set, frozenset}:
        items = sorted((_plain(item) for item in value), key=json.dumps)
        return {f"${kind.__name__}": items}
    if isinstance(value, dict) and kind is dict:
        plain = all(type(key) is str and writable(key) == key and key[:1] != "$" for key in value)
        if plain:
            return {key: _plain(item) for key, item in value.items()}
        return {"$dict": [[_plain(key), _plain(item)] for key, item in value.items()]}
    return {"$repr": _shown(value)}


def _shown(value: object) -> str:
    if isinstance(value, Opaque):
        return value.text
    text = shown(value)
    text = text if len(text) <= _LONGEST_REPR else f"{text[: _LONGEST_REPR - 1]}…"
    return text if writable(text) == text else ascii(text)[1:-1]


def _rich(value: object) -> object:
    if isinstance(value, list):
        return [_rich(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((tag, content),) = value.items()
        if tag.startswith("$"):
            return _tagged(tag, content)
    return {key: _rich(item) for key, item in value.items()}


def _tagged(tag: str, content: object) -> object:
    if tag in {"$tuple", "$set", "$frozenset", "$dict"} and isinstance(content, list):
        items = [_rich(item) for item in content]
        if tag == "$dict":
            pairs: Any = items
            return {key: item for key, item in pairs}  # noqa: C416 - `dict` would take "ab" for a pair
        return {"$tuple": tuple, "$set": set, "$frozenset": frozenset}[tag](items)
    if isinstance(content, str):
        match tag:
            case "$bytes":
                return base64.b64decode(content, validate=True)
            case "$float":
                return float(content)
            case "$repr":
                return Opaque(content)
            case "$ascii":
                return content.encode("ascii").decode("unicode_escape", "surrogatepass")
    raise ValueError(f"the tag {tag!r} holds something else than it promises")
