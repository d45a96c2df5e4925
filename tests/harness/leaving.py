"""A volunteer's machine and a collector, cut off at random moments: what the proofs of it share.

Each command is a process of its own and is killed as when the power fails: SIGKILL, somewhere
between the first step of its work and its end. How long that is, an undisturbed one shows, and
each that was over before it was to be killed: the first may have had a busy machine.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from analysis.intake.load import load
from probe.sharing import shared
from probe.sharing.bundle import unseal
from probe.sharing.outbox import Outbox
from probe.sharing.receipt import read_receipt
from tests.harness.collecting import ROOT, Collector, collecting

ROUNDS = 10

# Imports everything first, so that each moment is one of the work, and does not pause between
# tries: what a call waits then is looked at elsewhere.
_COMMAND = """
import sys, time
import httpx2, probe.commands.bundle, probe.commands.submit, probe.sharing.bundling
import probe.sharing.courier, probe.sharing.submitting
from probe.cli import main
time.sleep = lambda _: None
print("begin", flush=True)
main(sys.argv[1:])
"""


@dataclass
class Machine:
    """A volunteer's data folder, and commands on it that end by themselves or are cut off.

    ``within`` is what they are started by, such as ``ip netns exec NAME``.
    """

    home: Path
    within: Sequence[str] = ()
    moments: random.Random = field(default_factory=lambda: random.Random(1))
    killed: Counter[str] = field(default_factory=Counter)
    lasts: dict[str, float] = field(default_factory=dict)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command; it has begun its own work when this returns."""
        child = subprocess.Popen(
            [*self.within, sys.executable, "-c", _COMMAND, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            env={**os.environ, "GATEWATCH_HOME": str(self.home)},
        )
        assert child.stdout is not None
        first = child.stdout.readline()
        assert first == "begin\n", first + child.stdout.read()
        return child

    def finish(self, *words: str) -> tuple[int, str]:
        """Let a command end by itself: its exit code, and what it said."""
        child = self.start(*words)
        began = time.monotonic()
        said, _ = child.communicate(timeout=120)
        self.lasts.setdefault(words[0], time.monotonic() - began)
        return child.returncode, said

    def moment(self, command: str) -> float:
        """A random moment of a command's work, in seconds from its beginning."""
        return self.moments.uniform(0, 0.8 * self.lasts[command])

    def cut_off(self, *words: str) -> None:
        """Kill a command at a random moment of its work."""
        child = self.start(*words)
        began = time.monotonic()
        try:
            child.communicate(timeout=self.moment(words[0]))
            self.lasts[words[0]] = shorter(self.lasts[words[0]], time.monotonic() - began)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
            child.communicate(timeout=60)
        self.killed[words[0]] += child.returncode == -signal.SIGKILL

    def as_shared(self) -> list[bytes]:
        """All lines that `gatewatch show --as-shared` prints."""
        return [line.line for line in shared.lines(self.home / "spool") if line.problem is None]


def shorter(supposed: float, took: float) -> float:
    """How long the next one may last, after one that took less than was supposed.

    Never less than half at once: this one may have had little to do.
    """
    return max(took, supposed / 2)


@contextmanager
def cut_off_at_random(
    machine: Machine,
    folder: Path,
    measure: Callable[[int], None],
    options: Sequence[str],
    port: int,
    within: Sequence[str] = (),
) -> Iterator[Collector]:
    """Measure, bundle and submit while bundling, sending and the collector are killed in turn.

    Each of the three is killed `ROUNDS` times; the collector is started again on the same port.
    What is given at the end is the last collector, still running.
    """
    with ExitStack() as stack:
        collector = stack.enter_context(collecting(folder, *options, port=port, within=within))
        measure(0)
        for words in (("bundle",), ("submit", "--now")):
            code, said = machine.finish(*words)
            assert code == 0, said
        for number in range(1, ROUNDS + 1):
            measure(number)
            machine.cut_off("bundle")
            machine.cut_off("submit", "--now")
            sending = machine.start("submit", "--now")
            time.sleep(machine.moment("submit"))
            collector.kill()
            sending.communicate(timeout=60)
            stack.close()
            collector = stack.enter_context(collecting(folder, *options, port=port, within=within))
        yield collector


def check_nothing_lost_nothing_doubled(machine: Machine, collector: Collector) -> None:
    """Every trace that was kept is at the collector, once; every bundle has its receipt, signed."""
    for _ in range(3):
        code, said = machine.finish("submit", "--now")
        if code == 0:
            break
    assert code == 0, said
    assert min(machine.killed["bundle"], machine.killed["submit"]) >= ROUNDS // 4
    paths = sorted((collector.folder / "quarantine").glob("*.tar"))
    held = [line for path in paths for line in unseal(path.read_bytes()).lines]
    assert Counter(held) == Counter(machine.as_shared())
    assert len(held) == len(set(held)) > ROUNDS
    with Outbox(machine.home / "outbox") as outbox:
        entries = outbox.entries()
        assert {entry.state for entry in entries} == {"quarantined"}
        receipts = [
            read_receipt(outbox.receipt_of(one.sha256).read_bytes(), one.sha256, collector.key)
            for one in entries
        ]
    assert sorted(f"{entry.sha256}.tar" for entry in entries) == [path.name for path in paths]
    assert sum(receipt.traces for receipt in receipts) == len(held)
    loaded = load([str(collector.folder / "quarantine")])
    assert (len(loaded.traces), loaded.rejected) == (len(held), {})
