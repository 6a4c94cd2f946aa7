"""A process that was started without standard streams, as services and shell scripts do."""

from __future__ import annotations

import subprocess
import sys

import pytest

_SCRIPT = """
import os, sys
import resilkit as rk
from resilkit.cluster.launcher_process import _sockets
with rk.Cluster(nodes=2) as cluster:
    assert all(cluster.health()[name]["answers"] for name in ("n1", "n2"))
    assert all(each.fileno() > 2 for each in _sockets)
    closed = [int(number) for number in sys.argv[1]]
    assert all(os.path.samestat(os.fstat(each), os.stat(os.devnull)) for each in closed)
    child = f"import os; [os.fstat(each) for each in {closed}]"
    assert os.spawnl(os.P_WAIT, sys.executable, sys.executable, "-c", child) == 0
"""


@pytest.mark.parametrize("closed", ["0", "1", "2", "012"])
def test_clusters_work_and_the_process_ends_well_though_standard_streams_are_closed(closed):
    redirects = " ".join(f"{number}>&-" for number in closed)
    command = [sys.executable, "-c", _SCRIPT, closed]
    script = f'exec "$@" {redirects}'
    ended = subprocess.run(["sh", "-c", script, "sh", *command], check=False)
    assert ended.returncode == 0
