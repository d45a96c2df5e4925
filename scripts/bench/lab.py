"""A row of real kernels in network namespaces, on which tracers are compared.

Packets are counted by the first router, not by those who send them. It knows no tool.
"""

from __future__ import annotations

import itertools
import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from scripts.bench.comparison import Missing
from scripts.bench.scene import Scene

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from scripts.bench.comparison import Paths, Side
    from tests.lab.namespaces import Namespace

ROUTERS = 12

# Milliseconds of round trip where the row crosses the border, as a cable abroad adds.
DELAY = 20.0

# The host answers for all of the first; the second ends at it unanswered.
ANSWERED = "198.18.0.0/22"
DARK = "198.19.0.0/22"

_COUNTER = """
table inet bench {
  counter probes { }
  chain arriving {
    type filter hook prerouting priority -300;
    iifname "west" meta l4proto { icmp, udp, tcp } counter name probes
  }
}
"""


def targets(count: int, dark: int) -> tuple[list[str], list[str]]:
    """So many addresses of which the last ``dark`` do not answer.

    >>> targets(3, 1)
    (['198.18.0.1', '198.18.0.2'], ['198.19.0.1'])
    """
    return (
        [f"198.18.{number // 250}.{number % 250 + 1}" for number in range(count - dark)],
        [f"198.19.{number // 250}.{number % 250 + 1}" for number in range(dark)],
    )


@contextmanager
def row(
    _: Path, *, count: int | None = None, silent: Sequence[int] = (), dark: int = 0
) -> Iterator[Scene]:
    """A row of `ROUTERS` routers; ``silent`` are hops that do not answer.

    Without ``count`` the one target is the host. Raises `Missing` without root or tools.
    """
    try:
        from tests.lab.namespaces import chain, missing_for_lab  # noqa: PLC0415 - needs pytest
    except ImportError as problem:
        raise Missing(f"the lab of the tests cannot be loaded ({problem})") from None
    reason = missing_for_lab()
    if reason is not None:
        raise Missing(reason)
    with chain(ROUTERS, silent=silent, local=(ANSWERED,), delay_ms=DELAY) as built:
        built.routers[0].run(["nft", "-f", "-"], stdin=_COUNTER)
        routers = tuple(
            None if hop in silent else address
            for hop, address in enumerate(built.hops[4][:-1], start=1)
        )
        answered, unanswered = targets(count, dark) if count else ([built.host[4]], [])
        truth: Paths = {target: (*routers, target) for target in answered}
        truth.update(dict.fromkeys(unanswered, routers))
        # Dark ones stand between the others, as they do in real lists.
        mixed = [
            target
            for pair in itertools.zip_longest(answered, unanswered)
            for target in pair
            if target is not None
        ]
        listed = built.fabric.file("targets", "\n".join(mixed) + "\n")
        numbers = itertools.count()

        def start(command: Sequence[str], side: Side, home: Path) -> subprocess.Popen[str]:
            return built.vantage.start(command, user=side.user, env={"GATEWATCH_HOME": str(home)})

        yield Scene(
            words={"python": sys.executable, "host": built.host[4], "targets": str(listed)},
            start=start,
            fresh=lambda side: built.fabric.home(f"run{next(numbers)}", side.user),
            packets=lambda: _counted(built.routers[0]),
            truth=truth,
        )


def _counted(router: Namespace) -> int:
    said = json.loads(router.run(["nft", "--json", "list", "counters"]).stdout)
    return sum(entry["counter"]["packets"] for entry in said["nftables"] if "counter" in entry)
