"""Operations on servers: one, and sequences of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from hypothesis import strategies as st

from resilkit.errors import InvalidArgument
from resilkit.testing.calls import Arguments, Call, Cast
from resilkit.testing.strategies import options
from resilkit.testing.strategies.defining import defines
from resilkit.testing.strategies.lists import lists
from resilkit.testing.strategies.weights import tickets

__all__ = ["Methods", "Vocabulary", "operation_sequences", "operations"]

Methods = Mapping[str, st.SearchStrategy[Arguments] | None]
"""The methods that are called, by name: what each is given, ``None`` for nothing."""


class Vocabulary:
    """The operations that can be drawn, checked.

    Args:
        methods: Method to what draws its arguments; ``None`` for none.
        weights: Method to weight.
        casts: The methods that are cast, not called.
        servers: The names of the servers; ``None``: operations name none.
        path: Where the methods stand, for errors.

    Raises:
        InvalidArgument: Something is wrong; the path says what.
    """

    def __init__(
        self,
        methods: object,
        *,
        weights: object = None,
        casts: object = (),
        servers: object = None,
        path: str = "operations",
    ) -> None:
        self.path = path
        self.arguments = _methods(methods, path)
        self.names = tickets(self.arguments, weights)
        self.cast = options.selection(casts, "casts", list(self.arguments), empty=True)
        self.servers = None if servers is None else options.names(servers, "servers")
        if self.servers == ():
            raise InvalidArgument(
                "is an empty list",
                path="servers",
                value=servers,
                allowed="names, or None for the server under test",
            )

        self.method = st.sampled_from(self.names)
        self.server = st.none() if self.servers is None else st.sampled_from(self.servers)

    def draw(self, draw: st.DrawFn) -> Call | Cast:
        """Draw a method, its arguments and its server."""
        return self.operation(draw, draw(self.method), draw(self.server))

    def operation(self, draw: st.DrawFn, method: str, to: str | None) -> Call | Cast:
        """Draw the arguments of a method, and return the operation."""
        strategy = self.arguments[method]
        given = Arguments() if strategy is None else draw(strategy)
        if not isinstance(given, Arguments):
            raise InvalidArgument(
                "draws something else than arguments",
                path=f"{self.path}.{method}",
                value=given,
                allowed="a strategy for Arguments, such as rst.arguments(by=st.integers(1, 9))",
            )
        kind = Cast if method in self.cast else Call
        return kind(method, *given.args, to=to, **given.kwargs)


def _methods(given: object, path: str) -> dict[str, st.SearchStrategy[Arguments] | None]:
    example = '{"increment": rst.arguments(by=st.integers(1, 9)), "get": None}'
    if not isinstance(given, Mapping) or not given:
        raise InvalidArgument("must be a mapping, and not empty", path=path, value=given,
                              allowed=example)  # fmt: skip
    found: dict[str, st.SearchStrategy[Arguments] | None] = {}
    for method, strategy in given.items():
        Call(method)  # refuses what is no method
        found[method] = (
            None
            if strategy is None
            else options.checked_strategy(
                strategy, f"{path}.{method}", "None, or a strategy such as rst.arguments(…)"
            )
        )
    return found


@defines
def operations(
    operations: Methods,
    *,
    weights: Mapping[str, float] | None = None,
    casts: Collection[str] = (),
    servers: Collection[str] | None = None,
) -> Callable[[st.DrawFn], Call | Cast]:
    """Draw one operation on a server. `operation_sequences` draws many.

    It shrinks to a method that takes fewer arguments, then to one that is given earlier, with the
    least arguments, on the first server. Where servers understand different methods, several such
    strategies go together: ``rst.operations({…}, servers=["bank"]) | rst.operations({…},
    servers=["ledger"])``, and ``st.lists`` makes sequences of them.

    Args:
        operations: Method to what draws its `arguments`, ``None`` for none.
        weights: How often, relative to each other: method to weight. 1 for those that are missing,
            0 switches one off.
        casts: The methods that are cast: nobody waits for them.
        servers: The names of the servers of which each operation goes to one; ``None``: to the one
            under test, whose name the operation does not hold.

    Raises:
        InvalidArgument: An option is wrong; the path says which.

    Examples:
        >>> from hypothesis import find, strategies as st
        >>> from resilkit.testing.strategies import arguments
        >>> puts = operations({"put": arguments(st.text())}, servers=["a", "b"])
        >>> find(puts, lambda operation: operation.to == "b")
        Call("put", "", to="b")
    """
    known = Vocabulary(operations, weights=weights, casts=casts, servers=servers)
    return known.draw


@defines
def operation_sequences(
    operations: Methods,
    *,
    weights: Mapping[str, float] | None = None,
    casts: Collection[str] = (),
    servers: Collection[str] | None = None,
    min_size: int = 0,
    max_size: int = 20,
) -> Callable[[st.DrawFn], list[Call | Cast]]:
    """Draw sequences of operations on servers.

    They shrink to fewer operations, and each of them as `operations` does.

    Args:
        operations: Method to what draws its `arguments`, ``None`` for none.
        weights: How often, relative to each other: method to weight. 1 for those that are missing,
            0 switches one off.
        casts: The methods that are cast: nobody waits for them.
        servers: The names of the servers of which each operation goes to one; ``None``: to the one
            under test, whose name the operations do not hold.
        min_size: The fewest operations.
        max_size: The most operations.

    Raises:
        InvalidArgument: An option is wrong; the path says which.

    Examples:
        >>> from hypothesis import find, strategies as st
        >>> from resilkit.testing.strategies import arguments
        >>> counting = operation_sequences(
        ...     {"increment": arguments(by=st.integers(1, 9)), "get": None}
        ... )
        >>> find(
        ...     counting, lambda calls: [each.method for each in calls[-2:]] == ["increment", "get"]
        ... )
        [Call("increment", by=1), Call("get")]
    """
    known = Vocabulary(operations, weights=weights, casts=casts, servers=servers)
    least, most = options.sizes(min_size, max_size)
    sequences = lists(_operation(known), least, most)
    return lambda draw: draw(sequences)


@st.composite
def _operation(draw: st.DrawFn, known: Vocabulary) -> Call | Cast:
    return known.draw(draw)
