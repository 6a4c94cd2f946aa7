"""A cluster's spec is refused whole, with the path to what is wrong, before anything starts."""

from __future__ import annotations

import dataclasses
import json
import math
import pickle
import statistics

import pytest

from resilkit import rng
from resilkit.cluster import ClusterSpec, Limits, LinkLatency, NodeSpec, RestartPolicy
from resilkit.errors import InvalidArgument


def test_nodes_are_named_n1_and_on_unless_told_otherwise():
    assert ClusterSpec(3).names == ("n1", "n2", "n3")
    assert ClusterSpec(nodes=["a", NodeSpec("b")]).names == ("a", "b")
    assert ClusterSpec(nodes=(name for name in "xyz")).names == ("x", "y", "z")
    assert len(ClusterSpec(1000).names) == 1000


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ({"nodes": 0}, "nodes"),
        ({"nodes": -1}, "nodes"),
        ({"nodes": 1001}, "nodes"),
        ({"nodes": True}, "nodes"),
        ({"nodes": 3.0}, "nodes"),
        ({"nodes": "three"}, "nodes"),
        ({"nodes": None}, "nodes"),
        ({"nodes": []}, "nodes"),
        ({"nodes": {"a": 1}}, "nodes"),
        ({"nodes": ["a", 3]}, "nodes[1]"),
        ({"nodes": ["a", "../b"]}, "nodes[1]"),
        ({"nodes": ["a", "@g1"]}, "nodes[1]"),
        ({"nodes": ["a", "b", "a"]}, "nodes[2].name"),
        ({"nodes": [NodeSpec("-rf")]}, "nodes[0].name"),
        ({"nodes": [NodeSpec("a", limits={"open_files": 64})]}, "nodes[0].limits"),
        ({"nodes": [NodeSpec("a", restart="sometimes")]}, "nodes[0].restart"),
        ({"nodes": [NodeSpec("a", config={1: 2})]}, "nodes[0].config"),
        ({"nodes": [NodeSpec("a", applications="x:y")]}, "nodes[0].applications"),
        ({"nodes": [NodeSpec("a", applications=["no such thing"])]}, "nodes[0].applications[0]"),
        ({"nodes": [NodeSpec("a", applications=[3])]}, "nodes[0].applications[0]"),
        ({"topology": "rign"}, "topology"),
        ({"topology": None}, "topology"),
        ({"latency": -0.1}, "latency"),
        ({"latency": math.nan}, "latency"),
        ({"latency": (0.2, 0.1)}, "latency.high"),
        ({"seed": -1}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"seed": True}, "seed"),
        ({"restart": "on-crash"}, "restart"),
        ({"start_timeout": 0}, "start_timeout"),
        ({"start_timeout": math.inf}, "start_timeout"),
        ({"sample_interval": 0}, "sample_interval"),
        ({"uss_every": 0}, "uss_every"),
        ({"uss_every": "1 s"}, "uss_every"),
        ({"detect_after": -5}, "detect_after"),
        ({"config": ["a"]}, "config"),
        ({"limits": 64}, "limits"),
        ({"name": "a/b"}, "name"),
    ],
    ids=lambda value: None if isinstance(value, dict) else value,
)  # fmt: skip
def test_a_bad_field_is_refused_with_its_path(arguments, path):
    with pytest.raises(InvalidArgument) as caught:
        ClusterSpec(**arguments)
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("make", "arguments", "path"),
    [
        (LinkLatency, {"low": math.nan}, "latency.low"),
        (LinkLatency, {"low": None}, "latency.low"),
        (LinkLatency, {"low": 0.1, "high": math.inf}, "latency.high"),
        (LinkLatency, {"low": 0.2, "high": 0.1}, "latency.high"),
        (LinkLatency, {"low": 0.1, "high": 0.2, "distribution": "constant"}, "latency.high"),
        (LinkLatency, {"low": 0.1, "distribution": "gamma"}, "latency.distribution"),
        (RestartPolicy, {"mode": -1}, "restart.mode"),
        (RestartPolicy, {"max_restarts": -1}, "restart.max_restarts"),
        (RestartPolicy, {"delay": math.nan}, "restart.delay"),
        (RestartPolicy, {"max_seconds": 0}, "restart.max_seconds"),
        (Limits, {"open_files": -1}, "limits.open_files"),
        (Limits, {"open_files": math.nan}, "limits.open_files"),
        (Limits, {"memory_bytes": True}, "limits.memory_bytes"),
        (Limits, {"memory_bytes": 4096}, "limits.memory_bytes"),
        (Limits, {"cpu_seconds": 2**80}, "limits.cpu_seconds"),
    ],
    ids=str,
)
def test_a_part_of_a_spec_is_checked_when_it_is_made(make, arguments, path):
    with pytest.raises(InvalidArgument) as caught:
        make(**arguments)
    assert caught.value.path == path


def test_the_words_of_a_refusal_show_value_and_fix():
    with pytest.raises(
        InvalidArgument,
        match=r"^nodes\[2\]\.limits\.open_files: is out of range, got -1; "
        r"allowed: a whole number >= 32$",
    ):
        ClusterSpec.from_dict({"nodes": ["a", "b", {"name": "c", "limits": {"open_files": -1}}]})
    with pytest.raises(InvalidArgument, match=r"did you mean 'ring'"):
        ClusterSpec(topology="Ring")


