"""Hatches drawn as lines of their own.

Matplotlib's own hatch becomes a pattern in an SVG. There it takes the face's colour without its
opacity, in which the hatch vanishes, and browsers print patterns as coarse pictures.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.collections import PathCollection
from matplotlib.path import Path
from matplotlib.transforms import Affine2D

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.transforms import Transform

__all__ = ["Box", "add_hatch"]

_FINENESS = 300.0
_DENSITY = 6  # lines an inch, times the number of characters in the hatch


class Box(NamedTuple):
    """A rectangle, from left to right and from bottom to top."""

    left: float
    right: float
    bottom: float
    top: float


def add_hatch(
    axes: Axes, boxes: list[Box], hatch: str, *, transform: Transform, colour: str, zorder: float
) -> None:
    """Hatch `boxes`, which must lie inside `axes`.

    Args:
        axes: Where to; its limits and its place must be set already.
        boxes: Rectangles.
        hatch: As matplotlib writes hatches, e.g. ``"///"``.
        transform: From the coordinates of the boxes to the screen.
        colour: Of the lines; opaque, since they cross themselves.
        zorder: Of the lines.
    """
    boxes = [box for box in boxes if box.right > box.left and box.top > box.bottom]
    if not boxes:
        return
    inches = axes.figure.dpi_scale_trans
    lines = PathCollection(
        [_straightened(Path.hatch(hatch, _DENSITY))], offsets=_tiles(boxes, transform - inches),
        offset_transform=inches, facecolor=colour, edgecolor=colour, linewidth=1.0, zorder=zorder,
    )  # fmt: skip
    lines.set_transform(inches)  # the path of a hatch is one unit wide and high
    outline = Path.make_compound_path(*(_rectangle(box) for box in boxes))
    lines.set_clip_path(outline, transform)
    axes.add_collection(lines, autolim=False)


def _straightened(path: Path) -> Path:
    """Return `path` with curves as short lines, which are drawn four times as fast.

    Matplotlib solves for the extents of each curve alone, at every drawing: a hatch of circles has
    some thousand.
    """
    if not np.isin(np.asarray(path.codes), (Path.CURVE3, Path.CURVE4)).any():
        return path
    # As fine as on a sheet of so many dots an inch.
    larger = path.transformed(Affine2D().scale(_FINENESS))
    lines = larger.cleaned(curves=False, simplify=False)
    # The last one is the mark of the end.
    vertices, codes = np.asarray(lines.vertices)[:-1], np.asarray(lines.codes)[:-1]
    return Path(vertices / _FINENESS, codes)


def _rectangle(box: Box) -> Path:
    corners = [(box.left, box.bottom), (box.right, box.bottom), (box.right, box.top),
               (box.left, box.top), (box.left, box.bottom)]  # fmt: skip
    return Path(corners, closed=True)


def _tiles(boxes: list[Box], to_inches: Transform) -> list[tuple[int, int]]:
    """Return the corners of the square inches of the figure that the boxes touch."""
    tiles: set[tuple[int, int]] = set()
    for box in boxes:
        ends = to_inches.transform([(box.left, box.bottom), (box.right, box.top)])
        (left, bottom), (right, top) = np.sort(ends, axis=0)
        tiles |= {
            (column, row)
            for column in range(math.floor(left), math.ceil(right))
            for row in range(math.floor(bottom), math.ceil(top))
        }
    return sorted(tiles)
