"""Bundles: what was sealed comes back, what was changed anywhere does not."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
from functools import cache
from typing import TYPE_CHECKING

import pytest
import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.sharing import bundle as format_
from probe.sharing.bundle import (
    LARGEST,
    LARGEST_FILE,
    BadBundle,
    is_bundle,
    public_part,
    seal,
    unseal,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))


def sealed(lines: Sequence[bytes], key: Ed25519PrivateKey = KEY, network: int = 38623) -> bytes:
    return seal(
        lines,
        key,
        network=network,
        days=("2026-11-25", "2026-11-26"),
        made="2026-11-26",
        program="gatewatch 0.0",
    )


@cache
def small() -> bytes:
    return sealed([b'{"trace":1}\n', b'{"trace":2}\n'])


LINE = st.binary(max_size=60).map(lambda text: text.replace(b"\n", b"\r") + b"\n")


@settings(max_examples=100)
@given(st.lists(LINE, min_size=1, max_size=20))
def test_lines_come_back_byte_for_byte(lines: list[bytes]) -> None:
    """Whatever stands in the lines, they are what they were, and the manifest counts them."""
    bundle = unseal(sealed(lines))
    assert list(bundle.lines) == lines
    assert bundle.manifest.traces == len(lines)
    assert bundle.manifest.size == len(b"".join(lines))
    assert bundle.manifest.key == public_part(KEY)


def test_the_same_content_is_the_same_file() -> None:
    """Sealing twice gives the same bytes; another key or network gives others."""
    lines = [b'{"trace":1}\n']
    assert sealed(lines) == sealed(lines)
    assert len({sealed(lines), sealed(lines, OTHER), sealed(lines, network=1)}) == 3


@settings(max_examples=400)
@given(st.data())
def test_no_byte_can_be_changed(data: st.DataObject) -> None:
    """A bundle with one byte changed, taken out, or put in anywhere is refused with a reason."""
    whole = small()
    at = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.binary(max_size=3))
    changed = whole[:at] + byte + whole[at + data.draw(st.integers(0, 2)) :]
    if changed != whole:
        with pytest.raises(BadBundle):
            unseal(changed)


@settings(max_examples=200)
@given(st.binary(max_size=2000), st.integers(0, 5120), st.booleans())
def test_nothing_but_a_refusal_comes_of_other_bytes(noise: bytes, at: int, start: bool) -> None:
    """Any bytes, also such that begin or end as a bundle, are refused and never end otherwise."""
    for data in (noise, small()[:at] + noise, noise + small()[at:]):
        if data != small():
            with pytest.raises(BadBundle):
                unseal(data)


def repacked(
    packed: bytes,
    plain: bytes,
    *,
    size: int | None = None,
    traces: int = 1,
    key: Ed25519PrivateKey = KEY,
    named: Ed25519PrivateKey = KEY,
) -> bytes:
    """A bundle as a holder of a key could make it who does not keep to the rules."""
    manifest = format_.Manifest(
        key=public_part(named),
        network=1,
        days=("2026-11-26",),
        made="2026-11-26",
        program="own",
        traces=traces,
        size=len(plain) if size is None else size,
        sha256=format_.sha256_of(plain),
        packed=format_.sha256_of(packed),
    ).to_bytes()
    return tar(manifest, key.sign(manifest), format_.public_pem(public_part(named)), packed)


def tar(*contents: bytes) -> bytes:
    members = zip(format_.MEMBERS, contents, strict=True)
    return b"".join(part for one in members for part in format_._member(*one)) + format_._END


def bomb(size: int) -> bytes:
    packer = zstandard.ZstdCompressor(level=1).compressobj()
    zeros = bytes(1 << 20)
    return b"".join(packer.compress(zeros) for _ in range(size >> 20)) + packer.flush()


@pytest.mark.parametrize(
    ("data", "reason", "said"),
    [
        (b"", "not_a_bundle", "is no bundle"),
        (b'{"dst_addr": 1}', "not_a_bundle", "is no bundle"),
        (small()[:3000], "altered_bundle", "tar file"),
        (small() + bytes(512), "altered_bundle", "tar file"),
        (small() + bytes(LARGEST_FILE), "bundle_too_large", "larger than"),
        (repacked(b"", b"a\n", key=OTHER), "bad_signature", "does not fit"),
        (repacked(b"", b"a\n"), "altered_bundle", "unpack to 2 bytes"),
        (repacked(b"no zstd", b"a\n"), "altered_bundle", "cannot be unpacked"),
        (repacked(zstandard.compress(b"b\n"), b"a\n"), "altered_bundle", "that the manifest"),
        (repacked(zstandard.compress(b"a"), b"a", traces=1), "altered_bundle", "that the man"),
        (repacked(zstandard.compress(b"a\n"), b"a\n", traces=2), "altered_bundle", "that the m"),
        (repacked(zstandard.compress(b"a\nb\n"), b"a\n"), "altered_bundle", "unpack to 2 bytes"),
        (
            repacked(zstandard.compress(b"a\n") + zstandard.compress(b"b\n"), b"a\n"),
            "altered_bundle",
            "unpack to 2 bytes",
        ),
        (repacked(b"", b"a\n", size=LARGEST + 1), "bundle_too_large", "unpacks to more"),
        (tar(b"{", b"", b"", b""), "altered_bundle", "manifest cannot be read"),
        (tar(b"[" * 60_000, b"", b"", b""), "altered_bundle", "manifest cannot be read"),
        (tar(b" " * 70_000, b"", b"", b""), "altered_bundle", "manifest cannot be read"),
        (tar(b"[]", b"", b"", b""), "altered_bundle", "manifest cannot be read"),
        (
            tar(b'{"schema": "gatewatch.bundle/2", "holds": 1}', b"", b"", b""),
            "not_a_bundle",
            "this version reads 'gatewatch.bundle/1'",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_said(data: bytes, reason: str, said: str) -> None:
    """Each way of not being a bundle has its reason and its sentence."""
    with pytest.raises(BadBundle, match=said) as failure:
        unseal(data)
    assert failure.value.reason == reason


def test_a_manifest_with_more_in_it_is_refused() -> None:
    """What the reader would not see must not be signed along: there is one form only."""
    said = json.loads(unsealed_manifest())
    said["who"] = "me"
    more = json.dumps(said, indent=1).encode() + b"\n"
    pem = format_.public_pem(public_part(KEY))
    with pytest.raises(BadBundle, match="not as gatewatch writes it"):
        unseal(tar(more, KEY.sign(more), pem, b""))


def unsealed_manifest() -> bytes:
    return unseal(small()).manifest.to_bytes()


def test_a_bomb_is_never_unpacked() -> None:
    """Of 4 GiB that fit into a small file, no more is unpacked than the manifest admits to."""
    packed = bomb(4 << 30)
    assert len(packed) < 1 << 20
    import tracemalloc

    data = repacked(packed, b"a\n", size=LARGEST)
    tracemalloc.start()
    with pytest.raises(BadBundle, match="do not unpack to"):
        unseal(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * LARGEST


def test_bundles_are_known_by_their_beginning() -> None:
    """A bundle is told from other tar files and from JSON by its first bytes."""
    assert is_bundle(small())
    assert not is_bundle(b"manifest.json")
    assert not is_bundle(b'{"fw":5080}')


@pytest.mark.skipif(
    not all(map(shutil.which, ("tar", "zstd", "openssl"))), reason="tar, zstd and openssl are tools"
)
def test_standard_tools_open_and_check_it(tmp_path: Path) -> None:
    """tar unpacks it, openssl finds the signature good, zstd gives the lines."""
    (tmp_path / "bundle.tar").write_bytes(small())

    def tool(*words: str) -> bytes:
        done = subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)
        assert done.stderr == b""
        return done.stdout

    assert tool("tar", "-xvf", "bundle.tar").decode().split() == list(format_.MEMBERS)
    verify = "openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in manifest.json"
    assert b"Success" in tool(*verify.split(), "-sigfile", "manifest.sig")
    assert tool("zstd", "-dqc", "traces.jsonl.zst") == b'{"trace":1}\n{"trace":2}\n'


def test_a_refusal_reaches_another_process_whole() -> None:
    """Several processes read many bundles, and which was bad, and why, has to be told."""
    there = pickle.loads(pickle.dumps(BadBundle("altered_bundle", "is not what was signed")))
    assert (there.reason, str(there)) == ("altered_bundle", "is not what was signed")
