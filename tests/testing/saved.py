"""A script that a failure gave, run as somebody does who saved it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from resilkit.testing import Trial, run_trial

__all__ = ["fails_again", "run"]


def run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script as somebody does who saved it somewhere."""
    path = folder / "found.py"
    path.write_text(script)
    return subprocess.run(
        [sys.executable, str(path)], cwd=folder, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip


def fails_again(trial: Trial, folder: Path) -> str:
    """Run a trial, then its script, which fails with the same words; return the script."""
    outcome = run_trial(trial)
    assert outcome.failure is not None
    script = outcome.script()
    ended = run(script, folder)
    assert f"resilkit.errors.TrialFailed: {outcome.failure}" in ended.stderr, ended.stderr
    assert "will not run" not in script
    return script
