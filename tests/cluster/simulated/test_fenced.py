"""What a simulated node does after its crash is seen by nobody."""

from __future__ import annotations

import resilkit as rk
from tests.parity.grounds import eventually


def test_what_is_written_after_a_crash_is_not_in_the_log_and_what_was_before_is() -> None:
    with rk.Cluster(nodes=1, backend="simulation", seed=7) as cluster:
        # What a crash leaves undone may hold the node's loop, and have it tell of an error.
        loop = cluster._session.launcher.node_of("n1").loop  # type: ignore[attr-defined]
        write = loop.on_error
        write({"message": "before"})
        assert cluster.nodes["n1"].log().endswith("before")
        cluster.nodes["n1"].kill()
        write({"message": "after the crash"})
        assert "after the crash" not in cluster.nodes["n1"].log()
        cluster.nodes["n1"].restart()
        eventually(cluster, lambda: cluster.nodes["n1"].status == "running")
        write({"message": "after the restart"})
        assert "after the" not in cluster.nodes["n1"].log()
        assert "before" in cluster.nodes["n1"].log()
