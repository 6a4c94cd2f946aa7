"""What a class or a function that goes by value takes with it: sentinels, globals, its id."""

from __future__ import annotations

import dataclasses
import importlib
import os
import subprocess
import sys
import textwrap
import types
from pathlib import Path
from typing import Any

import pytest

from resilkit.network import byvalue
from resilkit.network.codec import by_value

ENV = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def elsewhere(code: str, *objects: Any, folder: Path | None = None) -> None:
    """Run `code` in another process; `got` holds the objects there."""
    head = """
        import sys
        from resilkit.network.codec import from_value
        got = from_value(sys.stdin.buffer.read())
    """
    path = ENV["PYTHONPATH"] if folder is None else f"{ENV['PYTHONPATH']}:{folder}"
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(head) + textwrap.dedent(code)],
        input=by_value(objects), capture_output=True, timeout=30, check=False,
        env={**ENV, "PYTHONPATH": path},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()


def test_a_dataclass_keeps_what_its_fields_lack_and_how_they_are_made() -> None:
    @dataclasses.dataclass
    class Order:
        number: int
        colour: str = "red"
        items: list[int] = dataclasses.field(default_factory=list)
        _: dataclasses.KW_ONLY
        urgent: bool = False

    elsewhere(
        """
        import dataclasses, inspect
        [Order] = got
        number, colour, items, urgent = dataclasses.fields(Order)
        MISSING = dataclasses.MISSING
        assert number.default is MISSING and number.default_factory is MISSING
        assert colour.default == "red" and colour.default_factory is MISSING
        assert items.default is MISSING and items.default_factory is list
        assert urgent.kw_only is True and colour.kw_only is False
        assert Order(1).items is not Order(1).items
        given = inspect.signature(Order).parameters["items"].default
        assert given is dataclasses._HAS_DEFAULT_FACTORY, given

        @dataclasses.dataclass
        class Late(Order):
            when: float = dataclasses.field(default=0.0)

        assert Late(1, "blue", [2], 3.0, urgent=True).when == 3.0
        assert Late(1).items == []
        try:
            Late()
        except TypeError as error:
            assert "number" in str(error)
        else:
            raise SystemExit("a field without a default had one")
        """,
        Order,
    )


def test_a_sentinel_of_a_module_is_that_one_and_what_holds_something_is_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "sentinels_of_a_test"
    (tmp_path / f"{name}.py").write_text(
        "class Nothing: pass\nclass Box: pass\nNOTHING, UNSET, BOX = Nothing(), object(), Box()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module(name)
    module.BOX.held = 7

    class Asks:
        nothing, unset, box, own = module.NOTHING, module.UNSET, module.BOX, object()

    try:
        elsewhere(
            """
            import sentinels_of_a_test as module
            [Asks] = got
            assert Asks.nothing is module.NOTHING
            assert Asks.unset is module.UNSET
            assert Asks.box is not module.BOX and Asks.box.held == 7
            assert type(Asks.own) is object
            """,
            Asks,
            folder=tmp_path,
        )
    finally:
        del sys.modules[name]
        byvalue._findable.cache_clear()


def _cells(*sources: str) -> types.SimpleNamespace:
    """Run sources one after the other, as cells of one notebook; return what they bind."""
    bound: dict[str, Any] = {"__name__": "__main__"}
    for source in sources:
        exec(textwrap.dedent(source), bound)  # noqa: S102
    return types.SimpleNamespace(bound=bound, run=lambda code: exec(code, bound))  # noqa: S102


SERVER = """
    import functools
    from resilkit import Server
    def logged(function):
        @functools.wraps(function)
        def wrapper(*args):
            return function(*args)
        return wrapper
    def inner():
        return VALUE
    def helper():
        return inner()
    class Base(Server):
        @staticmethod
        def scale():
            return SCALE
    class Asks(Base):
        def get(self):
            return [helper() for _ in range(1)]
        async def wait(self):
            return DEEP
        @logged
        def decorated(self):
            return WRAPPED
        @property
        def asked(self):
            return ASKED
    VALUE, SCALE, DEEP, WRAPPED, ASKED, UNUSED = 1, 2, 3, 4, 5, 6
"""


def test_a_class_of_servers_is_another_one_when_what_it_finds_was_bound_anew() -> None:
    cells = _cells(SERVER)
    cls = cells.bound["Asks"]
    first = byvalue.registry.token(cls)
    cells.run("UNUSED = 5")
    assert byvalue.registry.token(cls) == first
    seen = {first}
    for change in (
        "VALUE = 10",  # what a function finds that a function calls
        "SCALE = 20",  # what a base finds
        "DEEP = 30",
        "WRAPPED = 40",
        "ASKED = 50",
        "def helper():\n    return 99",
    ):
        cells.run(change)
        token = byvalue.registry.token(cls)
        assert token not in seen, change
        seen.add(token)
        assert byvalue.registry.token(cls) == token
        assert byvalue.named(token or b"") is cls, "each id means the notebook's own class"
    assert byvalue.named(first or b"") is cls


def test_a_function_is_another_one_when_a_function_that_it_calls_finds_something_else() -> None:
    cells = _cells("""
        def inner():
            return VALUE
        def middle():
            return inner()
        VALUE = 1
    """)
    middle = cells.bound["middle"]
    main = sys.modules["__main__"]
    main.middle = middle  # type: ignore[attr-defined]
    try:
        first = byvalue.registry.token(middle)
        assert first not in {None, byvalue.INLINE}
        cells.run("VALUE = 2")
        assert byvalue.registry.token(middle) != first
    finally:
        del main.middle  # type: ignore[attr-defined]


def test_any_other_class_stays_one_class_whatever_its_globals() -> None:
    cells = _cells("""
        class Point:
            def scaled(self):
                return FACTOR
        FACTOR = 1
    """)
    first = byvalue.registry.token(cells.bound["Point"])
    cells.run("FACTOR = 2")
    assert byvalue.registry.token(cells.bound["Point"]) == first


def test_each_class_has_globals_of_its_own_over_there() -> None:
    cells = _cells("""
        COUNT = 0
        class One:
            def add(self):
                global COUNT
                COUNT += 1
                return COUNT
            def get(self):
                return COUNT
        class Other:
            def get(self):
                return COUNT
    """)
    elsewhere(
        """
        One, Other = got
        assert One().add() == One().get() == 1
        assert Other().get() == 0
        """,
        cells.bound["One"],
        cells.bound["Other"],
    )
