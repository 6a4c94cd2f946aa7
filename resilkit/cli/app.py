"""The commands and their options. What they do is imported only when they are called."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from resilkit.cli.interrupts import Interrupted
from resilkit.cli.options import (
    RUN_EXAMPLE,
    Backend,
    Duration,
    Json,
    Nodes,
    Quiet,
    Report,
    Save,
    Schedule,
    Seed,
    SystemText,
    WhichScenario,
)
from resilkit.cli.rerun_commands import REPLAY_EXAMPLE, SHRINK_EXAMPLE, replay, shrink
from resilkit.cli.sweep_command import SWEEP_EXAMPLE, sweep
from resilkit.errors import InternalError, InvalidArgument, Nondeterministic, ResilkitError
from resilkit.settings import options

__all__ = ["EXIT", "app", "run_app"]

EXIT = {"held": 0, "not held": 1, "bad input": 2, "refused": 3, "bug": 4, "interrupted": 130}

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Of a disk, what is no bug: where stdout goes to a file."""

_EXIT_HELP = """\b
Exit codes:
  0    all criteria held
  1    one did not hold, or could not be decided
  2    bad input: one line says what and where
  3    the machine refused: a disk, a process, a port
  4    a bug in resilkit: a traceback says where
  130  interrupted
"""

app = typer.Typer(
    name="resilkit",
    help="A resilience laboratory: launch a cluster, load it, break it, and judge what happened.",
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
    epilog=_EXIT_HELP,
)


@app.command(short_help="Load a replicated store, break it, and judge what it kept.")
def demo(
    *,
    seconds: Annotated[float, typer.Option(metavar="SECONDS", help="Seconds of load.")] = 20.0,
    nodes: Nodes = 3,
    seed: Seed = None,
    backend: Backend = "processes",
    schedule: Schedule = None,
    report: Annotated[Path, typer.Option(metavar="FILE", help="The HTML report.")] = Path(
        "resilkit-demo.html"
    ),
    save: Save = None,
    json: Json = False,
    quiet: Quiet = False,
    broken: Annotated[
        bool,
        typer.Option("--broken", help="Use a store that acknowledges too early and loses writes."),
    ] = False,
) -> int:
    """Load a replicated store, crash and partition its nodes, and judge what it kept."""
    from resilkit.cli.running import Where, run_and_tell
    from resilkit.cli.systems import demo_experiment

    where = Where.checked(backend, schedule)
    command = ["demo", "--seconds", repr(seconds).removesuffix(".0"), "--nodes", str(nodes)]
    command += ["--broken"] if broken else []
    experiment = demo_experiment(nodes=nodes, duration=seconds, seed=seed, early_ack=broken)
    with options(quiet=quiet or options.quiet):
        return run_and_tell(
            experiment, command=command, where=where, report=report, save=save, as_json=json
        )


