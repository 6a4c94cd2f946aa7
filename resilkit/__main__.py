"""``python -m resilkit``: the same as the ``resilkit`` command."""

from __future__ import annotations

import sys

from resilkit.cli import main

if __name__ == "__main__":
    sys.exit(main())
