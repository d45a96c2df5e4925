"""Receipts: believed when the collector's key signed them for this bundle, else not."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.sharing.bundle import public_part
from probe.sharing.receipt import BadReceipt, Receipt, read_receipt

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
BUNDLE = "ab" * 32
RECEIPT = Receipt(BUNDLE, "refused", 0, "2026-11-26", "clock: a trace begins tomorrow")


@pytest.mark.parametrize(
    "receipt",
    [
        RECEIPT,
        Receipt(BUNDLE, "accepted", 12, "2026-11-26"),
        Receipt(BUNDLE, "quarantined", 1, "2026-11-26", "ខ្មែរ"),
    ],
)
def test_a_signed_receipt_comes_back(receipt: Receipt) -> None:
    """What the collector signed is what the volunteer reads."""
    assert read_receipt(receipt.signed(KEY), BUNDLE, public_part(KEY)) == receipt


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"<html>", "is no receipt"),
        (b"[]", "is no receipt"),
        (b"[" * 100_000, "is no receipt"),
        (b'{"receipt": {}, "signature": "00"}', "is no receipt"),
        (RECEIPT.signed(OTHER), "names another key"),
        (RECEIPT.signed(KEY).replace(b"tomorrow", b"next year"), "is not signed by"),
        (replace(RECEIPT, bundle="cd" * 32).signed(KEY), "is for another bundle"),
        (replace(RECEIPT, status="lost").signed(KEY), "not of the form"),  # type: ignore[arg-type]
        (replace(RECEIPT, traces="1").signed(KEY), "not of the form"),  # type: ignore[arg-type]
        (replace(RECEIPT, day="now").signed(KEY), "not of the form"),
        (replace(RECEIPT, reason=1).signed(KEY), "not of the form"),  # type: ignore[arg-type]
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_anything_else_is_not_believed(data: bytes, said: str) -> None:
    """Each way of being no receipt is said in one sentence."""
    with pytest.raises(BadReceipt, match=said):
        read_receipt(data, BUNDLE, public_part(KEY))


def test_a_reason_is_no_order_to_the_terminal() -> None:
    """A collector may say why it refuses; not what stands in the volunteer's clipboard or title."""
    said = "no\x1b]52;c;c3VkbyByZWJvb3Q=\x07 \x1b[2Jthanks\r\nខ្មែរ\u200b\u202e\x9b"
    received = read_receipt(replace(RECEIPT, reason=said).signed(KEY), BUNDLE, public_part(KEY))
    assert received.reason == "no]52;c;c3VkbyByZWJvb3Q= [2Jthanksខ្មែរ\u200b"


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@settings(max_examples=200)
@given(st.sampled_from(["receipt", "signature"]), st.text(max_size=9), JSON)
def test_whatever_is_put_in_it_is_not_believed(part: str, field: str, value: object) -> None:
    """A receipt in which anything was replaced is refused and never ends otherwise."""
    whole = json.loads(RECEIPT.signed(KEY))
    if part == "receipt" and field in whole["receipt"]:
        whole["receipt"][field] = value
    else:
        whole[part] = value
    with pytest.raises(BadReceipt):
        read_receipt(json.dumps(whole).encode(), BUNDLE, public_part(KEY))
