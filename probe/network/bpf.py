"""Classic BPF programs that keep other programs' packets out of a raw socket.

A raw socket is handed every ICMP message and every TCP segment of the machine; the kernel drops
what these programs reject, so a download in the background costs the measurement nothing. They
are coarse on purpose: what passes is parsed in full by `probe.network.incoming`.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from probe.network.incoming import EXTENSION_HEADERS
from probe.network.linux import SO_ATTACH_FILTER
from probe.network.packet import (
    CONTACT,
    ECHO_CONTACT,
    PROTOCOL_ICMP,
    PROTOCOL_ICMP6,
    PROTOCOL_TCP,
    PROTOCOL_UDP,
    TCP_DESTINATION,
    TCP_FIRST,
    UDP_CONTACT,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

# linux/bpf_common.h: load byte, half-word or word at X + k, or the packet's length; X from the
# IP header length or a constant.
_LOAD_BYTE: Final = 0x50
_LOAD_HALF: Final = 0x48
_LOAD_WORD: Final = 0x40
_LOAD_LENGTH: Final = 0x80
_MINUS_X: Final = 0x1C
_X_FROM_HEADER: Final = 0xB1
_X_CONSTANT: Final = 0x01
_AND: Final = 0x54
_EQUAL: Final = 0x15
_AT_LEAST: Final = 0x35
_ANY_BIT: Final = 0x45
_RETURN: Final = 0x06

_INSTRUCTION: Final = struct.Struct("=HBBI")
_WHOLE_PACKET: Final = 0xFFFFFFFF


class _Step(NamedTuple):
    """One instruction; ``then`` and ``otherwise`` are labels, None the instruction after."""

    code: int
    operand: int
    then: str | None = None
    otherwise: str | None = None
    label: str | None = None


def _assemble(steps: Sequence[_Step]) -> bytes:
    steps = (
        *steps,
        _Step(_RETURN, 0, label="drop"),
        _Step(_RETURN, _WHOLE_PACKET, label="keep"),
    )
    places = {step.label: at for at, step in enumerate(steps) if step.label}

    def jump(at: int, label: str | None) -> int:
        return 0 if label is None else places[label] - at - 1

    return b"".join(
        _INSTRUCTION.pack(step.code, jump(at, step.then), jump(at, step.otherwise), step.operand)
        for at, step in enumerate(steps)
    )


def icmp_program(version: int, udp_port: int) -> bytes:
    """Keep echo replies and quoted probes that say who we are, and quotes of our ports.

    Quotes too short to say it, or with IP options or extension headers, are kept:
    `probe.network.incoming` looks at them. IPv4 raw sockets see the IP header, IPv6 ones start at
    the ICMPv6 header.
    """
    if version == 4:
        start, echo_reply = _Step(_X_FROM_HEADER, 0), 0
        errors: tuple[int, ...] = (3, 11)
        protocol_at, quoted, icmp = 8 + 9, 8 + 20, PROTOCOL_ICMP
        moving: tuple[_Step, ...] = ()
    else:
        start, echo_reply = _Step(_X_CONSTANT, 0), 129
        errors = (1, 3, 4)
        protocol_at, quoted, icmp = 8 + 6, 8 + 40, PROTOCOL_ICMP6
        moving = tuple(_Step(_EQUAL, header, then="keep") for header in EXTENSION_HEADERS)
    contact = int.from_bytes(CONTACT[:4], "big")
    return _assemble(
        (
            start,
            _Step(_LOAD_BYTE, 0),
            *(_Step(_EQUAL, icmp_type, then="error") for icmp_type in errors),
            _Step(_EQUAL, echo_reply, otherwise="drop"),
            _Step(_LOAD_WORD, ECHO_CONTACT),
            _Step(_EQUAL, contact, then="keep", otherwise="drop"),
            _Step(_LOAD_BYTE, 8, label="error"),
            _Step(_AT_LEAST, 0x50, then="plain"),
            _Step(_AT_LEAST, 0x46, then="keep"),  # IPv4 options move what is looked at below
            _Step(_LOAD_BYTE, protocol_at, label="plain"),
            *moving,
            _Step(_EQUAL, PROTOCOL_UDP, then="udp"),
            _Step(_EQUAL, PROTOCOL_TCP, then="tcp"),
            _Step(_EQUAL, icmp, otherwise="drop"),
            _Step(_LOAD_LENGTH, 0),
            _Step(_MINUS_X, 0),
            _Step(_AT_LEAST, quoted + ECHO_CONTACT + 4, otherwise="short"),
            _Step(_LOAD_WORD, quoted + ECHO_CONTACT),
            _Step(_EQUAL, contact, then="keep"),
            # The padding of a short quote, and of one that ends at the next word.
            _Step(_EQUAL, contact & 0xFFFF0000, then="keep"),
            _Step(_EQUAL, 0, then="keep", otherwise="drop"),
            _Step(_AT_LEAST, quoted + 8, then="keep", otherwise="drop", label="short"),
            # A NAT may leave its own source port in what it hands back.
            _Step(_LOAD_HALF, quoted, label="udp"),
            _Step(_EQUAL, udp_port, then="keep"),
            _Step(_LOAD_WORD, quoted + UDP_CONTACT),
            _Step(_EQUAL, contact, then="keep", otherwise="drop"),
            _Step(_LOAD_HALF, quoted, label="tcp"),
            _Step(_AT_LEAST, TCP_FIRST, then="keep"),
            _Step(_LOAD_HALF, quoted + 2),
            _Step(_EQUAL, TCP_DESTINATION, then="keep", otherwise="drop"),
        )
    )


def tcp_program(version: int) -> bytes:
    """Keep SYN-ACK and RST segments to the ports that TCP probes come from."""
    return _assemble(
        (
            _Step(_X_FROM_HEADER, 0) if version == 4 else _Step(_X_CONSTANT, 0),
            _Step(_LOAD_HALF, 2),
            _Step(_AT_LEAST, TCP_FIRST, otherwise="drop"),
            _Step(_LOAD_BYTE, 13),
            _Step(_AND, 0x16),
            _Step(_ANY_BIT, 0x04, then="keep"),
            _Step(_EQUAL, 0x12, then="keep", otherwise="drop"),
        )
    )


def attach(to: socket.socket, program: bytes) -> None:
    """Filter what a socket receives from now on; raises OSError when the kernel declines."""
    instructions = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog; the kernel copies the instructions before setsockopt returns.
    fprog = struct.pack("@HP", len(program) // _INSTRUCTION.size, ctypes.addressof(instructions))
    to.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, fprog)
