from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import resilkit.metrics
from resilkit import metrics

HEAVY = ("numpy", "pandas", "matplotlib", "scipy", "psutil", "pyarrow", "hypothesis")


def loaded_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(resilkit.metrics.__file__).parents[2],
    )
    return set(ast.literal_eval(done.stdout))


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded_after("import resilkit.metrics") == set()


def test_what_a_node_uses_loads_nothing_heavy() -> None:
    code = """
from resilkit.metrics import EventLog, Histogram, MetricStore, NodeSampler, estimate
import asyncio
async def main():
    with NodeSampler(asyncio.get_running_loop(), uss_every=1.0) as sampler:
        store = MetricStore()
        for name, value in sampler.read().items():
            store.append(name, 0.0, "n1", "", value)
        store.latest("memory_rss")
asyncio.run(main())
Histogram().record(0.5)
EventLog().append(0.0, "node", "started", detail={"a": 1})
estimate([(0.0, 0.0, 0.0, 0.0)])
"""
    expected = set() if sys.platform == "linux" else {"psutil"}
    assert loaded_after(code) == expected


def test_the_check_itself_sees_a_heavy_import() -> None:
    assert "numpy" in loaded_after("from resilkit.metrics import wilson")


def test_every_public_name_is_there_and_comes_from_one_place() -> None:
    assert sorted(metrics._HOME_OF) == sorted(metrics.__all__)
    for name in metrics.__all__:
        assert getattr(metrics, name) is not None
    assert set(dir(metrics)) >= set(metrics.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(metrics, "no_such_thing")
