"""Throws damaged and forged packets at the parser, by the million, and checks each answer.

    python -m scripts.fuzz [--packets N] [--seconds N] [--seed N] [--processes N]

Every packet begins as a real reply: to a probe that is on its way, to one that was given up, or to
one that another program sent. It is then damaged (see `mutated`) and handed to the code that raw
sockets hand theirs to. Nothing may raise; and an answer may be given only for a probe on its way
whose token and tag stand in the packet where an answer has them, which `proves` reads anew, without
the parser. Packets are made in chunks, each from a seed of its own, so a fault can be had again
with ``--seed`` and ``--first``. Sends nothing.
"""

from __future__ import annotations

import argparse
import ipaddress
import multiprocessing
import random
import struct
import sys
import time
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from probe.network import Answer, Kind, Method, incoming, packet
from probe.network.matching import METHODS, Made, Matching

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CHUNK: Final = 20_000
PORT: Final = 40404
SOURCE: Final = {4: "192.0.2.7", 6: "2001:db8::7"}
ROUTER: Final = {4: "203.0.113.1", 6: "2001:db8:1::1"}
TARGETS: Final = {
    4: ("198.51.100.1", "198.51.100.2"),
    6: ("2001:db8:2::1", "2001:db8:2::2"),
}
FLOWS: Final = (0, 1, 77)
PACKED: Final = {
    text: ipaddress.ip_address(text).packed
    for text in (*SOURCE.values(), *ROUTER.values(), *TARGETS[4], *TARGETS[6])
}
HEADER: Final = {4: 20, 6: 40}
ICMP_OF: Final = {4: packet.PROTOCOL_ICMP, 6: packet.PROTOCOL_ICMP6}
ECHO_REPLY: Final = {4: 0, 6: 129}

EXCEEDED: Final = {4: (11, 0), 6: (3, 0)}
PORT_UNREACHABLE: Final = {4: (3, 3), 6: (1, 4)}
# ICMP types and codes that end a path; others are mixed in by damage.
ERRORS: Final = {
    4: (EXCEEDED[4], PORT_UNREACHABLE[4], *((3, code) for code in (0, 1, 2, 9, 13))),
    6: (EXCEEDED[6], PORT_UNREACHABLE[6], *((1, code) for code in (0, 1, 3)), (4, 1)),
}

# A label stack of two entries; the checksum is right.
LABELS: Final = bytes.fromhex("20001deb000c01015dc000fffffffffe")


class Known(NamedTuple):
    """A probe: what was sent, and what an answer to it must show."""

    version: int
    method: Method
    target: str
    token: int
    tag: int
    data: bytes


class Packet(NamedTuple):
    """What a raw socket reads: in IPv4 with the IP header."""

    version: int
    protocol: int
    data: bytes


class Fault(Exception):
    """The parser did what it must not; the message has all that is needed to see it again."""


@dataclass
class Report:
    """What became of the packets."""

    packets: int = 0
    answered: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def add(self, other: Report) -> None:
        self.packets += other.packets
        self.answered += other.answered
        self.refused += other.refused


# -- real replies ----------------------------------------------------------------------------


def received(version: int, protocol: int, message: bytes, options: bytes = b"") -> Packet:
    """A message as a raw socket gives it, its sender's IP options in between."""
    if version == 6:
        return Packet(6, protocol, message)
    words = 5 + len(options) // 4
    size = 4 * words + len(message)
    header = struct.pack("!BBHHHBBH", 64 | words, 0, size, 9, 0, 61, protocol, 0)
    whole = header + PACKED[ROUTER[4]] + PACKED[SOURCE[4]] + options + message
    return Packet(4, protocol, whole)


def error(version: int, kind: tuple[int, int], quote: bytes, length: int = 0) -> bytes:
    """An ICMP error around a quote; ``length`` is what its length field says (RFC 4884)."""
    spare = bytes((0, length, 0, 0)) if version == 4 else bytes((length, 0, 0, 0))
    return bytes((*kind, 0, 0)) + spare + quote


