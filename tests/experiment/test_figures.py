"""The figures of a result, and its report on paper."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import escape
from pathlib import Path

import pandas as pd
import pytest

from resilkit.errors import InvalidArgument
from resilkit.experiment import figures
from resilkit.experiment.frames import Events, Metrics
from tests.experiment import synthetic
from tests.metrics.plots.run import texts


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


def test_a_node_that_somebody_killed_by_hand_is_shaded_too():
    rows = synthetic.events()
    down = {"kind": "node", "node": "n3", "target": "n3", "detail": "{}"}
    killed = [{"time": 16.0, "event": "killed"} | down, {"time": 17.0, "event": "running"} | down]
    by_hand = Events(pd.concat([rows, pd.DataFrame(killed)], ignore_index=True))
    shown = texts(figures.overview(synthetic.result(events=by_hand)))
    assert "n3 down" in shown
    assert "n3 down" not in texts(figures.overview(synthetic.result()))


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
    assert browser is not None, "these tests need Chromium or Chrome"
    return subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", f"--user-data-dir={page.parent / 'profile'}", *options, page.as_uri(),
        ],
        check=True, capture_output=True, text=True, timeout=60,
    ).stdout  # fmt: skip


CELLS = "[...document.querySelectorAll('table.verdicts td')]"
REMARK = f"{CELLS}.find(one => one.textContent.startsWith('needs 3,688'))"
MEASURES = {
    "window": "innerWidth",
    "page": "document.documentElement.scrollWidth",
    "remark": f"{REMARK}.offsetWidth",
    "table": "document.querySelector('table.verdicts').offsetWidth",
}


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """The pixels that parts of the report are wide, by the width of the window.

    One browser measures them all, each window a frame of its own: to start one takes a second.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "report_figures", lambda _: [])
        page = synthetic.result().report(tmp_path_factory.mktemp("page") / "report.html")
    # Its policy forbids scripts, and rightly so.
    report = escape(page.read_text("utf-8").replace("Content-Security-Policy", "x"))
    frames = [
        f'<iframe width="{width}" height="800" style="border:0" srcdoc="{report}"></iframe>'
        for width in (500, 700, 900, 1000, 1300)
    ]
    script = f"""
        const told = () => ({{{", ".join(f"{key}: {what}" for key, what in MEASURES.items())}}});
        onload = () => document.title = JSON.stringify(
            [...document.querySelectorAll("iframe")].map(
                frame => frame.contentWindow.eval(`(${{told}})()`)));
    """
    page.write_text(
        f"<!DOCTYPE html><title></title><body>{''.join(frames)}<script>{script}</script>", "utf-8"
    )
    shown = _browse(page, "--hide-scrollbars", "--dump-dom")
    told = re.findall("<title>(.*?)</title>", shown)[0]
    return {each["window"]: each for each in json.loads(told)}


@pytest.mark.browser
@pytest.mark.parametrize("width", [500, 700, 900, 1000, 1300])
def test_no_table_is_wider_than_the_window(measured, width):
    assert measured[width]["page"] == width


@pytest.mark.browser
@pytest.mark.parametrize("width", [500, 700, 900, 1300])
def test_a_remark_on_a_criterion_has_the_width_of_the_table(measured, width):
    assert measured[width]["remark"] / measured[width]["table"] > 0.75


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


def test_the_timeline_of_a_run_has_its_faults_and_servers_on_the_clock_of_the_load():
    result = synthetic.hostile_result()
    picture = result.plot_timeline(theme="dark", width=700)
    shown = texts(picture)
    assert {"Nodes", "Servers", "seconds since the load began", "latency n1"} <= set(shown)
    assert picture.axes[0].get_xlim()[0] == 0.0
    assert max(axes.get_xlim()[1] for axes in picture.axes) == result.ran
    with pytest.raises(InvalidArgument, match=r"^theme"):
        result.plot_timeline(theme="pink")
