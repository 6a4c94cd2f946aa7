"""How clusters, nodes and servers look in a notebook: tables and pictures, without scripts.

Nothing here waits longer than about a second, whatever the nodes do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from markupsafe import Markup

from resilkit.cluster.health import health_rows
from resilkit.cluster.last_seen import last_seen
from resilkit.cluster.looking import look
from resilkit.cluster.picture import link_states, picture
from resilkit.cluster.supervision import branches, find_branch
from resilkit.errors import ResilkitError
from resilkit.markup import (
    block,
    code,
    display,
    guarded,
    nested,
    note,
    paragraph,
    safe,
    signed,
    table,
)
from resilkit.texts import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from resilkit.cluster.cluster import Cluster
    from resilkit.cluster.handles import NodeHandle, Nodes
    from resilkit.cluster.monitor import Monitor
    from resilkit.cluster.reference import ClusterReference
    from resilkit.cluster.session import Session
    from resilkit.runtime.messages import Pid

__all__ = [
    "cluster_html",
    "monitor_html",
    "node_html",
    "nodes_html",
    "reference_html",
    "tree_list",
]

_CLOSED = "the cluster was closed"
_SERVER_HEADS = ("server", "node", "class", "queue", "messages")


@guarded
def cluster_html(cluster: Cluster) -> str:
    """Return the nodes, links and servers as a picture and two tables."""
    session = cluster._session
    if cluster.closed:
        nodes = plain(len(session.nodes), "node")
        caption = f"Cluster of {nodes}, {session.backend.words(cluster.seed)}, as last seen"
        return display(
            "cluster", cluster.spec.name or "", signed("closed"), _table_of_closed(session, caption)
        )
    said, servers = look(session, "health", "servers")
    rows = health_rows(session, said)
    caption = f"Cluster of {plain(len(rows), 'node')}, {session.backend.words(cluster.seed)}"
    states = {name: str(row["status"]) for name, row in rows.items()}
    drawn = picture(states, link_states(session, states))
    return display(
        "cluster",
        cluster.spec.name or "",
        block(drawn, _node_table(session, rows, caption) + _server_table(servers)),
    )


def _node_table(session: Session, rows: dict[str, Any], caption: str) -> Markup:
    process = _of_processes(session)
    return table(
        ("node", "status", *process.heads, "servers", "reaches", "side"),
        [
            (
                name,
                _said(row),
                *process.cells(name, row["pid"]),
                row["servers"] if row["answers"] else None,
                ", ".join(row["reachable"]) if row["answers"] else None,
                ("majority" if row["majority"] else "minority") if row["answers"] else None,
            )
            for name, row in rows.items()
        ],
        numbers=range(2, 3 + len(process.heads)),
        caption=caption,
    )


class _Processes(NamedTuple):
    """The columns about nodes' processes: none where nodes are none."""

    heads: tuple[str, ...]
    memory: dict[str, str]

    def cells(self, name: str, pid: int | None) -> tuple[object, ...]:
        return (pid, self.memory.get(name) if pid else None) if self.heads else ()


def _of_processes(session: Session) -> _Processes:
    heads = ("pid", "memory") if session.backend.has_processes else ()
    return _Processes(heads, _latest_memory(session))


def _table_of_closed(session: Session, caption: str) -> Markup:
    process = _of_processes(session)
    left = {name: last_seen(session, name) for name in list(session.nodes)}
    return table(
        ("node", "status", *process.heads, "starts"),
        [
            (
                name,
                signed(one.status),
                *process.cells(name, one.pid),
                session.nodes[name].incarnation,
            )
            for name, one in left.items()
        ],
        numbers=range(2, 3 + len(process.heads)),
        caption=caption,
    )


def _said(row: dict[str, Any]) -> Markup:
    if row["status"] == "running" and not row["answers"]:
        return signed("does not answer", "running, does not answer")
    return signed(row["status"])


def _latest_memory(session: Session) -> dict[str, str]:
    from resilkit.metrics.units import format_value

    found = session.metrics.latest("memory_rss")
    return {node: format_value(value, "bytes") for (node, _), (_, value) in found.items()}


def _server_table(answers: dict[str, Any], *, caption: str = "Servers") -> Markup:
    rows = [
        (row["name"], name, row["class"], row["queue_length"], row["messages"])
        for name, answer in answers.items()
        if not isinstance(answer, ResilkitError)
        for row in answer
    ]
    return table(_SERVER_HEADS, rows, numbers=(3, 4), caption=caption)