@app.command(epilog=RUN_EXAMPLE)
def run(
    scenario: WhichScenario,
    *,
    system: SystemText,
    nodes: Nodes = 3,
    duration: Duration = None,
    seed: Seed = None,
    backend: Backend = "processes",
    schedule: Schedule = None,
    report: Report = None,
    save: Save = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Run a scenario against a system and judge it."""
    from resilkit.cli.running import Where, run_and_tell
    from resilkit.cli.systems import scenario_command, scenario_experiment

    where = Where.checked(backend, schedule)
    experiment = scenario_experiment(
        scenario, system=system, nodes=nodes, duration=duration, seed=seed
    )
    command = scenario_command(scenario, system=system, nodes=nodes, duration=duration)
    with options(quiet=quiet or options.quiet):
        return run_and_tell(
            experiment, command=command, where=where, report=report, save=save, as_json=json
        )


@app.command(short_help="Write the HTML report of a saved run, or of a notebook.")
def report(
    what: Annotated[
        Path,
        typer.Argument(
            metavar="WHAT",
            help="A folder that --save or save() wrote, or a notebook (.ipynb), which is executed.",
        ),
    ],
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="The HTML file; by default report.html, or the notebook's name with .html.",
        ),
    ] = None,
    no_execute: Annotated[
        bool,
        typer.Option(
            "--no-execute", help="Show a notebook's saved outputs, and run nothing of it."
        ),
    ] = False,
    timeout: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help='How long each cell may take: 30 or "2 min"; no limit by default.'
        ),
    ] = None,
    quiet: Quiet = False,
    json: Json = False,
) -> int:
    """Write one HTML file that reads offline: of a saved run, or of a notebook.

    A notebook is executed from top to bottom in a new kernel, in its own folder; the file itself
    is not changed. When a cell fails, the report shows where, and the exit code is 1.
    """
    from resilkit.cli.reporting import report_notebook, report_run

    is_notebook = what.suffix.lower() == ".ipynb" and not what.is_dir()
    write = report_notebook if is_notebook else report_run
    with options(quiet=quiet or options.quiet):
        return write(what, output=output, execute=not no_execute, timeout=timeout, as_json=json)


@app.command(short_help="Open JupyterLab on the notebooks that come with resilkit.")
def lab(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            help="Where they are to be: those that are missing are copied, none is overwritten.",
        ),
    ] = Path("resilkit-notebooks"),
    *,
    port: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65535,
            metavar="N",
            help="The port to serve at; 8888 or the next free one by default.",
        ),
    ] = None,
    no_browser: Annotated[
        bool,
        typer.Option("--no-browser", help="Open no browser: the log tells the address."),
    ] = False,
) -> int:
    """Open JupyterLab on the quickstart, with the notebooks that come with resilkit beside it.

    Ctrl-C ends it, with all kernels and their clusters. It needs the lab extra:
    pip install 'resilkit[lab]'
    """
    from resilkit.cli.lab import open_lab

    open_lab(folder, port=port, browser=not no_browser)


@app.command(short_help="List which faults work on this machine.")
def capabilities(*, json: Json = False) -> int:
    """List which faults work on this machine, and why the others do not."""
    from resilkit.cli.output import print_capabilities

    print_capabilities(as_json=json)
    return EXIT["held"]


app.command(epilog=SWEEP_EXAMPLE, short_help="Run a scenario with many seeds: which of them fail.")(
    sweep
)
app.command(epilog=REPLAY_EXAMPLE, short_help="Do in virtual time what a saved run recorded.")(
    replay
)
app.command(
    epilog=SHRINK_EXAMPLE, short_help="Find the smallest case that fails as a saved run did."
)(shrink)


def _version(wanted: bool) -> None:
    if wanted:
        from resilkit import __version__

        typer.echo(f"resilkit {__version__}")
        raise typer.Exit


@app.callback()
def resilkit(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """A resilience laboratory: launch a cluster, load it, break it, and judge what happened."""


def run_app(arguments: Sequence[str] | None = None) -> int:
    """Run the command; turn what it raises into one line on stderr and an exit code."""
    _open_missing_streams()
    in_charge = threading.current_thread() is threading.main_thread()
    previous = signal.signal(signal.SIGTERM, _terminate) if in_charge else None
    try:
        given = list(sys.argv[1:] if arguments is None else arguments)
        code = app(given or ["--help"], prog_name="resilkit", standalone_mode=False)
        sys.stdout.flush()
    except Interrupted as error:
        return _stop(str(error), EXIT["interrupted"])
    except (KeyboardInterrupt, typer.Abort):
        return _stop("interrupted", EXIT["interrupted"])
    except InvalidArgument as error:
        return _stop(str(error), EXIT["bad input"])
    except InternalError:
        return _bug()
    except Nondeterministic as error:
        return _stop(str(error), EXIT["refused"], whole=True)  # where is what one must know
    except ResilkitError as error:
        return _stop(str(error), EXIT["refused"])
    except OSError as error:
        return _unwritten(error)
    except Exception as error:  # noqa: BLE001 - a bug is told as one, with an exit code of its own
        # Typer's own errors moved between packages from version to version; they all have this.
        message = getattr(error, "format_message", None)
        if message is None:
            return _bug()
        return _stop(message() or "needs a command; see resilkit --help", EXIT["bad input"])
    finally:
        if in_charge:
            signal.signal(signal.SIGTERM, previous)
    if code == EXIT["interrupted"]:
        # No command returns it: it is what typer makes of an interrupt.
        return _stop("interrupted", code)
    return code if isinstance(code, int) else EXIT["held"]


def _unwritten(error: OSError) -> int:
    gone = isinstance(error, BrokenPipeError)
    if not gone and error.errno not in _FULL:
        return _bug()
    # Python writes what is left when it ends, and would fail once more.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if gone:
        return EXIT["not held"]  # the reader went away (`| head`): nobody is left to tell
    return _stop(f"writing failed: {error}", EXIT["refused"])


def _open_missing_streams() -> None:
    # Python has None for a stream that is closed when it starts (`2>&-`). The exit code still
    # tells the outcome, and the report may be all that was wanted.
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115


def _stop(message: str, code: int, *, whole: bool = False) -> int:
    from resilkit.cli.output import printable

    # One line: what comes after the first is a picture or a traceback.
    lines = [line for line in message.splitlines() if line.strip()] or [""]
    for number, line in enumerate(lines if whole else lines[:1]):
        typer.echo(f"{'' if number else 'resilkit: '}{printable(line)}", err=True)
    return code


def _bug() -> int:
    # Python's own exit code for it is 1, which here means that a criterion did not hold.
    traceback.print_exc()
    typer.echo(
        "resilkit: this is a bug in resilkit; please report it with the lines above", err=True
    )
    return EXIT["bug"]


def _terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    # As an exception, so that every `finally` and `with` cleans up on the way out.
    raise SystemExit(128 + signal.SIGTERM)
