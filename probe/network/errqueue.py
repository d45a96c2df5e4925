"""Traceroute on Linux without any privilege: the kernel's error queue reads the ICMP for us.

A datagram socket with IP_RECVERR gets every ICMP error that quotes one of its packets, with the
router's address, type and code, its TTL and the kernel's receive time. A ping socket carries
the token as sequence number, which even the shortest quote contains. A UDP socket carries it in
the payload, while its ports stay those of the flow; a router that quotes only 28 bytes then
names no more than the flow, and such an answer is matched by elimination (see `_Short`) or not
at all. What a socket cannot see, such as the quoted TTL, is not in `sees`.
"""

from __future__ import annotations

import errno
import operator
import os
import socket
import struct
import time
from collections import Counter
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from probe.network import (
    Answer,
    Capability,
    Kind,
    Method,
    NetworkError,
    NoRoute,
    NotPermitted,
    incoming,
    packet,
)
from probe.network.addresses import (
    FAMILY,
    canonical,
    is_own_voice,
    send_problem,
    source_towards,
)
from probe.network.clock import round_trip
from probe.network.linux import (
    AT_ONCE,
    IP_RECVERR,
    IP_RECVERR_RFC4884,
    IP_RECVTTL,
    IPV6_RECVERR,
    IPV6_RECVERR_RFC4884,
    IPV6_RECVHOPLIMIT,
    MSG_ERRQUEUE,
    ControlMessages,
    Readiness,
    arrival,
    hop_limit_message,
    open_socket,
)
from probe.network.nat import Shifts
from probe.record import ip_version
from probe.words.language import mark

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from probe.network import Probe

# struct sock_extended_err with the union read as struct sock_ee_data_rfc4884
_EXTENDED_ERROR: Final = struct.Struct("=IBBBBIHBB")
_ORIGIN_ICMP: Final = {4: 2, 6: 3}

_LARGEST: Final = 2048
_CONTROL_SPACE: Final = 512

# How many flows' tags are remembered; each can be made again.
_TAGS_KEPT: Final = 4096

# How often one send may be held up by errors that arrive at the same moment.
_SEND_ATTEMPTS: Final = 64

_SEES: Final = frozenset(
    {
        Capability.REPLY_TTL,
        Capability.EXTENSIONS,
        Capability.KERNEL_TIME,
        Capability.PARIS,
        Capability.TAG,
    }
)

# Target and UDP destination port (0 for ICMP): all that the shortest quote leaves.
_FlowKey = tuple[str, int]


class _Sent(NamedTuple):
    """A probe on its way: method, target in canonical text, flow's port, tag; times in ns.

    ``data`` is what was given to the socket.
    """

    method: Method
    target: str
    port: int
    tag: int
    data: bytes
    wall: int
    monotonic: int


class Opened(NamedTuple):
    """A socket and what it was opened for."""

    method: Method
    version: int
    socket: socket.socket


class _Error(NamedTuple):
    """An entry of an error queue: who sent it, what it says, where its extensions are."""

    offender: str
    icmp_type: int
    code: int
    extensions_at: int


class _Observation(NamedTuple):
    """An answer before it is known which probe it belongs to."""

    received: int | None
    address: str
    kind: Kind
    ttl: int | None
    size: int
    err: str | int | None = None
    extensions: dict[str, Any] | None = None


class _Short(NamedTuple):
    """An answer whose quote was too short to hold the token, and the probes that it may answer.

    Once all of these but one have been answered beyond doubt, it belongs to that one. When one
    of them is given up instead, either could have caused it, so it is dropped, as is what may be
    an earlier one repeated: a hop that is missing beats a hop that is invented.
    """

    observation: _Observation
    candidates: set[int]