@guarded
def node_html(node: NodeHandle) -> str:
    """Return one node: its state, what it uses, and its servers."""
    session, name = node._session, node.name
    state = session.nodes.get(name)
    if state is None:
        return display("node", name, note("is no node of this cluster any more"))
    if session.closed:
        return display("node", name, signed(last_seen(session, name).status), note(_CLOSED))
    facts = [signed(state.status), f"started {state.incarnation} ×"]
    if not session.backend.has_processes:
        facts.append("simulated")
    elif state.pid is not None:
        facts += [f"pid {state.pid}", _latest_memory(session).get(name, "")]
    [answers] = look(session, "servers", names=[name])
    answer = answers.get(name)
    if isinstance(answer, ResilkitError):
        below = paragraph(_why(answer), kind="unsure")
    elif answer is None:
        below = note("It has no process now.")
    else:
        below = _server_table({name: answer}) or note("It has no servers.")
    return display("node", name, _joined(facts), below)


@guarded
def nodes_html(nodes: Nodes) -> str:
    """Return all nodes in a table."""
    session = nodes._session
    if session.closed:
        return display("nodes", "", note(_CLOSED), _table_of_closed(session, "As last seen"))
    rows = health_rows(session, *look(session, "health"))
    return display("nodes", "", _node_table(session, rows, ""))


def _why(error: Exception) -> Markup:
    return Markup("{}: {}").format(signed("does not answer"), safe(error))


def _joined(facts: Sequence[object]) -> Markup:
    return paragraph(Markup(" · ").join(safe(fact) for fact in facts if fact))


# Servers and supervisors -------------------------------------------------------------------------


@guarded
def reference_html(reference: ClusterReference) -> str:
    """Return what is at the other end: a server with its queue, or a supervisor with its tree."""
    session, name = reference._session, reference.name or ""
    if session.closed:
        return display("server", name, signed("not running"), note(_CLOSED))
    pid = session.node.resolve(reference.address)
    if pid is None:
        return display("server", name, signed("not running"), note("Nobody holds this name now."))
    answers = look(session, "servers", "supervision", names=[pid.node])
    return _found(session, pid, name or str(pid), *(each.get(pid.node) for each in answers))


def _found(session: Session, pid: Pid, name: str, servers: Any, supervisors: Any) -> str:
    where = Markup("{} {} on {}").format(code(pid), signed("running"), safe(pid.node))
    if servers is None:
        return display("server", name, signed("not running"), note(f"{pid.node} has no process."))
    for answer in (servers, supervisors):
        if isinstance(answer, ResilkitError):
            state = session.nodes.get(pid.node)
            lost = state is None or state.status != "running"
            words = f"Its node {pid.node} is {state.status if state else 'gone'}." if lost else ""
            return display("server", name, paragraph(_why(answer)), note(words) if words else "")
    branch = find_branch(branches(supervisors), pid)
    if branch is not None:
        counted = f"{branch['strategy']}, at most {plain(branch['max_restarts'], 'restart')} in "
        rule = f"{counted}{branch['max_seconds']:g} s"
        tree = tree_list(branch["children"]) or note("It has no children.")
        return display("supervisor", name, _joined([where, rule]), tree)
    row = next((each for each in servers if each["pid"] == pid), None)
    if row is None:
        return display("server", name, signed("not running"), note("It has ended."))
    names = {each["pid"]: each["name"] for each in servers}
    parent = names.get(row["parent"])
    facts = [
        where,
        Markup("class {}").format(code(row["class"])),
        f"queue {row['queue_length']}",
        f"{plain(row['messages'], 'message')} handled",
        f"supervised by {parent}" if parent else "no supervisor",
    ]
    return display("server", name, _joined(facts))


def tree_list(children: Sequence[dict[str, Any]]) -> Markup:
    """Return children, and theirs, as a nested list; rows as `branches` gives them."""
    return nested((_line(child), tree_list(child["children"])) for child in children)


def _line(child: dict[str, Any]) -> Markup:
    facts = [code(child["class"]), safe(child["node"]), safe(child["restart"])]
    if child["kind"] == "supervisor":
        facts[0] = safe(child.get("strategy", "supervisor"))
    if child["restarts"]:
        facts.append(Markup('<span class="rk-word">↻ {}</span>').format(child["restarts"]))
    if child["queue"]:
        facts.append(safe(f"queue {child['queue']}"))
    if child.get("reason"):
        facts.append(safe(f"ended last with {child['reason']}"))
    told = Markup(" · ").join(filter(None, facts))
    return Markup("{} <b>{}</b> {}").format(signed(child["status"]), safe(child["id"]), told)


@guarded
def monitor_html(monitor: Monitor) -> str:
    """Return whether what is watched goes on, or why it ended."""
    from resilkit.runtime.reasons import describe

    reference = monitor._reference
    watched = reference.name or str(reference.address)
    if monitor._down is not None:
        reason = describe(monitor._down.reason)
        return display("monitor of", watched, _joined([signed("done", "ended"), code(reason)]))
    now = signed("done", "cancelled") if monitor._cancelled else signed("active", "watching")
    return display("monitor of", watched, _joined([now]))
