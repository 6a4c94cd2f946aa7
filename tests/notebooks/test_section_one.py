"""The code of the promise runs as it stands: as a script, typed at a prompt, in a notebook."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.notebooks.notebook import Notebook, opened
from tests.notebooks.section_one import CLUSTER, EXPERIMENT, as_typed, quick
from tests.scripts.place import Place, own_place

Runs = Callable[[Callable[[Place], str]], tuple[Place, str]]

# Taken for the standard module, it keeps every node from starting; but whoever has put it beside
# a script can use it there. (Not `random`: the hook of an editable install has that one imported
# before the script's folder is looked at.)
SHADOW = """
import sys
if "resilkit.cluster.launcher" in sys.modules:
    raise ImportError("not the standard library's")
import importlib.util, sysconfig
SHADOW = True
standard = sysconfig.get_path("stdlib") + "/secrets.py"
spec = importlib.util.spec_from_file_location("secrets", standard)
spec.loader.exec_module(sys.modules[__name__])
"""

WHOSE = """
import secrets

class Whose(rk.Server):
    def secrets(self):
        import secrets
        return hasattr(secrets, "SHADOW")

with rk.Cluster(nodes=1) as another:
    print("shadowed:", hasattr(secrets, "SHADOW"), another.start(Whose).call.secrets())
"""


def check_files(place: Place) -> None:
    """Check that what the code writes is in its current folder, and nothing else is."""
    assert {path.name for path in place.work.iterdir()} == {"report.html", "runs"}
    assert {path.name for path in (place.work / "runs").iterdir()} == {"first", "second"}
    report = (place.work / "report.html").read_text(encoding="utf-8")
    assert "progressive node failures" in report


def test_the_quick_form_differs_only_in_what_it_says() -> None:
    lines = EXPERIMENT.splitlines()
    changed = [line for line, quicker in zip(lines, quick().splitlines(), strict=True)
               if line != quicker]  # fmt: skip
    assert len(changed) == 2


def run_script(place: Place) -> str:
    """Run it as a script, beside a module named like one of the standard library's."""
    place.write("secrets.py", SHADOW)
    lines = 'print("passed:", result.passed)\nprint("runs once")\n'
    return place.run(str(place.write("script.py", CLUSTER + WHOSE + quick() + lines)))


def run_prompt(place: Place) -> str:
    """Type it at a prompt."""
    return place.run("-i", code=as_typed(CLUSTER + quick()))


@pytest.fixture(scope="module")
def runs() -> Iterator[Runs]:
    """Where they ran and what they wrote; both at the same time, since they wait for their load.

    Under xdist another worker may have the other test: then each runs when it is asked for.
    """
    with ExitStack() as stack, ThreadPoolExecutor(2) as pool:

        @functools.cache
        def begun(run: Callable[[Place], str]) -> tuple[Place, Future[str]]:
            place = stack.enter_context(own_place())
            return place, pool.submit(run, place)

        if "PYTEST_XDIST_WORKER" not in os.environ:
            begun(run_script)
            begun(run_prompt)

        def ended(run: Callable[[Place], str]) -> tuple[Place, str]:
            place, running = begun(run)
            return place, running.result()

        yield ended


@pytest.mark.usefixtures("runs")  # those go on meanwhile
def test_in_a_notebook_with_rich_displays(place: Place) -> None:
    (place.work / "random.py").write_text("raise ImportError('not the standard library')")

    with opened(place) as notebook:
        assert notebook.run(CLUSTER).text == ""
        cell = notebook.run(quick())
        assert "Comparison" in cell.value
        assert "<table" in cell.shown("text/html")
        check_displays(notebook)
        place.expect(nodes=1)
    (place.work / "random.py").unlink()
    check_files(place)
    place.wait_empty()


def test_as_a_script_without_a_guard_beside_a_module_named_secrets(runs: Runs) -> None:
    place, out = runs(run_script)
    # The script's own, and not the node's.
    assert "shadowed: True False" in out
    assert re.findall(r"passed: (True|False|None)", out)
    assert out.count("runs once") == 1
    check_files(place)
    place.wait_empty()


def test_typed_at_a_prompt(runs: Runs) -> None:
    place, out = runs(run_prompt)
    assert "Traceback" not in out
    shown = [line for line in re.sub(r"(>>> |\.\.\. )+", "", out).splitlines() if line]
    assert shown.index("4") < shown.index("{'value': 5}") < shown.index("0")
    assert "<Cluster n1 running, n2 killed, n3 running; 4 names" in out
    assert any(line.startswith("<Result 'progressive node failures'") for line in shown)
    check_files(place)
    place.wait_empty()


def check_displays(notebook: Notebook) -> None:
    """Check that results and clusters show themselves as more than text."""
    for code in ("result", "result.verdicts", "result.summary()"):
        assert "<table" in notebook.run(code).shown("text/html"), code
    assert notebook.run("result.plot()").shown("image/png")
    notebook.run("shown = rk.Cluster(nodes=1); shown.start(counters)")
    html = notebook.run("shown").shown("text/html")
    assert "<svg" in html
    assert "counter-2" in html
    assert "n1" in notebook.run("shown.nodes['n1']").shown("text/html")