class ErrorQueue:
    """The `Network` of ping and UDP sockets. Use `open_errqueue`."""

    name: Final = "errqueue"

    def __init__(self, opened: Iterable[Opened]) -> None:
        self._opened = {(each.method, each.version): each for each in opened}
        self._marker = packet.Marker(os.urandom(16), udp_port=0)
        self._tags: dict[tuple[Method, str, int], int] = {}
        self._sent: dict[int, _Sent] = {}
        self._unanswered: dict[_FlowKey, set[int]] = {}
        self._short: dict[_FlowKey, list[_Short]] = {}
        # By flow and by token of a probe that a short quote answered, which router sent that.
        self._short_from: dict[_FlowKey, dict[int, str]] = {}
        self._read: list[tuple[int, Answer]] = []
        self._discarded: Counter[str] = Counter()
        self._shifts = Shifts()
        self._readiness = Readiness(each.socket for each in self._opened.values())

    def methods(self, version: int) -> tuple[Method, ...]:
        """ICMP where ping sockets are allowed, then UDP; empty without this IP version."""
        return tuple(method for method, family in self._opened if family == version)

    def sees(self, method: Method, version: int) -> frozenset[Capability]:  # noqa: ARG002 - both alike
        """Everything but what is quoted. The shortest quote of a UDP probe shows no tag."""
        return _SEES - {Capability.TAG} if method is Method.UDP else _SEES

    def probe_size(self, method: Method, version: int) -> int:
        """Bytes of one probe on the wire, from its IP header on."""
        return packet.probe_size(method, version)

    def send(self, probe: Probe) -> None:
        """Send now, without blocking; see `probe.network.Network.send` for what it raises."""
        version, target = canonical(probe.target)
        through = self._opened.get((probe.method, version))
        if through is None:
            raise NoRoute(f"no {probe.method} probe over IPv{version} can be sent to {target}")
        tag = self._tag(probe.method, target, probe.flow)
        if probe.method is Method.UDP:
            port = packet.udp_port(probe.flow)
            data = packet.udp_payload(probe.token, tag)
        else:
            port = 0
            data = packet.echo_request(version, probe.flow, probe.token, tag)
        self.forget(probe.token)
        wall, monotonic = self._transmit(
            through,
            data,
            hop_limit_message(version, probe.ttl),
            (target, port),
        )
        self._sent[probe.token] = _Sent(probe.method, target, port, tag, data, wall, monotonic)
        self._unanswered.setdefault((target, port), set()).add(probe.token)

    def _tag(self, method: Method, target: str, flow: int) -> int:
        key = (method, target, flow)
        tag = self._tags.get(key)
        if tag is None:
            if len(self._tags) >= _TAGS_KEPT:
                self._tags.clear()
            packed = socket.inet_pton(FAMILY[ip_version(target)], target)
            tag = self._tags[key] = self._marker.tag(method, packed, flow)
        return tag

    def _transmit(
        self,
        through: Opened,
        data: bytes,
        hop_limit: tuple[int, int, bytes],
        destination: tuple[str, int],
    ) -> tuple[int, int]:
        """Send; gives back wall and monotonic time just before.

        An error waiting in the queue makes the kernel fail the next send in its stead, so the
        queue is read, and the answers in it kept for `drain`. A failure counts as this packet's
        own when the queue was empty and a second attempt fails as well.
        """
        fruitless = 0
        for _ in range(_SEND_ATTEMPTS):
            wall, monotonic = time.time_ns(), time.monotonic_ns()
            try:
                through.socket.sendmsg((data,), (hop_limit,), 0, destination)
            except OSError as error:
                problem = send_problem(error, destination[0])
                if isinstance(problem, BlockingIOError):
                    raise problem from None
                if self._read_errors(through):
                    self._readiness.ring()
                else:
                    fruitless += 1
                if fruitless > 1:
                    raise problem from None
            else:
                return wall, monotonic
        raise BlockingIOError(errno.EAGAIN, "answers arrive faster than probes can be sent")

    def fileno(self) -> int:
        """What is readable once answers may be there, for `select`."""
        return self._readiness.fileno()

    async def wait(self) -> None:
        """Return once answers may be there to `drain`. Cancellable; one task at a time."""
        await self._readiness.wait()

    def drain(self) -> list[Answer]:
        """All answers there now, without blocking, in order of arrival."""
        self._readiness.quiet()
        for opened in self._opened.values():
            self._read_errors(opened)
            self._read_data(opened)
        found, self._read = self._read, []
        found.sort(key=operator.itemgetter(0))
        return [answer for _, answer in found]

    def forget(self, token: int) -> None:
        """The session gave this probe up: the token may be used again."""
        sent = self._sent.pop(token, None)
        if sent is None:
            return
        flow = (sent.target, sent.port)
        self._answered(token, flow)
        routers = self._short_from.get(flow, {})
        routers.pop(token, None)
        if not routers:
            self._short_from.pop(flow, None)
        held = self._short.pop(flow, [])
        still = [short for short in held if token not in short.candidates]
        if still:
            self._short[flow] = still
        self._discarded["ambiguous"] += len(held) - len(still)

    def discarded(self) -> dict[str, int]:
        """What arrived and was no answer to a probe of ours, counted by reason."""
        return dict(+self._discarded)

    def close(self) -> None:
        """Close what is open. Safe to call twice."""
        self._readiness.close()
        for opened in self._opened.values():
            opened.socket.close()

    def _read_errors(self, opened: Opened) -> bool:
        """Empty a socket's error queue; says whether anything was in it."""
        any_read = False
        for _ in range(AT_ONCE):
            try:
                data, control, _, address = opened.socket.recvmsg(
                    _LARGEST, _CONTROL_SPACE, MSG_ERRQUEUE
                )
            except BlockingIOError:
                return any_read
            any_read = True
            self._read_error(opened, data, control, (str(address[0]), int(address[1])))
        return any_read

    def _read_error(
        self, opened: Opened, data: bytes, control: ControlMessages, flow: _FlowKey
    ) -> None:
        method, version, _ = opened
        error = _error_in(control, version)
        if error is None:
            self._discarded["local_error"] += 1
            return
        meaning = incoming.judge(version, error.icmp_type, error.code, method)
        if meaning is None:
            self._discarded[incoming.Refusal.OTHER_TYPE] += 1
            return
        kind, err = meaning
        # The kernel takes the quoted IP header off, and the quoted UDP header, not the ICMP one.
        stripped = packet.IP_HEADER[version] + (8 if method is Method.UDP else 0)
        if error.extensions_at:
            found = incoming.extensions(data, error.extensions_at, declared=True)
        else:
            found = incoming.undeclared_extensions(data, stripped)
        received, ttl = arrival(control)
        observation = _Observation(
            received, error.offender, kind, ttl, 8 + stripped + len(data), err, found
        )
        if method is Method.UDP:
            found_tag = packet.in_payload(data)
            if found_tag is None:
                self._hold(flow, observation)
                return
            token, tag = found_tag
            self._settle(token, tag, method, flow, observation)
        elif len(data) < 8:
            self._discarded[incoming.Refusal.TRUNCATED] += 1
        else:
            token = _echo_token(data)
            self._settle(token, self._tag_quoted(token, data), method, flow, observation)

    def _tag_quoted(self, token: int, quoted: bytes) -> int | None:
        """The tag that a quoted echo request has, or that its checksum bears out; else None."""
        sent = self._sent.get(token)
        if sent is None or sent.method is not Method.ICMP:
            return None
        pseudo = b""
        if ":" in sent.target:
            try:
                ends = source_towards(sent.target, 6).partition("%")[0], sent.target
            except NetworkError:
                return None
            pseudo = b"".join(socket.inet_pton(socket.AF_INET6, end) for end in ends)
            pseudo += struct.pack("!II", len(sent.data), packet.PROTOCOL_ICMP6)
        shift = incoming.echo_shift(sent.data, quoted, pseudo)
        tag = packet.tag_in_echo(quoted)
        if tag:
            if tag == sent.tag:
                self._shifts.shown(shift)
            return tag
        return sent.tag if self._shifts.known(shift) else None

    def _read_data(self, opened: Opened) -> None:
        """Read what came as ordinary data: echo replies."""
        for _ in range(AT_ONCE):
            try:
                data, control, _, address = opened.socket.recvmsg(_LARGEST, _CONTROL_SPACE)
            except BlockingIOError:
                return
            except OSError:
                # The kernel reports here what the error queue tells better.
                self._read_errors(opened)
                continue
            if opened.method is Method.UDP or len(data) < 8:
                self._discarded["data"] += 1
                continue
            received, ttl = arrival(control)
            self._settle(
                _echo_token(data),
                packet.tag_in_echo(data),
                Method.ICMP,
                None,
                _Observation(received, str(address[0]), Kind.DESTINATION, ttl, len(data)),
            )

    def _settle(
        self,
        token: int,
        tag: int | None,
        method: Method,
        flow: _FlowKey | None,
        observation: _Observation,
    ) -> None:
        """Give an answer to the probe with this token, if it has that probe's tag."""
        sent = self._sent.get(token)
        if (
            sent is None
            or sent.method is not method
            or (flow is not None and flow != (sent.target, sent.port))
        ):
            self._discarded["unexpected"] += 1
            return
        if tag != sent.tag:
            self._discarded["wrong_tag"] += 1
            return
        # The kernel keeps out who claims to be us, but not over IPv6.
        doubtful = observation.kind is Kind.UNREACHABLE or ":" in sent.target
        if doubtful and is_own_voice(observation.address, sent.target):
            self._discarded["own_address"] += 1
            return
        flow = (sent.target, sent.port)
        self._answered(token, flow)
        self._keep(token, sent, observation)
        self._eliminate(flow, {token})

    def _keep(self, token: int, sent: _Sent, observation: _Observation) -> None:
        answer = Answer(
            token=token,
            address=observation.address,
            kind=observation.kind,
            rtt=round_trip(sent.wall, sent.monotonic, observation.received, time.monotonic_ns()),
            ttl=observation.ttl,
            size=observation.size,
            err=observation.err,
            extensions=observation.extensions,
        )
        self._read.append((observation.received or time.time_ns(), answer))

    def _hold(self, flow: _FlowKey, observation: _Observation) -> None:
        """Keep an answer that names only its flow until it is clear whose it is."""
        candidates = self._unanswered.get(flow)
        if not candidates:
            self._discarded["unexpected"] += 1
            return
        held = self._short.setdefault(flow, [])
        if len(held) >= len(candidates) or self._may_repeat(flow, observation):
            # More than there are probes to answer: repeated or forged, and any of them may be.
            self._discarded["ambiguous"] += 1
            return
        held.append(_Short(observation, set(candidates)))
        self._eliminate(flow, set())

    def _may_repeat(self, flow: _FlowKey, observation: _Observation) -> bool:
        """Whether a router on this flow has answered so before. A target answers many probes."""
        routers = self._short_from.get(flow, {})
        return observation.kind is Kind.TIME_EXCEEDED and observation.address in routers.values()

    def _eliminate(self, flow: _FlowKey, answered: set[int]) -> None:
        """Give each held answer of a flow that has one candidate left to that one."""
        held = self._short.get(flow)
        while held:
            for short in held:
                short.candidates.difference_update(answered)
            settled = next((short for short in held if len(short.candidates) <= 1), None)
            if settled is None:
                return
            held.remove(settled)
            answered = set(settled.candidates)
            for token in answered:
                self._answered(token, flow)
                self._keep(token, self._sent[token], settled.observation)
                self._short_from.setdefault(flow, {})[token] = settled.observation.address
            if not answered:
                self._discarded["unexpected"] += 1
        self._short.pop(flow, None)

    def _answered(self, token: int, flow: _FlowKey) -> None:
        """From now on no short quote can be about this probe."""
        tokens = self._unanswered.get(flow, set())
        tokens.discard(token)
        if not tokens:
            self._unanswered.pop(flow, None)


