"""How strategies are defined here: their options are checked at once, and they print as code.

Hypothesis's own ``composite`` runs the whole function anew for each example, so that a bad option
would only show when the first one is drawn, far from where it was written.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from hypothesis import strategies as st

__all__ = ["defines"]

P = ParamSpec("P")
T = TypeVar("T")


def defines(define: Callable[P, Callable[[st.DrawFn], T]]) -> Callable[P, st.SearchStrategy[T]]:
    """Make a function that checks its arguments and returns what draws one value a strategy.

    Examples:
        >>> @defines
        ... def evens(*, most: int) -> Callable[[st.DrawFn], int]:
        ...     return lambda draw: 2 * draw(st.integers(0, most // 2))
        >>> evens(most=8)
        evens(most=8)
    """
    signature = inspect.signature(define)
    leading = inspect.Parameter("draw", inspect.Parameter.POSITIONAL_ONLY)

    @functools.wraps(define)
    def strategy(*args: P.args, **kwargs: P.kwargs) -> st.SearchStrategy[T]:
        draw_one = define(*args, **kwargs)

        def definition(draw: st.DrawFn, *_: Any, **__: Any) -> T:
            return draw_one(draw)

        # What Hypothesis shows of the strategy: the call as it was written.
        definition.__name__ = define.__name__
        definition.__doc__ = define.__doc__
        shown: Any = definition
        shown.__signature__ = signature.replace(
            parameters=[leading, *signature.parameters.values()],
            return_annotation=inspect.Signature.empty,
        )
        made: Any = st.composite(shown)
        return made(*args, **kwargs)

    return strategy
