"""What a collector answers to a bundle: received and looked at, accepted, or refused and why.

A receipt is signed, so that a volunteer can show what became of a bundle, and whoever sits in
between cannot say so in the collector's stead. It names a day and no hour. It is pure: it has
neither disk, clock nor network.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

from probe.sharing.bundle import public_part, signed_by

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SCHEMA = "gatewatch.receipt/1"

# No receipt is longer.
LARGEST = 1 << 13

# What scripts are written with and nobody sees: the break between Khmer words, joiners.
_INVISIBLE = frozenset("\u200b\u200c\u200d")

Status = Literal["quarantined", "accepted", "refused"]


class BadReceipt(ValueError):
    """Not to be believed; the message says what is wrong with it."""


class OtherKey(BadReceipt):
    """It names another key than the collector's."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one bundle.

    ``bundle`` is its sha256, ``traces`` how many were taken, ``day`` the UTC day on which the
    collector came to this status, ``reason`` a sentence where it was refused, without
    what a terminal would take for an order once `read_receipt` has read it.
    """

    bundle: str
    status: Status
    traces: int
    day: str
    reason: str | None = None

    def signed(self, key: Ed25519PrivateKey) -> bytes:
        """The receipt as it is sent and kept: JSON, with key and signature."""
        said = asdict(self) | {"schema": SCHEMA, "key": public_part(key)}
        signature = key.sign(_canonical(said)).hex()
        return json.dumps({"receipt": said, "signature": signature}).encode() + b"\n"


def _canonical(said: object) -> bytes:
    """What is signed: the receipt as JSON in ASCII, keys in order, no spaces."""
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()


def read_receipt(data: bytes, bundle: str, key: str) -> Receipt:
    """The receipt for a bundle, signed by a key; raises `BadReceipt` for anything else."""
    try:
        whole = json.loads(data)
        said, signature = whole["receipt"], bytes.fromhex(whole["signature"])
        receipt = Receipt(
            bundle=said["bundle"],
            status=said["status"],
            traces=said["traces"],
            day=said["day"],
            reason=said["reason"],
        )
        named = said["key"]
    except (KeyError, TypeError, ValueError, RecursionError):
        raise BadReceipt("the answer is no receipt of a collector") from None
    if named != key:
        raise OtherKey("the receipt names another key than the collector's")
    if not signed_by(key, signature, _canonical(said)):
        raise BadReceipt("the receipt is not signed by the collector's key")
    if (
        said.get("schema") != SCHEMA
        or receipt.status not in get_args(Status)
        or not isinstance(receipt.traces, int)
        or not isinstance(receipt.day, str)
        or not re.fullmatch(r"\d{4}-\d\d-\d\d", receipt.day)
        or not isinstance(receipt.reason, str | None)
    ):
        raise BadReceipt(f"the receipt is not of the form {SCHEMA}; gatewatch may need an update")
    if receipt.bundle != bundle:
        raise BadReceipt("the receipt is for another bundle")
    return replace(receipt, reason=receipt.reason and _plain(receipt.reason))


def _plain(text: str) -> str:
    """A sentence of others as it may stand on a terminal, which would do what some characters say.

    >>> _plain("clock: \x1b]52;c;bHM=\x07 tomorrow")
    'clock: ]52;c;bHM= tomorrow'
    """
    return "".join(letter for letter in text if letter.isprintable() or letter in _INVISIBLE)
