"""The samples of one metric as columns that grow, in bounded memory."""

from __future__ import annotations

import math
from array import array
from collections import deque
from typing import TYPE_CHECKING

from resilkit.importing import whole

if TYPE_CHECKING:
    from collections.abc import Collection

    import numpy as np
    import numpy.typing as npt

__all__ = ["Line", "Series", "Snapshot", "joined", "lines"]

_BLOCK_ROWS = 4096


class _Block:
    """A run of rows that were appended one after another. Full blocks never change."""

    __slots__ = ("codes", "latest", "times", "values")

    def __init__(self) -> None:
        self.times = array("d")
        self.codes = array("I")
        self.values = array("d")
        self.latest = -math.inf


Snapshot = tuple[list["_Block"], tuple[bytes, bytes, bytes], list[tuple[str, str]]]
"""The full blocks, a copy of the one that is being filled, and the label of each code."""


class Series:
    """The samples of one metric: full blocks, and one that is being filled."""

    __slots__ = ("_block_rows", "_codes", "_full", "_max_rows", "_open", "dropped", "labels",
                 "newest", "rows")  # fmt: skip

    def __init__(self, max_rows: int) -> None:
        self._max_rows = max_rows
        self._block_rows = max(1, min(_BLOCK_ROWS, max_rows // 16))
        self._full: deque[_Block] = deque()
        self._open = _Block()
        self._codes: dict[tuple[str, str], int] = {}
        self.labels: list[tuple[str, str]] = []
        self.newest: list[tuple[float, float]] = []
        self.rows = 0
        self.dropped = 0

    def append(self, time: float, node: str, server: str, value: float) -> None:
        """Add one sample."""
        label = (node, server)
        code = self._codes.get(label)
        if code is None:
            if len(self.labels) >= 2 * self._max_rows:
                self._forget_unused_labels()
            code = self._codes[label] = len(self.labels)
            self.labels.append(label)
            self.newest.append((time, value))
        elif time >= self.newest[code][0]:
            self.newest[code] = (time, value)
        block = self._open
        block.times.append(time)
        block.codes.append(code)
        block.values.append(value)
        block.latest = max(block.latest, time)
        self.rows += 1
        if len(block.times) >= self._block_rows:
            self._full.append(block)
            self._open = _Block()
        if self.rows > self._max_rows:
            gone = len(self._full.popleft().times)
            self.rows -= gone
            self.dropped += gone

    def _forget_unused_labels(self) -> None:
        # Servers with ever new names would fill the table though their rows were dropped long ago.
        blocks = [*self._full, self._open]
        used = sorted({code for block in blocks for code in block.codes})
        renamed = {old: new for new, old in enumerate(used)}
        for place, block in enumerate(blocks):
            fresh = _Block()  # readers may hold the old block: leave it as it is
            fresh.times, fresh.values, fresh.latest = block.times, block.values, block.latest
            fresh.codes = array("I", [renamed[code] for code in block.codes])
            blocks[place] = fresh
        self._open = blocks.pop()
        self._full = deque(blocks)
        self.labels = [self.labels[code] for code in used]
        self.newest = [self.newest[code] for code in used]
        self._codes = {label: code for code, label in enumerate(self.labels)}

    def snapshot(self, since: float | None) -> Snapshot:
        """Return what `joined` needs, without the blocks in which all is older than `since`."""
        first = -math.inf if since is None else since
        full = [block for block in self._full if block.latest >= first]
        tail = self._open
        raw = (tail.times.tobytes(), tail.codes.tobytes(), tail.values.tobytes())
        return full, raw, list(self.labels)


_Columns = tuple[
    "npt.NDArray[np.float64]", "npt.NDArray[np.uint32]", "npt.NDArray[np.float64]",
    list[tuple[str, str]],
]  # fmt: skip


def joined(
    snapshot: Snapshot | None,
    since: float | None,
    until: float | None,
    only: Collection[tuple[str, str]] | None = None,
) -> _Columns:
    """Return the samples of a time: times, codes and values sorted by time, and the labels."""
    whole("numpy")
    import numpy as np

    blocks, raw, labels = snapshot or ([], (b"", b"", b""), [])
    # Only full blocks are viewed in place: a viewed array cannot grow, and these never do.
    parts = [
        (np.frombuffer(b.times), np.frombuffer(b.codes, np.uint32), np.frombuffer(b.values))
        for b in blocks
    ]
    parts.append((np.frombuffer(raw[0]), np.frombuffer(raw[1], np.uint32), np.frombuffer(raw[2])))
    if only is not None:
        # Before they are joined and sorted, which costs most.
        wanted = np.array([label in only for label in labels], bool)
        kept_rows = [np.flatnonzero(wanted[codes]) for _, codes, _ in parts]
        parts = [
            (times[rows], codes[rows], values[rows])
            for (times, codes, values), rows in zip(parts, kept_rows, strict=True)
        ]
    times = np.concatenate([each for each, _, _ in parts])
    codes = np.concatenate([each for _, each, _ in parts])
    values = np.concatenate([each for _, _, each in parts])
    if since is not None or until is not None:
        kept = (times >= (-math.inf if since is None else since)) & (
            times < (math.inf if until is None else until)
        )
        times, codes, values = times[kept], codes[kept], values[kept]
    if times.size > 1 and (times[1:] < times[:-1]).any():
        order = np.argsort(times, kind="stable")
        times, codes, values = times[order], codes[order], values[order]
    return times, codes, values, labels


Line = tuple["npt.NDArray[np.float64]", "npt.NDArray[np.float64]"]
"""Times in seconds, sorted, and values."""


def lines(
    snapshot: Snapshot | None, since: float | None, only: Collection[tuple[str, str]] | None
) -> dict[tuple[str, str], Line]:
    """Return the samples since a time, a line for each label, in the order of their first one."""
    whole("numpy")
    import numpy as np

    times, codes, values, labels = joined(snapshot, since, None, only)
    order = np.argsort(codes, kind="stable")
    found, starts = np.unique(codes[order], return_index=True)
    parts = np.split(order, starts[1:])
    return {
        labels[code]: (times[part], values[part]) for code, part in zip(found, parts, strict=False)
    }
