"""The tutorials that come with resilkit: where they are, and copies to work in."""

from __future__ import annotations

from pathlib import Path

from resilkit.errors import InternalError, InvalidArgument, StorageError

__all__ = ["FIRST", "copy_to", "shipped"]

FIRST = "quickstart.ipynb"
"""The one to begin with."""


def shipped() -> list[Path]:
    """Return the notebooks that come with resilkit, the first one to read first.

    An installed package has them beside this module, a checkout in its own folder.
    """
    here = Path(__file__).resolve()
    for folder in (here.with_name("originals"), here.parents[2] / "notebooks"):
        found = sorted(folder.glob("*.ipynb"), key=lambda path: (path.name != FIRST, path.name))
        if found and found[0].name == FIRST:
            return found
    raise InternalError("this installation of resilkit has lost its notebooks; install it again")


def copy_to(folder: Path) -> list[Path]:
    """Copy the notebooks into a folder, which is made; what is there already stays as it is.

    Returns:
        The copies that were made.

    Raises:
        InvalidArgument: `folder` is a file.
        StorageError: The disk refused.
    """
    if folder.exists() and not folder.is_dir():
        raise InvalidArgument("is no folder", path="DIR", value=str(folder))
    made = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for original in shipped():
            copy = folder / original.name
            if copy.exists() or copy.is_symlink():
                continue
            text = original.read_bytes()
            with copy.open("xb") as file:
                file.write(text)
            made.append(copy)
    except OSError as error:
        why = error.strerror or str(error)
        raise StorageError(f"no notebooks can be put into {str(folder)!r}: {why}") from error
    return made
