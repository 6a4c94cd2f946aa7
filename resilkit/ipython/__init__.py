"""The IPython extension: ``%load_ext resilkit`` brings magics and completion.

====================  ==================================================================
``%cluster``          starts, shows, breaks, heals and closes the current cluster
``%%chaos``           injects the faults, or the scenario, that the cell holds as YAML
``%run_experiment``   runs an experiment of the notebook, shows and keeps its result
``%trace``            records the messages of a server, to be shown as a sequence diagram
====================  ==================================================================

Completion knows the names of nodes, servers, faults, their fields and metrics, in the magics and in
Python. Nothing of this is loaded before the extension is.
"""

from __future__ import annotations

from typing import Any

from resilkit.importing import whole

__all__ = ["load", "unload"]


def load(shell: Any) -> None:
    """Add the magics and the completion to an IPython shell. Twice is once.

    Args:
        shell: The ``InteractiveShell``, as ``%load_ext`` hands it over.

    Raises:
        Unavailable: The IPython is older than 8.6, which cannot be told what to complete.
    """
    whole("resilkit.ipython.extension")
    from resilkit.ipython.extension import load

    load(shell)


def unload(shell: Any) -> None:
    """Take the magics and the completion away again. Clusters stay as they are."""
    whole("resilkit.ipython.extension")
    from resilkit.ipython.extension import unload

    unload(shell)


def __dir__() -> list[str]:
    return sorted(__all__)
