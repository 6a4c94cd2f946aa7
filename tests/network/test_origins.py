"""Tracebacks of code that went by value: the user's file, and the user's lines."""

from __future__ import annotations

import linecache
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

from resilkit.network.codec import by_value
from resilkit.network.origins import origin

_CELL = """
def fail(name):
    raise ValueError(name)  # here
"""

_OTHER_SIDE = """
import sys, traceback
from resilkit.network.codec import from_value
try:
    from_value(sys.stdin.buffer.read())("x")
except ValueError:
    print(traceback.format_exc())
"""


def _made_in(filename: str) -> Any:
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(_CELL, filename, "exec"), space)  # noqa: S102
    return space["fail"]


def _traceback_elsewhere(function: Any) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _OTHER_SIDE],
        input=by_value(function),
        capture_output=True,
        check=True,
    )
    return done.stdout.decode()


def test_code_of_a_file_shows_its_name_and_line(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(_CELL)
    shown = _traceback_elsewhere(_made_in(str(file)))
    assert f'File "{file}", line 3, in fail' in shown
    assert "raise ValueError(name)  # here" in shown


def test_code_of_no_file_brings_its_lines(monkeypatch: Any) -> None:
    name = "/nowhere/ipykernel_1/2.py"
    lines = _CELL.splitlines(keepends=True)
    monkeypatch.setitem(linecache.cache, name, (len(_CELL), None, lines, name))
    shown = _traceback_elsewhere(_made_in(name))
    assert f'File "{name}", line 3, in fail' in shown
    assert "raise ValueError(name)  # here" in shown


def test_a_cell_has_the_name_that_ipython_shows(monkeypatch: Any) -> None:
    class Compiler:
        def format_code_name(self, name: str) -> tuple[str, str]:
            return ("Cell", "In[3]")

    class Shell:
        compile = Compiler()

    class IPython:
        get_ipython = staticmethod(Shell)

    monkeypatch.setitem(sys.modules, "IPython", IPython)
    assert origin("/nowhere/ipykernel_1/2.py")[0] == "Cell In[3]"
    assert origin(traceback.__file__) == (traceback.__file__, "")
