"""From what stands on the command line to an experiment."""

from __future__ import annotations

import os
import sys

import pytest

from resilkit.chaos import named, scenario_names
from resilkit.cli import main, running, systems
from resilkit.cli.systems import demo_experiment, scenario_experiment
from resilkit.errors import InvalidArgument
from tests.test_readme import blocks

SYSTEM = "tests.experiment.systems"


@pytest.mark.parametrize("name", scenario_names())
def test_a_named_scenario_is_scaled_to_the_duration(name):
    made = scenario_experiment(name, system=SYSTEM, nodes=3, duration="9 s", seed=1)
    assert made.duration == 9.0
    assert made.scenario == named(name, duration=9.0)


@pytest.mark.parametrize("length", ["0", "1 ns"])
@pytest.mark.parametrize("name", scenario_names())
def test_a_duration_out_of_range_is_told_by_its_option(name, length):
    with pytest.raises(InvalidArgument, match=r"^--duration: is out of range, got") as caught:
        scenario_experiment(name, system=SYSTEM, nodes=3, duration=length, seed=1)
    assert "allowed: a number from 0.1" in str(caught.value)
    with pytest.raises(InvalidArgument, match=r"^--seconds: is out of range, got .* from 0\.1"):
        demo_experiment(nodes=1, duration=1e-9, seed=1, early_ack=False)


def test_a_duration_of_0_is_told_by_its_option_also_beside_a_file(tmp_path):
    (tmp_path / "calm.yaml").write_text("name: calm\n")
    file = str(tmp_path / "calm.yaml")
    assert scenario_experiment(file, system=SYSTEM, nodes=3, duration="1 ms", seed=1)
    with pytest.raises(InvalidArgument, match=r"^--duration: is out of range, got 0\.0"):
        scenario_experiment(file, system=SYSTEM, nodes=3, duration="0", seed=1)


@pytest.mark.parametrize("seconds", ["3.1234567", "1234567.5", "0.1", "20"])
def test_the_command_to_run_a_demo_again_has_its_exact_seconds(monkeypatch, seconds):
    commands = []
    monkeypatch.setattr(
        running, "run_and_tell", lambda _, *, command, **_others: commands.append(command)
    )
    assert main(["demo", "--seconds", seconds]) == 0
    [command] = commands
    assert command[:3] == ["demo", "--seconds", seconds]


SYSTEM_LINES = """
import resilkit as rk
from tests.experiment.systems import Counter
other = rk.ChildSpec(Counter, name="counter")
"""
WORKLOAD_LINES = """
def workload(nodes):
    load = [rk.Operation.call("counter", "increment")]
    return rk.Workload(load, arrivals=rk.arrivals.constant(7 * len(nodes)))
def audit(cluster, history):
    return None
"""


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """Return a function that writes shop.py and makes an experiment of what it names."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)

    def make(text, named):
        (tmp_path / "shop.py").write_text(text)
        return scenario_experiment(
            "progressive node failures", system=named, nodes=3, duration="9 s", seed=1
        )

    yield make
    sys.modules.pop("shop", None)


def test_an_object_gets_the_workload_and_the_audit_beside_it(shop):
    made = shop(SYSTEM_LINES + WORKLOAD_LINES, "shop.py:other")
    assert [each.name for each in made.workload.operations] == ["increment"]
    assert made.parts.audit is not None
    assert made.parts.plan[0][1].name == "counter"


def test_without_a_workload_the_error_says_what_to_put_into_the_file(shop):
    with pytest.raises(InvalidArgument, match=r"--system: has no workload") as caught:
        shop(SYSTEM_LINES, "shop.py:other")
    assert "in shop.py a line such as workload = rk.Workload(" in str(caught.value)


def test_a_file_without_a_system_is_told_how_to_name_one(shop):
    with pytest.raises(InvalidArgument, match=r"file\.py:object or package\.module:object"):
        shop(SYSTEM_LINES + WORKLOAD_LINES, "shop.py")


APPLICATIONS_LINES = """
def applications(nodes):
    return {nodes[-1]: rk.ChildSpec(Counter, name="counter")}
class Town:
    def applications(self, nodes):
        return {nodes[1]: rk.ChildSpec(Counter, name="counter")}
town = Town()
"""


@pytest.mark.parametrize(
    ("named", "node"),
    [
        ("shop.py", "n3"),
        ("shop.py:applications", "n3"),
        ("shop:applications", "n3"),
        ("shop.py:town", "n2"),
        ("shop.py:town.applications", "n2"),
    ],
)
def test_a_function_of_the_nodes_is_named_as_what_offers_it_is(shop, named, node):
    made = shop(SYSTEM_LINES + APPLICATIONS_LINES + WORKLOAD_LINES, named)
    assert [place for place, _ in made.parts.plan] == [node]
    assert [each.name for each in made.workload.operations] == ["increment"]
    assert made.parts.audit is not None


BOTH = SYSTEM_LINES + APPLICATIONS_LINES + WORKLOAD_LINES + "system = other"


def test_of_two_systems_in_a_file_none_is_left_out_in_silence(shop):
    with pytest.raises(InvalidArgument) as caught:
        shop(BOTH, "shop.py")
    assert str(caught.value) == (
        "--system: has both applications(nodes) and a system, so say which of them is meant, "
        "got 'shop.py'; allowed: shop.py:applications or shop.py:system"
    )


@pytest.mark.parametrize(("named", "node"), [("applications", "n3"), ("system", None)])
def test_of_two_systems_in_a_file_the_one_that_is_named_is_taken(shop, named, node):
    assert [place for place, _ in shop(BOTH, f"shop.py:{named}").parts.plan] == [node]


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ("other = 3", "--system shop.py:other: is no system, got 3"),
        ("other = {'n9': Counter}", "--system shop.py:other: names no node, got 'n9'"),
        ("other = None", "--system: is no system, got 'shop.py:other'; allowed: a SupervisorSpec"),
    ],
)
def test_an_object_that_is_no_system_is_told_by_its_place_on_the_command_line(shop, made, words):
    with pytest.raises(InvalidArgument) as caught:
        shop(SYSTEM_LINES + WORKLOAD_LINES + made, "shop.py:other")
    assert words in str(caught.value)


def test_the_system_file_of_the_readme_is_one(shop):
    [text] = [block for block in blocks("python") if block.startswith("# shop.py")]
    made = shop(text, "shop.py")
    assert [each.name for each in made.workload.operations] == ["sell"]


@pytest.mark.parametrize("name", ["d.yaml", "plans"])
def test_a_folder_in_place_of_a_scenario_or_a_system_is_told_to_be_one(tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / "system.py").mkdir()
    with pytest.raises(InvalidArgument, match=r"^SCENARIO: is a folder, got .*; allowed: a YAML"):
        systems.find_scenario(str(tmp_path / name))
    with pytest.raises(InvalidArgument, match=r"^--system: is a folder, got "):
        systems.find_system(str(tmp_path / "system.py"))


def test_a_scenario_can_come_through_a_pipe(tmp_path):
    reading, writing = os.pipe()
    os.write(writing, b'{"name": "piped", "faults": []}')
    os.close(writing)
    try:
        (tmp_path / "piped.json").symlink_to(f"/dev/fd/{reading}")
        assert systems.find_scenario(str(tmp_path / "piped.json")).name == "piped"
    finally:
        os.close(reading)
