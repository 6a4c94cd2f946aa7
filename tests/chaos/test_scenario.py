"""Scenarios: read whole or refused, and the same timeline for the same seed."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilkit import faults
from resilkit.chaos import Scenario, capabilities
from resilkit.chaos.scenario_files import line_of
from resilkit.errors import InvalidArgument, Unavailable
from resilkit.faults import Latency, Loss, Memory, NodeCrash, NodePause, Partition

AS_A_FILE = """
name: memory pressure with partitions
duration: 45 s
faults:
  - memory: {share: 0.9, at: 5 s, for: 20 s, targets: one}
  - partition: {kind: halves, every: 15 s, for: 5 s}
criteria: ["availability >= 0.7", "error_rate < 5 %", "gc_pressure <= 0.8", "p95[bid] < 200 ms"]
"""


def written(tmp_path, text, name="scenario.yaml"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_file_of_the_documentation_loads(tmp_path):
    scenario = Scenario.from_file(written(tmp_path, AS_A_FILE))
    assert scenario == Scenario(
        "memory pressure with partitions",
        [Memory(0.9, at=5, duration=20), Partition("halves", every=15, duration=5)],
        duration=45,
        criteria=[
            "availability >= 0.7",
            "error_rate < 5 %",
            "gc_pressure <= 0.8",
            "p95[bid] < 200 ms",
        ],
    )
    assert [(one.time, one.end) for one in scenario.timeline()] == [
        (5.0, 25.0),
        (15.0, 20.0),
        (30.0, 35.0),
    ]


def full():
    return Scenario(
        "everything: ünïcode & 'quotes'",
        [
            Latency(0.02, 0.2, fraction=0.3, every=1e-3, probability=0.5),
            Partition("custom", [["n1"], ["n2"]], targets="all", random=True, count=3),
            NodeCrash(kind="chosen", targets=["n1", "n2"]),
        ],
        criteria=["p95 <= 500 ms", "error_rate < 5 %"],
        duration=1e-5 + 30,
        intensity="high",
        grace=2.5,
        abort_on_breach=True,
        requires=["fork", "node_pause"],
        description="Two lines\nof text.",
    )


@pytest.mark.parametrize("suffix", ["yaml", "yml", "json"])
def test_a_scenario_survives_the_way_through_a_file(tmp_path, suffix):
    scenario = full()
    text = json.dumps(scenario.to_dict()) if suffix == "json" else scenario.to_yaml()
    again = Scenario.from_file(written(tmp_path, text, f"s.{suffix}"))
    assert again == scenario
    assert again.to_dict() == scenario.to_dict()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "^name: is missing"),
        ([], "^must be a mapping"),
        (None, "^must be a mapping"),
        ({"name": ""}, "^name: must be a text"),
        ({"name": "half a pair: \ud800"}, "^name: must be a text"),
        ({"name": "x", "fautls": []}, r"^fautls: is an unknown key \(did you mean 'faults'"),
        ({"name": "x", "faults": {}, "criteria": 3}, "^criteria: must be a list"),
        ({"name": "x", "faults": {"latency": {}}}, "^faults: must be a list"),
        ({"name": "x", "faults": "latency"}, "^faults: must be a list"),
        ({"name": "x", "faults": [{"latency": {"low": "x"}}]}, r"^faults\[0\]\.latency\.low: "),
        ({"name": "x", "criteria": ["p95 < 5oo ms"]}, r"^criteria\[0\]: cannot read"),
        ({"name": "x", "duration": "45 sx"}, "^duration: is no duration"),
        ({"name": "x", "duration": 0}, "^duration: is out of range"),
        ({"name": "x", "grace": -1}, "^grace: "),
        ({"name": "x", "intensity": "hihg"}, r"^intensity: is not known \(did you mean 'high'"),
        ({"name": "x", "abort_on_breach": 1}, "^abort_on_breach: must be a truth value"),
        ({"name": "x", "requires": ["forkk"]}, r"^requires\[0\]: .*did you mean 'fork'"),
        ({"name": "x", "requires": "fork"}, "^requires: must be a list"),
        (
            {"name": "x", "duration": 5, "faults": [{"node_crash": {"at": 6}}]},
            r"^faults\[0\]\.node_crash\.at: lies after the end",
        ),
    ],
)
def test_a_slip_in_plain_data_is_refused_with_its_path(data, message):
    with pytest.raises(InvalidArgument, match=message):
        Scenario.from_dict(data)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("s.toml", "", "is no scenario file"),
        ("s.yaml", "name: [", r"^s\.yaml: is no YAML \(line 1"),
        ("s.yaml", "name: x\nname: y\n", r"^s\.yaml: gives the key 'name' twice"),
        ("s.json", '{"name": "x", "name": "y"}', r"^s\.json: gives the key 'name' twice"),
        ("s.json", "{", r"^s\.json: is no JSON \(line 1"),
        ("s.yaml", "name: &a [*a]", r"^s\.yaml: (is no YAML|holds too many|name)"),
        ("s.yaml", "a: &a [x,x]\n" + "".join(
            f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20)
        ), r"^s\.yaml: holds too many values"),
        ("s.json", "[" * 100_000, r"^s\.json: (is nested too deeply|is no JSON)"),
        ("s.yaml", "[" * 4000, r"^s\.yaml: is nested too deeply; allowed: at most 50 levels"),
        ("s.yaml", "- " * 51, r"^s\.yaml: is nested too deeply; allowed: at most 50 levels"),
        ("s.yaml", "[" * 50 + "]" * 50, r"^s\.yaml: must be a mapping"),
        ("s.yaml", "name: x\nwhen: 2020-99-99\n", r"^s\.yaml: "),
        ("s.yaml", "name: x\nfaults:\n- loss: {share: 2}", r"^s\.yaml: faults\[0\]\.loss\.share: "),
        ("s.yaml", "", r"^s\.yaml: must be a mapping"),
        ("s.yaml", "!!python/object/apply:os.getpid []", r"^s\.yaml: is no YAML"),
        ("s.yaml", "x" * 1_100_000, r"^s\.yaml: is too large"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_with_its_path_as_given(tmp_path, name, text, message, monkeypatch):
    written(tmp_path, text, name)
    monkeypatch.chdir(tmp_path.parent)
    given = f"{tmp_path.name}/{name}"
    with pytest.raises(InvalidArgument) as caught:
        Scenario.from_file(given)
    assert given in str(caught.value)
    assert re.search(message, str(caught.value).removeprefix(f"{tmp_path.name}/"))


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path):
    with pytest.raises(InvalidArgument, match=r"cannot be read \(No such file"):
        Scenario.from_file(tmp_path / "none.yaml")
    (tmp_path / "raw.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidArgument, match="cannot be read"):
        Scenario.from_file(tmp_path / "raw.yaml")


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["5 s", "5 %", "p95 < 1 s", "high", "latency", "fork"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=4) | st.sampled_from(["loss", "partition"]), inner, max_size=2
        )
    ),
    max_leaves=6,
)
keys = st.sampled_from([field.name for field in dataclasses.fields(Scenario)])


@given(st.dictionaries(keys, plain, max_size=6) | plain)
def test_whatever_is_thrown_at_it_gives_a_scenario_that_round_trips_or_an_invalid_argument(data):
    if isinstance(data, dict):
        data = {"name": "x", **data}
    with contextlib.suppress(InvalidArgument):
        scenario = Scenario.from_dict(data)
        assert Scenario.from_dict(scenario.to_dict()) == scenario


@pytest.mark.parametrize(
    "arguments",
    [
        ("x", [Latency]),
        ("x", ["latency"]),
        ("x", 3),
        (3, []),
        ("x" * 201, []),
    ],
)
def test_bad_arguments_are_refused(arguments):
    with pytest.raises(InvalidArgument):
        Scenario(*arguments)


def test_intensity_scales_every_fault():
    parts = [Loss(0.1), NodeCrash(every=4.0, count=2)]
    assert Scenario("x", parts).scaled_faults == tuple(parts)
    high = Scenario("x", parts, intensity="high")
    assert high.scaled_faults == (Loss(0.19), NodeCrash(every=2.0, count=4))
    assert [one.time for one in high.timeline(30.0) if one.fault_index == 1] == [2, 4, 6, 8]
    low = dataclasses.replace(high, intensity="low")
    assert low.scaled_faults[1] == NodeCrash(every=8.0, count=1)


def test_the_same_seed_gives_the_same_timeline_and_another_seed_another():
    scenario = Scenario(
        "x",
        [
            NodePause(every=1.0, random=True, duration=0.5, probability=0.7),
            NodeCrash(count=3, random=True),
        ],
    )
    first = scenario.timeline(20.0, seed=7)
    assert first == scenario.timeline(20.0, seed=7)
    assert first != scenario.timeline(20.0, seed=8)
    assert first == sorted(first, key=lambda one: one.time)
    assert all(one.end is None or one.end == one.time + 0.5 for one in first)


def test_the_seed_decides_chance_and_moments_each_by_itself():
    def moments(seed, **fields):
        return [one.time for one in Scenario("x", [NodePause(**fields)]).timeline(20.0, seed=seed)]

    for fields in ({"every": 0.5, "probability": 0.5}, {"count": 3, "random": True}):
        assert moments(1, **fields) == moments(1, **fields)
        assert moments(1, **fields) != moments(2, **fields)


def test_two_faults_alike_strike_at_different_random_moments():
    pause = NodePause(count=3, random=True)
    planned = Scenario("x", [pause, pause]).timeline(20.0, seed=1)
    first, second = ([one.time for one in planned if one.fault_index == n] for n in (0, 1))
    assert set(first).isdisjoint(second)


def test_a_fault_more_changes_nothing_about_the_others():
    pause = NodePause(every=1.0, random=True, probability=0.5)
    alone = Scenario("x", [pause]).timeline(20.0, seed=3)
    together = Scenario("x", [pause, NodeCrash(every=0.7, random=True)]).timeline(20.0, seed=3)
    assert [one for one in together if one.fault_index == 0] == alone


def test_probability_decides_injection_by_injection_and_0_makes_none():
    planned = Scenario("x", [NodePause(every=0.1, probability=0.3)]).timeline(100.0, seed=1)
    assert len(planned) == pytest.approx(300, abs=50)
    assert [one.occurrence for one in planned] != list(range(len(planned)))
    assert Scenario("x", [Loss(1.0, probability=0.0)]).timeline(10.0) == []
    assert len(Scenario("x", [Loss(1.0, probability=0.01)]).timeline(10.0)) == 1


def test_what_would_heal_after_the_end_heals_at_the_end():
    scenario = Scenario("x", [NodePause(at=8.0, duration=5.0)], duration=10.0)
    assert [one.end for one in scenario.timeline()] == [None]


def test_a_timeline_needs_a_duration_and_is_bounded():
    with pytest.raises(InvalidArgument, match=r"^duration: is not known"):
        Scenario("x", [NodeCrash()]).timeline()
    with pytest.raises(InvalidArgument, match=r"^faults\[0\]\.node_pause\.every: .*too many"):
        Scenario("x", [NodePause(every=0.001)]).timeline(1000.0)


def test_a_scenario_that_needs_what_this_machine_lacks_says_so(monkeypatch):
    module = sys.modules["resilkit.chaos.capabilities"]
    rows = tuple(
        dataclasses.replace(row, works=row.name != "netem", why=f"why {row.name}")
        for row in capabilities()
    )
    monkeypatch.setattr(module, "capabilities", lambda: module.Capabilities(rows))
    Scenario("x", requires=["fork", "latency"]).check_requirements()
    with pytest.raises(Unavailable, match=r"'x' needs what this machine lacks: netem .why netem"):
        Scenario("x", requires=["fork", "netem"]).check_requirements()


def test_a_scenario_shows_itself_in_a_line():
    assert repr(full()) == (
        "<Scenario \"everything: ünïcode & 'quotes'\": latency, partition, node_crash; 2 criteria>"
    )
    assert repr(Scenario("calm")) == "<Scenario 'calm': no faults; 0 criteria>"


def test_a_fault_of_a_user_works_in_a_file(tmp_path, monkeypatch):
    from resilkit.faults import registry

    monkeypatch.setattr(registry, "_REGISTERED", dict(registry._REGISTERED))

    @faults.register_fault("doze")
    class Doze(faults.NodeFault):
        depth: float = 0.5

        def actions(self, targets):
            return [faults.Signal(node, "pause") for node in targets]

    path = written(tmp_path, "name: x\nfaults: [doze: {depth: 50 ms, at: 1 s}]")
    assert Scenario.from_file(path).faults == (Doze(0.05, at=1.0),)


def test_a_text_is_read_as_a_file_of_it_is():
    text = "name: slow\nfaults:\n  - latency: {low: 20 ms, high: 0.2, at: 5 s}\n"
    assert Scenario.from_yaml(text).faults == (faults.Latency(0.02, 0.2, at=5.0),)
    assert Scenario.from_yaml(Scenario.from_yaml(text).to_yaml()) == Scenario.from_yaml(text)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("name: [", "yaml"),
        ("name: x\nname: y", "yaml"),
        ("x" * 1_048_577, "yaml"),
        ("[" * 5000, "yaml"),
        ("\ud800", "yaml"),
        (None, "yaml"),
        ("", ""),
        ("name: x\nfaults:\n  - latency: {low: -1, high: 1}", "faults[0].latency.low"),
    ],
)
def test_a_text_that_is_no_scenario_is_refused_with_the_path(text, path):
    with pytest.raises(InvalidArgument) as refused:
        Scenario.from_yaml(text)
    assert refused.value.path == path


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("name", 1),
        ("faults[1].partition.for", 8),
        ("faults[1].partition.nothing", 6),
        ("faults[0]", 4),
        ("faults[7].x", 3),
        ("nothing", None),
        ("criteria[0]", 9),
        ("", None),
    ],
)
def test_the_line_of_a_path_is_found_in_the_text(path, line):
    text = """name: x
duration: 45 s
faults:
  - memory: {share: 0.9,
      at: 5 s}
  - partition:
      every: 15 s
      for: 5 s
criteria: ["p95 <= 1 s"]
"""
    assert line_of(text, path) == line
    assert line_of("a: [", path) is None
    assert line_of("", path) is None
