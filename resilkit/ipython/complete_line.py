"""What can stand next in the line of a magic, read from its grammar."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from resilkit.cluster import Cluster
from resilkit.cluster.open_clusters import open_clusters
from resilkit.ipython import chaos_magic, cluster_magic, experiment_magic, trace_magic
from resilkit.ipython.candidates import server_names
from resilkit.ipython.commands import Parser
from resilkit.runtime.trace_filter import TRACE_KINDS

__all__ = ["line_candidates", "line_cluster"]

Namespace = Mapping[str, Any]

PARSERS = {
    "%%chaos": chaos_magic.PARSER,
    "%cluster": cluster_magic.PARSER,
    "%run_experiment": experiment_magic.PARSER,
    "%trace": trace_magic.PARSER,
}


def line_candidates(namespace: Namespace, before: str) -> tuple[str, list[str]] | None:
    """Return the word that is being written and what it can become; ``None`` elsewhere.

    Args:
        namespace: The notebook's names.
        before: The line up to the cursor.
    """
    match = re.match(r"\s*(%%?\w+)\s", before)
    parser = PARSERS.get(match[1]) if match else None
    if match is None or parser is None:
        return None
    *words, fragment = re.split(r"\s+", before[match.end(1) :].lstrip())
    return _candidates(namespace, parser, words, fragment)


def _candidates(
    namespace: Namespace, parser: Parser, words: Sequence[str], fragment: str
) -> tuple[str, list[str]] | None:
    commands = parser.commands
    if commands:
        if not words:
            return fragment, [*commands, "--help"]
        if words[0] not in commands:
            return fragment, []
        return _candidates(namespace, commands[words[0]], words[1:], fragment)
    option = parser.option(words[-1]) if words else None
    if option is not None and option.nargs != 0:
        # Where a file is wanted IPython offers those that there are.
        if option.type is Path:
            return None
        last = fragment.rpartition(",")[2] if "…" in str(option.metavar) else fragment
        return last, _values(namespace, option, words)
    if fragment.startswith("-"):
        return fragment, parser.flags
    places = [value for action in parser.places for value in _values(namespace, action, words)]
    head, comma, last = fragment.rpartition(",")  # groups of nodes: n1,n2
    if comma:
        return last, [name for name in places if name not in head.split(",")]
    given = {name for word in words for name in word.split(",")}
    return fragment, [name for name in places if name not in given] or parser.flags


def _values(namespace: Namespace, action: Any, words: Sequence[str]) -> list[str]:
    """Return what the value of an option or of a place can be."""
    if action.choices:
        return list(action.choices)
    listed = _LISTED.get(action.metavar)
    return [] if listed is None else listed(namespace, words)


def _clusters(namespace: Namespace, _: Sequence[str]) -> list[str]:
    return [
        name
        for name, value in list(namespace.items())
        if isinstance(value, Cluster) and not value.closed and name[0] != "_"
    ]


def _experiments(namespace: Namespace, _: Sequence[str]) -> list[str]:
    kind = getattr(sys.modules.get("resilkit.experiment.experiment"), "Experiment", ())
    return [name for name, value in list(namespace.items()) if isinstance(value, kind)]


def line_cluster(namespace: Namespace, words: Sequence[str]) -> Cluster | None:
    """Return the cluster that the line is about, and say nothing."""
    if "--cluster" in words[:-1]:
        found = namespace.get(words[list(words).index("--cluster") + 1])
        return found if isinstance(found, Cluster) and not found.closed else None
    return next(reversed(open_clusters()), None)


def _nodes(namespace: Namespace, words: Sequence[str]) -> list[str]:
    cluster = line_cluster(namespace, words)
    return [] if cluster is None else list(cluster.nodes)


def _servers(namespace: Namespace, words: Sequence[str]) -> list[str]:
    cluster = line_cluster(namespace, words)
    return [] if cluster is None else server_names(cluster)


_LISTED: dict[str | tuple[str, ...] | None, Callable[[Namespace, Sequence[str]], list[str]]] = {
    "EXPERIMENT": _experiments,
    "NAME": _clusters,
    "NODE": _nodes,
    "GROUP": _nodes,
    "SERVER": _servers,
    "PEER,…": _servers,
    "KIND,…": lambda _, __: list(TRACE_KINDS),
}
