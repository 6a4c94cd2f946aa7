"""What a user installs: the built wheel, the editable install, and the README's two lines."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from email import message_from_string
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

BUILD = """
import sys
import sysconfig
from hatchling import build
print(getattr(build, sys.argv[1])(sys.argv[2]))
"""


def build(kind: str, folder: Path) -> zipfile.ZipFile:
    command = [sys.executable, "-c", BUILD, kind, str(folder)]
    made = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return zipfile.ZipFile(folder / made.stdout.split()[-1])


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    with build("build_wheel", tmp_path_factory.mktemp("wheel")) as archive:
        yield archive


def metadata(archive: zipfile.ZipFile) -> str:
    name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    return archive.read(name).decode()


def test_the_wheel_holds_the_two_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert tops == {"resilkit", "resilkit_widgets", f"resilkit-{PROJECT['version']}.dist-info"}


def test_the_wheel_holds_every_file_of_the_packages(wheel: zipfile.ZipFile) -> None:
    folders = {"resilkit": ROOT, "resilkit_widgets": ROOT / "widgets"}
    wanted = {
        path.relative_to(base).as_posix()
        for package, base in folders.items()
        for path in (base / package).rglob("*")
        if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in path.parts)
    }
    assert wanted - set(wheel.namelist()) == set()


def test_the_wheel_holds_the_notebooks_where_the_package_looks_for_them(
    wheel: zipfile.ZipFile,
) -> None:
    folder = "resilkit/notebooks/originals/"
    held = {name.removeprefix(folder) for name in wheel.namelist() if name.startswith(folder)}
    assert held == {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}


def test_both_packages_say_that_they_are_typed(wheel: zipfile.ZipFile) -> None:
    assert {"resilkit/py.typed", "resilkit_widgets/py.typed"} <= set(wheel.namelist())


def test_the_wheel_brings_the_command(wheel: zipfile.ZipFile) -> None:
    name = next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "resilkit = resilkit.cli:main" in wheel.read(name).decode()


def test_installing_brings_no_tool_of_ours(wheel: zipfile.ZipFile) -> None:
    required = message_from_string(metadata(wheel)).get_all("Requires-Dist") or []
    always = {re.split(r"[^\w-]", line)[0] for line in required if "extra ==" not in line}
    assert always & {"pytest", "ruff", "mypy", "distributed", "xoscar", "locust"} == set()
    assert {"cloudpickle", "msgspec", "pandas"} <= always


def test_the_licence_travels(wheel: zipfile.ZipFile) -> None:
    assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())


def test_an_editable_install_puts_only_the_two_packages_on_the_path(tmp_path: Path) -> None:
    with build("build_editable", tmp_path) as archive:
        names = archive.namelist()
        code = "".join(
            archive.read(name).decode() for name in names if name.endswith((".py", ".pth"))
        )
    mapped = set(re.findall(r"map_module\('(\w+)'", code))
    assert mapped == {"resilkit", "resilkit_widgets"}
    # A file of theirs in there would hide the package that is mapped.
    assert [name for name in names if name.startswith("resilkit/")] == []
    assert f"{ROOT}\n" not in code


def test_the_changelog_and_the_package_agree_on_the_version() -> None:
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased"
    released = headings[1:]
    assert not released or released[0] == PROJECT["version"]


def test_the_changelog_says_nothing_twice() -> None:
    lines = [line.strip() for line in (ROOT / "CHANGELOG.md").read_text().splitlines()]
    long = [line for line in lines if len(line) > 40]
    assert [line for line in long if long.count(line) > 1] == []
    begins = [" ".join(line.split()[:6]) for line in long if line.startswith("- ")]
    assert [each for each in begins if begins.count(each) > 1] == []


def test_the_readme_holds_exactly_the_two_lines_that_ci_runs() -> None:
    readme = (ROOT / "README.md").read_text()
    lines = [line for line in readme.splitlines() if line.startswith("python3 -m venv")]
    assert lines == [
        "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/resilkit demo",
        (
            "python3 -m venv .venv && .venv/bin/pip install -e '.[dev]'"
            " && .venv/bin/python -m pytest -n auto"
        ),
    ]
    assert "python3 -m venv .venv && " in readme
    assert r"grep -E '^python3 -m venv \.venv && ' README.md" in (ROOT / ".ci/run").read_text()


def test_the_readme_links_to_files_that_exist() -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", (ROOT / "README.md").read_text())
    assert links, "the README links to no file of this repository"
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_binder_installs_the_package_with_the_notebook_extra() -> None:
    assert (ROOT / "binder/requirements.txt").read_text().split("\n")[0] == "-e .[lab]"
    assert (ROOT / "binder/runtime.txt").read_text().strip() == "python-3.11"
    script = (ROOT / "binder/postBuild").read_text()
    assert script.startswith("#!/bin/bash\n")
    assert "set -euo pipefail" in script
    assert not (ROOT / "binder/environment.yml").exists()


def test_binder_opens_on_the_quickstart(tmp_path: Path) -> None:
    script = (ROOT / "binder/postBuild").read_text()
    assert os.access(ROOT / "binder/postBuild", os.X_OK)
    subprocess.run(["bash", "-n", ROOT / "binder/postBuild"], check=True)
    # The part that writes the server's settings, for an environment of its own.
    (code,) = re.findall(r"<<'END'\n(.*)\nEND\n", script, re.DOTALL)
    (tmp_path / "etc" / "jupyter").mkdir(parents=True)
    config = tmp_path / "etc" / "jupyter" / "jupyter_server_config.json"
    config.write_text('{"ServerApp": {"token": ""}}')
    run = f"import sys; sys.prefix = {str(tmp_path)!r}; exec(sys.stdin.read())"
    subprocess.run([sys.executable, "-c", run], input=code, text=True, check=True)
    written = json.loads(config.read_text())
    assert written["ServerApp"]["token"] == ""
    opened = {written[app]["default_url"] for app in ("ServerApp", "LabApp")}
    (url,) = opened
    assert (ROOT / url.removeprefix("/lab/tree/")).is_file()


def test_the_readme_sends_binder_to_the_quickstart() -> None:
    readme = (ROOT / "README.md").read_text()
    (path,) = re.findall(r"urlpath=lab/tree/([\w/.]+\.ipynb)", readme)
    assert (ROOT / path).is_file()


CHANCE = """
import os, random, secrets, tempfile, uuid
import numpy
import resilkit as rk

