"""The magics in a real kernel: displays, completion over the protocol, and interrupts."""

from __future__ import annotations

from typing import Any

from tests.notebooks.notebook import Notebook

GATED = """
@rk.register_fault("gated")
class Gated(rk.NodeFault):
    gate: str
    def actions(self, targets):
        Path(self.gate).write_text(".")
        return []
"""


def completed(notebook: Notebook, code: str) -> list[str]:
    """Return what the kernel answers to a front end that asks for completion."""

    async def ask() -> dict[str, Any]:
        client = notebook._client.kc
        sent = client.complete(code, len(code))
        while (reply := await client.get_shell_msg(timeout=30))["parent_header"]["msg_id"] != sent:
            pass
        return reply["content"]

    return notebook._runner.run(ask())["matches"]


def test_a_notebook_shows_a_cluster_and_completes_its_names(notebook: Notebook) -> None:
    notebook.run("%load_ext resilkit")
    shown = notebook.run("%cluster start 2 --seed 7")
    assert "Cluster of 2 nodes" in shown.shown("text/html")
    notebook.run("counter = cluster.start(Counter, name='counter')")
    assert completed(notebook, "%cluster kill ") == ["n1", "n2"]
    assert any(each.endswith("increment") for each in completed(notebook, "counter.call.inc"))
    assert completed(notebook, "%%chaos\n- node_p") == ["node_pause"]
    told = notebook.execute("%cluster kill n9")
    assert told.error == ""  # no traceback, but a line
    assert "UsageError: %cluster kill: the node: is not known, got 'n9'" in told.text
    notebook.run("%cluster close")


def test_an_interrupted_cell_of_chaos_heals_and_leaves_the_cluster_usable(
    notebook: Notebook,
) -> None:
    notebook.run("%load_ext resilkit")
    notebook.run(GATED)
    notebook.run("%cluster start 2")
    gate = notebook.gate()
    cell, _ = notebook.interrupted(
        f"%%chaos --wait --for 100s\n- node_pause: {{targets: n2}}\n- gated: {{gate: {gate.path}}}",
        gate,
    )
    assert "UsageError: interrupted" in cell.text, cell.traceback
    assert notebook.value("[node.status for node in cluster.nodes.values()]") == ["running"] * 2
    assert notebook.value("list(cluster._session.faults.injections)") == [], cell.text
    notebook.run("%cluster close")
