"""Links as targets: ``"n1<->n2"`` is a link, both ways; ``"n1->n2"`` is one way of it.

A node's name holds neither ``<`` nor ``>``, so a text with such a sign is a link and nothing else.
A server's name may hold both: to a fault of servers it is a name like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from resilkit import validate
from resilkit.errors import InvalidArgument
from resilkit.faults.targets import choose_targets, clean_targets, is_named

if TYPE_CHECKING:
    from random import Random

__all__ = [
    "BOTH_WAYS",
    "ONE_WAY",
    "NamedLink",
    "check_links",
    "choose_ends",
    "clean_links",
    "fitting",
    "link_name",
    "named_link",
    "named_links",
    "node_names",
]

BOTH_WAYS = "<->"
ONE_WAY = "->"

_GLOB = "matching:"
_SIGNS = (BOTH_WAYS, ONE_WAY)  # the longer one first: it holds the other
_MOST_LISTED = 8

Pair = tuple[str, str]


class NamedLink(NamedTuple):
    """A link as somebody wrote it.

    Attributes:
        source: The node in front of the sign.
        target: The node behind it.
        sign: ``"<->"``, or ``"->"`` for the way from source to target alone.
    """

    source: str
    target: str
    sign: str

    @property
    def ways(self) -> frozenset[Pair]:
        """The directed pairs that it means."""
        there, back = (self.source, self.target), (self.target, self.source)
        return frozenset({there} if self.sign == ONE_WAY else {there, back})


def named_link(text: str) -> NamedLink | None:
    """Return the link that `text` names, ``None`` where it is the name of a node.

    Examples:
        >>> named_link("n1 <-> n2")
        NamedLink(source='n1', target='n2', sign='<->')
        >>> named_link("n1") is None
        True
    """
    for sign in _SIGNS:
        source, found, target = text.partition(sign)
        if found:
            return NamedLink(source.strip(), target.strip(), sign)
    return None


def link_name(source: str, target: str) -> str:
    """Return how a link is written.

    Examples:
        >>> link_name("n1", "n2")
        'n1<->n2'
    """
    return f"{source}{BOTH_WAYS}{target}"


def named_links(targets: str | int | Sequence[str]) -> list[NamedLink]:
    """Return the links that `targets` names; globs name none."""
    return [link for text in _texts(targets) if (link := named_link(text))]


def node_names(texts: Iterable[str]) -> list[str]:
    """Return the nodes among `texts` and at the ends of the links there, each once.

    Examples:
        >>> node_names(["n2<->n3", "n1", "n2"])
        ['n2', 'n3', 'n1']
    """
    found: dict[str, None] = {}
    for text in texts:
        link = named_link(text)
        found.update(dict.fromkeys([text] if link is None else [link.source, link.target]))
    return list(found)


def clean_links(value: object, path: str, signs: Sequence[str]) -> str | int | tuple[str, ...]:
    """Return targets whose links are written in one way, once all of them are links of that kind.

    Args:
        value: The targets of a fault of nodes or links.
        path: Where they stand.
        signs: What may stand between two nodes; nothing for a fault that takes no links.

    Raises:
        InvalidArgument: They are no targets, or a link among them has another sign, an end that
            cannot be a node's name, or both ends at one node; or something stands there twice.

    Examples:
        >>> clean_links(["n2 <-> n1", "n3"], "targets", [BOTH_WAYS])
        ('n2<->n1', 'n3')
    """
    targets = clean_targets(value, path)
    if isinstance(targets, int) or (isinstance(targets, str) and not is_named(targets)):
        return targets
    if isinstance(targets, str):
        return _clean(targets, path, signs)
    texts = tuple(_clean(text, f"{path}[{place}]", signs) for place, text in enumerate(targets))
    seen: set[object] = set()
    for place, text in enumerate(texts):
        link = named_link(text)
        means: set[object] = {text} if link is None else set(link.ways)
        if seen & means:
            raise InvalidArgument("names a link twice", path=f"{path}[{place}]", value=text)
        seen |= means
    return texts


def _clean(text: str, path: str, signs: Sequence[str]) -> str:
    pattern = text.removeprefix(_GLOB)
    link = named_link(pattern)
    if link is None:
        return text
    if link.sign not in signs:
        raise _refused(link, path, text, signs)
    if pattern == text:
        for end in (link.source, link.target):
            _check_end(end, path, text)
        if link.source == link.target:
            raise InvalidArgument("joins a node to itself", path=path, value=text)
        return f"{link.source}{link.sign}{link.target}"
    if not link.source or not link.target:
        allowed = 'such as "matching:n1<->*"'
        raise InvalidArgument("has an empty end", path=path, value=text, allowed=allowed)
    return f"{_GLOB}{link.source}{link.sign}{link.target}"


def _check_end(end: str, path: str, text: str) -> None:
    try:
        validate.name(end, path)
    except InvalidArgument as error:
        message = f"has an end, {end!r}, that is no name of a node"
        raise InvalidArgument(message, path=path, value=text, allowed=error.allowed) from None


def _refused(link: NamedLink, path: str, text: str, signs: Sequence[str]) -> InvalidArgument:
    if not signs:
        return InvalidArgument(
            "is a link, where only nodes can be hit",
            path=path,
            value=text,
            allowed="names of nodes; faults on links, and partitions of links, take links",
        )
    return InvalidArgument(
        "is one way, where a fault is on a link both ways",
        path=path,
        value=text,
        allowed=f'"{link_name(link.source or "n1", link.target or "n2")}"',
    )


def choose_ends(
    targets: str | int | Sequence[str], nodes: Iterable[str], links: Iterable[Pair], rng: Random
) -> list[str]:
    """Return which nodes are hit with all their links, and which links by themselves.

    Names and globs with a sign mean links; what is left to chance is drawn among the nodes, as in
    `choose_targets`.

    Args:
        targets: Whom a fault on links is to hit.
        nodes: The names of the nodes that there are.
        links: The links that there are; none: which there are is not known here.
        rng: The stream to draw from.

    Raises:
        InvalidArgument: A node or a link is not there.

    Examples:
        >>> from resilkit.rng import stream
        >>> ring = [("n1", "n2"), ("n2", "n3"), ("n1", "n3")]
        >>> choose_ends(["n1<->n2", "n3"], ["n1", "n2", "n3"], ring, stream(7))
        ['n1<->n2', 'n3']
        >>> choose_ends("matching:n1<->*", ["n1", "n2", "n3"], ring, stream(7))
        ['n1<->n2', 'n1<->n3']
    """
    names, pairs = list(nodes), sorted(links)
    texts = _texts(targets)
    if not any(map(named_link, texts)):
        if isinstance(targets, str) and named_link(targets.removeprefix(_GLOB)):
            return fitting(targets, pairs)
        return choose_targets(targets, names, rng)
    check_links(targets, names, pairs)
    plain = [text for text in texts if not named_link(text)]
    if plain:
        choose_targets(plain, names, rng)  # refuses those that are not there
    return texts


def fitting(targets: str | int | Sequence[str], links: Iterable[Pair]) -> list[str]:
    """Return those of `links` that a glob of links fits, in either direction; else none.

    Examples:
        >>> fitting("matching:n3<->*", [("n1", "n2"), ("n1", "n3")])
        ['n1<->n3']
    """
    if not isinstance(targets, str) or not targets.startswith(_GLOB):
        return []
    pattern = targets.removeprefix(_GLOB)
    return [
        link_name(*pair)
        for pair in links
        if fnmatchcase(link_name(*pair), pattern) or fnmatchcase(link_name(*pair[::-1]), pattern)
    ]


def check_links(
    targets: str | int | Sequence[str], nodes: Iterable[str], links: Iterable[Pair]
) -> None:
    """Check that the links that `targets` names are there.

    Args:
        targets: Clean targets of a fault of nodes or links.
        nodes: The names of the nodes that there are.
        links: The links that there are; none: only the ends are looked at.

    Raises:
        InvalidArgument: An end is no node, or two nodes have no link; its path begins with
            ``targets``.
    """
    names, known = list(nodes), {frozenset(pair) for pair in links}
    listed = isinstance(targets, Sequence) and not isinstance(targets, str)
    for place, text in enumerate(_texts(targets)):
        link = named_link(text)
        if link is None:
            continue
        path = f"targets[{place}]" if listed else "targets"
        for end in (link.source, link.target):
            validate.choice(end, path, names)
        if known and frozenset((link.source, link.target)) not in known:
            raise InvalidArgument(
                f"is no link of this cluster: {link.source} and {link.target} have none",
                path=path,
                value=text,
                allowed=_near(link, known),
            )


def _near(link: NamedLink, known: Iterable[frozenset[str]]) -> str:
    ends = {link.source, link.target}
    near = sorted(link_name(*sorted(pair)) for pair in known if pair & ends)
    more = f" and {len(near) - _MOST_LISTED} more" if len(near) > _MOST_LISTED else ""
    return ", ".join(map(repr, near[:_MOST_LISTED])) + more


def _texts(targets: str | int | Sequence[str]) -> list[str]:
    """Return the names in `targets`, of nodes and links."""
    if isinstance(targets, int):
        return []
    if isinstance(targets, str):
        named = is_named(targets) and not targets.startswith(_GLOB)
        return [targets] if named else []
    return list(targets)