def as_quoted(probe: bytes, ttl: int = 1, options: bytes = b"") -> bytes:
    """The probe as a router has it when it answers, IPv4 options put in on the way."""
    if probe[0] >> 4 == 6:
        return probe[:7] + bytes((ttl,)) + probe[8:]
    words = 5 + len(options) // 4
    first = bytes((64 | words,))
    return first + probe[1:8] + bytes((ttl,)) + probe[9:20] + options + probe[20:]


def errors_about(known: Known) -> Iterator[bytes]:
    """ICMP errors that a probe gets: of every kind, quoted in every style."""
    version = known.version
    quote = as_quoted(known.data)
    shortest = HEADER[version] + 8
    for kind in ERRORS[version]:
        yield error(version, kind, quote)
        yield error(version, kind, quote[:shortest])
    exceeded = EXCEEDED[version]
    for size in (shortest + 4, shortest + 8, len(quote)):
        padded = quote[:size].ljust(128, b"\0")
        yield error(version, exceeded, padded)
        yield error(version, exceeded, padded + LABELS)
        yield error(version, exceeded, padded + LABELS, length=32 if version == 4 else 16)
    if version == 4:
        yield error(4, exceeded, as_quoted(known.data, options=b"\x94\x04\0\0"))
    nested = received(version, ICMP_OF[version], error(version, exceeded, quote)).data
    yield error(version, exceeded, nested)


def answers_of(known: Known) -> Iterator[tuple[int, bytes]]:
    """What a destination answers to a probe: protocol and message."""
    version, method, _, token, tag, data = known
    if method is Method.ICMP:
        yield ICMP_OF[version], bytes((ECHO_REPLY[version],)) + data[HEADER[version] + 1 :]
    elif method is not Method.UDP:
        number = token << 16 | tag
        ports = data[HEADER[version] + 2 : HEADER[version] + 4] + data[HEADER[version] :][:2]
        segment = struct.Struct("!IIBBHHH")
        reset = segment.pack(number, 0, 5 << 4, 0x04, 0, 0, 0)
        if method is Method.TCP:
            for flags in (0x12, 0x14):
                yield packet.PROTOCOL_TCP, ports + segment.pack(0, number + 1, 80, flags, 0, 0, 0)
        yield packet.PROTOCOL_TCP, ports + reset


def replies_to(known: Known) -> Iterator[Packet]:
    """All replies that a probe may get."""
    for message in errors_about(known):
        yield received(known.version, ICMP_OF[known.version], message)
    for protocol, message in answers_of(known):
        yield received(known.version, protocol, message)
        yield received(known.version, protocol, message, options=b"\x07\x07\x04\0\0\0\0\0")


# -- damage ----------------------------------------------------------------------------------


T = TypeVar("T")


class Dice(random.Random):
    """Chance, quickly: not quite even over large numbers, which damage need not be."""

    def below(self, number: int) -> int:
        return int(self.random() * number)

    def pick(self, options: Sequence[T]) -> T:
        return options[int(self.random() * len(options))]


class Sea:
    """What is on its way, what else is about, and the replies to all of it."""

    def __init__(self, dice: Dice) -> None:
        self.matching = Matching(dict.fromkeys((4, 6), PORT))
        ours, theirs = (packet.Marker(dice.randbytes(16), PORT) for _ in range(2))
        self.matching.markers.update(dict.fromkeys((4, 6), ours))
        tokens = iter(dice.sample(range(1, 1 << 16), 512))
        self.known: dict[int, Known] = {}
        self.tokens: list[int] = []
        self.shifts: set[int] = set()
        self.replies: list[Packet] = []
        for version in (4, 6):
            for method in METHODS:
                for target in TARGETS[version]:
                    for flow in FLOWS:
                        token, given_up = islice(tokens, 2)
                        self.tokens.append(token)
                        self.known[token] = self.send(version, method, target, flow, token)
                        stale = self.send(version, method, target, flow, given_up)
                        self.matching.forget(given_up)
                        forged = self.made(theirs, version, method, target, flow)
                        data = forged.template.probe(3, token)
                        strange = Known(version, method, target, token, forged.template.tag, data)
                        for each in (self.known[token], stale, strange):
                            self.replies += replies_to(each)

    @staticmethod
    def made(marker: packet.Marker, version: int, method: Method, target: str, flow: int) -> Made:
        source = PACKED[SOURCE[version]]
        template = packet.Template(method, source, PACKED[target], flow, marker)
        heard_as = Method.TCP if method is Method.ACK else method
        return Made(version, SOURCE[version], target, heard_as, template)

    def send(self, version: int, method: Method, target: str, flow: int, token: int) -> Known:
        made = self.made(self.matching.markers[version], version, method, target, flow)
        data = made.template.probe(3, token)
        self.matching.sent(token, made, data, 0, 0)
        return Known(version, method, target, token, made.template.tag, data)


