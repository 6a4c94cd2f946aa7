"""Supervisors and what they supervise."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from itertools import count
from typing import Any, NamedTuple, get_args

from hypothesis import strategies as st

from resilkit import validate
from resilkit.errors import InvalidArgument
from resilkit.runtime.naming import check_name, name_of_class
from resilkit.runtime.server import Server
from resilkit.runtime.specs import AutoShutdown, ChildSpec, Restart, Strategy, SupervisorSpec
from resilkit.testing.calls import Arguments
from resilkit.testing.strategies import options
from resilkit.testing.strategies.defining import defines
from resilkit.testing.strategies.lists import lists

__all__ = ["supervisor_configurations"]

_STRATEGIES: tuple[str, ...] = get_args(Strategy)
_RESTARTS: tuple[str, ...] = get_args(Restart)
_AUTO: tuple[str, ...] = get_args(AutoShutdown)
_DEEPEST = 5
_SERVERS_EACH = 3
"""Children that are of one class, for each that is a supervisor."""
_SHUTDOWNS = (5.0, "brutal_kill", None, 0.1)
_SECONDS = (5.0, 1.0, 2.0, 10.0, 30.0)
"""What `shutdown` and `max_seconds` are drawn from, the defaults first."""

Servers = Mapping[type[Server], st.SearchStrategy[Arguments] | None]


@defines
def supervisor_configurations(
    servers: Servers | None = None,
    *,
    name: str = "supervisor",
    min_children: int = 1,
    max_children: int = 4,
    max_depth: int = 2,
    strategies: Collection[str] = _STRATEGIES,
    restarts: Collection[str] = _RESTARTS,
    max_restarts: int = 10,
    significant: bool = True,
) -> Callable[[st.DrawFn], SupervisorSpec]:
    """Draw a supervisor with its children, and supervisors among them: every one can be started.

    Children are named by their class and numbered through the tree, in the order in which they
    start: ``bank_teller-0``, ``bank_teller-1``; supervisors below the top ``supervisor-1``. So a
    test knows the names. It shrinks to fewer children, none of them a supervisor, and to the
    defaults of `SupervisorSpec` and `ChildSpec`.

    Args:
        servers: Class to what draws the `arguments` of its ``init``, ``None`` for none. When left
            out, plain servers, which do nothing but can be supervised, linked and killed.
        name: The name of the top.
        min_children: The fewest children of each supervisor.
        max_children: The most children of each supervisor.
        max_depth: How many supervisors at most stand one above the other, 1 to 5; 1 for no others
            than the top.
        strategies: Which are drawn: ``"one_for_one"``, ``"one_for_all"``, ``"rest_for_one"``.
        restarts: When children are restarted: ``"permanent"``, ``"transient"``, ``"temporary"``.
            The top, which nobody restarts, has the default.
        max_restarts: The most that `max_restarts` of a supervisor may be.
        significant: Whether the end of a child that is not permanent may end its supervisor
            (`auto_shutdown`).

    Raises:
        InvalidArgument: An option is wrong; the path says which.

    Examples:
        >>> from hypothesis import find, strategies as st
        >>> from resilkit.testing import as_code
        >>> from resilkit.testing.strategies import arguments
        >>> class Counter(Server):
        ...     def init(self, start): ...
        >>> counters = supervisor_configurations({Counter: arguments(st.integers(0, 9))})
        >>> print(as_code(find(counters, lambda spec: spec.strategy == "one_for_all")))
        SupervisorSpec(
            "supervisor",
            [ChildSpec(Counter, name="counter-0", args=(0,))],
            strategy="one_for_all",
        )
    """
    check_name(name, "name")
    fewest, most = options.sizes(min_children, max_children, "children")
    depth = validate.number(max_depth, "max_depth", low=1, high=_DEEPEST, integer=True)
    intensity = validate.number(max_restarts, "max_restarts", low=0, integer=True)
    validate.boolean(significant, "significant")
    kinds = _servers({Server: None} if servers is None else servers)
    choices = _Choices(
        kinds,
        st.sampled_from([*(kind for kind in kinds for _ in range(_SERVERS_EACH)), None]),
        st.sampled_from(list(kinds)),
        (fewest, most),
        st.sampled_from(options.selection(strategies, "strategies", _STRATEGIES)),
        st.sampled_from(options.selection(restarts, "restarts", _RESTARTS)),
        st.sampled_from(sorted(range(intensity + 1), key=_far_from_usual)),
        st.sampled_from(_AUTO if significant else _AUTO[:1]),
    )
    tree = _supervisor(choices, depth)
    return lambda draw: _named(draw(tree), name)


class _Choices(NamedTuple):
    """What the parts of a tree are drawn from."""

    servers: Mapping[type[Server], st.SearchStrategy[Arguments] | None]
    kinds: st.SearchStrategy[type[Server] | None]
    bare: st.SearchStrategy[type[Server]]
    children: tuple[int, int]
    strategies: st.SearchStrategy[str]
    restarts: st.SearchStrategy[str]
    max_restarts: st.SearchStrategy[int]
    auto_shutdowns: st.SearchStrategy[str]


class _Part(NamedTuple):
    """A child, or the top, before it has a name."""

    server: type[Server] | None
    settings: dict[str, Any]
    children: list[_Part]


@st.composite
def _supervisor(draw: st.DrawFn, choices: _Choices, depth: int) -> _Part:
    auto = draw(choices.auto_shutdowns)
    settings = {
        "strategy": draw(choices.strategies),
        "max_restarts": draw(choices.max_restarts),
        "max_seconds": draw(st.sampled_from(_SECONDS)),
        "auto_shutdown": auto,
    }
    child = _child(choices, depth, auto)
    return _Part(None, settings, draw(lists(child, *choices.children)))


@st.composite
def _child(draw: st.DrawFn, choices: _Choices, depth: int, auto: str) -> _Part:
    kind = draw(choices.kinds if depth > 1 else choices.bare)
    restart = draw(choices.restarts)
    # One that is always restarted cannot end its supervisor, nor can any where that never ends.
    may_end_it = restart != "permanent" and auto != "never"
    settings: dict[str, Any] = {
        "restart": restart,
        "significant": draw(st.booleans()) if may_end_it else False,
    }
    if kind is None:
        below = draw(_supervisor(choices, depth - 1))
        return _Part(None, {**below.settings, **settings}, below.children)
    given = choices.servers[kind]
    arguments = Arguments() if given is None else draw(given)
    if not isinstance(arguments, Arguments):
        raise InvalidArgument(
            "draws something else than arguments",
            path=f"servers.{kind.__name__}",
            value=arguments,
            allowed="a strategy for Arguments, such as rst.arguments(st.integers(0, 9))",
        )
    settings |= {"args": arguments.args, "kwargs": arguments.kwargs}
    return _Part(kind, {**settings, "shutdown": draw(st.sampled_from(_SHUTDOWNS))}, [])


def _named(top: _Part, name: str) -> SupervisorSpec:
    """Return the spec of a tree, its parts named and numbered in the order in which they start."""
    taken = {name}

    def fresh(base: str, first: int) -> str:
        found = next(text for number in count(first) if (text := f"{base}-{number}") not in taken)
        taken.add(found)
        return found

    def spec(part: _Part, own: str) -> SupervisorSpec:
        children = [
            ChildSpec(each.server, name=fresh(name_of_class(each.server), 0), **each.settings)
            if each.server is not None
            else spec(each, fresh(name, 1))
            for each in part.children
        ]
        return SupervisorSpec(own, children, **part.settings)

    return spec(top, name)


def _far_from_usual(number: int) -> int:
    return abs(number - SupervisorSpec("usual").max_restarts)


def _servers(given: object) -> dict[type[Server], st.SearchStrategy[Arguments] | None]:
    example = "{Counter: rst.arguments(st.integers(0, 9)), Clock: None}"
    if not isinstance(given, Mapping) or not given:
        raise InvalidArgument(
            "must be a mapping, and not empty", path="servers", value=given, allowed=example
        )
    found: dict[type[Server], st.SearchStrategy[Arguments] | None] = {}
    for server, strategy in given.items():
        if not isinstance(server, type) or not issubclass(server, Server):
            raise InvalidArgument(
                "has a key that is no subclass of Server",
                path="servers",
                value=server,
                allowed=example,
            )
        path = f"servers.{server.__name__}"
        if strategy is not None:
            allowed = "None, or a strategy such as rst.arguments(…)"
            found[server] = options.checked_strategy(strategy, path, allowed)
            continue
        try:
            ChildSpec(server)
        except InvalidArgument as error:
            raise validate.relocated(error, path) from None
        found[server] = None
    return found