def _echo_token(message: bytes) -> int:
    return int.from_bytes(message[6:8], "big")


def _error_in(control: ControlMessages, version: int) -> _Error | None:
    """The ICMP error among the control messages; None for an error of this machine's own."""
    wanted = (
        (socket.IPPROTO_IP, IP_RECVERR) if version == 4 else (socket.IPPROTO_IPV6, IPV6_RECVERR)
    )
    for level, kind, data in control:
        if (level, kind) != wanted:
            continue
        _, origin, icmp_type, code, _, _, at, _, _ = _EXTENDED_ERROR.unpack_from(data)
        if origin != _ORIGIN_ICMP[version]:
            return None
        # A struct sockaddr_in or sockaddr_in6 of the router follows.
        place = _EXTENDED_ERROR.size + (4 if version == 4 else 8)
        packed = data[place : place + (4 if version == 4 else 16)]
        return _Error(
            socket.inet_ntop(FAMILY[version], packed),
            icmp_type,
            code,
            at,
        )
    return None


def _open(method: Method, version: int) -> Opened:
    protocol = packet.ICMP_OF[version] if method is Method.ICMP else 0
    opened = open_socket(version, socket.SOCK_DGRAM, protocol)
    level, options, wished = (
        (socket.IPPROTO_IP, (IP_RECVERR, IP_RECVTTL), IP_RECVERR_RFC4884)
        if version == 4
        else (socket.IPPROTO_IPV6, (IPV6_RECVERR, IPV6_RECVHOPLIMIT), IPV6_RECVERR_RFC4884)
    )
    try:
        for option in options:
            opened.setsockopt(level, option, 1)
    except OSError:
        opened.close()
        raise
    # Older kernels lack it; extensions at the usual place are found all the same.
    with suppress(OSError):
        opened.setsockopt(level, wished, 1)
    return Opened(method, version, opened)


