"""A script that a failure gave, run as somebody does who saved it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

__all__ = ["run"]


def run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script as somebody does who saved it somewhere."""
    path = folder / "found.py"
    path.write_text(script)
    return subprocess.run(
        [sys.executable, str(path)], cwd=folder, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip
