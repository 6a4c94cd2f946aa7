"""The backend ``simulation``: the nodes of a cluster in virtual time, in the caller's thread."""

from __future__ import annotations

from resilkit.cluster.simulated.backend import SimulationBackend

__all__ = ["SimulationBackend"]


def __dir__() -> list[str]:
    return sorted(__all__)
