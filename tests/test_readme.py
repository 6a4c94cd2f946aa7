"""The README's tour runs as it stands."""

from __future__ import annotations

import asyncio
import codeop
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import resilkit as rk
from resilkit.chaos import Scenario
from resilkit.faults import registry
from resilkit.testing import Call, shrink_trial
from tests.testing.servers import Counter

README = (Path(__file__).parents[1] / "README.md").read_text()


def blocks(language: str) -> list[str]:
    """Return the README's code blocks in one language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_tour_runs_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # Its fault must not stay for other tests.
    monkeypatch.setattr(registry, "_REGISTERED", dict(registry._REGISTERED))
    code = "\n".join(blocks("python")).replace("duration=10.0", "duration=5.0")
    names: dict[str, object] = {"__name__": "__main__"}
    # As a script takes it, without `await` at the top; and as a notebook runs it, in which a loop
    # is running already.
    compiled = compile(code, "README.md", "exec")

    async def cell() -> None:
        exec(compiled, names)  # noqa: S102 - the README's own code

    asyncio.run(cell())
    assert names["cluster"].closed  # type: ignore[attr-defined]
    assert "stutter" in registry._REGISTERED
    assert names["result"].passed is False, "n1, where all counters lived, was down for a while"  # type: ignore[attr-defined]
    assert (tmp_path / "report.html").stat().st_size > 10_000
    assert (tmp_path / "runs" / "first").is_dir()


def test_the_smallest_trial_is_the_one_that_the_tour_tells() -> None:
    [code] = [block for block in blocks("python") if "shrink_trial(trial)" in block]
    names: dict[str, Any] = {"rk": rk, "Counter": Counter}
    exec(code, names)  # noqa: S102 - the README's own code
    smallest = shrink_trial(names["trial"]).trial
    assert smallest.operations == (Call("increment", by=2), Call("increment", by=2))
    assert smallest.faults == ()
    assert "# two increments by 2, and no fault" in code


@pytest.mark.parametrize("number", range(len(blocks("python"))))
def test_a_block_of_the_tour_can_be_pasted_at_a_prompt(number: int) -> None:
    compile_ = codeop.CommandCompiler()
    lines: list[str] = []
    for line in blocks("python")[number].splitlines():
        lines.append(line)
        # What is complete is carried out at once; a block only ends with an empty line.
        if compile_("\n".join(lines), "<stdin>", "single") is not None:
            lines = []
    assert lines == [] or compile_("\n".join([*lines, ""]), "<stdin>", "single") is not None


def file_of_the_readme(name: str) -> str:
    """Return the block that is called so in its first line."""
    [text] = [text for text in blocks("yaml") + blocks("python") if text.startswith(f"# {name}")]
    return text


def test_the_scenario_file_is_one(tmp_path: Path) -> None:
    path = tmp_path / "pressure.yaml"
    path.write_text(file_of_the_readme("pressure.yaml"))
    scenario = Scenario.from_file(path)
    assert scenario.name == "memory pressure with partitions"
    assert len(scenario.faults) == 2


def test_what_it_says_of_a_shop_runs_at_a_shell_as_it_stands(tmp_path: Path) -> None:
    for name in ("crash.yaml", "shop.py"):
        (tmp_path / name).write_text(file_of_the_readme(name))
    lines = [line for block in blocks("sh") for line in block.splitlines() if "shop" in line]
    commands = [shlex.split(line, comments=True)[1:] for line in lines]
    assert [command[0] for command in commands] == ["sweep", "run", "replay", "shrink", "report"]
    told = {}
    for command in commands:
        done = subprocess.run(
            [sys.executable, "-m", "resilkit", *command], cwd=tmp_path, capture_output=True,
            text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == (0 if command[0] == "report" else 1), done
        told[command[0]] = done.stdout
    assert "✗ seed 1 " in told["sweep"]
    assert re.search(r"20 seeds: [1-9]\d* failed, [1-9]\d* passed, in ", told["sweep"])
    assert "failed again in the simulation" in told["replay"]
    assert "→ 1 operation, 1 fault (" in told["shrink"]
    assert (tmp_path / "found.py").exists()
