"""Saved runs: whole or not at all, and never trusted when they are read again."""

from __future__ import annotations

import json
import math
import resource
import shutil
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

from resilkit.errors import InvalidArgument, StorageError
from resilkit.experiment import Audit, figures, load, report, runs
from resilkit.experiment.assembly import _generators
from resilkit.experiment.frames import Events
from resilkit.experiment.manifest import FILE_NAME, FORMAT
from resilkit.history import History
from resilkit.workload.report import GeneratorReport
from tests.experiment import synthetic


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return synthetic.result().save(tmp_path_factory.mktemp("runs") / "first")


@pytest.fixture
def copy(saved, tmp_path):
    return Path(shutil.copytree(saved, tmp_path / "copy"))


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def edit(folder, change):
    path = folder / FILE_NAME
    manifest = json.loads(path.read_text("utf-8"))
    change(manifest)
    path.write_text(json.dumps(manifest), "utf-8")


def test_a_run_comes_back_as_it_was(saved):
    result, back = synthetic.result(), load(saved)
    pd.testing.assert_frame_equal(back.operations, result.operations)
    pd.testing.assert_frame_equal(back.verdicts, result.verdicts, check_dtype=False)
    pd.testing.assert_frame_equal(back.events.frame(), result.events.frame(), check_dtype=False)
    pd.testing.assert_frame_equal(back.summary(), result.summary())
    pd.testing.assert_frame_equal(back.latency, result.latency)
    assert list(back.metrics) == list(result.metrics)
    for name, frame in result.metrics.items():
        pd.testing.assert_frame_equal(
            back.metrics[name].astype({"node": str, "server": str}),
            frame.astype({"node": str, "server": str}),
        )
        assert back.metrics[name].attrs["unit"] == frame.attrs["unit"]
    assert back.sentence() == result.sentence()
    assert back.consistency == result.consistency
    assert (back.seed, back.passed, back.how_to_rerun()) == (7, False, result.rerun)
    assert back.description == result.description


def test_what_is_known_from_below_only_stays_so_in_a_saved_run(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "report_figures", lambda _: [])  # they show no verdicts
    table = synthetic.verdicts()
    table.loc[1, ["measured", "low", "high"]] = [math.nan, 2.49, math.inf]
    table.loc[2, ["measured", "low", "high"]] = [-math.inf, -math.inf, 0.0]
    result = synthetic.result(verdicts=table)
    back = load(result.save(tmp_path / "run"))
    assert result.verdicts.equals(back.verdicts)
    pages = [run.report(tmp_path / "page.html").read_bytes() for run in (result, back)]
    assert b"at least 2.49 s" in pages[0]
    assert pages[0] == pages[1]
    # Runs that were saved before have null there.
    edit(tmp_path / "run", lambda manifest: manifest["verdicts"][1].update(high=None))
    assert math.isnan(load(tmp_path / "run").verdicts["high"][1])


def test_what_an_audit_gave_as_an_example_is_kept(tmp_path):
    audit = Audit(share=0.5, n=2, valid=False, summary="1 of 2 lost.", example="e.g. k7")
    back = load(synthetic.result(consistency=audit).save(tmp_path / "run"))
    assert back.consistency == audit


def test_a_loaded_run_can_be_saved_again(saved, tmp_path):
    again = load(load(saved).save(tmp_path / "again"))
    pd.testing.assert_frame_equal(again.operations, load(saved).operations)


def test_a_run_without_operations_events_or_metrics_survives(tmp_path):
    empty = synthetic.result(
        history=synthetic.history(seconds=0),
        events=synthetic.events().iloc[:0],
        metrics=synthetic.Metrics({}),
        verdicts=synthetic.verdict_frame([]),
        generators=pd.DataFrame(),
        consistency=None,
    )
    back = load(empty.save(tmp_path / "empty"))
    assert len(back.history) == len(back.events) == len(back.metrics) == 0
    assert back.passed is None
    assert back.sentence() == empty.sentence()


def test_the_folder_holds_parquet_and_json_and_nothing_else(saved):
    names = {str(path.relative_to(saved)) for path in saved.rglob("*") if path.is_file()}
    assert {"manifest.json", "operations.parquet", "events.parquet"} <= names
    assert {Path(name).suffix for name in names} == {".json", ".parquet"}
    assert "metrics/memory_rss.parquet" in names
    manifest = json.loads((saved / FILE_NAME).read_text("utf-8"))
    assert {"seed", "verdicts", "summary", "environment", "description"} <= set(manifest)


def test_saving_again_replaces_the_run(saved, tmp_path):
    target = tmp_path / "run"
    synthetic.result().save(target)
    synthetic.result(seed=8).save(target)
    assert load(target).seed == 8
    assert names_in(tmp_path) == ["run"]


