"""A program in a sandbox that refuses it sockets of a kind, as services and telephones have them.

The filter is seccomp's, of the kernel itself: it needs no privilege, and stays for all that the
program starts. It knows the number of one call, ``socket``, on two architectures.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Sequence

import pytest

_SOCKET = {"x86_64": 41, "aarch64": 198}

needs_seccomp = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in _SOCKET,
    reason="the number of the call is known for Linux on x86-64 and aarch64 only",
)

# linux/prctl.h, linux/seccomp.h, linux/bpf_common.h
_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER = 38, 22, 2
_LOAD, _SKIP_UNLESS, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _FAIL_WITH = 0x7FFF0000, 0x00050000

# Where the call's number and its first argument lie in what the filter is shown.
_NUMBER, _FIRST = 0, 16


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def confined(command: Sequence[str], family: int, refusal: int) -> list[str]:
    """The command with every socket of this address family refused with this error number."""
    return [sys.executable, "-m", __name__, str(family), str(refusal), *command]


def _refuse(family: int, refusal: int) -> None:
    steps = b"".join(
        struct.pack("=HBBI", *step)
        for step in (
            (_LOAD, 0, 0, _NUMBER),
            (_SKIP_UNLESS, 0, 3, _SOCKET[platform.machine()]),
            (_LOAD, 0, 0, _FIRST),
            (_SKIP_UNLESS, 0, 1, family),
            (_RETURN, 0, 0, _FAIL_WITH | refusal),
            (_RETURN, 0, 0, _ALLOW),
        )
    )
    libc = ctypes.CDLL(None, use_errno=True)
    program = _Program(len(steps) // 8, steps)
    for call in ((_NO_NEW_PRIVILEGES, 1, 0, 0, 0), (_SECCOMP, _FILTER, ctypes.byref(program))):
        if libc.prctl(*call):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


if __name__ == "__main__":
    _refuse(int(sys.argv[1]), int(sys.argv[2]))
    os.execvp(sys.argv[3], sys.argv[3:])
