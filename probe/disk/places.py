"""Where things lie: what ships with the program, and what this volunteer's machine keeps."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import platformdirs

from probe.words.failure import BadInput
from probe.words.language import _

HOME_VARIABLE = "GATEWATCH_HOME"

_PACKAGE = Path(__file__).parents[1]


def shipped(name: str) -> Path:
    """A file or folder of ``data/``, in an installed package as well as in a checkout."""
    installed = _PACKAGE / "_data"
    return (installed if installed.is_dir() else _PACKAGE.parent / "data") / name


def chosen_folder() -> Path:
    """Where the data folder should lie; ``GATEWATCH_HOME`` overrides it.

    Under sudo, which sets root's home, it is that of who called it, with their consent and their
    do-not-probe list. Raises `BadInput` where neither that nor a home is known, as in a container.
    """
    if chosen := os.environ.get(HOME_VARIABLE):
        return Path(chosen)
    return usual_folder()


def usual_folder() -> Path:
    """Where the data folder lies that nobody has named. Raises `BadInput` as `chosen_folder`."""
    try:
        folder = Path(platformdirs.user_data_dir("gatewatch", appauthor=False))
        caller = _home_of_caller()
        if caller is not None and folder.is_relative_to(Path.home()):
            return caller / folder.relative_to(Path.home())
        return folder
    except RuntimeError:
        raise BadInput(
            _("this user has no home folder; set GATEWATCH_HOME to a folder to keep things in")
        ) from None


def is_chosen() -> bool:
    """Whether a program that this user's timer calls would take another data folder by itself."""
    return bool({HOME_VARIABLE, "XDG_DATA_HOME"} & os.environ.keys()) or is_under_sudo()


def is_under_sudo() -> bool:
    """Whether the home that a program sees is root's, and the data folder's place another's."""
    return _home_of_caller() is not None


def _home_of_caller() -> Path | None:
    """The home of who called this by sudo, where that is root's now.

    Also once privileges are given up: then the user is another, and the home still root's.
    """
    if os.name != "posix":
        return None
    import pwd  # noqa: PLC0415 - not on every system

    try:
        caller = int(os.environ.get("SUDO_UID", "0"))
        if caller == 0 or Path.home() != Path(pwd.getpwuid(0).pw_dir):
            return None
        return Path(pwd.getpwuid(caller).pw_dir)
    except (ValueError, OverflowError, KeyError):
        return None


def data_folder() -> Path:
    """The folder that holds all a volunteer's machine keeps.

    Raises `BadInput` where none is known, where something on the way is no folder, and where a link
    there leads nowhere or the place of a chosen one is not there: what lies on a disk that is not
    plugged in would else be taken for nothing.
    """
    folder = chosen_folder()
    for each in (folder, *folder.parents):
        if _is_no_folder(each):
            raise BadInput(
                _(
                    "{path} is no folder, so that nothing can be kept in {folder}; set "
                    "GATEWATCH_HOME to a folder to keep things in"
                ).format(path=each, folder=folder)
            )
        if _leads_nowhere(each):
            raise BadInput(
                _(
                    "{link} leads to {place}, which is not there; plug in or mount the disk that "
                    "it lies on, or delete the link"
                ).format(link=each, place=each.readlink())
            )
    if os.environ.get(HOME_VARIABLE) and _is_missing(folder.parent):
        raise BadInput(
            _(
                "{folder}, which GATEWATCH_HOME names, would lie in a folder that is not there; "
                "plug in or mount the disk that it lies on, or make that folder: {command}"
            ).format(folder=folder, command='mkdir -p "$(dirname "$GATEWATCH_HOME")"')
        )
    return folder


def _leads_nowhere(path: Path) -> bool:
    return _is_missing(path) and os.path.islink(path)  # noqa: PTH114 - see `_is_missing`


def _is_no_folder(path: Path) -> bool:
    """Whether something else than a folder is there; not where that may not be looked at."""
    try:
        return not stat.S_ISDIR(path.stat().st_mode)
    except OSError:
        return False


def _is_missing(path: Path) -> bool:
    """Whether nothing is there; not where that may not be looked at, at which pathlib raises."""
    try:
        path.stat()
    except OSError as problem:
        return isinstance(problem, FileNotFoundError)
    return False
