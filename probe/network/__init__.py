"""The one seam between what decides and what touches a wire.

A `Network` sends a probe and reports what came back; it says what it can observe, as
capabilities that callers ask of the object instead of testing for a platform. Strategy, session
and record know only this file. The backends stand beside it: ``simulated`` (a network in
memory), ``errqueue`` (Linux without privileges), ``raw`` (with CAP_NET_RAW), ``pcap`` (macOS,
Windows).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple, Protocol


class Method(StrEnum):
    """What a probe is; the best comes first.

    TCP is a SYN, ACK a TCP segment that belongs to no connection.
    """

    ICMP = "icmp"
    UDP = "udp"
    TCP = "tcp"
    ACK = "ack"

    @property
    def protocol(self) -> str:
        """The transport protocol, as records carry it: ``ICMP``, ``UDP`` or ``TCP``."""
        return "TCP" if self is Method.ACK else self.upper()


class Capability(StrEnum):
    """What a network layer may be able to observe; a record lists those that it could.

    ``quote`` is what was rewritten on the way, by comparing a quote with what was sent. ``tag`` is
    that each probe carries a keyed tag, without which an answer is refused.
    """

    REPLY_TTL = "reply_ttl"
    QUOTED_TTL = "quoted_ttl"
    QUOTED_TOS = "quoted_tos"
    QUOTE = "quote"
    EXTENSIONS = "extensions"
    KERNEL_TIME = "kernel_time"
    PARIS = "paris"
    TAG = "tag"


class Kind(StrEnum):
    """What an answer means for the trace, judged by ICMP type and code, never by address."""

    TIME_EXCEEDED = "time_exceeded"
    DESTINATION = "destination"
    UNREACHABLE = "unreachable"


class Probe(NamedTuple):
    """One packet to send.

    ``token`` (1 to 65535) is chosen by the session, unique among the probes outstanding;
    a backend hides it in the packet and gives it back in the `Answer`. ``flow`` selects the
    header fields that load balancers hash; equal flows take equal paths. Target is the text
    of an IPv4 or IPv6 address.
    """

    target: str
    ttl: int
    flow: int
    method: Method
    token: int


class Answer(NamedTuple):
    """What came back for the probe with this token.

    ``rtt`` is in seconds, by kernel time where the backend has it. ``err`` is the Atlas code of
    an unreachable (see `probe.record.Reply`). ``changed`` names the header fields of the probe
    that differ in the quote from what was sent. Fields a backend cannot see are None, or empty.
    """

    token: int
    address: str
    kind: Kind
    rtt: float
    ttl: int | None = None
    size: int | None = None
    quoted_ttl: int | None = None
    err: str | int | None = None
    extensions: dict[str, Any] | None = None
    quoted_tos: int | None = None
    changed: tuple[str, ...] = ()


# Is shown each packet that a backend sends, or takes in as an answer or refuses as one: from its IP
# header on, with its time (ns since the epoch), the kernel's where there is one.
Tap = Callable[[bytes, int], None]


class NetworkError(Exception):
    """Base of what sending can raise; the message is one sentence a volunteer understands."""


class NotPermitted(NetworkError):
    """The system refused a socket or a packet; the message names it and the command to mend it."""


class NoRoute(NetworkError):
    """There is no way to this target from here: no route, no address of that family, link down."""


class Network(Protocol):
    """Sends probes, reports answers. One object serves both address families where it can."""

    @property
    def name(self) -> str:
        """The backend's name as records carry it: the name of its module."""

    def methods(self, version: int) -> tuple[Method, ...]:
        """Methods usable for this IP version (4 or 6), best first; empty where none is."""

    def sees(self, method: Method, version: int) -> frozenset[Capability]:
        """What answers to such probes will carry."""

    def probe_size(self, method: Method, version: int) -> int:
        """Bytes of one probe on the wire, from its IP header on."""

    def send(self, probe: Probe) -> None:
        """Send now, without blocking. Raises `NoRoute` or `NotPermitted`.

        A full send buffer is waited out by the caller: it raises `BlockingIOError`.
        """

    def fileno(self) -> int:
        """What is readable once answers may be there, for `select`.

        Raises `io.UnsupportedOperation` where there is no such descriptor: in memory.
        """

    async def wait(self) -> None:
        """Return once answers may be there to `drain`. Cancellable."""

    def drain(self) -> list[Answer]:
        """All answers there now, without blocking, in order of arrival."""

    def forget(self, token: int) -> None:
        """The session gave this probe up: the token may be used again."""

    def discarded(self) -> dict[str, int]:
        """What arrived and was no answer to a probe of ours, counted by reason."""

    def close(self) -> None:
        """Close what is open. Safe to call twice."""
