"""The folder of a sweep that something has damaged, or that cannot be written any more."""

from __future__ import annotations

import json
import resource

import pytest

from resilkit.errors import InvalidArgument, StorageError
from resilkit.reruns import sweeping
from resilkit.reruns.sweeping import sweep
from resilkit.reruns.worker import run_seed
from tests.reruns.systems import bank


def here(experiment, **options):
    return sweep(experiment, **{"seeds": 6, "processes": 1, "progress": False, **options})


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Return the folder of a sweep of one seed."""
    folder = tmp_path_factory.mktemp("kept")
    here(bank(), seeds=1, resume=folder)
    return folder


def written(**fields):
    """Return how a row is written that has other fields than it should."""
    row = {
        "seed": 0, "passed": True, "failed": [], "inconclusive": [], "measured": {},
        "operations": 1, "errors": 0, "ran": 1.0, "wall": 0.1, "fingerprint": "", "error": "",
    }  # fmt: skip
    return json.dumps({"key": [0, 0], "row": {**row, **fields}}).encode() + b"\n"


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        (b"{}\n", "'key'"),
        (b"\xff\n", "utf-8"),
        (b"[" * 100_000 + b"\n", "recursion"),
        (b'{"key": [0, 0], "row": 5}\n', "5 is no row"),
        (b'{"key": [0, 0], "row": {}}\n', "no 'seed'"),
        (written(seed=1), "a row of seed 1 stands for seed 0"),
        (written(passed="yes"), "'passed' of a row is 'yes'"),
        (written(failed=3), "'failed' of a row is 3"),
        (written(measured={"p99": "fast"}), "'measured' of a row"),
        (written(operations=2**63), "'operations' of a row"),
        (written(wall=None), "'wall' of a row is None"),
        (written(error=None), "'error' of a row is None"),
    ],
)
def test_a_damaged_folder_is_told_of(kept, lines, what):
    (kept / "seeds.jsonl").write_bytes(lines)
    with pytest.raises(StorageError, match=rf"damaged: seeds\.jsonl: .*{what}"):
        here(bank(), seeds=2, resume=kept)
    assert (kept / "seeds.jsonl").read_bytes() == lines


@pytest.mark.parametrize(
    "about", ["[" * 100_000, '{"format": "resilkit sweep", "about": {"0": 3}}']
)
def test_a_folder_whose_description_is_damaged_is_refused(tmp_path, about):
    (tmp_path / "sweep.json").write_text(about)
    with pytest.raises(InvalidArgument, match=r"its sweep\.json is no sweep's"):
        here(bank(), resume=tmp_path)


def test_a_sweep_that_cannot_write_its_rows_says_so(tmp_path, monkeypatch):
    here(bank(), seeds=1, resume=tmp_path)
    before = (tmp_path / "seeds.jsonl").read_bytes()
    old = resource.getrlimit(resource.RLIMIT_FSIZE)

    def first(*given):
        # From now on the file can have no more.
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, old[1]))
        return run_seed(*given)

    monkeypatch.setattr(sweeping, "run_seed", first)
    try:
        with pytest.raises(StorageError, match=r"cannot be kept in .*: File too large"):
            here(bank(), seeds=3, resume=tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    monkeypatch.undo()
    assert list(here(bank(), seeds=3, resume=tmp_path)["seed"].sort_values()) == [0, 1, 2]
