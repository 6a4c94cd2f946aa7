"""``%trace``: record the messages of a server, as they come and go."""

from __future__ import annotations

from typing import Any

from IPython.core.error import UsageError

from resilkit.cluster.trace import DEFAULT_LIMIT, Trace
from resilkit.ipython.candidates import server_names
from resilkit.ipython.commands import Line, Parser, duration, read
from resilkit.ipython.namespace import current_cluster, free_name
from resilkit.runtime.trace_filter import DIRECTIONS, TRACE_KINDS
from resilkit.validate import choice

__all__ = ["PARSER", "run"]

_ABOUT = """\
Record the messages of a server from now on.

  %trace counter-0 --kinds call,reply --limit 100
  trace                                  in a later cell: the messages as a sequence diagram
  %trace --stop

The variable `trace` has it: trace.frame() is a table, trace.messages a list. A trace that the
variable holds already is stopped first.
"""


def _grammar() -> Parser:
    parser = Parser("%trace", _ABOUT, usage="%%trace SERVER [OPTIONS]")
    parser.add_argument("server", nargs="?", metavar="SERVER", help="the name of the server")
    parser.add_argument(
        "--kinds", metavar="KIND,…", help=f"only these kinds: {', '.join(TRACE_KINDS)}"
    )
    parser.add_argument("--methods", metavar="METHOD,…", help="only these; * stands for others")
    parser.add_argument("--direction", choices=list(DIRECTIONS), help="only what comes, or goes")
    parser.add_argument("--peers", metavar="PEER,…", help="only what is from or to these")
    parser.add_argument(
        "--limit",
        type=int,
        default=DEFAULT_LIMIT,
        metavar="N",
        help=f"messages that are kept, the last ones; {DEFAULT_LIMIT:,} by default",
    )
    parser.add_argument(
        "--for", dest="length", type=duration, metavar="TIME", help="stop it after this time"
    )
    parser.add_argument("--stop", action="store_true", help="stop the one that the variable holds")
    parser.add_argument("--cluster", metavar="NAME", help="the variable that holds the cluster")
    parser.add_argument(
        "--as", dest="name", default="trace", metavar="NAME", help="the variable that gets it"
    )
    return parser


PARSER = _grammar()


def run(shell: Any, line: str) -> Any:
    """Do what a line of ``%trace`` says; return the trace, to be shown."""
    given = read(PARSER, line)
    if given is None:
        return None
    name = free_name(given.name, shell.user_ns)
    before = shell.user_ns.get(name)
    if given.stop or given.server is None:
        return _stopped(before, given)
    cluster = current_cluster(shell.user_ns, given.cluster)
    choice(given.server, "%trace", server_names(cluster))
    trace = cluster.whereis(given.server).trace(
        kinds=_listed(given.kinds),
        methods=_listed(given.methods),
        direction=given.direction,
        peers=_listed(given.peers),
        limit=given.limit,
        duration=given.length,
    )
    if isinstance(before, Trace):
        before.stop()
    shell.push({name: trace})
    return trace


def _stopped(before: Any, given: Line) -> Trace:
    """Stop the trace of the variable, or only show it."""
    if given.stop and given.server is not None:
        raise UsageError("%trace: --stop needs no SERVER: it stops what the variable holds")
    if not isinstance(before, Trace):
        raise UsageError(f"there is no trace in `{given.name}`; `%trace SERVER` begins one")
    if given.stop:
        before.stop()
    return before


def _listed(text: str | None) -> list[str] | None:
    return None if text is None else [one.strip() for one in text.split(",")]
