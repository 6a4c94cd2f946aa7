"""The figures of a result, and its report on paper."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from resilkit.errors import InvalidArgument
from resilkit.experiment import figures
from resilkit.experiment.frames import Events, Metrics
from tests.experiment import synthetic


def test_samples_of_the_audit_have_no_part_in_the_figure():
    base = synthetic.metrics()
    frames = {}
    for name, frame in base.items():
        late = frame.tail(9).assign(time=20.1, value=frame["value"].max() * 500)
        frames[name] = pd.concat([frame, late])
        frames[name].attrs.update(frame.attrs)
    with_audit = synthetic.result(metrics=Metrics(frames))
    assert with_audit.metrics["queue_length"]["time"].max() == 20.1
    pictures = [
        figures.overview(result, heatmap=False).to_png()
        for result in (with_audit, synthetic.result())
    ]
    assert pictures[0] == pictures[1]


def test_a_node_that_stayed_down_is_shaded_to_the_end():
    rows = synthetic.events()
    never = Events(rows[~((rows["event"] == "healed") & (rows["target"] == ""))])
    after = Events(rows.assign(time=rows["time"].where(rows["event"] != "healed", 20.5)))
    crash = Events(after[after["target"] == ""]), Events(never[never["target"] == ""])
    shown = [
        figures.overview(synthetic.result(events=events), heatmap=False).to_png()
        for events in crash
    ]
    assert shown[0] == shown[1]


def test_a_plot_takes_a_theme_and_a_width():
    result = synthetic.result()
    picture = result.plot(theme="dark", width=500)
    assert picture.get_figwidth() * picture.dpi == pytest.approx(500)
    assert picture.get_facecolor()[:3] != result.plot(width=500).get_facecolor()[:3]
    with pytest.raises(InvalidArgument, match="theme"):
        result.plot(theme="sepia")


def _browse(page: Path, *options: str) -> str:
    """Have a browser open `page`, and return what it prints."""
    browser = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
    if browser is None:
        pytest.skip("needs Chromium")
    return subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", f"--user-data-dir={page.parent / 'profile'}", *options, page.as_uri(),
        ],
        check=True, capture_output=True, text=True, timeout=60,
    ).stdout  # fmt: skip


@pytest.mark.browser
@pytest.mark.parametrize("width", [500, 700, 900, 1000, 1300])
def test_no_table_is_wider_than_the_window(tmp_path, monkeypatch, width):
    monkeypatch.setattr(figures, "report_figures", lambda _: [])
    page = synthetic.result().report(tmp_path / "report.html")
    assert _measure(page, "document.documentElement.scrollWidth - innerWidth", width) == 0


@pytest.mark.browser
@pytest.mark.parametrize("width", [500, 700, 900, 1300])
def test_a_remark_on_a_criterion_has_the_width_of_the_table(tmp_path, monkeypatch, width):
    monkeypatch.setattr(figures, "report_figures", lambda _: [])
    page = synthetic.result().report(tmp_path / "report.html")
    cells = "[...document.querySelectorAll('table.verdicts td')]"
    remark = f"{cells}.find(one => one.textContent.startsWith('needs 3,688'))"
    share = f"{remark}.offsetWidth / document.querySelector('table.verdicts').offsetWidth"
    assert _measure(page, share, width) > 0.75


def _measure(page: Path, what: str, width: int) -> float:
    """Return what a piece of JavaScript says of `page` in a window so many pixels wide."""
    text = page.read_text("utf-8")
    text = text.replace("</body>", f"<script>document.title = {what}</script></body>")
    # Its policy forbids scripts, and rightly so.
    page.write_text(text.replace("Content-Security-Policy", "x"), "utf-8")
    shown = _browse(page, f"--window-size={width},800", "--hide-scrollbars", "--dump-dom")
    (told,) = re.findall("<title>(.*?)</title>", shown)
    return float(told)


@pytest.mark.browser
def test_what_is_folded_on_a_screen_is_open_on_paper(tmp_path, monkeypatch):
    reader = shutil.which("pdftotext")
    if reader is None:
        pytest.skip("needs pdftotext")
    monkeypatch.setattr(figures, "report_figures", lambda _: [])
    page = synthetic.result().report(tmp_path / "report.html")
    _browse(page, "--no-pdf-header-footer", f"--print-to-pdf={tmp_path / 'report.pdf'}")
    told = subprocess.run(
        [reader, "-layout", str(tmp_path / "report.pdf"), "-"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert "no reply in 1 s" in told  # an error
    assert "-0.40" in told  # how the cluster came up
    assert '"topology": "mesh"' in told  # the experiment
