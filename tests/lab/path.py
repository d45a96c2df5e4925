"""Who answers at each TTL, found with the kernel's own error queue and nothing of gatewatch.

The lab is checked with this, so that a fault of the lab is not mistaken for one of the probe,
nor hidden by one.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from tests.lab.namespaces import LabError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.lab.namespaces import Namespace

Heard = tuple[str | None, float]
Paths = dict[str, list[Heard]]

# Sends one UDP probe a hop, all at once and each from a socket of its own, then waits for all.
# What a second brings no news of is sent again: while kernels look for their neighbours, they drop
# what does not fit into a queue.
_PROGRAM = """
import json, select, socket, sys, time
hops, patience, addresses = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]
found = {address: [(None, 0.0)] * hops for address in addresses}
poll, sent = select.poll(), {}
for address in addresses:
    six = ":" in address
    family = socket.AF_INET6 if six else socket.AF_INET
    level = socket.IPPROTO_IPV6 if six else socket.IPPROTO_IP
    for hop in range(hops):
        s = socket.socket(family, socket.SOCK_DGRAM)
        s.setsockopt(level, 25 if six else 11, 1)
        s.setsockopt(level, socket.IPV6_UNICAST_HOPS if six else socket.IP_TTL, hop + 1)
        s.connect((address, 33434 + hop))
        s.send(b"lab")
        sent[s.fileno()] = s, address, hop, time.monotonic()
        poll.register(s, select.POLLERR)
deadline = time.monotonic() + patience
while sent and (left := deadline - time.monotonic()) > 0:
    ready = poll.poll(1000 * min(left, 1.0))
    if not ready and time.monotonic() < deadline:
        for fileno, (s, address, hop, _) in sent.items():
            s.send(b"lab")
            sent[fileno] = s, address, hop, time.monotonic()
    for fileno, _ in ready:
        s, address, hop, start = sent.pop(fileno)
        poll.unregister(s)
        raw = s.recvmsg(512, 512, socket.MSG_ERRQUEUE)[1][0][2][16:]
        six = ":" in address
        who = socket.inet_ntop(s.family, raw[8:24] if six else raw[4:8])
        found[address][hop] = who, 1000 * (time.monotonic() - start)
print(json.dumps(found))
"""


def paths_seen(
    vantages: Iterable[Namespace], addresses: Iterable[str], hops: int = 12, patience: float = 20.0
) -> dict[str, Paths]:
    """From each of these places the paths to all addresses: by the place's name, then address.

    A path is a list of (who answered, after how many ms), one for each TTL up to the address
    itself; (None, 0.0) where nobody did within ``patience`` seconds. All places measure at once.
    """
    wanted = list(addresses)
    words = [sys.executable, "-c", _PROGRAM, str(hops), str(patience), *wanted]
    started = {vantage.name: vantage.start(words, user="nobody") for vantage in vantages}
    seen: dict[str, Paths] = {}
    for name, program in started.items():
        out, err = program.communicate(timeout=60)
        if program.returncode != 0:
            raise LabError(f"paths from {name}: {err}")
        found = json.loads(out)
        seen[name] = {address: _cut(found[address], address) for address in wanted}
    return seen


def _cut(path: list[Heard], address: str) -> list[Heard]:
    """The path up to the first answer of the address itself."""
    ends = [hop for hop, (who, _) in enumerate(path, start=1) if who == address]
    return [(who, took) for who, took in path[: ends[0] if ends else None]]
