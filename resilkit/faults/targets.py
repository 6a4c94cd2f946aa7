"""Whom a fault hits: the grammar of targets, and the draw.

========================  =====================================================
target                    who is hit
========================  =====================================================
``"all"``                 everyone
``"one"``                 one, drawn by seed
``"minority"``            as many as can go while a majority stays, drawn by seed
``"majority"``            the least number that is more than half, drawn by seed
``"none"``                no one
``3``                     that many, drawn by seed
``"n1"``                  that one
``["n1", "n2"]``          those
``"matching:counter-*"``  all whose name fits the glob
``"n1<->n2"``             that link, both ways; in lists too, beside nodes
``"matching:n1<->*"``     all links that fit the glob, in either direction
========================  =====================================================

Links are for faults on links alone, which otherwise hit all links of the nodes that they name.
``"n1->n2"``, one way, is for partitions of the kind ``"links"``. A server's name may hold these
signs; a node's holds neither ``<`` nor ``>``.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

from resilkit import validate
from resilkit.errors import InvalidArgument
from resilkit.runtime.naming import check_name

if TYPE_CHECKING:
    from random import Random

__all__ = ["Targets", "choose_targets", "clean_targets"]

_WORDS = ("all", "one", "minority", "majority", "none")
_GLOB = "matching:"
_RUNS = re.compile(r"[0-9]+|[^0-9]+")
_ALLOWED = (
    'a name, a list of names, a number, "all", "one", "minority", "majority", "none" '
    'or "matching:GLOB"'
)

Targets = Annotated[str | int | Sequence[str], "targets"]
"""Who is hit; the grammar stands at the top of this module."""


def clean_targets(value: object, path: str) -> str | int | tuple[str, ...]:
    """Return `value` as targets, a list as a tuple.

    Raises:
        InvalidArgument: It is no target.

    Examples:
        >>> clean_targets(["n1", "n2"], "targets")
        ('n1', 'n2')
    """
    if isinstance(value, str):
        if value not in _WORDS:
            pattern = value.removeprefix(_GLOB)
            if pattern != value and not pattern.strip():
                raise _no_target(value, path)
            _name(pattern, path)
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return validate.number(value, path, low=0, high=1_000_000, integer=True)
    if isinstance(value, Iterable) and not isinstance(value, bytes | dict):
        names = tuple(value)
        if not names:
            raise InvalidArgument(
                "is an empty list", path=path, value=value, allowed=f'"none", or {_ALLOWED}'
            )
        for index, name in enumerate(names):
            _name(name, f"{path}[{index}]")
        if len(set(names)) < len(names):
            raise InvalidArgument("names somebody twice", path=path, value=value)
        return names
    raise _no_target(value, path)


def _no_target(value: object, path: str) -> InvalidArgument:
    return InvalidArgument("is no target", path=path, value=value, allowed=_ALLOWED)


def _name(value: object, path: str) -> None:
    try:
        check_name(value, path)
    except InvalidArgument:
        raise _no_target(value, path) from None


def choose_targets(
    targets: str | int | Sequence[str], candidates: Iterable[str], rng: Random
) -> list[str]:
    """Return who is hit among `candidates`, in their order.

    Deterministic: the same targets, candidates (in any order) and state of `rng` give the same
    answer, and `rng` is drawn from only where something is left to chance.

    Args:
        targets: Who is meant; see the top of the module.
        candidates: The names there are. A number, ``"one"`` and the like take no more than
            there are.
        rng: The stream to draw from.

    Raises:
        InvalidArgument: A name is not among the candidates, or `targets` is no target.

    Examples:
        >>> from resilkit.rng import stream
        >>> choose_targets("minority", ["n1", "n2", "n3"], stream(7))
        ['n3']
        >>> choose_targets("matching:counter-*", ["counter-1", "bank", "counter-0"], stream(7))
        ['counter-0', 'counter-1']
    """
    targets = clean_targets(targets, "targets")
    names = sorted(set(candidates), key=natural_order)
    if isinstance(targets, tuple):
        return [_known(name, names) for name in targets]
    if isinstance(targets, str):
        if targets.startswith(_GLOB):
            pattern = targets.removeprefix(_GLOB)
            return [name for name in names if fnmatch.fnmatchcase(name, pattern)]
        if targets not in _WORDS:
            return [_known(targets, names)]
    wanted = how_many(targets, len(names))
    if wanted >= len(names):
        return names
    chosen = set(rng.sample(names, wanted))
    return [name for name in names if name in chosen]


def how_many(targets: str | int, total: int) -> int:
    """Return how many of `total` a number or a word such as ``"minority"`` means."""
    majority = total // 2 + 1
    if isinstance(targets, int):
        return min(targets, total)
    meant = {
        "all": total,
        "one": 1,
        "minority": total - majority,
        "majority": majority,
        "none": 0,
    }
    return min(meant[targets], total)


def is_named(targets: str | int | Sequence[str]) -> bool:
    """Return whether `targets` says who, not how many."""
    return not isinstance(targets, int) and targets not in _WORDS


def natural_order(name: str) -> tuple[tuple[bool, int, str], ...]:
    """Return a key that sorts ``n2`` before ``n10``."""
    parts = ((part, part[0] in "0123456789") for part in _RUNS.findall(name))
    return tuple((not digits, int(part) if digits else 0, part) for part, digits in parts)


def _known(name: str, names: Sequence[str]) -> str:
    return validate.choice(name, "targets", names) if names else _nobody(name)


def _nobody(name: str) -> str:
    raise InvalidArgument("nobody is there", path="targets", value=name)
