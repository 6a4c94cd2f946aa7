"""Headings: what a panel is called does not change when its picture stays."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import resilkit as rk
import resilkit_widgets
from resilkit_widgets import ticker

FRONT = Path(resilkit_widgets.__file__).parents[1] / "front"
PANELS = {
    "cluster": "ClusterPanel",
    "chaos": "ChaosPanel",
    "workload": "WorkloadPanel",
    "supervision": "SupervisionPanel",
    "trace": "TracePanel",
    "verdict": "VerdictPanel",
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[rk.Cluster]:
    with rk.Cluster(nodes=1) as cluster:
        yield cluster


@pytest.mark.parametrize("name", PANELS)
def test_a_picture_that_stays_has_the_heading_of_its_panel(
    name: str, cluster: rk.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticker, "begin", lambda _: None)
    source = (FRONT / f"{name}.js").read_text(encoding="utf-8")
    (live,) = re.findall(r'panel\(\{ model, el \}, "([^"]+)"', source)
    panel = getattr(resilkit_widgets, PANELS[name])(cluster)
    html = panel.last_picture()["text/html"]
    (still,) = re.findall('class="rk-kind">([^<]*)<', html)
    assert still == live