def flip_bits(dice: Dice, data: bytearray, _: Sea) -> bytearray:
    for _times in range(1 + dice.below(4)):
        data[dice.below(len(data))] ^= 1 << dice.below(8)
    return data


def put_number(dice: Dice, data: bytearray, _: Sea) -> bytearray:
    """A byte or two of the kind at which programs stumble."""
    value = dice.pick((0, 1, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF))
    at = dice.below(len(data))
    size = 1 + (value > 0xFF)
    data[at : at + size] = value.to_bytes(size, "big")
    return data


def cut_off(dice: Dice, data: bytearray, _: Sea) -> bytearray:
    return data[: dice.below(len(data))]


def go_on(dice: Dice, data: bytearray, _: Sea) -> bytearray:
    return data + dice.randbytes(dice.below(64))


def pad(dice: Dice, data: bytearray, _: Sea) -> bytearray:
    """Zeros from somewhere on, as where a quote is padded."""
    at = dice.below(len(data))
    return data[:at].ljust(max(len(data), dice.below(200)), b"\0")


def splice(dice: Dice, data: bytearray, sea: Sea) -> bytearray:
    """The head of one reply, the tail of another."""
    other = dice.pick(sea.replies).data
    at = dice.below(len(data))
    return data[:at] + other[at if dice.random() < 0.5 else dice.below(len(other)) :]


def take_out(dice: Dice, data: bytearray, _: Sea) -> bytearray:
    at = dice.below(len(data))
    del data[at : at + dice.pick((1, 2, 4, 8))]
    return data


def put_length(dice: Dice, data: bytearray, _: Sea) -> bytearray:
    """Another number where headers say how long they or their messages are."""
    first = (data[0] & 0x0F) * 4 if data[0] >> 4 == 4 else 0
    at = dice.pick((0, 2, 3, first + 4, first + 5, first + 8, first + 10, first + 11, first + 41))
    at = at if dice.random() < 0.8 else first + 136 + dice.pick((0, 4, 5))
    if at < len(data):
        data[at] = dice.below(256) if dice.random() < 0.5 else 0x40 | dice.below(16)
    return data


def put_token(dice: Dice, data: bytearray, sea: Sea) -> bytearray:
    """The token of some probe on its way, where this reply has another: the best forgery."""
    other = dice.pick(sea.replies).data
    at = dice.below(len(data))
    data[at : at + 2] = dice.pick(sea.tokens).to_bytes(2, "big")
    if dice.random() < 0.5:
        data[at : at + 4] = other[at : at + 4]
    return data


def nest(dice: Dice, data: bytearray, _: Sea) -> bytearray:
    """An error that quotes this reply."""
    version = 4 if data and data[0] >> 4 == 4 else 6
    kind = dice.pick(ERRORS[version])
    return bytearray(received(version, ICMP_OF[version], error(version, kind, bytes(data))).data)


MUTATIONS: Final = (
    flip_bits, flip_bits, put_number, cut_off, go_on, pad, splice, splice, take_out, put_length,
    put_length, put_token, put_token, nest,
)  # fmt: skip


