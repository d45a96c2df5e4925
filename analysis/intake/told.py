"""What a verdict needs of one trace, and nothing else of it: who, whither, when, and the way.

Ten million traces cannot be held, and need not be: most of what a record says is not asked for.
Each trace is cut down to a `Told` as soon as it is read, whatever its format.
`analysis.intake.formats.typed` makes the same from a line without the detour over a `Trace`; a
test holds the two to each other. Knows neither country nor address table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from hashlib import blake2b
from operator import itemgetter
from struct import Struct
from typing import NamedTuple

from probe.record import ATLAS_STATUS_HOP, Hop, Reply, Trace, Vantage

# Stands for a hop of the home network that redaction took.
LAN = "lan"

# Stand for what is not there in what is hashed: None hashes differently in every process.
_NO_ADDRESS, _NO_NUMBER = 0, -0x5EED

# What a result claims to be, as it is hashed: whose it is, then its measurement.
_CLAIMS = Struct("<?q?qqdqqq")

# Half a hash is enough: it tells two apart.
_HALF = (1 << 32) - 1

# Of a public key, in hexadecimal.
_KEY_DIGITS = 64

Addresses = tuple[str | None, ...]
Rtts = tuple[float | None, ...]


class Speaker(NamedTuple):
    """Whose word a trace is: a key ("" where it is not signed), and the pseudonym that it gives."""

    key: str
    pseudonym: str

    @property
    def name(self) -> str:
        """The key, else the pseudonym; one that looks like a key is marked, for it is none.

        >>> Speaker("", "v7").name, Speaker("", "0" * 64).name[:12]
        ('v7', 'unsigned:000')
        """
        if self.key:
            return self.key
        signed = len(self.pseudonym) == _KEY_DIGITS
        return f"unsigned:{self.pseudonym}" if signed else self.pseudonym


class Told(NamedTuple):
    """One trace as far as a verdict goes.

    ``addresses`` and ``rtts`` (ms) have one entry for every TTL up to the last answer, and the
    destination once. ``said`` are the addresses of which the record names an AS, where it names
    the snapshots that it has that from, ``notes`` its remarks, ``key`` the key that vouches for it,
    ``proto`` is ICMP, UDP or TCP.
    """

    vantage: Vantage | None
    source: str | None
    prb_id: int | None
    dst_addr: str
    af: int
    timestamp: float
    addresses: Addresses
    rtts: Rtts
    snapshots: tuple[str, ...] = ()
    said: tuple[tuple[str, int], ...] = ()
    notes: tuple[str, ...] = ()
    key: str | None = None
    proto: str = "ICMP"


class Fingerprint(NamedTuple):
    """Tells copies: which result it claims to be, in 64 bits, and what it says, in 32.

    The same in every process and on every machine with the same Python. Of ten million results
    two are taken for one with a chance of one in 370,000. Of those that claim to be the same the
    one counts that has the least ``heard``, so that no order of the input decides it.
    """

    claims: int
    heard: int

    @property
    def number(self) -> int:
        """Both in one number, which takes less than half of the memory.

        >>> Fingerprint(-1, 2).number, Fingerprint(1, 2).number
        (-4294967294, 4294967298)
        """
        return self.claims << _HALF.bit_length() | self.heard


def most_heard(replies: Sequence[Reply]) -> tuple[str | None, float | None]:
    """The address most replies came from and its smallest RTT; silence is (None, None)."""
    if len(replies) == 1:  # as with nearly all hops
        (reply,) = replies
        return (None, None) if reply.late is not None or reply.duplicate else reply[:2]
    counted = [reply for reply in replies if reply.late is None and not reply.duplicate]
    addresses = [reply.address for reply in counted if reply.address is not None]
    address = addresses[0] if addresses else None
    if any(other != address for other in addresses):
        address = Counter(addresses).most_common(1)[0][0]
    rtts = [reply.rtt for reply in counted if reply.rtt is not None and reply.address == address]
    return address, min(rtts, default=None)


def in_place(replies: Iterable[Reply], nearer: Collection[str | None]) -> list[Reply]:
    """The replies that may show who stands at a hop; ``nearer`` are the addresses before it.

    A router that refuses a probe which was to go farther stands where it was heard first. Counted
    here as well, its network could seem to begin anew behind others.
    """
    return [
        reply
        for reply in replies
        if reply.err is None or reply.address is None or reply.address not in nearer
    ]


def way_of(trace: Trace) -> tuple[Addresses, Rtts]:
    """Address and RTT for every TTL up to the last answer; the destination comes once.

    Hops that were inferred from other traces, late answers, duplicates and refusals by who was
    heard nearer are no evidence and count as silence.
    """
    addresses: list[str | None] = []
    rtts: list[float | None] = []
    destination = trace.dst_addr
    for number, replies, attribution, measured in sorted(trace.hops, key=itemgetter(0)):
        silent = number - 1 - len(addresses)
        if silent:
            if silent < 0 or number == ATLAS_STATUS_HOP:
                continue
            addresses += [None] * silent
            rtts += [None] * silent
        address, rtt = most_heard(replies) if measured else (None, None)
        if address is not None and address in addresses:
            address, rtt = most_heard(in_place(replies, addresses))
        if address is None and rtt is not None and attribution is not None:
            address = LAN if attribution.special == LAN else None
        addresses.append(address)
        rtts.append(rtt)
        if address == destination:
            break
    return cut(addresses, rtts)


def cut(addresses: list[str | None], rtts: list[float | None]) -> tuple[Addresses, Rtts]:
    """Both without the silence at the end."""
    while addresses and addresses[-1] is None:
        addresses.pop()
        rtts.pop()
    return tuple(addresses), tuple(rtts)


def _only_address(hop: Hop) -> str | None:
    addresses = {reply.address for reply in hop.replies if reply.address is not None}
    return addresses.pop() if len(addresses) == 1 else None


def _said(trace: Trace) -> Iterable[tuple[str, int]]:
    if trace.snapshots:
        for hop in trace.hops:
            asn = hop.attribution.asn if hop.attribution is not None else None
            if asn is not None and (address := _only_address(hop)) is not None:
                yield address, asn


def whole(text: str) -> str:
    r"""A text that can be written anywhere: JSON can hold half a character, UTF-8 cannot.

    >>> whole("caf\u00e9 \ud83d")
    'café ?'
    """
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def tell(trace: Trace) -> Told:
    """What a verdict needs of a trace."""
    addresses, rtts = way_of(trace)
    vantage = trace.vantage
    if vantage is not None and not vantage.id.isascii():
        vantage = vantage._replace(id=whole(vantage.id))
    return Told(
        vantage,
        trace.source,
        trace.prb_id,
        trace.dst_addr,
        trace.af,
        trace.timestamp,
        addresses,
        rtts,
        tuple(map(whole, trace.snapshots)),
        tuple(_said(trace)),
        tuple(map(whole, trace.notes)),
        trace.key,
        trace.proto,
    )


class Numbers(dict[str, int]):
    """Texts → numbers of 63 bits that are the same everywhere; each is worked out once.

    >>> Numbers()["192.0.2.1"] == Numbers()["192.0.2.1"]
    True
    """

    def __missing__(self, text: str) -> int:
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        number = self[text] = int.from_bytes(digest, "big") >> 1
        return number


def hashable_addresses(addresses: Iterable[str | None], numbers: Numbers) -> tuple[int, ...]:
    """Addresses as numbers of which the hash is everywhere the same."""
    return tuple([_NO_ADDRESS if address is None else numbers[address] for address in addresses])


def hashable_rtts(rtts: Iterable[float | None]) -> tuple[float, ...]:
    """RTTs as numbers of which the hash is everywhere the same."""
    return tuple([_NO_NUMBER if rtt is None else rtt for rtt in rtts])


def heard(addresses: Addresses, rtts: Rtts, numbers: Numbers) -> int:
    """The hash of a way, as fingerprints have it."""
    return hash((hashable_addresses(addresses, numbers), hashable_rtts(rtts)))


def fingerprint(
    told: Told, way: int, *, msm_id: int | None, paris_id: int, numbers: Numbers
) -> Fingerprint:
    """The fingerprint of a trace by what it tells; ``way`` is the hash that `heard` gives."""
    if told.vantage is not None:
        # Whoever borrows another's pseudonym must not displace what that one signed.
        who = numbers[Speaker(told.key or "", told.vantage.id).name]
    else:
        who = numbers[f"{told.prb_id} {told.source}"]
    claims = _CLAIMS.pack(
        told.vantage is not None,
        who,
        msm_id is not None,
        msm_id or 0,
        numbers[told.dst_addr],
        told.timestamp,
        paris_id,
        numbers[told.proto],
        # Archives may lack the time; what was heard tells one result from another all the same.
        way if not told.timestamp or msm_id is None else 0,
    )
    # Nobody can choose the numbers of his results so that they claim what somebody else's do.
    digest = blake2b(claims, digest_size=8).digest()
    heard = _with_words(told, way, numbers) & _HALF
    return Fingerprint(int.from_bytes(digest, "big", signed=True), heard)


def _with_words(told: Told, way: int, numbers: Numbers) -> int:
    """The hash of all that a trace says: its way, and what stands beside it."""
    vantage = told.vantage
    if vantage is None and not (told.snapshots or told.notes):
        return hash((way, told.af))
    who, asn, country = (
        (vantage.id, vantage.asn, vantage.country) if vantage is not None else ("", None, None)
    )
    words = (who, country or "", *told.snapshots, "", *told.notes)
    networks = [number for _, number in told.said]
    beside = _NO_NUMBER if asn is None else asn
    return hash((way, told.af, beside, *map(numbers.__getitem__, words), *networks))


def fingerprint_of(trace: Trace, told: Told, numbers: Numbers) -> Fingerprint:
    """The fingerprint of a trace; ``told`` says what it tells."""
    return fingerprint(
        told,
        heard(told.addresses, told.rtts, numbers),
        msm_id=trace.msm_id,
        paris_id=trace.paris_id,
        numbers=numbers,
    )
