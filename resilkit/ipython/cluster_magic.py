"""``%cluster``: start, show, break, heal and close a cluster in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from IPython.core.error import UsageError

from resilkit.cluster import Cluster, ClusterSpec
from resilkit.cluster.backend_names import BACKENDS
from resilkit.cluster.open_clusters import open_clusters
from resilkit.cluster.topology import SHAPES
from resilkit.importing import whole
from resilkit.ipython.commands import Line, Parser, duration, read
from resilkit.ipython.namespace import called, current_cluster, free_name
from resilkit.simulation.schedules import SCHEDULES
from resilkit.texts import timed
from resilkit.validate import choice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from resilkit.cluster import NodeHandle

__all__ = ["PARSER", "run"]

_ABOUT = """\
Start, show, break, heal and close a cluster.

  %cluster                               show the current cluster
  %cluster start 3 --topology ring       start one, as the variable `cluster`
  %cluster start 3 --backend simulation  start one in virtual time
  %cluster kill n2                       and pause, resume, restart, stop; `all` for every node
  %cluster partition n1 n2,n3 --for 5s   cut the links between groups of nodes
  %cluster heal                          take back all faults
  %cluster health                        a table: who reaches whom
  %cluster advance 5s                    let the virtual time of a simulated one go on
  %cluster close

