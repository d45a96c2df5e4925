"""Gives up all that a program may do beyond its user's rights, once it holds its sockets.

Whoever breaks into a program that reads packets of strangers gets what the program may do; a
probe with its sockets open needs nothing more. Root without capabilities is still the owner of
root's files but no longer passes through permissions, so it may be locked out of the user's
home in which it should write, or from which it is run: then the program goes on as the user who
owns them, whose files the results are then, too. Linux only; knows nothing of probes.
"""

from __future__ import annotations

import ctypes
import errno
import os
import pwd
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from probe.disk.presence import nearest
from probe.disk.readonly import is_read_only, read_only
from probe.words.failure import PermissionDenied
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Iterable

NET_RAW: Final = 13

# linux/capability.h, linux/prctl.h
_VERSION_3: Final = 0x20080522
_SET_KEEP_CAPABILITIES: Final = 8
_DROP_FROM_BOUNDING_SET: Final = 24
_SET_NO_NEW_PRIVILEGES: Final = 38
_AMBIENT: Final = 47
_AMBIENT_CLEAR_ALL: Final = 4
_MOST_CAPABILITIES: Final = 64

_LARGEST_STATUS: Final = 255

_THREADS = Path("/proc/self/task")


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Set(ctypes.Structure):
    """Effective, permitted and inheritable, 32 capabilities of each; two of these make one set."""

    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


class Need(NamedTuple):
    """A place that must stay within reach, and how, as for `os.access`."""

    place: Path
    mode: int


class _User(NamedTuple):
    """Somebody to go on as, with all groups."""

    uid: int
    gid: int
    name: str
    groups: tuple[int, ...]


def give_up(writes: Iterable[Path] = (), *, keep: frozenset[int] = frozenset()) -> None:
    """Drop every capability but those in ``keep``, for good, here and in what is started later.

    ``writes`` are folders in which the program will write; they need not exist. Where root
    without capabilities cannot reach them, or the folders of `sys.path`, the process becomes
    the user who can. The bounding set is emptied where that is allowed, and no program started
    from here gains privileges.

    Raises `PermissionDenied` where no user reaches all of it, or nobody sees how many threads there
    are, `RuntimeError` where there are others already: capabilities belong to a thread, so those
    would keep theirs.
    """
    if threads() > 1:
        raise RuntimeError("privileges have to be given up before any thread is started")
    _drop(_heir(needed(writes)) if os.geteuid() == 0 else None, keep)


def threads() -> int:
    """How many threads this process has. Raises `PermissionDenied` where nobody sees that."""
    try:
        return len(list(_THREADS.iterdir()))
    except FileNotFoundError:
        raise PermissionDenied(
            _(
                "a measurement gives up all privileges, which can be seen to be done only where "
                "/proc is mounted; mount it: mount -t proc proc /proc"
            )
        ) from None


def needed(writes: Iterable[Path]) -> list[Need]:
    """What a run must still reach without privileges: the program's code, and what it writes to."""
    # pathlib raises where it may not look.
    code = [Path(entry) for entry in sys.path if os.path.isdir(entry)]  # noqa: PTH112
    needs = [Need(folder, os.R_OK | os.X_OK) for folder in code]
    for folder in writes:
        needs.append(Need(nearest(folder), os.W_OK | os.X_OK))
        if os.path.isdir(folder):  # noqa: PTH112
            needs += [Need(file, os.R_OK | os.W_OK) for file in folder.iterdir() if file.is_file()]
    return needs


def _heir(needs: list[Need]) -> _User | None:
    """The user to go on as; None where root itself gets on without capabilities."""
    missed = _first_missed(needs, None)
    if missed is None:
        return None
    if missed.mode & os.W_OK and is_read_only(missed.place):
        raise read_only(missed.place)
    _demand_open(missed)
    stuck = {}
    for user in dict.fromkeys(_owner(need.place) for need in (missed, *reversed(needs))):
        if user.uid != 0:
            beyond = _first_missed(needs, user)
            if beyond is None:
                return user
            _demand_open(beyond)
            stuck[user.name] = beyond.place
    raise PermissionDenied(
        _(
            "a measurement gives up the privileges of root, and then root cannot use {places}; let "
            "one user own all of these (with chown, or another data folder in GATEWATCH_HOME), or "
            "run it without sudo"
        ).format(
            places=missed.place
            if not stuck
            else _("{place}, nor {others}").format(
                place=missed.place,
                others=_(", nor ").join(f"{name} {place}" for name, place in stuck.items()),
            )
        )
    )


def _demand_open(missed: Need) -> None:
    """Raise `PermissionDenied` where not even the owner of a place is let in: no other would be."""
    if missed.place.stat().st_mode >> 6 & missed.mode != missed.mode:
        raise PermissionDenied(
            _("{place} is closed to its own owner; open it: chmod u+rwX {quoted}").format(
                place=missed.place, quoted=shlex.quote(str(missed.place))
            )
        )


def _owner(place: Path) -> _User:
    owner = place.stat()
    try:
        known = pwd.getpwuid(owner.st_uid)
    except KeyError:  # as in a container, of a user outside
        return _User(owner.st_uid, owner.st_gid, f"user {owner.st_uid}", ())
    groups = tuple(os.getgrouplist(known.pw_name, known.pw_gid))
    return _User(known.pw_uid, known.pw_gid, known.pw_name, groups)


def _first_missed(needs: list[Need], user: _User | None) -> Need | None:
    """What is out of reach for a user without capabilities, found out by a child that is one."""
    child = os.fork()
    if child == 0:
        status = _LARGEST_STATUS
        try:
            _drop(user, frozenset())
            within = [os.access(place, mode, effective_ids=True) for place, mode in needs]
            status = 0 if all(within) else min(within.index(False) + 1, _LARGEST_STATUS)
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return needs[min(status, len(needs)) - 1] if status else None


def _drop(user: _User | None, keep: frozenset[int]) -> None:
    for number in range(_MOST_CAPABILITIES):
        # Not permitted without CAP_SETPCAP, invalid beyond the last capability.
        if not _prctl(_DROP_FROM_BOUNDING_SET, number, allowed={errno.EPERM, errno.EINVAL}):
            break
    if user is not None:
        _prctl(_SET_KEEP_CAPABILITIES, 1)
        os.setgroups(user.groups)
        os.setresgid(user.gid, user.gid, user.gid)
        os.setresuid(user.uid, user.uid, user.uid)
    _prctl(_AMBIENT, _AMBIENT_CLEAR_ALL, allowed={errno.EINVAL})  # before Linux 4.3 there are none
    header, sets = _Header(_VERSION_3, 0), (_Set * 2)()
    _check(_LIBC.capget(ctypes.byref(header), sets))
    for word, held in enumerate(sets):
        kept = sum(1 << number - 32 * word for number in keep if number // 32 == word)
        held.permitted &= kept
        held.effective, held.inheritable = held.permitted, 0
    _check(_LIBC.capset(ctypes.byref(header), sets))
    _prctl(_SET_NO_NEW_PRIVILEGES, 1)


_LIBC = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, value: int, *, allowed: frozenset[int] | set[int] = frozenset()) -> bool:
    """Call prctl(2); False where it ends with an ``allowed`` error."""
    failed: int = _LIBC.prctl(option, *map(ctypes.c_ulong, (value, 0, 0, 0)))
    if failed and ctypes.get_errno() in allowed:
        return False
    _check(failed)
    return True


def _check(failed: int) -> None:
    if failed:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
