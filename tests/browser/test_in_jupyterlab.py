"""Live panels in JupyterLab: what a user does, and sees, with a real kernel and a real browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import ARTEFACTS
from tests.browser.jupyterlab import PATIENCE_MS, Lab

START = """
import resilkit as rk
from resilkit_widgets import LiveMetrics
cluster = rk.Cluster(nodes=3, seed=7)
panel = LiveMetrics(cluster, metrics=["memory_rss", "cpu"])
panel
"""
BREAK = """
import threading
from pathlib import Path
with cluster.inject(rk.faults.NodePause(targets="n3")):
    while not Path("go_on").exists():  # the cell is busy meanwhile
        threading.Event().wait(0.05)
"""
CLOSE = "cluster.close()"


def frames(page: Page) -> int:
    """Return how many frames the panel has drawn."""
    return int(page.locator(".rk-panel").get_attribute("data-frames") or 0)


def wait(page: Page, condition: str, *args: object) -> None:
    """Return when a condition in JavaScript on the panel's element ``root`` is true."""
    root = "const root = document.querySelector('.rk-panel');"
    page.wait_for_function(
        f"(arg) => {{ {root} return {condition}; }}", arg=list(args), timeout=PATIENCE_MS
    )


def test_a_panel_goes_on_while_a_cell_is_busy_and_leaves_its_last_picture(
    page: Page, lab: Lab
) -> None:
    lab.open(page, [START, BREAK, CLOSE])
    lab.run_all()
    wait(page, "Number(root?.dataset.frames) > 3")
    # The status of the kernel tells of the panel's own messages, too.
    assert page.locator(".jp-InputPrompt").all_inner_texts()[1] == "[*]:"
    before = frames(page)
    wait(page, "Number(root.dataset.frames) > arg[0] + 5", before)
    lab.let_go()
    page.locator("figure img").first.wait_for(timeout=PATIENCE_MS)
    assert page.locator(".rk-panel").count() == 0, "the picture has taken its place"
    saved = lab.saved()
    output, still = saved.cells[0].outputs
    assert still.data["text/html"] == "<span></span>"
    assert "application/vnd.jupyter.widget-view+json" not in output.data
    assert "Memory (RSS)" in output.data["text/html"]


def test_a_panel_whose_cell_is_run_again_goes_on_there(page: Page, lab: Lab) -> None:
    lab.open(page, [START.removesuffix("panel\n"), "panel"])
    lab.run_all()
    prompt = page.locator(".jp-InputPrompt").last
    expect(prompt).to_have_text("[2]:", timeout=PATIENCE_MS)
    wait(page, "Number(root?.dataset.frames) > 3")
    page.evaluate("() => { jupyterapp.shell.currentWidget.content.activeCellIndex = 1; }")
    lab.command("notebook:run-cell")
    expect(prompt).to_have_text("[3]:", timeout=PATIENCE_MS)
    wait(page, "Number(root?.dataset.frames) > 3")
    expect(page.locator(".rk-panel")).to_have_count(1)
    expect(page.locator(".rk-still")).to_have_count(1)


LAUNCH = """
from resilkit_widgets import ClusterPanel
panel = ClusterPanel()
panel
"""
BUSY = """
import threading
from pathlib import Path
while not Path("go_on").exists():
    threading.Event().wait(0.05)
panel.cluster.close()
"""


def test_a_cluster_is_launched_and_its_nodes_are_killed_and_restarted_while_a_cell_is_busy(
    page: Page, lab: Lab
) -> None:
    lab.open(page, [LAUNCH, BUSY])
    lab.run_all()
    nodes = page.get_by_label("Nodes", exact=True)
    nodes.fill("2", timeout=PATIENCE_MS)
    nodes.press("Enter")
    panel = page.locator(".rk-panel")
    expect(page.locator("tr[data-status='running']")).to_have_count(2, timeout=PATIENCE_MS)
    page.get_by_label("choose n2").check()
    panel.get_by_role("button", name="Kill").click()
    expect(page.locator("tr[data-node='n2']")).to_have_attribute(
        "data-status", "killed", timeout=PATIENCE_MS
    )
    panel.get_by_role("button", name="Restart").click()
    expect(page.locator("tr[data-node='n2'] td").last).to_have_text("2", timeout=PATIENCE_MS)
    expect(page.locator("tr[data-status='running']")).to_have_count(2, timeout=PATIENCE_MS)
    assert page.locator(".jp-InputPrompt").all_inner_texts()[1] == "[*]:", "all the while"
    lab.let_go()
    # The last table stays, without the panel.
    expect(panel).to_have_count(0, timeout=PATIENCE_MS)
    assert "n2" in page.locator("table").inner_text()


