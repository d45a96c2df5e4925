"""Runs one command and prints what it cost as JSON: wall and CPU seconds, peak memory.

A program of its own, so that it can stand inside a network namespace next to what it measures.
Peak memory comes from GNU time where that is installed: the kernel's own figure for a child of
Python begins at the size of Python.

Usage: ``stopwatch.py SECONDS COMMAND…``; the command is stopped after so many seconds.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def measured(command: list[str], seconds: float) -> dict[str, object]:
    """What a command cost and printed; its exit code is None where it was stopped.

    ``memory`` is in MiB, None without GNU time.
    """
    with tempfile.NamedTemporaryFile() as peak:
        if timer := shutil.which("time"):
            command = [timer, "--quiet", "--format=%M", f"--output={peak.name}", *command]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.perf_counter()
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        ) as process:
            code: int | None
            try:
                out, err = process.communicate(timeout=seconds)
                code = process.returncode
            except subprocess.TimeoutExpired:
                code = None
            finally:
                wall = time.perf_counter() - began
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
            if code is None:
                out, err = process.communicate()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        kib = Path(peak.name).read_text("utf-8").split()
    return {
        "code": code,
        "out": out,
        "err": err,
        "seconds": wall,
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "memory": int(kib[-1]) / 1024 if kib else None,
    }


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    json.dump(measured(sys.argv[2:], float(sys.argv[1])), sys.stdout)
