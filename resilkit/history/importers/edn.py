r"""A reader of EDN, the data format of Clojure, in which Jepsen writes its histories.

What becomes of what (the format is described at https://github.com/edn-format/edn):

=========================================  ========================================================
EDN                                        Python
=========================================  ========================================================
``nil``, ``true``, ``false``               ``None``, ``True``, ``False``
``7``, ``7N``, ``0x1f``                    ``int``
``1.5``, ``1e3``, ``##Inf``, ``##NaN``     ``float``
``1.50M``, ``1/3``                         ``Decimal``, ``Fraction``: exact, as they were
``"text"``, ``\c``                         ``str``
``:keyword``, ``:its/name``, ``symbol``    ``str``, a keyword without its colon
``[…]``, ``(…)``                           ``tuple``
``#{…}``                                   ``frozenset``
``{…}``                                    ``dict``; as a key or in a set: a ``frozenset`` of pairs
``#tag value``                             the value: records, ``#inst``, ``#uuid`` stay readable
=========================================  ========================================================

Nothing of it is executed. Commas are white space, ``;`` begins a comment, ``#_`` hides a value.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from math import inf, nan

from resilkit.errors import InvalidArgument
from resilkit.texts import writable

__all__ = ["DEEPEST", "Reader", "hashable"]

DEEPEST = 100
"""How deep values may be nested: histories need five, and Python's stack has an end."""

# The symbols of Clojure, and what its own reader and printer take beyond them ("/" in names).
_NAME = r"[^\s,;\"()\[\]{}\\@`~^]"
# White space and comments, and what stands behind them: this matches everywhere.
_TOKEN = re.compile(
    r"""[\s,]*(?:;[^\n]*[\s,]*)*(?:
    (?P<string>"[^"\\]*(?:\\.[^"\\]*)*")
  | (?P<open>\#\{|[\[({])
  | (?P<close>[\])}])
  | (?P<discard>\#_)
  | (?P<symbolic>\#\#[A-Za-z\-]*)
  | (?P<tag>\#:?[A-Za-z]NAME*)
  | (?P<meta>\^)
  | (?P<char>\\(?:u[0-9a-fA-F]{4}|o[0-7]{1,3}|[a-z]+|.))
  | (?P<atom>NAME+)
    )?""".replace("NAME", _NAME),
    re.VERBOSE | re.DOTALL,
)
_CLOSING = {"(": ")", "[": "]", "{": "}", "#{": "}"}
_WORDS = {"nil": None, "true": True, "false": False}
_SYMBOLIC = {"##Inf": inf, "##-Inf": -inf, "##NaN": nan}
_CHARACTERS = {
    "newline": "\n",
    "return": "\r",
    "space": " ",
    "tab": "\t",
    "formfeed": "\f",
    "backspace": "\b",
}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|[0-3]?[0-7]{1,2}|.)", re.DOTALL)
_ESCAPES = {"t": "\t", "r": "\r", "n": "\n", "b": "\b", "f": "\f", "\\": "\\", '"': '"'}
_INTEGER = re.compile(r"[+-]?(?:0|[1-9][0-9]*)N?")
_HEXADECIMAL = re.compile(r"[+-]?0[xX][0-9a-fA-F]+N?")
_FLOAT = re.compile(r"[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?(M?)")
_RATIO = re.compile(r"[+-]?[0-9]+/[0-9]+")
# Python reads and writes no integer of more than 4,300 digits: beyond that it takes quadratic time.
_MOST_DIGITS = 3000

_END, _HIDDEN = object(), object()


