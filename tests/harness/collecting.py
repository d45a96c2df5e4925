"""A collector as a process of its own, started with its one command, for the tests of both ends."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


# None of these is handed out by a system, to whoever connects or listens and names no port.
_PORTS = range(20_000, 30_000)


def lasting_port() -> int:
    """A port of loopback that is free, and stays so while nobody listens on it.

    One that the system chose may go to another program at any time between two collectors.
    """
    first = os.getpid() % len(_PORTS)
    for port in itertools.chain(_PORTS[first:], _PORTS[:first]):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise OSError("no port is free")


@dataclass
class Collector:
    """One that is running: where it listens, its key, and everything that it printed."""

    process: subprocess.Popen[bytes]
    address: str
    key: str
    folder: Path
    output: Path

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def kill(self) -> None:
        """As when the power fails."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def said(self) -> str:
        return self.output.read_text(encoding="utf-8")


@contextmanager
def collecting(
    folder: Path, *options: str, port: int = 0, within: Sequence[str] = ()
) -> Iterator[Collector]:
    """Start a collector that keeps its bundles in a folder; it is stopped at the end.

    ``within`` is what the command is started by, such as ``ip netns exec NAME``.
    """
    output = folder.with_name(f"{folder.name}.log")
    command = [*within, sys.executable, "-m", "probe", "collect", "--to", str(folder)]
    with output.open("ab") as log:
        process = subprocess.Popen(
            [*command, "--port", str(port), *options],
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    assert process.stdout is not None
    try:
        lines = [process.stdout.readline().decode() for _ in range(3)]
        assert lines[0].startswith("listening on "), output.read_text("utf-8")
        with output.open("a", encoding="utf-8") as log:
            log.writelines(lines)
        yield Collector(
            process,
            lines[0].removeprefix("listening on ").partition(",")[0],
            lines[2].partition('"')[2].partition('"')[0],
            folder,
            output,
        )
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        with output.open("ab") as log:
            log.write(process.stdout.read())
        process.stdout.close()