def test_a_folder_of_something_else_is_never_replaced(tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("mine")
    with pytest.raises(InvalidArgument, match="stays untouched"):
        synthetic.result().save(tmp_path / "thesis")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InvalidArgument, match="stays untouched"):
        synthetic.result().save(tmp_path / "file")
    assert names_in(tmp_path) == ["file", "thesis"]


def test_metrics_with_hostile_names_stay_inside_the_folder(tmp_path):
    frames = dict(synthetic.metrics())
    frames["../../escape"] = frames["cpu"].copy()
    frames["a/b"] = frames["cpu"].copy()
    target = synthetic.result(metrics=synthetic.Metrics(frames)).save(tmp_path / "in" / "run")
    assert names_in(tmp_path) == ["in"]
    assert "../../escape" in load(target).metrics


@pytest.mark.parametrize(
    "name", ["operations.parquet", "events.parquet", "metrics/cpu.parquet", FILE_NAME]
)
@pytest.mark.parametrize("harm", ["cut", "flip", "empty", "remove"])
def test_a_damaged_run_is_refused_with_the_files_name(copy, name, harm):
    path = copy / name
    data = path.read_bytes()
    if harm == "remove":
        path.unlink()
    else:
        middle = len(data) // 2
        flipped = data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :]
        path.write_bytes({"cut": data[:middle], "flip": flipped, "empty": b""}[harm])
    expected = InvalidArgument if (name, harm) == (FILE_NAME, "remove") else StorageError
    with pytest.raises(expected, match=Path(name).name):
        load(copy)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m["verdicts"][0].update(verdict=["pass"]), "got `array`"),
        (lambda m: m["generators"][0].update(dropped="many"), "dropped"),
        (lambda m: m.pop("seed"), "seed"),
        (lambda m: m.update(verdicts=3), "verdicts"),
        (lambda m: m["verdicts"][0].update(verdict="<script>"), "verdict"),
        (lambda m: m["verdicts"][0].update(high="much"), "high"),
        (lambda m: m["files"].pop("events.parquet"), "events.parquet"),
        (lambda m: m["metrics"].update(cpu="../../etc/passwd"), "passwd"),
        (lambda m: m["metrics"].update(cpu="operations.parquet"), "operations.parquet"),
        (lambda m: m["consistency"].update(share=7.0), "share"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(copy, change, words):
    edit(copy, change)
    with pytest.raises(StorageError, match=words):
        load(copy)


def test_a_file_outside_the_folder_is_not_read_though_the_manifest_lists_it(copy, tmp_path):
    (tmp_path / "secret.parquet").write_bytes((copy / "metrics/cpu.parquet").read_bytes())

    def point_outside(manifest):
        manifest["files"]["../secret.parquet"] = manifest["files"]["metrics/cpu.parquet"]
        manifest["metrics"]["cpu"] = "../secret.parquet"

    edit(copy, point_outside)
    with pytest.raises(StorageError, match="secret"):
        load(copy)


def test_a_newer_format_is_refused_in_words(copy):
    edit(copy, lambda manifest: manifest.update(version=99))
    with pytest.raises(InvalidArgument, match=r"newer resilkit.*99"):
        load(copy)


@pytest.mark.parametrize("form", [99, f"{FORMAT}-99"])
def test_another_format_of_ours_is_a_newer_one_and_not_another_program_s(copy, form):
    edit(copy, lambda manifest: manifest.update(format=form))
    with pytest.raises(
        InvalidArgument, match=rf"newer resilkit \(format {form}; this one reads up to \d"
    ):
        load(copy)


@pytest.mark.parametrize("name", ["operations.parquet", "metrics/cpu.parquet"])
def test_a_run_with_a_damaged_table_is_listed_with_its_problem(copy, name):
    path = copy / name
    assert runs(copy.parent)["problem"].tolist() == [""]
    data = path.read_bytes()
    path.write_bytes(data[:-9] + bytes(9))
    (problem,) = runs(copy.parent)["problem"]
    assert name in problem
    path.unlink()
    (problem,) = runs(copy.parent)["problem"]
    assert "is missing" in problem


def test_unknown_fields_of_a_later_version_are_ignored(copy):
    edit(copy, lambda manifest: manifest.update(colour="blue"))
    assert load(copy).seed == 7


@pytest.mark.parametrize("content", [None, "{}", "[]", '{"format": "other"}'])
def test_a_foreign_folder_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / FILE_NAME).write_text(content)
    with pytest.raises(InvalidArgument, match="not a saved run"):
        load(tmp_path)


def test_a_path_that_is_not_there_or_is_a_file_is_refused(tmp_path):
    with pytest.raises(InvalidArgument, match="does not exist"):
        load(tmp_path / "no")
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidArgument, match="no folder"):
        load(tmp_path / "file")