class Reader:
    """Reads the values of `text` one after another.

    Args:
        text: The EDN.
        file: Its name, for errors.
        line: The number of its first line.
        column: The number of its first column.

    Examples:
        >>> [value for _, value in Reader("{:f :read, :value [1 nil]} ; done").values()]
        [{'f': 'read', 'value': (1, None)}]
        >>> list(Reader("[1 2").values())
        Traceback (most recent call last):
        ...
        resilkit.errors.InvalidArgument: edn:1:1: begins, but does not end, got '['; allowed: ]
    """

    __slots__ = ("_closed_at", "_column", "_file", "_line", "_tokens", "position", "text")

    def __init__(self, text: str, file: str = "edn", *, line: int = 1, column: int = 1) -> None:
        self.text = text
        self.position = 0
        self._file = file
        self._line = line
        self._column = column
        self._closed_at = len(text)
        self._tokens = _TOKEN.finditer(text)

    def values(self) -> Iterator[tuple[int, object]]:
        """Yield each value of the text, and the position at which it begins.

        Raises:
            InvalidArgument: Something is no EDN; the path has file, line and column. What was
                yielded before it was whole.
        """
        yield from self._values(0)

    def elements(self) -> Iterator[tuple[int, object]]:
        """Yield the elements of the one vector or list, or else each value, as `values` does.

        Raises:
            InvalidArgument: As for `values`, when something stands behind the vector, and when
                there is neither a vector nor a value.
        """
        first = _TOKEN.match(self.text)
        if not first or first["open"] not in {"[", "("}:
            nothing = True
            for element in self._values(0):
                nothing = False
                yield element
            if nothing:
                raise self._refusal("is missing", len(self.text), allowed="a value")
            return
        next(self._tokens)
        yield from self._values(1)
        self._check_closed(first["open"], first.start("open"))
        for at, value in self._values(0):
            raise self._refusal("stands behind the end of the history", at, value, "nothing")

    def one(self) -> object:
        """Return the next value of the text; `position` is then where it ends.

        Raises:
            InvalidArgument: There is none, or it is no EDN.
        """
        for _, value in self._values(0):
            return value
        raise self._refusal("is missing", len(self.text), allowed="a value")

    def place(self, position: int) -> str:
        """Return ``file:line:column`` of `position`."""
        line = self.text.count("\n", 0, position)
        column = position - (self.text.rfind("\n", 0, position) + 1)
        first = self._column if line == 0 else 1
        return f"{self._file}:{self._line + line}:{first + column}"

    def _refusal(
        self, message: str, position: int, value: object = _END, allowed: str = ""
    ) -> InvalidArgument:
        if value is _END:
            return InvalidArgument(message, path=self.place(position), allowed=allowed)
        return InvalidArgument(message, path=self.place(position), value=value, allowed=allowed)

    def _values(self, depth: int) -> Iterator[tuple[int, object]]:
        for found in self._tokens:
            value = self._take(found, depth)
            if value is _END:
                return
            if value is not _HIDDEN:
                yield found.start(found.lastgroup or 0), value

    def _take(self, found: re.Match[str], depth: int) -> object:
        """Return the value that begins with the token `found`.

        `_END` stands for the end of the text or of the collection, `_HIDDEN` for what a ``#_``
        hides.
        """
        kind = found.lastgroup
        self.position = found.end()
        if kind is None:
            return self._no_token(self.position)
        start, token = found.start(kind), found[kind]
        if kind == "atom":
            return self._atom(token, start)
        if kind == "string":
            return self._string(token, start)
        if kind == "close":
            self._closed_at = start
            if depth == 0:
                raise self._refusal("closes what was never opened", start, token)
            return _END
        if depth >= DEEPEST:
            raise self._refusal("is nested too deeply", start, allowed=f"{DEEPEST} levels")
        if kind == "open":
            return self._collection(token, start, depth + 1)
        return self._other(kind, token, start, depth + 1)

    def _no_token(self, start: int) -> object:
        if start == len(self.text):
            self._closed_at = start
            return _END
        if self.text[start] == '"':
            raise self._refusal("is a text that does not end", start, allowed='a closing "')
        raise self._refusal("is no EDN", start, self.text[start])

    def _other(self, kind: str, token: str, start: int, depth: int) -> object:
        if kind == "discard":
            self._following(token, start, depth)
            return _HIDDEN
        if kind == "meta":
            self._following(token, start, depth)
            return self._following(token, start, depth)
        if kind == "tag":
            value = self._following(token, start, depth)
            if token.startswith("#:") and isinstance(value, dict):
                return {_in_namespace(key, token[2:]): one for key, one in value.items()}
            return value
        if kind == "char":
            return self._character(token, start)
        if token not in _SYMBOLIC:
            raise self._refusal("is no EDN", start, token)
        return _SYMBOLIC[token]

    def _following(self, token: str, start: int, depth: int) -> object:
        for _, value in self._values(depth):
            return value
        raise self._refusal("has no value behind it", start, token)

    def _collection(self, opening: str, start: int, depth: int) -> object:
        items: list[object] = []
        for found in self._tokens:
            if found.lastgroup == "atom":  # most are, and a call for each would take a third longer
                items.append(self._atom(found["atom"], found.start("atom")))
                continue
            value = self._take(found, depth)
            if value is _END:
                break
            if value is not _HIDDEN:
                items.append(value)
        self._check_closed(opening, start)
        if opening in {"[", "("}:
            return tuple(items)
        keys = items if opening == "#{" else items[::2]
        keys = [key if type(key) is str else hashable(key) for key in keys]
        if opening == "#{":
            made: frozenset[object] | dict[object, object] = frozenset(keys)
        else:
            if len(items) % 2:
                raise self._refusal("is a map with a key that has no value", start, items[-1])
            made = dict(zip(keys, items[1::2], strict=True))
        if len(made) != len(keys):
            # Python would silently keep one of the two.
            counts = Counter(keys)
            twice = next(key for key in keys if counts[key] > 1)
            raise self._refusal(
                "holds two keys that are the same (in Python 1, 1.0 and True are)", start, twice
            )
        return made

    def _check_closed(self, opening: str, start: int) -> None:
        closing, at = _CLOSING[opening], self._closed_at
        if at == len(self.text):
            raise self._refusal("begins, but does not end", start, opening, closing)
        if self.text[at] != closing:
            raise self._refusal("closes another bracket", at, self.text[at], closing)

    def _atom(self, token: str, start: int) -> object:
        try:
            return _atom(token)
        except ValueError as error:
            raise self._refusal(str(error), start, token) from None

    def _string(self, token: str, start: int) -> str:
        if "\\" not in token:
            return token[1:-1]
        try:
            # Clojure's texts are UTF-16: two escapes may stand for one character.
            return writable(_ESCAPE.sub(_unescaped, token[1:-1]))
        except ValueError as error:
            raise self._refusal(str(error), start, token) from None

    def _character(self, token: str, start: int) -> str:
        name = token[1:]
        if len(name) == 1 and not name.isspace():
            return name
        if name in _CHARACTERS:
            return _CHARACTERS[name]
        if name[0] == "u" and len(name) == 5:
            return writable(chr(int(name[1:], 16)))
        if name[0] == "o" and name[1:].isdigit() and int(name[1:], 8) < 256:
            return chr(int(name[1:], 8))
        raise self._refusal("is no character", start, token, r"\c, \newline, \u00e9 or \o51")