The current cluster is the only one that is open, or the last one started; --cluster NAME takes
another. `%cluster COMMAND --help` has the options of each.
"""


class _Deed(NamedTuple):
    """What can be done to a node.

    Attributes:
        do: Does it.
        about: What it is, for the help.
        fits: The statuses of those of ``all`` to which it is done.
    """

    do: Callable[[NodeHandle], None]
    about: str
    fits: frozenset[str]


_ALIVE = frozenset({"running", "starting", "paused"})
_ANY = _ALIVE | {"restarting", "stopped", "killed", "crashed"}
_DEEDS = {
    "kill": _Deed(lambda node: node.kill(), "kill nodes with SIGKILL", _ALIVE),
    "pause": _Deed(
        lambda node: node.pause(),
        "stop nodes in their tracks with SIGSTOP",
        frozenset({"running", "starting"}),
    ),
    "resume": _Deed(lambda node: node.resume(), "let paused nodes go on", frozenset({"paused"})),
    "restart": _Deed(
        lambda node: node.restart(), "start nodes again, killed first if they run", _ANY
    ),
    "stop": _Deed(lambda node: node.stop(), "stop nodes in order: their servers end first", _ALIVE),
}


def _grammar() -> Parser:
    parser = Parser("%cluster", _ABOUT, usage="%%cluster [COMMAND] [OPTIONS]")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)

    def command(name: str, about: str) -> Parser:
        added: Parser = commands.add_parser(
            name, prog=f"%cluster {name}", description=about, help=about
        )
        if name not in {"start", "list"}:
            added.add_argument("--cluster", metavar="NAME", help="the variable that holds it")
        return added

    command("show", "show the cluster: its nodes, links and servers")
    start = command("start", "start a cluster")
    start.add_argument(
        "nodes", nargs="*", metavar="NODE", help="how many nodes, or their names; 3 by default"
    )
    start.add_argument("--topology", metavar="SHAPE", choices=SHAPES, help=", ".join(SHAPES))
    start.add_argument(
        "--restart",
        metavar="WHEN",
        choices=("never", "always", "on_crash"),
        help="whether nodes that end start again: never (the default), always, on_crash",
    )
    start.add_argument("--seed", type=int, metavar="N", help="root of all randomness")
    start.add_argument(
        "--backend", metavar="WHERE", choices=BACKENDS, help=f"{' (the default), '.join(BACKENDS)}"
    )
    start.add_argument(
        "--schedule",
        metavar="ORDER",
        choices=SCHEDULES,
        help=f"in a simulation, what comes next: {', '.join(SCHEDULES)}",
    )
    start.add_argument(
        "--as", dest="name", default="cluster", metavar="NAME", help="the variable that gets it"
    )
    start.add_argument(
        "--replace", action="store_true", help="close the one that the variable holds first"
    )
    command("list", "list the clusters that are open")
    for name, deed in _DEEDS.items():
        nodes = command(name, deed.about)
        nodes.add_argument(
            "nodes", nargs="+", metavar="NODE", help="names, or all: those to which it can be done"
        )
    command("add", "add a node").add_argument(
        "node", nargs="?", metavar="NODE", help="its name; the next free one by default"
    )
    cut = command("partition", "cut the links between groups of nodes")
    cut.add_argument(
        "groups", nargs="+", metavar="GROUP", help="such as n1,n2; nodes in none are one more"
    )
    cut.add_argument("--for", dest="length", type=duration, metavar="TIME", help="then heal it")
    cut.add_argument(
        "--one-way", action="store_true", help="lose only what a group sends to a later one"
    )
    command("heal", "take back all faults, and let paused nodes go on")
    time = command("advance", "let the virtual time of a simulated cluster go on")
    time.add_argument("seconds", type=duration, metavar="TIME", help="for so long")
    command("health", "return a table of what each node says of itself")
    command("servers", "return a table of the servers")
    command("log", "print the end of a node's log").add_argument("node", metavar="NODE")
    command("close", "close the cluster: everything ends").add_argument(
        "--all", action="store_true", dest="every", help="close all that are open"
    )
    return parser


PARSER = _grammar()


def run(shell: Any, line: str) -> Any:
    """Do what a line of ``%cluster`` says; return what the cell is to show."""
    line = line.strip()
    given = read(PARSER, f"show {line}" if not line or line.startswith("--cluster") else line)
    if given is None:
        return None
    if given.command is None:  # options alone
        raise UsageError(f"%cluster: needs a command\n{PARSER.format_usage().rstrip()}")
    if given.command == "start":
        return _start(shell, given)
    if given.command == "list":
        return _listed(shell.user_ns)
    if given.command == "close" and given.every:
        return _close_all(shell.user_ns)
    cluster = current_cluster(shell.user_ns, given.cluster)
    if given.command in _DEEDS:
        return _do(cluster, given)
    return _COMMANDS[given.command](cluster, given)


def _start(shell: Any, given: Line) -> Cluster:
    name, names = free_name(given.name, shell.user_ns), given.nodes or ["3"]
    counted = len(names) == 1 and names[0].isdigit()
    asked = {"topology": given.topology, "seed": given.seed, "restart": given.restart}
    spec = ClusterSpec(
        nodes=int(names[0]) if counted else names,
        **{key: value for key, value in asked.items() if value is not None},
    )
    before = shell.user_ns.get(name)
    if isinstance(before, Cluster) and not before.closed:
        if not given.replace:
            raise UsageError(
                f"{name!r} is a cluster that is open; `%cluster close` ends it, --replace does so "
                "first, and --as gives the new one another name"
            )
        before.close()
    cluster = Cluster(spec, backend=given.backend or BACKENDS[0], schedule=given.schedule)
    shell.push({name: cluster})
    return cluster


def _listed(namespace: Mapping[str, Any]) -> None:
    clusters = open_clusters()
    if not clusters:
        print("no cluster is open")
    for cluster in clusters:
        mark = " (current)" if cluster is clusters[-1] else ""
        print(f"{called(namespace, cluster) or 'without a name'}{mark}: {cluster!r}")


def _close_all(namespace: Mapping[str, Any]) -> None:
    clusters = open_clusters()
    for cluster in clusters:
        cluster.close()
    names = [called(namespace, cluster) or "one without a name" for cluster in clusters]
    print(f"closed {', '.join(names)}" if names else "no cluster is open")


def _do(cluster: Cluster, given: Line) -> None:
    """Do something to nodes; all names are looked at before anything is done to one."""
    known = list(cluster.nodes)
    if given.nodes == ["all"] and "all" not in known:
        fits = _DEEDS[given.command].fits
        names = [name for name, node in cluster.nodes.items() if node.status in fits]
    else:
        names = [choice(name, f"%cluster {given.command}: the node", known) for name in given.nodes]
    deed = _DEEDS[given.command]
    for name in dict.fromkeys(names):
        deed.do(cluster.nodes[name])
    print(", ".join(f"{name} {node.status}" for name, node in cluster.nodes.items()))


def _add(cluster: Cluster, given: Line) -> None:
    print(f"{cluster.add_node(given.node).name} added")


def _partition(cluster: Cluster, given: Line) -> Any:
    groups = [[name for name in group.split(",") if name] for group in given.groups]
    return cluster.partition(*groups, one_way=given.one_way, duration=given.length)


def _heal(cluster: Cluster, _: Line) -> None:
    cluster.heal()
    print(", ".join(f"{name} {node.status}" for name, node in cluster.nodes.items()))


def _advance(cluster: Cluster, given: Line) -> None:
    cluster.advance(given.seconds)
    print(f"t = {timed(cluster.clock.now())} virtual")


def _health(cluster: Cluster, _: Line) -> Any:
    whole("pandas")
    import pandas as pd

    rows = cluster.health()
    shown = ["status", "answers", "reachable", "majority", "servers", "cut", "incarnation"]
    if cluster._session.backend.has_processes:
        shown.insert(-1, "pid")
    frame = pd.DataFrame({key: [row[key] for row in rows.values()] for key in shown})
    frame["reachable"] = [", ".join(names) for names in frame["reachable"]]
    frame["cut"] = [", ".join(f"{a} ({way})" for a, way in cut.items()) for cut in frame["cut"]]
    if "pid" in frame:
        frame["pid"] = frame["pid"].astype("Int64")
    frame.index = pd.Index(list(rows), name="node")
    return frame


def _servers(cluster: Cluster, _: Line) -> Any:
    whole("pandas")
    import pandas as pd

    rows = [
        {"server": row["name"], "node": name, **{key: row[key] for key in _OF_SERVER}}
        for name, node in cluster.nodes.items()
        if node.status == "running"
        for row in node.servers()
    ]
    return pd.DataFrame(rows, columns=["server", "node", *_OF_SERVER])


def _log(cluster: Cluster, given: Line) -> None:
    name = choice(given.node, "%cluster log: the node", list(cluster.nodes))
    print(cluster.nodes[name].log().rstrip())


def _close(cluster: Cluster, _: Line) -> None:
    cluster.close()


_OF_SERVER = ("class", "kind", "queue_length", "messages")
_COMMANDS: dict[str, Callable[[Cluster, Line], Any]] = {
    "show": lambda cluster, _: cluster,
    "add": _add,
    "partition": _partition,
    "heal": _heal,
    "advance": _advance,
    "health": _health,
    "servers": _servers,
    "log": _log,
    "close": _close,
}
