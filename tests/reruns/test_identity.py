"""What makes a sweep another one, so that a folder of the one is not gone on with by the other."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

import resilkit as rk
from resilkit.cluster.limits import Limits
from resilkit.errors import InvalidArgument
from resilkit.reruns.identity import differences, identity
from resilkit.reruns.sweeping import sweep
from tests.reruns.systems import Account, bank


def neither(name, one, other):
    del name, one, other


FIRST = {"nodes": ["n1", "n2"]}
OTHERS = {
    "nodes": ["n1", "n3"],
    "topology": [("n1", "n2")],
    "latency": 0.01,
    "restart": "always",
    "start_timeout": 77.0,
    "sample_interval": 0.5,
    "uss_every": 1.0,
    "detect_after": 3.0,
    "config": {"size": 3},
    "limits": Limits(open_files=128),
    "name_resolver": neither,
    "name": "other",
}


def made(**fields):
    return bank(
        system=rk.ChildSpec(Account, name="account")
    ).changed(cluster=rk.ClusterSpec(**{**FIRST, **fields}))  # fmt: skip


def same_as_first(**fields):
    return differences(identity(made()), identity(made(**fields)))


def test_every_field_of_a_cluster_but_its_seed_is_tried_here():
    fields = {each.name for each in dataclasses.fields(rk.ClusterSpec)}
    assert set(OTHERS) == fields - {"seed"}


@pytest.mark.parametrize("field", OTHERS)
def test_a_cluster_of_which_one_field_differs_is_another(field):
    assert same_as_first() == same_as_first(seed=5) == []
    assert "cluster" in same_as_first(**{field: OTHERS[field]})


class Sized(rk.Server):
    def init(self, *args, **kwargs):
        self.given = args, kwargs


FIRST_CHILD = {"server": Sized, "name": "sized"}


@pytest.mark.parametrize(
    "changes",
    [
        {"server": Account},
        {"id": "other"},
        {"name": "other"},
        {"args": (1,)},
        {"kwargs": {"size": 1}},
        {"restart": "temporary"},
        {"shutdown": 1.0},
        {"scope": "node"},
    ],
    ids=lambda changes: next(iter(changes)),
)
@pytest.mark.parametrize("where", ["nodes", "system"])
def test_what_a_node_or_the_system_starts_is_part_of_it_in_each_field(changes, where):
    def identity_of(**more):
        child = rk.ChildSpec(**{**FIRST_CHILD, **more})
        if where == "system":
            return identity(made().changed(system=child))
        nodes = ["n1", rk.NodeSpec("n2", applications=[child])]
        return identity(made(nodes=nodes))

    part = "system" if where == "system" else "cluster"
    assert differences(identity_of(), identity_of()) == []
    assert part in differences(identity_of(), identity_of(**changes))


def test_every_field_of_a_child_that_can_stand_alone_is_tried_there():
    fields = {each.name for each in dataclasses.fields(rk.ChildSpec)}
    assert fields == {
        "server", "id", "name", "args", "kwargs", "restart", "shutdown", "scope", "significant",
    }  # fmt: skip


def test_a_program_that_is_named_by_a_text_is_part_of_it_with_its_code(monkeypatch):
    def identity_of(text):
        return identity(made(nodes=["n1", rk.NodeSpec("n2", applications=[text])]))

    text = "tests.reruns.systems:Account"
    before = identity_of(text)
    assert differences(before, identity_of("tests.reruns.systems:Unstartable")) == [
        "cluster", "code",
    ]  # fmt: skip
    monkeypatch.setattr("tests.reruns.systems.Account", Sized)
    assert differences(before, identity_of(text)) == ["code"]


def test_a_folder_is_refused_where_a_program_is_handed_something_else(tmp_path):
    def run(size):
        child = rk.ChildSpec(Sized, name="sized", kwargs={"size": size})
        experiment = made(nodes=["n1", rk.NodeSpec("n2", applications=[child])])
        return sweep(experiment, seeds=1, processes=1, resume=tmp_path, progress=False)

    run(3)
    assert len(run(3)) == 1
    with pytest.raises(InvalidArgument, match="another cluster"):
        run(4)


IN_ANOTHER_PROCESS = """
from tests.reruns.test_identity import handed
print(handed())
"""


def handed():
    loop = []
    loop.append(loop)
    kwargs = {"names": {"a", "b", "c"}, "plain": object(), "loop": loop, "nan": float("nan")}
    child = rk.ChildSpec(Sized, name="sized", kwargs=kwargs)
    return identity(made().changed(system=child))


def test_it_is_the_same_in_another_process():
    done = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS],
        capture_output=True, text=True, check=False, env={"PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert done.stdout.strip() == str(handed()), done.stderr
