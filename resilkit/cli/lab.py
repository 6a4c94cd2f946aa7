"""``resilkit lab``: JupyterLab, on the first of the notebooks that come with resilkit."""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
from pathlib import Path
from typing import NoReturn

from resilkit.cli.output import say
from resilkit.errors import Unavailable
from resilkit.notebooks.shipped import FIRST, copy_to

__all__ = ["open_lab"]

_NEEDED = ("jupyterlab", "ipykernel", "anywidget", "ipywidgets")


def open_lab(folder: Path, *, port: int | None, browser: bool) -> NoReturn:
    """Copy the notebooks that are missing, and become JupyterLab.

    This process becomes the server, so that nothing can be left of one without the other: what
    ends the command ends the server, and with it its kernels and their clusters.

    Args:
        folder: Where the notebooks are to be.
        port: The port to serve at; ``None`` for 8888, or the next one that is free.
        browser: Whether to open a browser.

    Raises:
        Unavailable: JupyterLab is not installed, or the port is taken; nothing was copied.
        InvalidArgument: `folder` is a file.
        StorageError: The disk refused the copies.
    """
    _check_installed()
    if port is not None:
        _check_free(port)
    copied = copy_to(folder)
    if copied:
        told = "1 notebook was" if len(copied) == 1 else f"{len(copied)} notebooks were"
        say(f"{told} copied into {folder}; what you change there stays.")
    address = "" if browser else " at the address that its log tells"
    say(f"JupyterLab opens {folder / FIRST}{address}; Ctrl-C ends it.")
    sys.stdout.flush()
    command = [sys.executable, "-P", "-m", "jupyterlab", *_options(folder, port, browser=browser)]
    # It would ask whether Ctrl-C was meant.
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), 0)
    os.execv(sys.executable, command)  # noqa: S606 - ours, and no shell's


def _check_installed() -> None:
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise Unavailable(
            f"{', '.join(missing)} is not installed: pip install 'resilkit[lab]' brings JupyterLab "
            "and the live panels"
        )


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        # As the server itself: a connection that has ended may linger.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Unavailable(
                f"the port {port} cannot be used ({error.strerror}); another --port may be free"
            ) from error


def _options(folder: Path, port: int | None, *, browser: bool) -> list[str]:
    options = [
        f"--ServerApp.root_dir={folder.resolve()}",
        f"--LabApp.default_url=/lab/tree/{FIRST}",
        "--ServerApp.answer_yes=True",
    ]
    if port is not None:
        options += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    if not browser:
        options.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")  # in a container there often is nobody else
    return options
