"""Lists that shrink however much each of their elements takes to draw."""

from __future__ import annotations

from typing import TypeVar

from hypothesis import strategies as st

__all__ = ["lists"]

T = TypeVar("T")

_KEPT = st.integers(0, 7)
"""Whether an element is drawn at all: one in eight is not."""


def lists(element: st.SearchStrategy[T], least: int, most: int) -> st.SearchStrategy[list[T]]:
    """Return lists that shrink to fewer elements, whatever those are.

    Hypothesis takes an element out of a list of its own by deleting five choices at most: an
    operation with four arguments, or a fault, has more, and would stay wherever it is in. But where
    it lowers a number, it deletes all that is then not drawn. So a number says of each element
    whether it is there.
    """
    places = st.lists(_place(element), min_size=least, max_size=most)
    return _filled(places, element, least)


@st.composite
def _place(draw: st.DrawFn, element: st.SearchStrategy[T]) -> tuple[T] | None:
    return (draw(element),) if draw(_KEPT) else None


@st.composite
def _filled(
    draw: st.DrawFn,
    places: st.SearchStrategy[list[tuple[T] | None]],
    element: st.SearchStrategy[T],
    least: int,
) -> list[T]:
    found = [place[0] for place in draw(places) if place is not None]
    while len(found) < least:
        found.append(draw(element))
    return found
