"""Reads notebook files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from resilkit.errors import InvalidArgument, StorageError, Unavailable

__all__ = ["needs_lab", "read_notebook"]

_LARGEST_BYTES = 512 << 20


def needs_lab(what: str, error: ModuleNotFoundError) -> Unavailable:
    """Return what to say where a package of the ``lab`` extra is missing."""
    missing = (error.name or "").partition(".")[0]
    return Unavailable(
        f"{what} needs {missing}, which is not installed: pip install 'resilkit[lab]'"
    )


def read_notebook(path: Path) -> Any:
    """Return the notebook in a file, in the form of today whatever form it was written in.

    Args:
        path: The file.

    Raises:
        InvalidArgument: There is no such file, or it is no notebook.
        StorageError: It may not be read.
        Unavailable: nbformat is not installed.
    """
    try:
        import nbformat
    except ModuleNotFoundError as error:
        raise needs_lab("a notebook", error) from error
    try:
        if not path.is_file():
            message = "is a folder" if path.is_dir() else "there is no such file"
            raise InvalidArgument(message, path="path", value=str(path))
        if path.stat().st_size > _LARGEST_BYTES:
            raise InvalidArgument(
                "is too large", path="path", value=str(path), allowed="at most 512 MiB"
            )
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise StorageError(f"{str(path)!r} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InvalidArgument(
            f"is no notebook: {error.reason}", path="path", value=str(path)
        ) from error
    try:
        notebook = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
        nbformat.validate(notebook)
    except (json.JSONDecodeError, nbformat.ValidationError, nbformat.reader.NotJSONError) as error:
        why = str(error).strip().splitlines()[0][:200]
        raise InvalidArgument(f"is no notebook: {why}", path="path", value=str(path)) from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # What nbformat raises for JSON of another shape: a list, say.
        raise InvalidArgument("is no notebook", path="path", value=str(path)) from error
    return notebook
