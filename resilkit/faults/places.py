"""Where a fault is, in words: names of nodes or servers, links, or who is cut from whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["few", "place_words", "places"]

_MOST = 4
_LISTED = 100
"""Entries that an event lists at most: of as many there may be more."""


def places(about: Mapping[str, object], target: str = "") -> list[str]:
    """Return where a fault is, each place for itself.

    A fault on links chooses among those of its targets: it is on the links, not on the nodes.

    Args:
        about: What its outcome or its event tells.
        target: Whom it hits, names with a comma between: for a fault that is not on links.

    Examples:
        >>> places({"links": ["n1-n2"]}, "n1, n2, n3")
        ['n1 – n2']
        >>> places({"cuts": ["n1->n2", "n2->n1", "n2->n3"]})
        ['n1 – n2', 'n2 → n3']
        >>> places({}, "n1, n2")
        ['n1', 'n2']
    """
    links, cuts = about.get("links"), about.get("cuts")
    if isinstance(links, list) and links:
        return [_link(str(each)) for each in links]
    if isinstance(cuts, list) and cuts:
        return _cuts(cuts)
    return [name for name in target.split(", ") if name]


def place_words(about: Mapping[str, object], target: str = "") -> str:
    """Return where a fault is in a few words, ``""`` where nobody knows; see `places`.

    Examples:
        >>> place_words({"links": ["n1-n2"]}, "n1, n2, n3")
        'on n1 – n2'
        >>> place_words({"links": [f"n1-n{n}" for n in range(2, 9)]})
        'on 7 links'
        >>> place_words({"cuts": ["n1->n2", "n2->n1"]}), place_words({}, "n1, n2")
        ('between n1 – n2', 'n1, n2')
    """
    found = places(about, target)
    named = ", ".join(found)
    for key, word, many in (("links", "on", "links"), ("cuts", "between", "pairs of nodes")):
        listed = about.get(key)
        if isinstance(listed, list) and listed:
            more = " or more" if len(listed) >= _LISTED else ""
            return f"{word} {named if len(found) <= _MOST else f'{len(found)}{more} {many}'}"
    return named


def few(texts: Sequence[str], most: int) -> str:
    """Return texts with commas between; of more than `most` how many are left out.

    Examples:
        >>> few(["n1", "n2", "n3"], 2)
        'n1, n2 and 1 more'
    """
    more = len(texts) - most
    return ", ".join(texts[:most]) + (f" and {more} more" if more > 0 else "")


def _link(name: str) -> str:
    # A name may have hyphens of its own: nobody can tell then where one ends.
    return name.replace("-", " – ") if name.count("-") == 1 else name


def _cuts(cuts: Sequence[object]) -> list[str]:
    """Return who cannot reach whom: a cut both ways is one line between two names."""
    ways = [str(each).split("->") for each in cuts]
    pairs = {(each[0], each[-1]) for each in ways}
    both = {pair for pair in pairs if pair[::-1] in pairs}
    lines = [f"{a} – {b}" for a, b in sorted(both) if a <= b]
    return lines + [f"{a} → {b}" for a, b in sorted(pairs - both)]
