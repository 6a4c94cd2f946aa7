"""The faults that come with resilkit: other tests of the process register some of their own."""

from __future__ import annotations

from resilkit.faults import registered_faults

__all__ = ["OWN"]

OWN = sorted(
    name for name, made in registered_faults().items() if made.__module__.startswith("resilkit.")
)
