"""Every public name exists, is described, and is exported from one place."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from types import ModuleType

import pytest

import resilkit

ROOT = Path(__file__).parent.parent
FOLDERS = {"resilkit": ROOT, "resilkit_widgets": ROOT / "widgets"}


def packages() -> list[str]:
    return [
        ".".join(path.parent.relative_to(base).parts)
        for top, base in FOLDERS.items()
        for path in sorted((base / top).rglob("__init__.py"))
    ]


def public(module: ModuleType) -> dict[str, object]:
    return {name: getattr(module, name) for name in module.__all__}


@pytest.mark.parametrize("package", packages())
def test_each_name_of_a_package_exists_and_stands_once(package: str) -> None:
    module = importlib.import_module(package)
    assert public(module).keys() <= set(dir(module))
    assert len(module.__all__) == len(set(module.__all__))


@pytest.mark.parametrize("name", sorted({*packages(), *resilkit._MODULES.values()}))
def test_completion_offers_what_is_public_and_nothing_else(name: str) -> None:
    module = importlib.import_module(name)
    assert sorted(dir(module)) == sorted(module.__all__)


@pytest.mark.parametrize("package", packages())
def test_each_public_class_and_function_is_described(package: str) -> None:
    found = public(importlib.import_module(package)).items()
    silent = [
        name
        for name, value in found
        if (inspect.isclass(value) or inspect.isroutine(value)) and not inspect.getdoc(value)
    ]
    assert silent == []


@pytest.mark.parametrize("package", [name for name in packages() if "." in name])
def test_a_package_exports_only_what_is_its_own(package: str) -> None:
    found = public(importlib.import_module(package)).items()
    borrowed = {
        name: value.__module__
        for name, value in found
        if (inspect.isclass(value) or inspect.isfunction(value))
        and not f"{value.__module__}.".startswith(f"{package}.")
    }
    assert borrowed == {}


def test_the_top_exports_one_object_under_one_name() -> None:
    names: dict[int, list[str]] = {}
    for name, value in public(resilkit).items():
        if inspect.isclass(value) or inspect.isfunction(value) or inspect.ismodule(value):
            names.setdefault(id(value), []).append(name)
    assert [same for same in names.values() if len(same) > 1] == []