def test_runs_lists_what_is_there_newest_first_and_names_the_damaged(copy, tmp_path):
    synthetic.result(seed=9, name="second").save(tmp_path / "b")
    edit(copy, lambda manifest: manifest.update(saved="2020-01-01T00:00:00+00:00"))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / FILE_NAME).write_text("{")
    (tmp_path / "foreign").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / FILE_NAME).write_text("{}")
    (tmp_path / ".draft").mkdir()
    frame = runs(tmp_path)
    assert frame["run"].tolist() == ["b", "copy", "broken"]
    assert frame["seed"].tolist()[:2] == [9, 7]
    assert frame["passed"].tolist()[:2] == [False, False]
    assert "no JSON" in frame["problem"].iloc[2]
    with pytest.raises(InvalidArgument, match="no folder"):
        runs(tmp_path / "nothing")


HALF_COLUMN = pd.Series(["caf\udce9"] * 9, dtype=object)
HALF = "no file caf\udce9"


def test_texts_of_others_that_are_no_utf_8_are_written_all_the_same(tmp_path):
    row = ("get", 1, "@g1", 0.1, 0.1, 0.2, "info", HALF, HALF)
    result = synthetic.result(
        name=HALF,
        problems=(HALF,),
        description={HALF: HALF},
        history=History([row]),
        events=Events(synthetic.events().astype(object).assign(target=HALF_COLUMN)),
        generators=_generators([GeneratorReport("@g1", "open", errors={HALF: 1})]),
    )
    back = load(result.save(tmp_path / "run"))
    assert back.name == back.problems[0] == "no file caf\ufffd"
    assert back.operations["error"].tolist() == ["no file caf\ufffd"]
    assert back.operations["value"].tolist() == [HALF]
    assert set(back.events["target"]) == {"caf\ufffd"}


ODD = (None, "x", "\ud800", 2**80, 1.5, ["x"], {"a": 1})
DEEP = ("verdicts", "generators", "consistency", "metrics", "files")


def places(value, above=()):
    """Return the way to every field at the top, and in the first of the deeper rows."""
    items = list(value.items() if isinstance(value, dict) else enumerate(value))
    for key, below in items[:1] if above in {("metrics",), ("files",)} else items:
        yield (*above, key)
        if isinstance(below, (dict, list)) and (key in DEEP or key == 0 or above == ("files",)):
            yield from places(below, (*above, key))


def test_a_manifest_with_any_odd_field_loads_or_is_refused_as_damaged(tmp_path):
    small = synthetic.result(
        history=synthetic.history(seconds=0.1), metrics=synthetic.Metrics({})
    ).save(tmp_path / "run")
    good = json.loads((small / FILE_NAME).read_text("utf-8"))
    refused, foreign = 0, set()
    for place in places(good):
        for odd in ODD:
            manifest = json.loads(json.dumps(good))
            holder = manifest
            for key in place[:-1]:
                holder = holder[key]
            holder[place[-1]] = odd
            (small / FILE_NAME).write_text(json.dumps(manifest), "utf-8")
            try:
                back = load(small)
            except StorageError:
                refused += 1
            except InvalidArgument:  # another program's, or a newer version's
                foreign.add(place)
            else:
                assert repr(back)
                assert report._load_note(back)
    assert foreign == {("format",), ("version",)}
    assert refused > 200


# A disk that says no -----------------------------------------------------------------------------


@contextmanager
def small_files():
    """Let no file of this process grow beyond 20 kB meanwhile."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Python ignores the signal for it, which would end the process.
    assert signal.getsignal(signal.SIGXFSZ) is signal.SIG_IGN
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("_plain_report")
@pytest.mark.parametrize("action", ["save", "report"])
def test_a_file_that_may_not_grow_is_a_storage_error_and_leaves_nothing(tmp_path, action):
    write = getattr(synthetic.result(), action)
    # No longer than this: what pytest itself writes to may be a file that is longer.
    with small_files(), pytest.raises(StorageError, match="File too large"):
        write(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of 64 kB; skipped where it takes rights that we do not have."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("no right to mount a file system here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def _plain_report(monkeypatch):
    """Big enough for a small disk, without the seconds that figures take to draw."""
    figure = {"markup": "x" * 100_000, "caption": ""}
    monkeypatch.setattr(figures, "report_figures", lambda _: [figure])


@pytest.mark.usefixtures("_plain_report")
def test_a_full_disk_is_a_storage_error_and_leaves_nothing(tiny_disk):
    with pytest.raises(StorageError, match="No space left"):
        synthetic.result().save(tiny_disk / "run")
    with pytest.raises(StorageError, match="No space left"):
        synthetic.result().report(tiny_disk / "report.html")
    assert names_in(tiny_disk) == []


def test_what_stood_there_survives_a_full_disk(tiny_disk):
    small = synthetic.result(history=synthetic.history(seconds=0.1), metrics=synthetic.Metrics({}))
    target = small.save(tiny_disk / "run")
    with pytest.raises(StorageError):
        synthetic.result().save(target)
    assert len(load(target).history) == len(small.history)
    assert names_in(tiny_disk) == ["run"]
