"""Faults as forms, made from what their fields say of themselves; and as a line of text."""

from __future__ import annotations

import inspect
from typing import Any

from resilkit import Fault, ServerFault
from resilkit.faults import Partition, to_dict
from resilkit.faults.display import worded
from resilkit.faults.fields import FieldInfo, field_info

__all__ = ["described", "form"]

# What a number alone means, and what else is taken.
_UNITS = {
    "s": "s, or 20 ms", "share": "0 to 1, or 5 %", "bytes": "bytes, or 64 MiB",
    "bytes/s": "bytes/s, or 1 MB/s", "1/s": "a second",
    "s/s": "s/s, or 5 %",
}  # fmt: skip

_WHO = frozenset({"kind", "groups", "targets"})
"""Fields of a partition that say who is cut from whom."""
_DRAWN = {
    "halves": "two halves drawn at random",
    "majorities_ring": "each node with a majority of its own",
    "bridge": "two halves and one node that reaches both",
}
_ANY = {
    "all": "one node", "one": "one node", "none": "no node", "minority": "a minority",
    "majority": "a majority",
}  # fmt: skip


def described(fault: Fault) -> str:
    r"""Return a fault in a line, with what is not as it is by default.

    Examples:
        >>> from resilkit import faults
        >>> described(faults.Latency(0.02, 0.2, targets="n1"))
        'latency (low 20 ms, high 200 ms, targets n1)'
        >>> described(faults.Bandwidth(2048))
        'bandwidth (2 KiB/s)'
        >>> described(faults.Latency(0.02, 0.2, targets="n1<->n2"))
        'latency (low 20 ms, high 200 ms, targets n1\xa0↔\xa0n2)'
        >>> described(faults.Partition("custom", [["n1"], ["n2", "n3"]], duration=5))
        'partition: n1 apart from n2, n3 (for 5 s)'
    """
    ((name, fields),) = to_dict(fault).items()
    who = ""
    if isinstance(fault, Partition):
        who = f": {_apart(fault)}"
        fields = {key: fields[key] for key in fields if key not in _WHO}
    infos = {info.key: info for info in field_info(type(fault))}
    told = ", ".join(_field_words(infos[key], value) for key, value in fields.items())
    return name.replace("_", " ") + who + (f" ({told})" if told else "")


def _field_words(info: FieldInfo, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"{info.key.replace('_', ' ')} {_told(value)}"
    number = worded(value, info)
    # Its unit says what it is: 2 KiB/s.
    return number if info.unit.unit == "bytes/s" else f"{info.key.replace('_', ' ')} {number}"


def _apart(fault: Partition) -> str:
    r"""Return in words who is cut from whom.

    Examples:
        >>> [_apart(Partition(kind)) for kind in ("halves", "one")]
        ['two halves drawn at random', 'one node apart from the others']
        >>> [_apart(Partition("one_way", targets=who)) for who in ("n1", ["n1", "n2"])]
        ['what n1 sends to the others is lost', 'what n1, n2 send to the others is lost']
        >>> _apart(Partition("one_way", [["n5"], ["n1"]]))
        'of n5 | n1 | the others, what is sent to the right is lost'
        >>> _apart(Partition("links", targets=["n1<->n2", "n2->n3"]))
        'n1\xa0↔\xa0n2, n2\xa0→\xa0n3 cut'
    """
    if fault.kind in _DRAWN:
        return _DRAWN[fault.kind]
    if fault.kind == "links":
        return f"{_told(fault.targets)} cut"
    groups = [_words(group) for group in fault.groups] or [_who(fault.targets)]
    if fault.kind == "one_way" and len(groups) > 1:  # the others are a group, too: the last one
        return f"of {' | '.join([*groups, 'the others'])}, what is sent to the right is lost"
    groups += ["the others"] if len(groups) == 1 else []
    if fault.kind == "one_way":
        sends = "send" if "," in groups[0] else "sends"
        return f"what {groups[0]} {sends} to {groups[1]} is lost"
    return " apart from ".join(groups)


def _who(targets: object) -> str:
    """Return in words who is on the one side.

    Examples:
        >>> [_who(targets) for targets in ("n1", "minority", 2, "matching:db-*")]
        ['n1', 'a minority', 'a group of 2', 'any that fits db-*']
    """
    if isinstance(targets, int):
        return f"a group of {targets}"
    words = _words(targets)
    if words.startswith("matching:"):
        return f"any that fits {words.removeprefix('matching:')}"
    return _ANY.get(words, words) if isinstance(targets, str) else words


def _words(value: object) -> str:
    """Return a value of a field in words: lists of names as the forms take them.

    Examples:
        >>> _words([["n1"], ["n2", "n3"]]), _words(["n1", "n2"]), _words(0.1 + 0.2)
        ('n1 | n2, n3', 'n1, n2', '0.3')
    """
    if isinstance(value, float):
        return f"{value:.6g}"
    if not isinstance(value, list | tuple):
        return str(value)
    joint = " | " if any(isinstance(each, list | tuple) for each in value) else ", "
    return joint.join(map(_words, value))


def _told(value: object) -> str:
    """Return a value of a field for a line of text, in which no link is torn at its arrow."""
    return _words(value).replace("<->", "\u00a0↔\u00a0").replace("->", "\u00a0→\u00a0")


def form(name: str, kind: type[Fault]) -> dict[str, Any]:
    """Return what the front end makes a fault's form from.

    Examples:
        >>> from resilkit import faults
        >>> form("latency", faults.Latency)["fields"][0]["unit"]
        's, or 20 ms'
    """
    return {
        "name": name,
        "title": name.replace("_", " "),
        "doc": (inspect.getdoc(kind) or "").partition("\n")[0],
        "fields": [_field(info, kind) for info in field_info(kind)],
    }


def _field(info: FieldInfo, kind: type[Fault]) -> dict[str, Any]:
    return {
        "key": info.key,
        "type": info.type,
        "required": info.required,
        "default": "" if info.default is None else _words(info.default),
        "unit": _UNITS.get(info.unit.unit, ""),
        "allowed": info.allowed,
        "choices": list(info.choices),
        "own": info.own,
        "doc": info.doc,
        "names": _names(info, kind),
    }


def _names(info: FieldInfo, kind: type[Fault]) -> str:
    """Return which names of the cluster fit into a field, ``""`` for none.

    Examples:
        >>> from resilkit import faults
        >>> [_names(info, faults.KillChildren) for info in field_info(faults.KillChildren)][:2]
        ['supervisors', '']
    """
    if info.key == "supervisor":
        return "supervisors"
    if info.type == "groups":
        return "nodes"
    if info.type != "targets":
        return ""
    if issubclass(kind, ServerFault):
        return "servers"
    return "links" if kind.link_signs else "nodes"