def mutated(dice: Dice, data: bytes, sea: Sea) -> bytes:
    """A reply damaged one to three times; one of sixteen is left as it is."""
    if dice.random() < 1 / 16:
        return data
    damaged = bytearray(data)
    for _ in range(1 + dice.below(3)):
        if damaged:
            damaged = dice.pick(MUTATIONS)(dice, damaged, sea)
    return bytes(damaged)


# -- judging ---------------------------------------------------------------------------------


def proves(known: Known, protocol: int, message: bytes, shifts: set[int]) -> bool:
    """Whether a message shows the secret of this probe where an answer to it would.

    That is token and tag; in a quote that ends before the tag of a UDP probe the checksum, which
    covers it, together with all else that such a quote has. It may be shifted as NATs do it, by as
    much as in a quote that did prove itself (``shifts`` remembers all those), or as the source that
    is quoted demands. The tag of a ping is in its payload, its identifier stands in for that where
    the quote does not get so far.
    """
    version, method, _, token, tag, sent = known
    if protocol == packet.PROTOCOL_TCP:
        flags = message[13]
        said = int.from_bytes(message[8:12] if flags & 0x10 else message[4:8], "big")
        right = said - bool(flags & 0x10) == token << 16 | tag
        return right and method in {Method.TCP, Method.ACK} and bool(flags & 0x04 or flags & 2)
    if message[0] == ECHO_REPLY[version]:
        return method is Method.ICMP and message[4:8] == struct.pack("!HH", tag, token)
    quote = message[8:]
    header = (quote[0] & 0x0F) * 4 if version == 4 else 40
    behind = quote[header:]
    at = 9 if version == 4 else 6
    if quote[0] >> 4 != version or quote[at] != sent[at]:
        return False
    if method is Method.ICMP:
        asked = behind[0] == sent[HEADER[version]]
        whole = behind[12:16] == packet.CONTACT[:4]
        said_tag = behind[10:12] if whole else behind[4:6]
        return asked and said_tag + behind[6:8] == struct.pack("!HH", tag, token)
    if method is not Method.UDP:
        return behind[4:8] == struct.pack("!HH", token, tag)
    if len(behind) >= 12 and any(behind[8:12]):
        said_token, word = struct.unpack("!HH", behind[8:12])
        right = (said_token, (said_token + word) % 0xFFFF) == (token, tag)
        if right and version == 4:
            shifts.add(difference(behind, sent))
        return right
    return (
        version == 4
        and quote[4:6] == token.to_bytes(2, "big")
        and (quote[16:20], behind[:4]) == (sent[16:20], sent[20:24])
        and difference(behind, sent) in {0, *shifts, translation(quote, sent)}
    )


def difference(behind: bytes, sent: bytes) -> int:
    """Between the checksum of a quoted UDP header and that of the IPv4 probe that was sent."""
    return (int.from_bytes(behind[6:8], "big") - int.from_bytes(sent[26:28], "big")) % 0xFFFF


def translation(quote: bytes, sent: bytes) -> int:
    """What that difference has to be where another source took the place of the one sent."""
    return (packet.checksum(quote[12:16]) - packet.checksum(sent[12:16])) % 0xFFFF


def kind_of(known: Known, protocol: int, message: bytes) -> Kind | None:
    """What a message that answers a probe means, by its ICMP type and code."""
    version = known.version
    said = message[0], message[1]
    if protocol == packet.PROTOCOL_TCP or said[0] == ECHO_REPLY[version]:
        return Kind.DESTINATION
    if said == EXCEEDED[version]:
        return Kind.TIME_EXCEEDED
    if said == PORT_UNREACHABLE[version] and known.method is Method.UDP:
        return Kind.DESTINATION
    ends = said[0] == PORT_UNREACHABLE[version][0] or (version == 6 and said == (4, 1))
    return Kind.UNREACHABLE if ends else None


