"""What can stand next in Python where only resilkit knows: names inside quotes, and parts of nodes.

Nothing that the user wrote is run for it: names are looked up, nodes and servers are found by the
text that stands there, and that is all.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from resilkit.cluster import Cluster
from resilkit.cluster.handles import Nodes
from resilkit.cluster.open_clusters import open_clusters
from resilkit.faults import Fault
from resilkit.faults.fields import field_info
from resilkit.ipython.candidates import metric_names, node_names, server_names, target_names
from resilkit.ipython.namespace import look_up

__all__ = ["python_candidates"]

_QUOTED = r"'[^'\n]*'|\"[^\"\n]*\""
_STEP = rf"\.\w+|\[(?:{_QUOTED})\]|\.whereis\((?:{_QUOTED})\)"
_ATTRIBUTE = re.compile(rf"(?<![\w.\])'\"])(\w+(?:{_STEP})*)\.(\w*)$")
_STRING = re.compile(
    rf"(?<![\w.])(?P<callee>\w+(?:{_STEP})*)\((?P<given>(?:[^()'\"]|{_QUOTED})*)"
    r"(?P<quote>['\"])(?P<fragment>[^'\"\n]*)$"
)


def python_candidates(namespace: Mapping[str, Any], before: str) -> tuple[str, list[str]] | None:
    """Return what is being written and what it can become; ``None`` where IPython knows better.

    Args:
        namespace: The notebook's names.
        before: The cell up to the cursor.
    """
    before = before[-2000:]
    if inside := _STRING.search(before):
        return _in_string(namespace, inside)
    if after := _ATTRIBUTE.search(before):
        path, fragment = after.groups()
        if "[" not in path and "(" not in path:
            return None  # of a chain of names IPython knows all
        try:
            owner = _value(namespace, path)
        except LookupError:
            return None
        return fragment, [name for name in dir(owner) if name[0] != "_" or fragment[:1] == "_"]
    return None


def _value(namespace: Mapping[str, Any], path: str) -> Any:
    """Return what an expression of names, keys and ``whereis`` is, or raise `LookupError`."""
    try:
        return _evaluated(namespace, ast.parse(path, mode="eval").body)
    except (SyntaxError, AttributeError, ValueError) as error:
        raise LookupError(path) from error


def _evaluated(namespace: Mapping[str, Any], node: ast.expr) -> Any:
    match node:
        case ast.Name(id=name):
            return look_up(namespace, name)
        case ast.Attribute(value=value, attr=name):
            return look_up({"it": _evaluated(namespace, value)}, f"it.{name}")
        case ast.Subscript(value=value, slice=ast.Constant(value=str(key))):
            owner = _evaluated(namespace, value)
            if isinstance(owner, Nodes | dict) and key in owner:
                return owner[key]
        case ast.Call(
            func=ast.Attribute(value=value, attr="whereis"), args=[ast.Constant(value=str(name))]
        ):
            owner = _evaluated(namespace, value)
            if isinstance(owner, Cluster):
                return owner.whereis(name)
    raise LookupError(ast.unparse(node))


def _in_string(namespace: Mapping[str, Any], inside: re.Match[str]) -> tuple[str, list[str]] | None:
    path, given, fragment = inside["callee"], inside["given"], inside["fragment"]
    try:
        callee = _value(namespace, path)
    except LookupError:
        return None
    keyword = re.search(r"(\w+)\s*=\s*[\[({]?[^=]*$", given)
    # Inside brackets stand the items of one argument.
    place = re.sub(r"\[[^\]]*\]?", "[]", given).count(",")
    names = _of_argument(callee, keyword[1] if keyword else place, given)
    return None if names is None else (fragment, sorted(set(names), key=_order))


def _order(name: str) -> tuple[Any, ...]:
    return tuple(int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name))


def _of_argument(callee: Any, argument: str | int, given: str) -> Iterable[str] | None:
    """Return what can stand in an argument, by its name or its place."""
    if isinstance(callee, type) and issubclass(callee, Fault):
        return _of_fault(callee, argument)
    owner, name = getattr(callee, "__self__", None), getattr(callee, "__name__", "")
    listed = _LISTED.get((getattr(owner, "__qualname__", type(owner).__qualname__), name))
    if listed is None and isinstance(callee, type):
        owner, listed = None, _LISTED.get((callee.__qualname__, ""))
    if listed is None:
        return None
    return listed(owner, argument, given)


def _of_fault(kind: type[Fault], argument: str | int) -> Iterable[str] | None:
    infos = field_info(kind)
    wanted = (
        [info for info in infos if info.own][argument:][:1]
        if isinstance(argument, int)
        else [info for info in infos if info.name == argument]
    )
    if not wanted:
        return None
    info = wanted[0]
    return target_names(_last(), kind) if info.type in {"targets", "groups"} else info.choices


def _last() -> Cluster | None:
    return next(reversed(open_clusters()), None)


Listed = Callable[[Any, "str | int", str], "Iterable[str] | None"]


def _metric(store: Any, argument: str | int, _: str) -> Iterable[str] | None:
    return metric_names(store) if argument in {0, "metric"} else None


def _kind(_: Any, argument: str | int, __: str) -> Iterable[str] | None:
    from resilkit.metrics.events import KINDS

    return KINDS if argument in {0, "kind"} else None


def _where(cluster: Any, argument: str | int, _: str) -> Iterable[str] | None:
    if argument == "node":
        return node_names(cluster)
    return server_names(cluster) if argument in {0, "name"} else None


def _start(cluster: Any, argument: str | int, _: str) -> Iterable[str] | None:
    return node_names(cluster) if argument == "node" else None


def _partition(cluster: Any, argument: str | int, given: str) -> Iterable[str] | None:
    if isinstance(argument, str):
        return None
    taken = set(re.findall(r"['\"]([^'\"]*)['\"]", given))
    return [name for name in node_names(cluster) if name not in taken]


def _inject(cluster: Any, argument: str | int, _: str) -> Iterable[str] | None:
    return target_names(cluster, Fault) if argument in {1, "targets"} else None


def _operation(_: Any, argument: str | int, given: str) -> Iterable[str] | None:
    cluster = _last()
    if cluster is None or argument not in {0, 1, "target", "method"}:
        return None
    if argument in {0, "target"}:
        return server_names(cluster)
    server = re.search(r"['\"]([^'\"]*)['\"]", given)
    return dir(cluster.whereis(server[1]).call) if server else None


def _spec(_: Any, argument: str | int, __: str) -> Iterable[str] | None:
    from resilkit.cluster.topology import SHAPES

    listed = {"topology": SHAPES, "restart": ("never", "always", "on_crash")}
    return listed.get(str(argument))


_LISTED: dict[tuple[str, str], Listed] = {
    ("MetricStore", "frame"): _metric,
    ("MetricStore", "latest"): _metric,
    ("MetricStore", "lines"): _metric,
    ("MetricStore", "dropped"): _metric,
    ("EventLog", "frame"): _kind,
    ("Cluster", "whereis"): _where,
    ("Cluster", "start"): _start,
    ("Cluster", "partition"): _partition,
    ("Cluster", "inject"): _inject,
    ("Operation", "call"): _operation,
    ("Cluster", ""): _spec,
    ("ClusterSpec", ""): _spec,
}
