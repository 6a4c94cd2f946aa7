"""A whole story in JupyterLab: launch, load, break, see it, heal and export beside a busy cell."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import ARTEFACTS
from tests.browser.jupyterlab import PATIENCE_MS, Lab

LAB = """
import threading
from pathlib import Path
import resilkit as rk
from resilkit_widgets import Lab

class Counter(rk.Server):
    def init(self):
        self.value = 0
    def increment(self):
        self.value += 1
        return self.value

lab = Lab()
lab
"""
BUSY = """
def wait_for(condition):
    while not condition():
        threading.Event().wait(0.05)

wait_for(lambda: lab.cluster is not None)
lab.cluster.start(Counter, name="counter-0", node="n2")
wait_for(lambda: Path("go_on").exists())
lab.cluster.close()
"""

_PICTURE = """chart => {
  const canvas = chart.querySelector("canvas");
  const outer = canvas.getBoundingClientRect();
  const inner = chart.querySelector(".u-over").getBoundingClientRect();
  const box = [inner.left - outer.left, inner.top - outer.top, inner.width, inner.height]
    .map((each) => Math.floor(each * devicePixelRatio));
  const { data, width, height } = canvas.getContext("2d").getImageData(...box);
  const columns = [];
  let shaded = 0;
  for (let x = 0; x < width; x += 1) {
    let [low, high] = [null, null];
    for (let y = 0; y < height; y += 1) {
      const [red, green, blue, alpha] = data.subarray(4 * (y * width + x), 4 * (y * width + x) + 4);
      if (alpha > 8 && alpha < 120) shaded += 1;
      if (alpha > 200 && blue > 120 && red < 60 && green > 80 && green < 150) {
        high ??= 1 - y / height;
        low = 1 - y / height;
      }
    }
    columns.push([low, high]);
  }
  return { columns, shaded };
}"""
"""Of a chart: how high its blue line lies in each column, 0 to 1, and how much is shaded."""


def picture(chart: Locator) -> dict[str, Any]:
    """Return what the pixels of a chart show."""
    return dict(chart.evaluate(_PICTURE))


def throughput(chart: Locator) -> float:
    """Return the newest value of the first line of a chart, as its legend tells it."""
    text = chart.locator(".u-series").nth(1).locator(".u-value").inner_text()
    return float(text.removesuffix("/s")) if text not in ("–", "--") else float("nan")


def until(page: Page, condition: Any) -> None:
    """Look at the page until a condition holds."""
    for _ in range(PATIENCE_MS // 100):
        if condition():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it never came true")


def panel(page: Page, name: str) -> Locator:
    """Return a panel by its title."""
    return page.locator(f".rk-panel[aria-label='{name}']")


def loaded(page: Page) -> Locator:
    """Put a load on the counter from the workload panel; return the panel."""
    workload = panel(page, "Workload")
    workload.get_by_label("Arrivals").select_option("constant", timeout=PATIENCE_MS)
    workload.get_by_label("rate", exact=True).fill("100")
    workload.get_by_label("Server", exact=True).fill("counter-0")
    workload.get_by_label("Method", exact=True).fill("increment")
    workload.get_by_role("button", name="Add").click()
    added = workload.get_by_label("weight of counter-0.increment")
    expect(added).to_be_visible(timeout=PATIENCE_MS)  # before that, Start asks for a call
    start = workload.get_by_role("button", name="Start")
    expect(start).to_be_enabled(timeout=PATIENCE_MS)
    start.click()
    return workload


def test_a_cluster_is_launched_loaded_broken_healed_and_judged_while_a_cell_is_busy(
    page: Page, lab: Lab
) -> None:
    page.set_viewport_size({"width": 1500, "height": 1800})
    lab.open(page, [LAB, BUSY])
    lab.run_all()
    panel(page, "Cluster").get_by_label("System").select_option("none", timeout=PATIENCE_MS)
    panel(page, "Cluster").get_by_role("button", name="Launch").click()

    workload = loaded(page)

    metrics = panel(page, "Live metrics")
    chart = metrics.locator(".uplot").filter(has_text="Throughput")
    until(page, lambda: throughput(chart) > 80)
    assert metrics.get_attribute("data-bands") == "0"
    before = picture(chart)["shaded"]

    chaos = panel(page, "Chaos")
    chaos.get_by_label("Fault", exact=True).select_option("node_crash")
    chaos.get_by_text("When, how long and whom").click()
    chaos.get_by_label("targets", exact=True).fill("n2")
    inject = chaos.get_by_role("button", name="Inject")
    expect(inject).to_be_enabled(timeout=PATIENCE_MS)
    inject.click()
    expect(metrics).to_have_attribute("data-standing", "1", timeout=PATIENCE_MS)
    until(page, lambda: throughput(chart) < 5)
    chaos.get_by_role("button", name="Heal all").click()
    expect(metrics).to_have_attribute("data-standing", "0", timeout=PATIENCE_MS)
    until(page, lambda: throughput(chart) > 80)
    until(page, lambda: dip_and_recovery(picture(chart)["columns"]))
    assert picture(chart)["shaded"] > before + 500, "the band of the fault"
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / "story.png")

    workload.get_by_role("button", name="Stop").click()
    verdict = panel(page, "Verdict")
    expect(verdict.locator("tbody tr").first).to_have_attribute(
        "data-verdict", "fail", timeout=PATIENCE_MS
    )
    verdict.get_by_label("path for Export HTML").fill("story.html")
    verdict.get_by_role("button", name="Export HTML").click()
    verdict.get_by_role("button", name="Export Parquet").click()
    expect(verdict.get_by_text("Written:")).to_contain_text("run", timeout=PATIENCE_MS)
    assert page.locator(".jp-InputPrompt").all_inner_texts()[1] == "[*]:", "all the while"
    assert "node crash" in (lab.place.work / "story.html").read_text(encoding="utf-8")
    assert (lab.place.work / "run" / "manifest.json").exists()

    lab.let_go()
    expect(page.locator(".rk-panel")).to_have_count(0, timeout=PATIENCE_MS)
    saved = lab.saved().cells[0].outputs[0].data["text/html"]
    for part in ("Cluster of 3 nodes", "Throughput", ">Verdict<", "node crash"):
        assert part in saved


def dip_and_recovery(columns: list[tuple[float | None, float | None]]) -> bool:
    """Return whether the line was high, then at the bottom, then high again."""
    stages = [lambda low, _: low > 0.5, lambda _, high: high < 0.1, lambda low, _: low > 0.5]
    for low, high in columns:
        if low is not None and high is not None and stages and stages[0](low, high):
            stages.pop(0)
    return not stages


FAR = """
import threading
from pathlib import Path
import resilkit as rk
from resilkit_widgets import LiveMetrics
from resilkit_widgets import panel as panels

