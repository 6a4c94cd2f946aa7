"""A scenario from the chaos panel in JupyterLab, with a real kernel and a real browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import ARTEFACTS
from tests.browser.jupyterlab import PATIENCE_MS, Lab

START = """
import resilkit as rk
from resilkit_widgets import ChaosPanel
cluster = rk.Cluster(nodes=3, seed=7)
panel = ChaosPanel(cluster)
panel
"""
BUSY = """
import threading
from pathlib import Path
while not Path("go_on").exists():
    threading.Event().wait(0.05)
cluster.close()
"""
PAUSES = "name: <b>pauses</b>\nduration: 60 s\nfaults:\n  - node_pause: {at: 0.2 s, targets: %s}\n"


def test_a_scenario_is_written_started_and_stopped_while_a_cell_is_busy(
    page: Page, lab: Lab
) -> None:
    lab.open(page, [START, BUSY])
    lab.run_all()
    panel = page.locator(".rk-panel")
    panel.get_by_role("tab", name="Scenario").click(timeout=PATIENCE_MS)
    expect(panel.get_by_text("Plan: 4 strikes in 30 s, seed 7")).to_be_visible(timeout=PATIENCE_MS)
    panel.get_by_role("button", name="Edit as YAML").click()
    text = panel.get_by_label("Scenario as YAML")
    text.fill(PAUSES % "n9")
    wrong = panel.get_by_text("✗ line 4: faults[0].node_pause.targets: is not known")
    expect(wrong).to_be_visible(timeout=PATIENCE_MS)
    text.fill(PAUSES % "n2")
    start = panel.get_by_role("button", name="Start")
    expect(start).to_be_enabled(timeout=PATIENCE_MS)
    start.click()
    active = panel.locator(".rk-run .rk-strike[data-state='active']")
    expect(active).to_have_count(1, timeout=PATIENCE_MS)
    expect(panel.locator(".rk-injections tbody tr")).to_contain_text("of <b>pauses</b>")
    moved = "Number(document.querySelector('.rk-run .rk-timeline').dataset.at) > 4"
    page.wait_for_function(moved, timeout=PATIENCE_MS)
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / "scenario.png", full_page=True)
    panel.get_by_role("button", name="Stop").click()
    healed = panel.locator(".rk-run .rk-strike[data-state='healed']")
    expect(healed).to_have_count(1, timeout=PATIENCE_MS)
    expect(panel.get_by_text("No fault is in.")).to_be_visible(timeout=PATIENCE_MS)
    assert page.locator(".jp-InputPrompt").all_inner_texts()[1] == "[*]:", "all the while"
    lab.let_go()
    expect(panel).to_have_count(0, timeout=PATIENCE_MS)
    output, _ = lab.saved().cells[0].outputs
    assert "Scenario &lt;b&gt;pauses&lt;/b&gt;: stopped" in output.data["text/html"]
    assert "✓</span> healed</span></td>" in output.data["text/html"]
