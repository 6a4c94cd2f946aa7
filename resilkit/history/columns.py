"""A piece of a history as arrays: for who looks at a growing one ten times a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from resilkit.importing import whole

if TYPE_CHECKING:
    from array import array
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

__all__ = ["Columns", "columns"]


class Columns(NamedTuple):
    """Rows of a history, column by column, all of one length.

    Attributes:
        intended: Seconds, float64.
        done: The same; NaN where no end was seen.
        status: `OK`, `FAIL` or `INFO`, uint8.
        error: Where in `texts` the error stands, uint32; 0 for none.
        texts: Error texts of the whole history. It grows with it, and is not to be changed.
    """

    intended: npt.NDArray[np.float64]
    done: npt.NDArray[np.float64]
    status: npt.NDArray[np.uint8]
    error: npt.NDArray[np.uint32]
    texts: Sequence[str]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self.status.size)


def columns(
    intended: array[float],
    done: array[float],
    status: array[int],
    error: array[int],
    texts: Sequence[str],
) -> Columns:
    """Return arrays that share the memory of those given."""
    whole("numpy")
    import numpy as np

    return Columns(
        np.frombuffer(intended, np.float64),
        np.frombuffer(done, np.float64),
        np.frombuffer(status, np.uint8),
        np.frombuffer(error, np.uint32),
        texts,
    )
