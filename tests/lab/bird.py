"""BIRD: what a router of the lab is told at its start, and how to speak with it while it runs.

Routes are worth what a seller earns by them (customers before peers before providers), and what
is told to whom follows from it; a decree overrides business. One process a router, one session a
neighbour and IP version. This module starts nothing and knows no topology.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tests.lab.namespaces import LabError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.topology import Block, Interface

Role = Literal["customer", "peer", "provider", "gateway", "internal", "member"]
"""What a neighbour is to a router; ``member`` is one of an exchange's to its route server."""

_HEAD = """
log "{log}" all;
router id {router_id};
protocol device {{ scan time 5; }}
"""
_ROUTER = """
protocol kernel {{ ipv4 {{ import none; export where source = RTS_BGP; }}; }}
protocol kernel {{ ipv6 {{ import none; export where source = RTS_BGP; }}; }}
filter from_customer {{ bgp_local_pref = 200; accept; }}
filter from_peer {{ bgp_local_pref = 150; accept; }}
filter from_provider {{ bgp_local_pref = 100; accept; }}
filter from_gateway {{ bgp_local_pref = 300; accept; }}
filter own_and_customers {{
  if source = RTS_STATIC || bgp_local_pref = 200 then accept;
  reject;
}}
protocol static {{ ipv4; route {prefixes[0]} unreachable; }}
protocol static {{ ipv6; route {prefixes[1]} unreachable; }}
"""
_SESSION = """
protocol bgp {name} {{
  disabled {disabled};
  local {local} as {asn};
  neighbor {remote} as {remote_asn};
  connect delay time 1; connect retry time 2; error wait time 1, 2; check link yes;
  {more}
  ipv{version} {{ {policy} }};
}}
"""
_POLICY: dict[Role, str] = {
    "customer": "import filter from_customer; export all;",
    "peer": "import filter from_peer; export filter own_and_customers;",
    "provider": "import filter from_provider; export filter own_and_customers;",
    "gateway": "import filter from_gateway; export filter own_and_customers;",
    "internal": "import all; export all; next hop self;",
    "member": "import all; export all;",
}
_MORE: dict[Role, str] = {"internal": "direct;", "member": "rs client;"}


@dataclass(frozen=True)
class Session:
    """One BGP session as one of its routers sees it.

    ``decreed`` marks those that are up only while the gateway is switched on; ``disabled`` is
    how it starts.
    """

    neighbour: str
    asn: int
    local: Interface
    remote: Interface
    remote_asn: int
    role: Role
    decreed: bool = False
    disabled: bool = False

    @property
    def name(self) -> str:
        return f"{self.neighbour.replace('-', '_')}_{self.local.version}"

    def __str__(self) -> str:
        return _SESSION.format(
            name=self.name,
            disabled="yes" if self.disabled else "no",
            local=self.local.ip,
            asn=self.asn,
            remote=self.remote.ip,
            remote_asn=self.remote_asn,
            more=_MORE.get(self.role, ""),
            version=self.local.version,
            policy=_POLICY[self.role],
        )


def configuration(
    sessions: list[Session], router_id: object, log: Path, prefixes: tuple[Block, ...] = ()
) -> str:
    """The configuration file of a router that announces these two prefixes.

    Without prefixes it is a route server's, which announces nothing and forwards nothing.
    """
    parts = [_HEAD.format(log=log, router_id=router_id)]
    if prefixes:
        parts.append(_ROUTER.format(prefixes=prefixes))
    return "".join([*parts, *(str(session) for session in sessions)])


class Control:
    """A running BIRD's control socket: a line in, an answer out (its manual: Remote control)."""

    def __init__(self, path: Path, timeout: float = 10.0) -> None:
        """Connect, waiting for BIRD to open its socket; raises `LabError` when it does not."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        deadline = time.monotonic() + timeout
        while True:
            try:
                self._socket.connect(str(path))
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if time.monotonic() > deadline:
                    self._socket.close()
                    raise LabError(f"no BIRD answers on {path.name}") from None
                time.sleep(0.02)
        self._lines = self._socket.makefile("r", encoding="utf-8")
        self._answer()

    def say(self, command: str) -> list[str]:
        """Give a command and get the lines of its answer; raises `LabError` when BIRD refuses."""
        self._socket.sendall(f"{command}\n".encode())
        return self._answer()

    def established(self) -> set[str]:
        """The names of the sessions that are up."""
        rows = [line.removeprefix("1002-").split() for line in self.say("show protocols")]
        return {row[0] for row in rows if row[1:2] == ["BGP"] and row[-1] == "Established"}

    def _answer(self) -> list[str]:
        said = []
        for line in self._lines:
            said.append(line.rstrip("\n"))
            if line[:4].isdigit() and line[4:5] == " ":
                if line[0] in "89":
                    raise LabError(f"BIRD refuses: {line[5:].strip()}")
                return said
        raise LabError("BIRD hung up")

    def close(self) -> None:
        self._lines.close()
        self._socket.close()