def hashable(value: object) -> object:
    """Return `value` so that it can be the key of a dict or stand in a set.

    Examples:
        >>> hashable(("a", {"b": 1}))
        ('a', frozenset({('b', 1)}))
    """
    if isinstance(value, tuple):
        return tuple(hashable(item) for item in value)
    if isinstance(value, Mapping):
        return frozenset((key, hashable(item)) for key, item in value.items())
    return value


def _in_namespace(key: object, namespace: str) -> object:
    if not isinstance(key, str) or "/" in key:
        return key.removeprefix("_/") if isinstance(key, str) else key
    return f"{namespace}/{key}"


@lru_cache(maxsize=4096)
def _atom(token: str) -> object:
    """Return a word, a number, a keyword or a symbol; histories repeat the same few."""
    first = token[0]
    if first == ":":
        if len(token) == 1 or token[1] == ":":
            raise ValueError("is no keyword")
        return token[1:]
    if token in _WORDS:
        return _WORDS[token]
    if first.isdigit() or (first in "+-" and token[1:2].isdigit()):
        return _number(token)
    if first == "#":
        raise ValueError("is no EDN")
    return token


def _number(token: str) -> object:
    if len(token) > _MOST_DIGITS:
        raise ValueError("is a number with too many digits")
    if _INTEGER.fullmatch(token):
        return int(token.removesuffix("N"))
    if found := _FLOAT.fullmatch(token):
        if not found[1]:
            # "007" would be octal in Clojure and is no EDN: do not guess.
            if token.lstrip("+-").isdigit():
                raise ValueError("is no number: it begins with 0")
            return float(token)
        from decimal import Decimal, InvalidOperation

        try:
            return Decimal(token[:-1])
        except InvalidOperation:
            raise ValueError("is no number that can be held") from None
    if _HEXADECIMAL.fullmatch(token):
        return int(token.removesuffix("N"), 16)
    if _RATIO.fullmatch(token):
        from fractions import Fraction

        above, below = map(int, token.split("/"))
        if not below:
            raise ValueError("divides by zero")
        whole = Fraction(above, below)
        return whole.numerator if whole.denominator == 1 else whole
    raise ValueError("is no number")


def _unescaped(found: re.Match[str]) -> str:
    code = found[1]
    if code in _ESCAPES:
        return _ESCAPES[code]
    if code[0] == "u" and len(code) == 5:
        return chr(int(code[1:], 16))
    if code[0] in "01234567":
        return chr(int(code, 8))
    raise ValueError(f"has the unknown escape \\{code}")
