"""A headless Chromium that the tests of a session share, and pages of any width and theme."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.jupyterlab import PATIENCE_MS, Lab, opened_lab
from tests.browser.modules import ModulePage
from tests.scripts.place import own_place

collect_ignore_glob = [] if sys.platform == "linux" else ["test_*.py"]  # they read /proc

ARTEFACTS = Path(__file__).parents[2] / "artefacts"

# Where an expectation says nothing else: five seconds are few for a kernel on a busy machine.
expect.set_options(timeout=PATIENCE_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what stands in this folder."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's own browser: there is nothing to download."""
    path = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
    assert path is not None, "these tests need Chromium or Chrome"
    options = ["--no-sandbox", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=options)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page whose errors fail the test, and whose last picture stays in ``artefacts``."""
    page = chromium.new_page(viewport={"width": 1300, "height": 1000})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    if "lab" in request.fixturenames:
        ARTEFACTS.mkdir(exist_ok=True)
        page.screenshot(path=ARTEFACTS / f"{request.node.name}.png")
    page.close()
    # JupyterLab's own, when a kernel goes while it is asked for something, is no error of ours.
    assert [error for error in errors if "Canceled future for" not in error] == []


@pytest.fixture(scope="session")
def jupyterlab() -> Iterator[Lab]:
    """One for all tests: it takes many seconds to come up."""
    with own_place() as place:
        place.env["PYTHONPATH"] += os.pathsep + str(Path(__file__).parents[2] / "widgets")
        with opened_lab(place) as lab:
            yield lab


@pytest.fixture
def lab(jupyterlab: Lab) -> Iterator[Lab]:
    """JupyterLab, for a notebook of the test's own, of which nothing is left in the end."""
    yield jupyterlab
    jupyterlab.close()


@pytest.fixture
def module(page: Page) -> Callable[..., ModulePage]:
    """What shows a panel's front end alone: no kernel, no JupyterLab."""
    return lambda name, **options: ModulePage(page, name, **options)
