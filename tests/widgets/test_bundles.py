"""The bundles of the front end: what is checked in is what the sources give."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from resilkit_widgets.panel import STATIC

WIDGETS = Path(__file__).parents[2] / "widgets"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the front end anew, from a copy, with what the lock file names."""
    assert shutil.which("npm") is not None, "this test needs Node and npm"
    place = tmp_path_factory.mktemp("widgets")
    for name in ("package.json", "package-lock.json", "build.mjs"):
        shutil.copy(WIDGETS / name, place)
    shutil.copytree(WIDGETS / "front", place / "front")
    for command in (["npm", "ci", "--no-audit", "--no-fund"], ["node", "build.mjs", "built"]):
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return place / "built"


@pytest.mark.browser
def test_the_bundles_are_those_of_the_sources(built: Path) -> None:
    new = {path.name: path.read_bytes() for path in built.iterdir()}
    old = {path.name: path.read_bytes() for path in STATIC.iterdir()}
    assert sorted(new) == sorted(old)
    stale = [name for name in new if new[name] != old[name]]
    assert stale == [], "run `npm run build` in widgets/"


def test_a_bundle_fetches_nothing() -> None:
    for path in STATIC.iterdir():
        text = path.read_text(encoding="utf-8")
        assert "http://" not in text.replace("http://www.w3.org/", "")
        assert "https://" not in text


def test_the_lock_file_names_no_registry() -> None:
    assert "resolved" not in (WIDGETS / "package-lock.json").read_text(encoding="utf-8")


SHARED = {"panel", "controls", "lab"}
"""Style sheets of what several panels have; a lab's own are about where panels stand."""


@pytest.mark.parametrize(
    "name", sorted({path.stem for path in (WIDGETS / "front").glob("*.css")} - SHARED)
)
def test_the_style_of_a_panel_reaches_no_other(name: str) -> None:
    """All of a page's panels share its styles: a name that two have would be both."""
    text = (WIDGETS / "front" / f"{name}.css").read_text(encoding="utf-8")
    text = re.sub(
        r"/\*.*?\*/|@keyframes [^{]+\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", text, flags=re.DOTALL
    )
    opened = 0
    for at, sign in enumerate(text):
        if opened == 0 and sign == "{":
            selector = text[:at].rpartition("}")[2].strip()
            assert re.fullmatch(r'\.rk-panel\[data-panel="[a-z-]+"\]', selector)
        opened += {"{": 1, "}": -1}.get(sign, 0)
