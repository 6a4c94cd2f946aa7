"""What a method is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from resilkit.testing.calls import Arguments
from resilkit.testing.strategies.defining import defines
from resilkit.testing.strategies.options import checked_strategy

__all__ = ["arguments"]


@defines
def arguments(
    *args: st.SearchStrategy[Any], **kwargs: st.SearchStrategy[Any]
) -> Callable[[st.DrawFn], Arguments]:
    """Draw the arguments of a method, each from the strategy that stands in its place.

    Each shrinks as its own strategy does. An argument that may be left out is two such strategies,
    the shorter one first: ``rst.arguments() | rst.arguments(by=st.integers(1, 9))``. Arguments
    that hang on each other are a ``composite`` of your own that returns `Arguments`.

    Args:
        *args: Strategies for the positional arguments.
        **kwargs: Strategies for the keyword arguments.

    Raises:
        InvalidArgument: Something is no strategy. A fixed value is ``st.just(value)``.

    Examples:
        >>> from hypothesis import find, strategies as st
        >>> find(arguments(st.text(), by=st.integers(1, 9)), lambda each: each.kwargs["by"] > 3)
        Arguments("", by=4)
    """
    placed = [
        checked_strategy(each, f"arguments[{place}]", _ALLOWED) for place, each in enumerate(args)
    ]
    named = {
        name: checked_strategy(each, f"arguments.{name}", _ALLOWED) for name, each in kwargs.items()
    }

    def draw_one(draw: st.DrawFn) -> Arguments:
        return Arguments(
            *[draw(each) for each in placed], **{name: draw(each) for name, each in named.items()}
        )

    return draw_one


_ALLOWED = "a strategy, such as st.integers(1, 9), or st.just(3) for one value"
