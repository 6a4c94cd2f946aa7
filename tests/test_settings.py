"""What is set once: quiet mode, in which results and errors come all the same."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

import resilkit as rk
from resilkit import settings
from resilkit.cli.live import PlainLines, Silent, live_display
from resilkit.experiment.names import Unknown, warn_of_unknown
from resilkit.experiment.progress import Quiet, TqdmBar, choose_listener
from resilkit.settings import Options
from tests.experiment import synthetic


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RESILKIT_QUIET", raising=False)
    monkeypatch.setattr(rk.options, "_blocks", [{}])


def test_the_options_of_the_package_are_those_that_its_parts_read() -> None:
    assert rk.options is settings.options


@pytest.mark.parametrize(
    ("word", "quiet"),
    [("1", True), ("TRUE", True), ("on", True), ("", False), ("0", False), ("no", False)],
)
def test_the_environment_says_what_holds_where_nothing_was_set(
    word: str, quiet: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESILKIT_QUIET", word)
    options = Options()
    assert options.quiet is quiet
    options.quiet = not quiet
    assert options.quiet is not quiet


def test_a_word_that_means_neither_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESILKIT_QUIET", "maybe")
    with pytest.raises(rk.InvalidArgument, match=r"^RESILKIT_QUIET: must be 1 or 0, got 'maybe'"):
        _ = Options().quiet
    with pytest.raises(rk.InvalidArgument, match="RESILKIT_QUIET"):
        rk.Cluster(nodes=1, quiet=False)


@pytest.mark.parametrize("value", [1, "yes", None])
def test_what_is_no_truth_value_is_refused(value: object) -> None:
    with pytest.raises(rk.InvalidArgument, match=r"^options\.quiet"):
        rk.options.quiet = value  # type: ignore[assignment]
    assert rk.options.quiet is False


def test_an_option_that_does_not_exist_is_refused() -> None:
    with pytest.raises(AttributeError):
        rk.options.quite = True  # type: ignore[attr-defined]


def test_a_with_block_gives_back_what_was_there_also_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), rk.options(quiet=True):
        assert rk.options.quiet
        raise ZeroDivisionError
    assert not rk.options.quiet


def test_blocks_of_several_threads_end_in_any_order_and_leave_nothing() -> None:
    first, second = rk.options(quiet=True), rk.options(quiet=True)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert rk.options.quiet, "the second block goes on"
    second.__exit__(None, None, None)
    assert not rk.options.quiet


def test_what_runs_unchecked_in_one_thread_is_checked_in_others() -> None:
    with (
        rk.options(check_determinism=True),
        settings.unchecked(),
        ThreadPoolExecutor(1) as others,
    ):
        there = others.submit(lambda: rk.options.check_determinism).result()
        assert (rk.options.check_determinism, there) == (False, True)


def test_a_quiet_run_has_no_bar_but_hands_on_what_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    looks: list[object] = []
    assert isinstance(choose_listener(True, None), TqdmBar)
    with rk.options(quiet=True):
        assert isinstance(choose_listener(True, None), Quiet)
    with rk.options(quiet=True), choose_listener(True, looks.append) as listener:
        listener.update("look")  # type: ignore[arg-type]
    assert looks == ["look"]


def test_a_quiet_start_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with rk.options(quiet=True), rk.Cluster(nodes=1, quiet=False):
        pass
    assert capsys.readouterr().out == ""
    with rk.Cluster(nodes=1, quiet=False):
        pass
    assert capsys.readouterr().out != ""


def test_a_quiet_run_does_not_warn_of_what_may_come_yet() -> None:
    unknown = [Unknown("scenario.faults[0].targets", "late", ("early",))]
    with pytest.warns(UserWarning, match="may come yet"):
        warn_of_unknown(unknown, [], "it may")
    with rk.options(quiet=True), warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        warn_of_unknown(unknown, [], "it may")
    assert seen == []


def test_a_quiet_command_shows_no_progress(capsys: pytest.CaptureFixture[str]) -> None:
    import sys

    experiment = synthetic.result()  # has a name and a seed, as an experiment has
    with rk.options(quiet=True):
        assert isinstance(live_display(experiment, stream=sys.stderr, quiet=False), Silent)  # type: ignore[arg-type]
    shown = live_display(experiment, stream=sys.stderr, quiet=False)  # type: ignore[arg-type]
    assert isinstance(shown, PlainLines)


def test_the_repr_says_what_holds() -> None:
    assert repr(rk.options) == "<options: quiet=False, check_determinism=False>"
