"""Heavy imports that an interrupt does not leave half done."""

from __future__ import annotations

import sys
import threading
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["whole"]

_HEED_EVERY = 0.2
"""Seconds after which the wait wakes up to heed an interrupt; see `cluster.loop_thread`."""


def whole(name: str) -> ModuleType:
    """Import a module so that an interrupt ends the wait for it, and not the import.

    What is large is imported where it is first needed, inside a call. An interrupt there would
    leave some of its modules loaded and the others not, and many a library then fails until the
    kernel is restarted: pandas refuses to register its options twice, matplotlib misses parts of
    itself. So the import has a thread of its own, and goes on to its end; who comes next waits for
    what is left of it.

    Args:
        name: The module's full name.

    Returns:
        The module, wholly loaded.

    Raises:
        ImportError: It cannot be imported, or whatever else it raised.

    Examples:
        >>> whole("json").dumps([1])
        '[1]'
    """
    module = sys.modules.get(name)
    if module is not None and not _is_loading(module):
        return module
    if threading.current_thread() is not threading.main_thread():
        return import_module(name)  # an interrupt comes to the main thread only
    errors: list[BaseException] = []
    # A bare lock: `Thread.join` takes a thread for ended whose wait was interrupted.
    done = threading.Lock()
    done.acquire()

    def load() -> None:
        try:
            import_module(name)
        except BaseException as error:  # noqa: BLE001 - it belongs to who waits
            errors.append(error)
        finally:
            done.release()

    threading.Thread(target=load, name=f"importing {name}", daemon=True).start()
    while not done.acquire(timeout=_HEED_EVERY):
        pass
    if errors:
        raise errors[0]
    return sys.modules[name]


def _is_loading(module: ModuleType) -> bool:
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))
