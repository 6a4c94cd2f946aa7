"""What ``%load_ext resilkit`` adds to a shell, and takes away again."""

from __future__ import annotations

from typing import Any

from resilkit.errors import Unavailable
from resilkit.ipython.completion import Completion
from resilkit.ipython.magics import ResilkitMagics

__all__ = ["load", "unload"]


def load(shell: Any) -> None:
    """Add the magics and the completion. Twice is once.

    Raises:
        Unavailable: The IPython is older than 8.6.
    """
    unload(shell)
    if not hasattr(shell.Completer, "custom_matchers"):
        message = "the resilkit extension needs IPython 8.6 or later: pip install -U ipython"
        raise Unavailable(message)
    shell.register_magics(ResilkitMagics)
    shell.Completer.custom_matchers.append(Completion(shell).matcher())


def unload(shell: Any) -> None:
    """Take them away. What somebody else has put under one of the names stays."""
    for kind in shell.magics_manager.magics.values():
        ours = [
            name
            for name, function in kind.items()
            if isinstance(getattr(function, "__self__", None), ResilkitMagics)
        ]
        for name in ours:
            del kind[name]
    shell.magics_manager.registry.pop(ResilkitMagics.__name__, None)
    matchers = getattr(shell.Completer, "custom_matchers", [])
    matchers[:] = [
        one for one in matchers if not isinstance(getattr(one, "completion", None), Completion)
    ]
