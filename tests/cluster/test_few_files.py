"""A process that may open too few files for a cluster is told so at once."""

from __future__ import annotations

import subprocess
import sys

_SCRIPT = """
import resilkit as rk
try:
    rk.Cluster(nodes=2, start_timeout=5.0)
except rk.StartFailed as error:
    print(error)
"""


def test_a_limit_on_open_files_that_is_too_low_for_nodes_is_told_with_its_remedy():
    command = [sys.executable, "-c", _SCRIPT]
    ended = subprocess.run(
        ["sh", "-c", 'ulimit -n 20; exec "$@"', "sh", *command],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "may each have 20 open" in ended.stdout
    assert "ulimit -n" in ended.stdout