class Drawing(rk.Server):
    def draw(self):
        # Each is another way in which Python asks the machine for chance.
        return (uuid.uuid4().hex, os.urandom(4), secrets.token_hex(4), random.Random().random(),
                random.SystemRandom().random(), numpy.random.default_rng().random(),
                os.path.basename(tempfile.mktemp()))
    def open(self):
        return open("/dev/urandom", "rb").read(0)

if __name__ == "__main__":
    with rk.Cluster(nodes=1, backend="simulation", seed=7) as cluster:
        drawing = cluster.start(Drawing)
        print(os.path.dirname(rk.__file__))
        print(drawing.call.draw(), drawing.call.draw())
        drawing.call.open()
        print(*cluster.events.frame("alert")["detail"], sep="\\n")
"""


def test_chance_is_the_seed_s_also_where_resilkit_is_installed_among_other_packages(
    wheel: zipfile.ZipFile, tmp_path: Path
) -> None:
    own = tmp_path / "venv"
    venv.create(own)
    packages = own / "lib" / f"python3.{sys.version_info[1]}" / "site-packages"
    wheel.extractall(packages)
    # What it needs is not installed once more. An editable install's path file is not read there.
    (packages / "needed.pth").write_text(sysconfig.get_path("purelib"))
    script = tmp_path / "drawing.py"
    script.write_text(CHANCE)

    def told() -> list[str]:
        env = {key: os.environ[key] for key in os.environ if key != "PYTHONPATH"}
        command = [str(own / "bin" / "python"), "-W", "ignore", str(script)]
        made = subprocess.run(
            command, check=True, capture_output=True, text=True, env=env, cwd=tmp_path
        )
        return made.stdout.splitlines()

    first = told()
    assert first[0] == str(packages / "resilkit")
    assert first == told()
    assert "drawing.py:13 in Drawing.open" in first[-1]
