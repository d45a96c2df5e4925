"""Bundles for a collector's tests: honest ones, and ones as somebody could make them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from probe.record import Attribution, Hop, Reply, Trace, Vantage, to_line
from probe.sharing.bundle import seal

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
NETWORK = 38623
NOON = 1_795_435_200  # 2026-11-23 12:00 UTC
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def trace(number: int = 0, **changes: object) -> Trace:
    """A trace as it is kept; ``number`` tells one from another."""
    fields = {
        "dst_addr": "80.231.1.1",
        "dst_name": "80.231.1.1",
        "af": 4,
        "proto": "ICMP",
        "timestamp": NOON + number,
        "endtime": NOON + number + 1,
        "hops": (
            Hop(1, (Reply(None, 1.0, 64),), Attribution(special="lan")),
            Hop(2, (Reply("36.37.130.0", 2.0, 63),), Attribution(NETWORK, "VIETTEL", "Viettel")),
            Hop(3, (Reply("10.20.1.0", 2.5, 62),), Attribution(special="private")),
            Hop(4, (Reply("80.231.1.1", 40.0, 61),), Attribution(6453, "TATA", "Tata", "US")),
        ),
        "paris_id": 1,
        "vantage": Vantage("5f1c5f1c5f1c5f1c", NETWORK, "Viettel", "KH"),
        "stop": "destination",
        "redactions": {"lan": 1},
    }
    return Trace(**fields | changes)  # type: ignore[arg-type]


def line(one: Trace) -> bytes:
    return to_line(one).encode() + b"\n"


def sealed(
    lines: Sequence[bytes],
    key: Ed25519PrivateKey = KEY,
    *,
    network: int = NETWORK,
    days: Sequence[str] = ("2026-11-23",),
    made: str = "2026-11-24",
) -> bytes:
    return seal(lines, key, network=network, days=days, made=made, program="gatewatch 0")