def test_a_panel_survives_a_reload_and_says_when_its_kernel_has_ended(page: Page, lab: Lab) -> None:
    lab.open(page, [START])
    lab.run_all()
    wait(page, "Number(root?.dataset.frames) > 3")
    still = page.locator(".rk-still")
    expect(still).to_have_count(1, timeout=PATIENCE_MS)
    lab.saved()
    lab.reload()
    wait(page, "Number(root?.dataset.frames) > 3")
    assert not page.locator(".rk-lost").is_visible()
    assert still.count() == 1
    assert not still.is_visible(), "it is for when the panel is gone"
    before = frames(page)
    page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
    )
    expect(page.locator(".rk-lost")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator(".rk-lost")).to_contain_text("run its cell again")
    assert frames(page) >= before, "the charts stand as they were"
    assert page.locator("canvas").count() == 2
    # A page that has never seen the panel: what was saved while it was live.
    lab.reload()
    expect(still).to_be_visible(timeout=PATIENCE_MS)
    assert page.locator(".rk-panel").count() == 0
    assert "Memory (RSS)" in (still.locator("img").get_attribute("alt") or "")
    expect(still).to_contain_text("Last picture of a live panel; run the cell again")
    unfound = page.get_by_text("model not found")
    expect(unfound).to_be_attached(timeout=PATIENCE_MS)
    assert not unfound.is_visible(), "what JupyterLab says of a widget helps nobody here"


LAB = """
from resilkit_widgets import Lab
lab = Lab()
lab
"""
BUSY_LAB = BUSY.replace("panel.cluster", "lab.cluster")


def test_a_fault_goes_from_its_form_to_the_charts_and_is_healed_while_a_cell_is_busy(
    page: Page, lab: Lab
) -> None:
    lab.open(page, [LAB, BUSY_LAB])
    lab.run_all()
    cluster = page.locator(".rk-panel[aria-label='Cluster']")
    cluster.get_by_role("button", name="Launch").click(timeout=PATIENCE_MS)
    chaos = page.locator(".rk-panel[aria-label='Chaos']")
    chaos.get_by_label("Fault", exact=True).select_option("node_pause", timeout=PATIENCE_MS)
    chaos.get_by_text("When, how long and whom").click()
    chaos.get_by_label("targets", exact=True).fill("n2")
    inject = chaos.get_by_role("button", name="Inject")
    expect(inject).to_be_enabled(timeout=PATIENCE_MS)
    inject.click()
    charts = page.locator(".rk-panel[aria-label='Live metrics']")
    expect(charts).to_have_attribute("data-standing", "1", timeout=PATIENCE_MS)
    paused = cluster.locator("tr[data-node='n2']")
    expect(paused).to_have_attribute("data-status", "paused", timeout=PATIENCE_MS)
    row = chaos.locator("tbody tr")
    expect(row).to_contain_text("node pause (targets n2)")
    row.get_by_role("button", name="Heal").click()
    expect(charts).to_have_attribute("data-standing", "0", timeout=PATIENCE_MS)
    assert charts.get_attribute("data-bands") == "1"
    expect(paused).to_have_attribute("data-status", "running", timeout=PATIENCE_MS)
    page.screenshot(path=ARTEFACTS / "lab.png", full_page=True)
    assert page.locator(".jp-InputPrompt").all_inner_texts()[1] == "[*]:", "all the while"
    lab.let_go()
    expect(page.locator(".rk-panel")).to_have_count(0, timeout=PATIENCE_MS)
    output, _ = lab.saved().cells[0].outputs
    assert "rk-stillcharts" in output.data["text/html"]


TALK = """
import resilkit as rk
from resilkit_widgets import TracePanel
class Till(rk.Server):
    def init(self):
        self.sum = 0
    def pay(self, amount):
        if amount > 99:
            raise rk.Refused("<b>too much</b>")
        self.sum += amount
        return self.sum
cluster = rk.Cluster(nodes=2, seed=7)
till = cluster.start(Till, name="till", node="n2")
panel = TracePanel(cluster)
panel
"""
PAY = """
import threading
from pathlib import Path
amount = 0
while not Path("go_on").exists():  # the cell is busy meanwhile
    amount = (amount + 1) % 120
    try:
        till.call.pay(amount)
    except rk.Refused:
        pass
    threading.Event().wait(0.02)
"""


