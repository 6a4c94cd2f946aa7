"""`%cluster`: a cluster in one line, the current one, and what is told of slips."""

from __future__ import annotations

from tests.ipython.conftest import Shell


def test_a_line_starts_a_cluster_as_a_variable_and_shows_it(shell: Shell) -> None:
    shown = shell.run("%cluster start 3 --topology ring --seed 7")
    cluster = shell.names["cluster"]
    assert shown is cluster
    assert (cluster.spec.topology, cluster.seed) == ("ring", 7)
    assert list(cluster.nodes) == ["n1", "n2", "n3"]
    assert shell.run("%cluster") is cluster
    shell.run("%cluster close")
    assert cluster.closed
    assert "no cluster is open; %cluster start 3" in shell.refused("%cluster")
