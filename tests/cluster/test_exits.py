"""Code of the user's that ends the process: on the clusters' loop it ends nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import resilkit as rk
from resilkit.cluster.loop_thread import loop_thread
from tests.cluster.servers import Counter


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("raise SystemExit(4)", "SystemExit: 4"),
        ("raise ValueError('no')", "ValueError: no"),
        ("x = ", "SyntaxError: invalid syntax"),
        ("import no.such.thing", "No module named 'no'"),
        ("y = 1", "has no attribute 'x'"),
    ],
)
def test_an_application_that_cannot_be_imported_is_bad_input_and_the_cluster_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, why: str
) -> None:
    name = f"unusable_{abs(hash(text))}"
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    with rk.Cluster(nodes=1) as cluster:
        counter = cluster.start(Counter)
        with pytest.raises(rk.InvalidArgument, match=why) as caught:
            cluster.start(f"{name}:x")
        assert caught.value.path == "what"
        assert counter.call.increment() == 1
        with pytest.raises(rk.InvalidArgument, match=why) as caught:
            rk.Cluster(nodes=[rk.NodeSpec("a", applications=[f"{name}:x"])])
        assert caught.value.path == "nodes[a].applications[0]"


@pytest.mark.parametrize("text", ["", ":x", ".a:b", "a..b:c"])
def test_a_text_that_names_no_module_is_bad_input(text: str) -> None:
    with rk.Cluster(nodes=1) as cluster, pytest.raises(rk.InvalidArgument, match="is no module"):
        cluster.start(text)


@pytest.mark.parametrize("end", [SystemExit, KeyboardInterrupt])
def test_what_exits_on_the_loop_ends_its_own_task_only(end: type[BaseException]) -> None:
    thread, told = loop_thread(), []

    async def exits() -> None:
        raise end(3)

    thread.loop.set_exception_handler(lambda _loop, context: told.append(context["exception"]))
    try:
        with pytest.raises(end):
            thread.sync(exits())
        assert thread.sync(asyncio.sleep(0, "goes on")) == "goes on"
    finally:
        thread.loop.set_exception_handler(None)
    assert [type(error) for error in told] == [end]