def test_messages_come_while_a_cell_is_busy_and_their_diagram_stays(page: Page, lab: Lab) -> None:
    lab.open(page, [TALK, PAY, CLOSE])
    lab.run_all()
    panel = page.locator(".rk-panel")
    panel.get_by_label("Server").select_option("till", timeout=PATIENCE_MS)
    panel.get_by_role("button", name="Start").click()
    wait(page, "root?.querySelectorAll('[data-kind=call]').length > 5")
    wait(page, "root.querySelectorAll('[data-kind=error]').length > 0")
    assert page.locator(".jp-InputPrompt").all_inner_texts()[1] == "[*]:", "all the while"
    panel.get_by_role("button", name="Pause").click()
    wait(page, "root.querySelector('[data-action=pause]').textContent === 'Go on'")
    page.locator("[data-kind=reply]").last.hover()
    assert "ms, to pay(" in page.locator(".rk-detail").inner_text()
    page.screenshot(path=ARTEFACTS / "trace-panel.png")
    lab.let_go()
    expect(panel).to_have_count(0, timeout=PATIENCE_MS)
    [output, _] = lab.saved().cells[0].outputs
    assert "the cluster was closed" in output.data["text/html"]
    assert "data:image/svg+xml;base64," in output.data["text/html"], "the diagram"
    assert "<b>too" not in output.data["text/html"]


QUEUE = """
import asyncio
import resilkit as rk
from resilkit_widgets import LiveMetrics
class Desk(rk.Server):
    def init(self):
        pass
    async def hold(self):
        await asyncio.Event().wait()
    def work(self):
        pass
cluster = rk.Cluster(nodes=2, seed=7)
for name in ("desk-1", "desk-2"):
    cluster.start(Desk, name=name, node="n1")
panel = LiveMetrics(cluster, metrics=["queue_length"])
panel
"""
PILE_UP = """
import threading
from pathlib import Path
busy = cluster.whereis("desk-1")
busy.cast.hold()
while not Path("go_on").exists():  # the cell is busy meanwhile
    busy.cast.work()
    threading.Event().wait(0.02)
"""


def test_a_threshold_is_set_while_a_cell_is_busy_and_its_alert_is_drawn_and_listed(
    page: Page, lab: Lab
) -> None:
    lab.open(page, [QUEUE, PILE_UP, CLOSE])
    lab.run_all()
    panel = page.locator(".rk-panel")
    panel.locator(".rk-alerting summary").click(timeout=PATIENCE_MS)
    field = panel.get_by_label("alert when")
    field.fill("queue > 20", timeout=PATIENCE_MS)
    field.press("Enter")
    problem = panel.locator(".rk-alert-form .rk-problem")
    expect(problem).to_contain_text("did you mean 'queue_length'", timeout=PATIENCE_MS)
    field.fill("queue_length[desk-*] > 20")
    field.press("Enter")
    expect(problem).to_be_empty(timeout=PATIENCE_MS)
    expect(panel).to_have_attribute("data-thresholds", "1")
    expect(panel).to_have_attribute("data-alerts", "1", timeout=PATIENCE_MS)
    row = panel.locator(".rk-alerts tr[data-kind='standing']")
    expect(row).to_contain_text("queue_length[desk-*] > 20")
    expect(row).to_contain_text("desk-1")
    panel.locator(".rk-chooser[data-kind=servers] summary").click()
    panel.get_by_label("desk-2").uncheck()
    expect(panel.locator(".u-legend")).not_to_contain_text("desk-2", timeout=PATIENCE_MS)
    assert page.locator(".jp-InputPrompt").all_inner_texts()[1] == "[*]:", "all the while"
    page.screenshot(path=ARTEFACTS / "alerts.png")
    lab.let_go()
    expect(panel).to_have_count(0, timeout=PATIENCE_MS)
    [output, _] = lab.saved().cells[0].outputs
    assert "queue_length[desk-*] &gt; 20" in output.data["text/html"]


RING = """
import threading
import resilkit as rk
from pathlib import Path
from resilkit_widgets import TopologyPanel
cluster = rk.Cluster(nodes=4, topology="ring", seed=7)
panel = TopologyPanel(cluster)
panel
"""
HOLD = """
while not Path("go_on").exists():
    threading.Event().wait(0.05)
"""


