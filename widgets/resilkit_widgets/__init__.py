"""Live views of a resilkit cluster for notebooks: ``pip install 'resilkit[lab]'``.

Importing loads nothing of Jupyter and starts nothing.
"""

from __future__ import annotations

from resilkit_widgets.cluster_view import ClusterView

__all__ = ["ClusterView"]


def __dir__() -> list[str]:
    return sorted(__all__)