def test_a_node_takes_what_it_leaves_open_from_the_cluster():
    spec = ClusterSpec(
        [NodeSpec("a", config={"x": 2}, limits=Limits(open_files=64), restart="always"), "b"],
        config={"x": 1, "y": 1},
        limits=Limits(cpu_seconds=9),
        restart="on_crash",
    )
    assert spec.node("a").config == {"x": 2, "y": 1}
    assert spec.node("a").limits == Limits(open_files=64)
    assert spec.node("a").restart == RestartPolicy("always")
    assert spec.node("b").config == {"x": 1, "y": 1}
    assert spec.node("b").limits == Limits(cpu_seconds=9)
    assert spec.node("b").restart == RestartPolicy("on_crash")
    with pytest.raises(InvalidArgument):
        spec.node("c")


def test_a_spec_does_not_change_with_what_it_was_made_of():
    config, nodes = {"x": 1}, ["a"]
    spec = ClusterSpec(nodes, config=config)
    config["x"] = 2
    nodes.append("b")
    assert spec.config == {"x": 1}
    assert spec.names == ("a",)
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.seed = 3


def test_replacing_a_field_checks_the_whole_again():
    spec = ClusterSpec(3, topology=[("n1", "n2"), ("n2", "n3")], latency=0.01)
    with pytest.raises(InvalidArgument, match=r"^topology: leaves 1 of 4 nodes out of reach"):
        dataclasses.replace(spec, nodes=4)
    assert dataclasses.replace(spec, seed=7).latency == LinkLatency(0.01, 0.01, "constant")


FULL = ClusterSpec(
    [NodeSpec("a", applications=["pkg.mod:App"], config={"x": 1}, limits=Limits(open_files=64),
              restart=RestartPolicy("always", 0.5)), "b", "c"],
    topology={"custom": [("a", "b"), ("c", "b")]}, latency=LinkLatency(0.001, 0.002, "normal"),
    seed=7, restart="on_crash", start_timeout=3, uss_every=2, config={"y": [1, 2]},
    limits=Limits(memory_bytes=1 << 30), name="full",
)  # fmt: skip


@pytest.mark.parametrize("spec", [ClusterSpec(), FULL, ClusterSpec(2, topology="star", latency=1)])
def test_a_spec_survives_a_manifest_and_a_pickle(spec):
    assert ClusterSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert hash(spec) == hash(dataclasses.replace(spec))


def test_a_file_may_say_durations_and_sizes_as_text():
    spec = ClusterSpec.from_dict(
        {
            "nodes": ["a", {"name": "b", "limits": {"memory_bytes": "1 GiB"}, "restart": "always"}],
            "latency": {"low": "1 ms", "high": "2 ms"},
            "restart": {"mode": "on_crash", "delay": "500 ms"},
            "detect_after": "2 s",
        }
    )
    assert spec.node("b").limits == Limits(memory_bytes=1 << 30)
    assert spec.latency == LinkLatency(0.001, 0.002)
    assert spec.restart == RestartPolicy("on_crash", 0.5)
    assert spec.detect_after == 2.0


@pytest.mark.parametrize(
    ("mapping", "path"),
    [
        ({"nodez": 3}, "nodez"),
        ({"nodes": [{"nam": "a"}]}, "nodes[0].nam"),
        ({"nodes": [{"config": {}}]}, "nodes[0].name"),
        ({"nodes": ["a", {"name": "b", "limits": {"memory": 1}}]}, "nodes[1].limits.memory"),
        ({"limits": {"memory_bytes": "64 M"}}, "limits.memory_bytes"),
        ({"latency": {"high": 1}}, "latency.low"),
        ({"restart": {"mode": "always", "delays": 1}}, "restart.delays"),
        ({"topology": {"customs": []}}, "topology.customs"),
        ({"start_timeout": "soon"}, "start_timeout"),
        ([], ""),
    ],
    ids=str,
)
def test_a_bad_file_is_refused_with_the_path_of_the_field(mapping, path):
    with pytest.raises(InvalidArgument) as caught:
        ClusterSpec.from_dict(mapping)
    assert caught.value.path == path


@pytest.mark.parametrize("shape", ["uniform", "normal", "exponential"])
def test_latencies_are_drawn_between_their_ends(shape):
    latency = LinkLatency(0.01, 0.02, shape).validated()
    stream = rng.stream(7, "link")
    drawn = [latency.sample(stream) for _ in range(2000)]
    assert 0.01 <= min(drawn) < max(drawn) <= 0.02
    middle = {"uniform": 0.015, "normal": 0.015, "exponential": 0.012}[shape]
    assert statistics.fmean(drawn) == pytest.approx(middle, rel=0.02)
    stream = rng.stream(7, "link")
    assert drawn[:50] == [latency.sample(stream) for _ in range(50)]


def test_a_constant_latency_draws_nothing():
    stream = rng.stream(7, "link")
    before = stream.getstate()
    assert LinkLatency.of(0.25).sample(stream) == 0.25
    assert stream.getstate() == before
