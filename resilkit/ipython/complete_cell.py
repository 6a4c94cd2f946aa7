"""What can stand next in the YAML of a ``%%chaos`` cell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from resilkit.chaos.scenario import INTENSITIES, Scenario
from resilkit.cluster import Cluster
from resilkit.faults import registered_faults
from resilkit.faults.fields import FieldInfo, field_info
from resilkit.ipython.candidates import fault_names, target_names

__all__ = ["cell_candidates"]

_FLOW = re.compile(r"([\w-]+)\s*:\s*\{([^{}]*)$")
_VALUE = re.compile(r"^\s*(?:-\s+)*([\w-]+)\s*:\s+(?:.*[\[,\s])?([^\[,\s]*)$")
_KEY = re.compile(r"^(\s*(?:-\s*)*)([\w-]*)$")


def cell_candidates(rows: Sequence[str], cluster: Cluster | None) -> tuple[str, list[str]] | None:
    """Return the word that is being written and what it can become.

    Args:
        rows: The lines of the cell's body, the last one up to the cursor.
        cluster: The cluster that the chaos is for, for the names of its nodes and servers.
    """
    here = rows[-1]
    if flow := _FLOW.search(here):
        fault, inside = flow.groups()
        return _in_flow(fault, inside, cluster)
    if value := _VALUE.match(here):
        key, fragment = value.groups()
        return fragment, _values(_enclosing(rows), key, cluster)
    if key_only := _KEY.match(here):
        lead, fragment = key_only.groups()
        fault = _enclosing(rows)
        if fault in registered_faults() and "-" not in lead:
            taken = _siblings(rows, len(lead))
            names = [info.key for info in _infos(fault) if info.key not in taken]
            return fragment, [f"{name}: " for name in names]
        top = not lead and fault == ""
        listed = [one.name for one in fields(Scenario)] if top else []
        return fragment, [*fault_names(), *(f"{name}: " for name in listed)]
    return None


def _in_flow(fault: str, inside: str, cluster: Cluster | None) -> tuple[str, list[str]] | None:
    if fault not in registered_faults():
        return None
    listed = re.search(r"([\w-]+)\s*:\s*(\[[^\]]*|[^,\[\]]*)$", inside)
    if listed:
        key, text = listed.groups()
        fragment = re.split(r"[\[,\s]", text)[-1]
        return fragment, _values(fault, key, cluster)
    fragment = re.split(r"[,\s]", inside)[-1]
    taken = set(re.findall(r"([\w-]+)\s*:", inside))
    return fragment, [f"{info.key}: " for info in _infos(fault) if info.key not in taken]


def _infos(fault: str) -> Iterable[FieldInfo]:
    kind = registered_faults().get(fault)
    return () if kind is None else field_info(kind)


def _values(fault: str, key: str, cluster: Cluster | None) -> list[str]:
    kind = registered_faults().get(fault)
    if kind is None:
        known: dict[str, Sequence[Any]] = {
            "intensity": list(INTENSITIES),
            "abort_on_breach": ("true", "false"),
            "-": fault_names(),
        }
        return list(known.get(key, ()))
    for info in field_info(kind):
        if info.key == key:
            if info.type in {"targets", "groups"}:
                return target_names(cluster, kind)
            return ["true", "false"] if info.type == "bool" else list(info.choices)
    return []


def _indent(row: str) -> int:
    """Return where a row's key begins: a dash belongs to the indentation."""
    return len(row) - len(row.lstrip(" -"))


def _enclosing(rows: Sequence[str]) -> str:
    """Return the key below which the last row stands; ``""`` at the top."""
    depth = _indent(rows[-1])
    for row in reversed(rows[:-1]):
        found = re.match(r"^[\s-]*([\w-]+)\s*:\s*$", row)
        if row.strip() and _indent(row) < depth:
            return found[1] if found else ""
        if found and found[1] == "faults" and _indent(row) <= depth:
            return "faults"  # a list may begin where its key does
    return ""


def _siblings(rows: Sequence[str], depth: int) -> set[str]:
    """Return the keys that the mapping of the last row has already."""
    taken = set()
    for row in reversed(rows[:-1]):
        if row.strip() and _indent(row) < depth:
            break
        if found := re.match(r"^\s*([\w-]+)\s*:", row):
            taken.add(found[1])
    return taken
