"""Starts the launcher: ``python -P boot.py ROOT CLIENT [EXTRA-PATH …]``.

The current folder must not decide what the launcher imports (a ``random.py`` beside somebody's
notebook would be taken for the standard one), yet resilkit may be importable only through the
notebook's own ``sys.path``. So this file, run by its path, finds the package around itself and
loads it from there, and the notebook's other entries come last, behind the standard library.
"""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location


def load_package(folder: str) -> None:
    """Load the package ``resilkit`` from `folder`, whatever else is called so on ``sys.path``."""
    found = spec_from_file_location(
        "resilkit", f"{folder}/__init__.py", submodule_search_locations=[folder]
    )
    if found is None or found.loader is None:
        sys.exit(f"cannot load resilkit from {folder}")
    module = module_from_spec(found)
    sys.modules["resilkit"] = module
    found.loader.exec_module(module)


if __name__ == "__main__":
    sys.path.extend(entry for entry in sys.argv[3:] if entry not in sys.path)
    load_package(__file__.rpartition("/cluster/")[0])
    from resilkit.cluster.launcher import main

    main(int(sys.argv[1]), int(sys.argv[2]))