def open_errqueue(methods: Collection[Method] | None = None) -> ErrorQueue:
    """Open the sockets that need no privilege, for both IP versions.

    ``methods`` restricts what is opened, of ICMP and UDP. What the system does not offer is
    left out and missing from `ErrorQueue.methods`; raises `NotPermitted` when nothing is left
    because it was denied, `NetworkError` when for another reason.
    """
    opened: list[Opened] = []
    refused: OSError | None = None
    for method in (Method.ICMP, Method.UDP):
        if methods is not None and method not in methods:
            continue
        for version in (4, 6):
            try:
                opened.append(_open(method, version))
            except OSError as error:
                # The first refusal says most: IPv6 may simply be absent.
                refused = refused or error
    if opened:
        with ExitStack() as unowned:
            for each in opened:
                unowned.enter_context(each.socket)
            network = ErrorQueue(opened)
            unowned.pop_all()
        return network
    if refused is not None and refused.errno in {errno.EPERM, errno.EACCES}:
        raise NotPermitted(
            mark(
                "ping sockets are denied to this user; "
                "`sudo sysctl -w net.ipv4.ping_group_range='0 2147483647'` allows them"
            )
        )
    reason = refused.strerror if refused else "only icmp and udp work without privileges"
    raise NetworkError(f"no socket could be opened for probing without privileges ({reason})")
