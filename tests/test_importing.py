"""An interrupt ends the wait for a heavy import, and not the import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from resilkit.importing import whole

ROOT = Path(__file__).parent.parent

SLOW = """
import atexit, os, signal, sys, threading
sys.loads = getattr(sys, "loads", 0) + 1
if sys.loads > 1:
    raise RuntimeError("registered already")  # as pandas has it
os.kill(os.getpid(), signal.SIGINT)
assert sys.heard.wait(60.0)  # the interrupt comes in the middle of it
done = True
"""

SCRIPT = """
import sys, threading
from resilkit.importing import whole
sys.heard = threading.Event()
told = []
def use():
    whole("slow_one")
    import slow_one
    return slow_one.done
try:
    use()
except KeyboardInterrupt:
    told.append("interrupted")
sys.heard.set()
told += [use(), use(), sys.loads]
import json
print(json.dumps(told))
"""


def test_an_import_that_is_interrupted_goes_on_and_the_next_use_has_it(tmp_path: Path) -> None:
    (tmp_path / "slow_one.py").write_text(SLOW)
    path = f"{tmp_path}:{ROOT}"
    command = [sys.executable, "-c", SCRIPT]
    made = subprocess.run(
        command, env={"PYTHONPATH": path}, capture_output=True, text=True, timeout=100, check=False
    )
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout) == ["interrupted", True, True, 1]


def test_what_cannot_be_imported_is_told_as_ever_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="none_of_that_name"):
        whole("none_of_that_name")
    (tmp_path / "fails_to_load.py").write_text("raise OSError('no disk')")
    for _ in range(2):
        with pytest.raises(OSError, match="no disk"):
            whole("fails_to_load")


def test_what_is_there_costs_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resilkit.importing.threading", None)
    assert whole("json") is json
