"""`%cluster`: a cluster in one line, the current one, and what is told of slips."""

from __future__ import annotations

import pytest

from resilkit.cluster.open_clusters import open_clusters
from resilkit.errors import InvalidArgument
from resilkit.ipython import cluster_magic
from tests.cluster.servers import Counter
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


def test_nodes_are_killed_paused_and_brought_back_by_name_or_all_at_once(shell: Shell) -> None:
    shell.run("%cluster start a b")
    shell.run("%cluster kill a")
    assert shell.told.strip() == "a killed, b running"
    shell.run("%cluster pause b")
    shell.run("%cluster resume all")
    shell.run("%cluster restart {'a'} b")
    assert shell.told.strip() == "a running, b running"
    shell.run("%cluster add c")
    shell.run("%cluster stop c")
    assert shell.told.strip() == "a running, b running, c stopped"


def test_a_partition_heals_by_itself_or_with_all_other_faults(shell: Shell) -> None:
    shell.run("%cluster start 3")
    cut = shell.run("%cluster partition n1 n2,n3 --one-way --for 60s")
    assert (cut.fault.groups, cut.fault.kind, cut.fault.duration) == (
        (("n1",), ("n2", "n3")),
        "one_way",
        60.0,
    )
    table = shell.run("%cluster health")
    assert table.loc["n1", "cut"] == "n2 (out), n3 (out)"
    shell.run("%cluster heal")
    assert cut.done
    assert set(shell.run("%cluster health")["cut"]) == {""}


def test_tables_and_logs_are_there_for_servers(shell: Shell) -> None:
    cluster = shell.run("%cluster start 2")
    cluster.start(Counter, name="counter", node="n2")
    (row,) = shell.run("%cluster servers").to_dict("records")
    assert (row["server"], row["node"], row["class"]) == ("counter", "n2", "Counter")
    shell.run("%cluster log n2")
    assert "(it wrote nothing)" in shell.told


def test_of_several_clusters_the_last_one_started_is_meant_and_that_is_told(shell: Shell) -> None:
    shell.run("%cluster start 1 --as first")
    shell.run("%cluster start 1 --as second")
    assert shell.run("%cluster") is shell.names["second"]
    assert "2 clusters are open: this is second, the last one started" in shell.told
    assert "--cluster first" in shell.told
    assert shell.run("%cluster --cluster first") is shell.names["first"]
    assert "are open" not in shell.told
    shell.run("%cluster list")
    assert "second (current): <Cluster" in shell.told
    shell.run("%cluster close")
    assert shell.run("%cluster") is shell.names["first"]
    assert "open" not in shell.told
    shell.run("%cluster close --all")
    assert shell.names["first"].closed
    assert "was closed" in shell.refused("%cluster heal --cluster first")


def test_a_cluster_that_is_open_is_replaced_only_when_that_is_asked_for(shell: Shell) -> None:
    first = shell.run("%cluster start 1")
    assert "--replace" in shell.refused("%cluster start 2")
    assert not first.closed
    second = shell.run("%cluster start 2 --replace")
    assert first.closed
    assert shell.names["cluster"] is second


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("kil n1", "did you mean 'kill'?"),
        ("kill", "the following arguments are required: NODE"),
        ("kill n1 n9", "%cluster kill: the node: is not known, got 'n9'; allowed: 'n1'"),
        ("pause n1 --quick", "unrecognized arguments: --quick"),
        ("start --topology rng", "(choose from "),
        ("start 0 --as other", "nodes: "),
        ("start a/b --as other", "nodes[0]: is no name"),
        ("start 1 --as 2x", "'2x' is no name of a variable"),
        ("start 1 --as class", "'class' is no name of a variable"),
        ("start 1 --seed -1 --as other", "seed: is out of range"),
        ("partition n1 n9", "n9"),
        ("partition n1 --for soon", "is no duration"),
        ("partition n1 --for 0", "longer than 0 s"),
        ("heal --cluster nothing", "there is no 'nothing' in this notebook"),
        ("heal --cluster number", "is no cluster: it is an object of the type int"),
        ("log n9", "n9"),
        ("kill 'n1", "No closing quotation"),
    ],
)
def test_a_slip_is_told_in_short_and_nothing_happens(shell: Shell, line: str, words: str) -> None:
    cluster = shell.run("%cluster start 1")
    shell.names["number"] = 3
    assert words in shell.refused(f"%cluster {line}")
    assert [node.status for node in cluster.nodes.values()] == ["running"]
    assert len(open_clusters()) == 1


def test_the_help_names_every_command_and_each_has_one_of_its_own(shell: Shell) -> None:
    shell.run("%cluster?")
    for name in cluster_magic.PARSER.commands:
        shell.run(f"%cluster {name} --help")
        assert f"usage: %cluster {name}" in shell.told
    help_of_all = shell.inner.find_line_magic("cluster").__doc__
    assert set(cluster_magic.PARSER.commands) <= set(help_of_all.split())


def test_unloading_takes_the_magic_away_and_loading_twice_adds_it_once(shell: Shell) -> None:
    shell.run("%reload_ext resilkit")
    matchers = shell.inner.Completer.custom_matchers
    assert [each.matcher_identifier for each in matchers] == ["resilkit"]
    shell.run("%cluster start 1")
    shell.run("%unload_ext resilkit")
    assert matchers == []
    assert shell.inner.find_line_magic("cluster") is None
    assert not shell.names["cluster"].closed
    shell.run("%load_ext resilkit")
    assert shell.run("%cluster") is shell.names["cluster"]


def test_a_simulated_cluster_is_started_used_and_let_go_on_in_lines(shell: Shell) -> None:
    cluster = shell.run("%cluster start 3 --backend simulation --schedule pct --seed 7")
    assert (cluster.backend, cluster.simulation.schedule) == ("simulation", "pct")
    cluster.start(Counter, name="counter", node="n2")
    before = cluster.clock.now()
    shell.run("%cluster advance 5s")
    assert cluster.clock.now() == before + 5.0
    assert shell.told.strip() == f"t = {before + 5.0:.4g} s virtual"
    shell.run("%cluster kill n3")
    shell.run("%cluster pause n2")
    assert shell.told.strip() == "n1 running, n2 paused, n3 killed"
    shell.run("%cluster resume all")
    shell.run("%cluster restart n3")
    shell.run("%cluster add n4")
    shell.run("%cluster partition n1 n2,n3 --for 2s")
    table = shell.run("%cluster health")
    assert "pid" not in table.columns
    assert table.loc["n1", "cut"]
    shell.run("%cluster heal")
    (row,) = shell.run("%cluster servers").to_dict("records")
    assert (row["server"], row["node"]) == ("counter", "n2")
    shell.run("%cluster log n2")
    shell.run("%cluster list")
    assert "simulation, seed 7, schedule pct, t = " in shell.told
    shell.run("%cluster close")
    assert cluster.closed


def test_time_of_the_machine_cannot_be_let_go_on(shell: Shell) -> None:
    shell.run("%cluster start 1")
    with pytest.raises(InvalidArgument, match="its time is the machine's"):
        shell.names["cluster"].advance(1.0)
    assert "its time is the machine's" in shell.refused("%cluster advance 5s")


def test_the_last_one_started_is_the_current_one_whatever_its_clock_says(shell: Shell) -> None:
    shell.run("%cluster start 1 --as real")
    shell.run("%cluster start 1 --as virtual --backend simulation")
    assert shell.run("%cluster") is shell.names["virtual"]