def objection(sea: Sea, given: Packet, at: int, answer: Answer) -> str | None:
    """What is wrong with an answer; None where the packet bears it out."""
    known = sea.known.get(answer.token)
    message = given.data[at:]
    if known is None:
        return "no probe with this token is on its way"
    if known.version != given.version or not proves(known, given.protocol, message, sea.shifts):
        return "the packet does not show the probe's tag"
    if answer.address != ROUTER[given.version]:
        return "the address is not the sender's"
    if answer.kind is not kind_of(known, given.protocol, message):
        return "type and code mean something else"
    if answer.size != len(message):
        return "the size is another"
    return None


def hear(sea: Sea, given: Packet) -> Answer | None:
    """Have a packet read as raw sockets have it; raises `Fault` where the answer is unfounded."""
    version, protocol, data = given
    at: int | None = 0
    if version == 4:
        at = incoming.payload_start(data)
        if at is None:
            sea.matching.discarded[incoming.Refusal.TRUNCATED] += 1
            return None
    assert at is not None
    said = (version, protocol, data, at, ROUTER[version], 61, None, 1_000_000)
    answer = sea.matching.hear(*said)
    if answer is not None:
        wrong = objection(sea, given, at, answer)
        if wrong is not None:
            raise Fault(f"{wrong}: {answer}")
        quick = version == 4 and answer.kind is Kind.TIME_EXCEEDED
        if quick and answer != sea.matching.hear_in_full(*said):
            raise Fault(f"the quick look and the whole reading differ: {answer}")
    return answer


def fuzz_chunk(seed: int, chunk: int) -> Report:
    """Make a chunk of packets and have them read; raises `Fault`."""
    dice = Dice(f"{seed} {chunk}")
    sea = Sea(dice)
    report = Report()
    for number in range(CHUNK):
        version, protocol, whole = dice.pick(sea.replies)
        given = Packet(version, protocol, mutated(dice, whole, sea))
        try:
            answer = hear(sea, given)
        except Exception as problem:
            raise Fault(
                f"{type(problem).__name__}: {problem}; packet {number} of --seed {seed} "
                f"--first {chunk}, IPv{version}, protocol {protocol}: {given.data.hex()}"
            ) from problem
        report.packets += 1
        if answer is not None:
            report.answered[answer.kind] += 1
    report.refused.update(sea.matching.discarded)
    return report


def fuzz(packets: int, seconds: float, seed: int, first: int = 0, processes: int = 1) -> Report:
    """Fuzz with at least so many packets, unless time runs out before; raises `Fault`."""
    chunks = range(first, first - (-packets // CHUNK))
    until = time.monotonic() + seconds
    total = Report()
    with multiprocessing.Pool(processes) if processes > 1 else nullcontext() as pool:
        each = pool.imap_unordered if pool else map
        for report in each(partial(fuzz_chunk, seed), chunks):
            total.add(report)
            if time.monotonic() > until:
                break
    return total


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Throw damaged packets at the parser.")
    parser.add_argument("--packets", type=int, default=1_000_000, help="how many (%(default)s)")
    parser.add_argument("--seconds", type=float, default=3600, help="stop then (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of all damage (%(default)s)")
    parser.add_argument("--first", type=int, default=0, help="chunk to begin with (%(default)s)")
    parser.add_argument("--processes", type=int, default=1, help="at work (%(default)s)")
    wanted = parser.parse_args(arguments)
    began = time.monotonic()
    try:
        total = fuzz(wanted.packets, wanted.seconds, wanted.seed, wanted.first, wanted.processes)
    except Fault as fault:
        print(fault, file=sys.stderr)
        return 1
    took = time.monotonic() - began
    print(
        f"{total.packets:,} packets, seed {wanted.seed}, in {took:.0f} s: "
        f"{total.packets / took:,.0f} a second with making and checking them"
    )
    for title, counts in (("answered", total.answered), ("refused", total.refused)):
        said = ", ".join(f"{count:,} {name}" for name, count in counts.most_common())
        print(f"{title} {counts.total():,}: {said}")
    print("no exception, and no answer that its packet does not bear out")
    return 0


if __name__ == "__main__":
    sys.exit(main())