cluster = rk.Cluster(nodes=1)
panel = LiveMetrics(cluster, metrics=["queue_length"])
panel
"""
FIVE_MINUTES = """
def sample(number):
    cluster.metrics.append("queue_length", cluster.started + number / 10, "n1", "s", number % 7)

def wait_for(name, meanwhile=lambda: None):
    while not Path(name).exists():
        meanwhile()
        threading.Event().wait(0.05)

numbers = iter(range(10**9))
wait_for("go_on", lambda: sample(next(numbers)))
real, now, before = panels.monotonic, panels.monotonic(), panel.sent
panels.monotonic = lambda: now
for _ in range(3000):  # ten a second
    now += 0.1
    sample(next(numbers))
    panel.tick()
panels.monotonic = real
Path("count").write_text(str(panel.sent - before))
Path("over").touch()
# A page that is loaded anew asks the kernel what panels it has: a busy cell keeps it waiting.
go_on = threading.Thread(target=wait_for, args=("enough", lambda: sample(next(numbers))))
go_on.start()
"""


def test_nothing_piles_up_while_the_tab_is_closed_and_the_charts_go_on_when_it_is_back(
    page: Page, lab: Lab
) -> None:
    lab.open(page, [FAR, FIVE_MINUTES])
    lab.run_all()
    drawn = "() => Number(document.querySelector('.rk-panel')?.dataset.frames) > 5"
    page.wait_for_function(drawn, timeout=PATIENCE_MS)
    lab.saved()
    page.goto("about:blank")
    lab.let_go()
    until(page, (lab.place.work / "over").exists)
    lab.reload()
    page.wait_for_function(drawn, timeout=PATIENCE_MS)
    (lab.place.work / "enough").touch()
    messages = int((lab.place.work / "count").read_text(encoding="utf-8"))
    assert 100 <= messages <= 160, "one each two seconds, and two that were under way"


ALL = """
import resilkit as rk
from resilkit_widgets import Lab
from resilkit_widgets.lab import PANELS

class Counter(rk.Server):
    def init(self):
        self.value = 0
    def increment(self):
        self.value += 1
        return self.value

cluster = rk.Cluster(nodes=3, seed=7)
counters = [rk.ChildSpec(Counter, name=f"counter-{number}") for number in range(3)]
cluster.start(rk.SupervisorSpec("counters", counters), node="n2")
lab = Lab(cluster, panels=PANELS)
lab
"""
MUCH = """
mix = [rk.Operation.call("counter-0", "increment")]
load = rk.Workload(mix, arrivals=rk.arrivals.constant(100)).start(cluster)
cluster.inject(rk.faults.Latency(0.01, 0.02, targets="n1<->n2"))
None
"""
_TOO_WIDE = """() => [...document.querySelectorAll(".rk-panel")]
  .filter((panel) => panel.scrollWidth > panel.clientWidth + 1
    || panel.getBoundingClientRect().right > innerWidth)
  .map((panel) => panel.getAttribute("aria-label"))"""


def test_all_panels_fit_narrow_and_wide_in_both_themes(page: Page, lab: Lab) -> None:
    lab.open(page, [ALL, MUCH, "cluster.close()"])
    for _ in range(2):
        lab.command("notebook:run-cell-and-select-next")
    charts = panel(page, "Live metrics")
    until(page, lambda: charts.count() and charts.get_attribute("data-standing") == "1")
    expect(page.locator(".rk-panel")).to_have_count(9)
    lab.command("application:toggle-left-area")
    ARTEFACTS.mkdir(exist_ok=True)
    for theme in ("dark", "light"):
        name = f"JupyterLab {theme.capitalize()}"
        page.evaluate(
            "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", name
        )
        expect(page.locator(f".rk-panel[data-theme='{theme}']")).to_have_count(
            9, timeout=PATIENCE_MS
        )
        for width in (700, 1600):
            page.set_viewport_size({"width": width, "height": 2600})
            columns = "getComputedStyle(document.querySelector('.rk-lab-columns')).flexDirection"
            page.wait_for_function(f"() => {columns} === '{'column' if width < 1000 else 'row'}'")
            until(page, lambda: page.evaluate(_TOO_WIDE) == [])
            page.screenshot(path=ARTEFACTS / f"lab-{theme}-{width}.png")
