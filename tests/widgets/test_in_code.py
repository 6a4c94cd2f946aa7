"""What panels call a cluster when they say what to type next."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import resilkit as rk
from resilkit_widgets import ClusterPanel, Lab, in_code


def said(monkeypatch: pytest.MonkeyPatch, cluster: rk.Cluster, names: dict[str, Any]) -> str:
    """Return what a cluster is called in a notebook with these names."""
    monkeypatch.setattr(in_code, "get_ipython", lambda: SimpleNamespace(user_ns=names))
    return in_code.in_code(cluster)


class Hurt:
    """What must not be looked into."""

    @property
    def cluster(self) -> rk.Cluster:
        """Raise."""
        raise AssertionError


def test_a_cluster_is_called_by_its_name_or_through_the_lab_that_shows_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with rk.Cluster(nodes=1) as cluster, rk.Cluster(nodes=1) as other:
        lab, panel = Lab(cluster), ClusterPanel(cluster)
        strangers = {"a": Hurt(), "b": Lab(other), "c": other, "_": lab, "__": lab, "_i1": "Lab()"}
        for more, expected in [
            ({}, "cluster"),
            ({"_7": lab}, "_7.cluster"),
            ({"_7": lab, "form": panel}, "form.cluster"),
            ({"lab": lab, "mine": cluster}, "mine"),
        ]:
            assert said(monkeypatch, cluster, strangers | more) == expected


def test_without_a_notebook_it_is_just_the_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_code, "get_ipython", lambda: None)
    with rk.Cluster(nodes=1) as cluster:
        assert in_code.in_code(cluster) == "cluster"
