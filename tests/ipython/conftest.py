"""A real IPython shell for each test, in a folder of its own; no cluster stays open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from resilkit.cluster.open_clusters import open_clusters


class Shell:
    """A shell with the extension loaded, and what its cells put out."""

    def __init__(self, capsys: pytest.CaptureFixture[str], config: Config) -> None:
        self.inner = InteractiveShell(config=config)
        self.names: dict[str, Any] = self.inner.user_ns
        self._capsys = capsys
        self.run("%load_ext resilkit")

    def run(self, cell: str) -> Any:
        """Run a cell that must end well; return its value."""
        value, told = self._executed(cell)
        assert value.success, told
        self.told = told
        return value.result

    def refused(self, cell: str) -> str:
        """Run a cell that must be refused in short; return what it is told."""
        value, told = self._executed(cell)
        assert type(value.error_in_exec).__name__ == "UsageError", (value, told)
        assert "resilkit/ipython" not in told, "a traceback of ours"
        return told

    def _executed(self, cell: str) -> tuple[Any, str]:
        self._capsys.readouterr()
        value = self.inner.run_cell(cell)
        put_out = self._capsys.readouterr()
        return value, put_out.out + put_out.err

    def completed(self, text: str) -> list[str]:
        """Return what the completer offers at the end of `text`, as a front end inserts it."""
        self.inner.Completer.use_jedi = self.jedi
        with provisionalcompleter():
            found = list(self.inner.Completer.completions(text, len(text)))
        return [text[: each.start] + each.text for each in found]

    jedi = False


@pytest.fixture
def shell(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shell]:
    """A shell with the extension."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.chdir(tmp_path)
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    shell = Shell(capsys, config)
    yield shell
    shell.run("%unload_ext resilkit")
    for cluster in open_clusters():
        cluster.close()
    shell.inner.reset(new_session=False)
