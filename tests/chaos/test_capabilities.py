"""What works on this machine, really tried."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from resilkit import faults
from resilkit.chaos import capabilities, capability_names
from resilkit.errors import InvalidArgument
from tests.cluster.traces import wait_gone

module = sys.modules["resilkit.chaos.capabilities"]


@pytest.fixture
def fresh():
    module._features.cache_clear()
    yield
    module._features.cache_clear()


def test_every_fault_and_feature_has_a_row_with_a_reason():
    found = capabilities()
    assert [row.name for row in found] == capability_names()
    assert {row.name for row in found if row.kind == "fault"} == set(faults.registered_faults())
    assert [row.name for row in found if not row.why] == []


def test_faults_on_links_and_servers_work_everywhere():
    assert all(
        capabilities()[name].works
        for name in ("latency", "partition", "server_crash", "clock_skew")
    )


@pytest.mark.skipif(sys.platform != "linux", reason="what Linux surely can")
def test_probes_find_what_linux_surely_can():
    for name in ("fork", "signals", "unix_sockets", "rlimits", "proc", "prlimit"):
        assert capabilities()[name].works, capabilities()[name]


def test_probing_leaves_nothing_behind(fresh):
    def state():
        return {*Path("/proc/self/fd").iterdir(), *psutil.Process().children(recursive=True)}

    before = state()
    capabilities(refresh=True)
    assert state() <= before, "what tests before have left may end meanwhile"


def test_answers_are_kept_until_a_refresh(fresh, monkeypatch):
    runs = []
    real = module._run_probes
    monkeypatch.setattr(module, "_run_probes", lambda: runs.append(1) or real())
    capabilities()
    capabilities()
    assert len(runs) == 1
    capabilities(refresh=True)
    assert len(runs) == 2


def answers(**wrong):
    good = dict.fromkeys(module._SYSTEM, (True, ""))
    return {**good, **{name: (False, why) for name, why in wrong.items()}}, ""


def test_a_fault_that_lacks_what_it_needs_says_what(fresh, monkeypatch):
    monkeypatch.setattr(
        module, "_run_probes", lambda: answers(signals="no SIGSTOP", fork="no fork")
    )
    found = capabilities()
    assert (found["node_pause"].works, found["node_pause"].why) == (False, "signals: no SIGSTOP")
    assert (found["cpu"].works, found["cpu"].why) == (False, "fork: no fork")
    assert found["memory"].works
    assert found["latency"].works


def test_probes_that_hang_are_ended_and_nothing_that_needs_them_works(fresh, monkeypatch, tmp_path):
    stuck = tmp_path / "probe_script.py"
    stuck.write_text("import os, signal\nos.fork()\nsignal.pause()\n")
    monkeypatch.setattr(module, "__file__", str(tmp_path / "capabilities.py"))
    monkeypatch.setattr(module, "_PATIENCE", 0.3)
    found = capabilities()
    assert found["fork"].why == "the probes took longer than 0.3 seconds"
    assert not found["node_crash"].works
    assert found["latency"].works
    named = psutil.process_iter(["cmdline"])
    left = [one for one in named if str(stuck) in (one.info["cmdline"] or [])]
    wait_gone([one.pid for one in left])


def test_a_probe_that_raises_is_an_answer():
    script = Path(module.__file__).with_name("probe_script.py")
    code = (
        f"import runpy; names = runpy.run_path({str(script)!r}); "
        "names['PROBES'].clear(); names['PROBES']['bad'] = lambda: 1 / 0; names['main']()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {"bad": [False, "ZeroDivisionError: division by zero"]}


def test_it_shows_itself_as_a_line_a_table_and_a_frame(fresh, monkeypatch):
    monkeypatch.setattr(module, "_run_probes", lambda: answers(netem="<b>no</b> & more"))
    found = capabilities()
    assert "netem" in repr(found)
    assert len(repr(found)) < 200
    assert "&lt;b&gt;no&lt;/b&gt; &amp; more" in found._repr_html_()
    assert "<b>no" not in found._repr_html_()
    frame = found.frame().set_index("name")
    assert not frame.loc["netem", "works"]
    assert list(found.frame().columns) == ["name", "kind", "works", "why", "simulated"]


def test_an_unknown_row_is_refused_with_the_nearest():
    with pytest.raises(InvalidArgument, match="did you mean 'netem'"):
        capabilities()["netme"]