def test_a_link_is_cut_slowed_and_healed_where_it_is_drawn(page: Page, lab: Lab) -> None:
    lab.open(page, [RING, HOLD, CLOSE])
    lab.run_all()
    panel = page.locator(".rk-panel")
    link = panel.locator("[data-link='n1<->n2']")
    link.locator(".rk-area").click(timeout=PATIENCE_MS)
    panel.get_by_role("button", name="✂ Cut").click()
    expect(link).to_have_attribute("data-cut", "both", timeout=PATIENCE_MS)
    panel.locator("[data-node='n3'] .rk-disc").click()
    panel.get_by_role("button", name="Isolate").click()
    expect(panel.locator(".rk-summary")).to_contain_text("3 sides apart", timeout=PATIENCE_MS)
    assert page.locator(".jp-InputPrompt").all_inner_texts()[1] == "[*]:", "all the while"
    panel.get_by_role("button", name="Heal all").click()
    expect(link).to_have_attribute("data-cut", "", timeout=PATIENCE_MS)
    panel.get_by_label("Node", exact=True).select_option("n1")
    panel.get_by_label("Its link to").select_option(label="n4")
    panel.get_by_label("Hold back for (ms)").fill("30")
    panel.get_by_role("button", name="Slow").click()
    slow = panel.locator("[data-link='n1<->n4']")
    expect(slow).to_have_attribute("data-late", "30 ms", timeout=PATIENCE_MS)
    page.screenshot(path=ARTEFACTS / "topology-panel.png")
    lab.let_go()
    expect(panel).to_have_count(0, timeout=PATIENCE_MS)
    [output, _] = lab.saved().cells[0].outputs
    assert "n1 ↔ n4: +30 ms" in output.data["text/html"]


LOAD = """
import resilkit as rk
from resilkit_widgets import WorkloadPanel
class Till(rk.Server):
    def init(self):
        self.sum = 0
    def pay(self, amount):
        self.sum += amount
        return self.sum
cluster = rk.Cluster(nodes=2, seed=7)
cluster.start(Till, name="till", node="n2")
async def pay_one(user):
    await user.whereis("till").call.pay(1)
workload = rk.Workload([rk.Operation("one", pay_one)], rk.arrivals.constant(50))
panel = WorkloadPanel(cluster, workload)
panel
"""
IDLE = """
import threading
from pathlib import Path
while not Path("go_on").exists():  # the cell is busy meanwhile
    threading.Event().wait(0.02)
load, = cluster._session.loads
print(load.rate, load.running, sorted(load.history.frame()["operation"].unique()))
"""


def test_a_load_is_started_and_its_rate_moved_while_a_cell_is_busy(page: Page, lab: Lab) -> None:
    lab.open(page, [LOAD, IDLE, CLOSE])
    lab.run_all()
    panel = page.locator(".rk-panel")
    panel.get_by_label("Server", exact=True).fill("till", timeout=PATIENCE_MS)
    panel.get_by_label("Method", exact=True).fill("pay")
    panel.get_by_label("Arguments", exact=True).fill("amount=2")
    panel.get_by_role("button", name="Add").click()
    panel.get_by_label("weight of till.pay").fill("3", timeout=PATIENCE_MS)
    expect(panel.get_by_role("button", name="Start", exact=True)).to_be_enabled(timeout=PATIENCE_MS)
    panel.get_by_label("weight of till.pay").press("Enter")
    figure = "Number(root.querySelector(`[data-figure='${arg[0]}'] .rk-value`)?.textContent)"
    wait(page, f"{figure} > 30", "ok/s")
    panel.get_by_role("slider").fill("200")
    wait(page, f"{figure} === 200", "intended/s")
    wait(page, f"{figure} > 150", "ok/s")
    panel.get_by_role("spinbutton").fill("150")
    panel.get_by_role("spinbutton").press("Enter")
    wait(page, f"{figure} === 150", "intended/s")
    panel.get_by_role("slider").press("ArrowRight")
    wait(page, f"{figure} === 151", "intended/s")
    assert page.locator(".jp-InputPrompt").all_inner_texts()[1] == "[*]:", "all the while"
    panel.locator("article").scroll_into_view_if_needed()
    page.screenshot(path=ARTEFACTS / "workload-panel.png")
    lab.let_go()
    expect(panel).to_have_count(0, timeout=PATIENCE_MS)
    saved = lab.saved()
    assert saved.cells[1].outputs[0].text == "151.0 True ['one', 'till.pay']\n"
    [output, _] = saved.cells[0].outputs
    assert "over after" in output.data["text/html"]
    assert ">till.pay</" in output.data["text/html"]
