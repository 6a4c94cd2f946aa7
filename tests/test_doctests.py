"""Every example in a docstring runs and gives what it says."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def modules() -> list[str]:
    folders = ((ROOT, "resilkit"), (ROOT / "widgets", "resilkit_widgets"))
    return [
        ".".join(path.relative_to(base).with_suffix("").parts).removesuffix(".__init__")
        for base, top in folders
        for path in sorted((base / top).rglob("*.py"))
        if path.name != "__main__.py" and ">>>" in path.read_text()
    ]


@pytest.mark.parametrize("name", modules())
def test_the_examples_of_a_module_hold(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name), optionflags=FLAGS)
    assert result.attempted > 0, "the examples stand where doctest does not look"
    assert result.failed == 0
