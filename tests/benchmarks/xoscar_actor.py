"""The actor of xoscar's side, in a module that its processes can import."""

from __future__ import annotations

from typing import Any

import xoscar

__all__ = ["XoscarCounter"]


class XoscarCounter(xoscar.Actor):
    """Counts, one by one or a batch at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    @xoscar.extensible
    def increment(self, by: int = 1) -> int:
        """Add `by` and return the sum."""
        self.count += by
        return self.count

    @increment.batch  # type: ignore[no-redef]  # how xoscar declares the batch twin
    def increment(self, args_list: list[Any], kwargs_list: list[Any]) -> list[int]:
        """Add a whole batch."""
        results = []
        for args, kwargs in zip(args_list, kwargs_list, strict=True):
            self.count += kwargs.get("by", args[0] if args else 1)
            results.append(self.count)
        return results
