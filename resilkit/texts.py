"""Texts from outside, made fit for every file, frame and terminal."""

from __future__ import annotations

from typing import Any

__all__ = ["all_writable", "clean_text", "plain", "shown", "writable"]


def shown(value: object) -> str:
    """Return the ``repr`` of `value`; where that raises, what it is and what was raised.

    A hostile or half-made object must not cost the error, event or row in which it stands.

    Examples:
        >>> class Half:
        ...     def __repr__(self):
        ...         return self.name
        >>> shown(3), shown(Half())
        ('3', '<Half, whose repr raised AttributeError>')
    """
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001 - whatever a stranger's __repr__ raises
        return f"<{type(value).__name__}, whose repr raised {type(error).__name__}>"


def writable(text: str) -> str:
    r"""Return `text` with U+FFFD for each half of a surrogate pair, which cannot be written.

    Such halves come from file names and bytes of others, in the text of an error for example.

    Examples:
        >>> writable("no file caf\udce9") == "no file caf\ufffd"
        True
    """
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def all_writable(value: Any) -> Any:
    r"""Return `value` with every text in it `writable`: in lists, tuples and dicts, keys too.

    Tuples come back as lists, as from JSON; what is no text and holds none as it is.

    Examples:
        >>> all_writable({"caf\udce9": ["caf\udce9", 3]}) == {"caf\ufffd": ["caf\ufffd", 3]}
        True
    """
    if isinstance(value, str):
        return writable(value)
    if isinstance(value, dict):
        return {all_writable(key): all_writable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [all_writable(item) for item in value]
    return value


def clean_text(value: object) -> str:
    r"""Return `value` as text that every frame and file takes.

    What is missing becomes ``""``, and each half of a surrogate pair (of a file's name in the
    text of an error, say) becomes U+FFFD.

    Examples:
        >>> clean_text(None), clean_text("caf\udce9") == "caf\ufffd", clean_text(3)
        ('', True, '3')
    """
    if value is None or value != value:  # noqa: PLR0124 - NaN, however it was made
        return ""
    return writable(value if isinstance(value, str) else str(value))


def plain(count: int, noun: str) -> str:
    """Return a count with its noun.

    Examples:
        >>> plain(1, "operation"), plain(1932, "operation"), plain(4, "criterion")
        ('1 operation', '1,932 operations', '4 criteria')
    """
    irregular = {"criterion": "criteria"}
    return f"{count:,} {noun if count == 1 else irregular.get(noun, f'{noun}s')}"
