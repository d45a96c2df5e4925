"""Bundles as input: each trace with the key that vouches for it, and nothing of a forged one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.intake.inputs import InputError
from analysis.intake.load import Loaded, load
from probe.cli import main
from probe.record import Hop, Reply, Trace, Vantage, from_line, to_line
from probe.sharing.bundle import LARGEST_FILE, public_part, seal

if TYPE_CHECKING:
    from pathlib import Path

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NOON = 1_795_435_200  # 2026-11-23 12:00 UTC


def trace(number: int, network: int | None = 38623) -> Trace:
    return Trace(
        dst_addr="80.231.1.1",
        af=4,
        proto="ICMP",
        timestamp=NOON + number,
        endtime=NOON + number + 1,
        hops=(Hop(1, (Reply(None, 1.0),)), Hop(2, (Reply("80.231.1.1", 2.0),))),
        paris_id=number,
        msm_id=1,
        prb_id=2,
        vantage=Vantage("5f1c", network, "Viettel", "KH"),
    )


def line(one: Trace) -> bytes:
    return to_line(one).encode() + b"\n"


def sealed(lines: list[bytes], network: int = 38623) -> bytes:
    return seal(
        lines, KEY, network=network, days=["2026-11-23"], made="2026-11-24", program="gatewatch 0"
    )


def loaded(folder: Path, *bundles: bytes) -> Loaded:
    for number, bundle in enumerate(bundles):
        (folder / f"{number}.tar").write_bytes(bundle)
    return load([str(folder)])


def test_traces_come_with_their_key(tmp_path: Path) -> None:
    """A bundle's traces are those of its lines, and each names the key that signed them."""
    found = loaded(tmp_path, sealed([line(trace(1)), line(trace(2))]))
    key = public_part(KEY)
    assert found.traces == [from_line(line(trace(n)))._replace(key=key) for n in (1, 2)]
    assert found.rejected == {}
    assert list(found.inputs) == ["0.tar"]


def test_a_line_cannot_vouch_for_itself(tmp_path: Path) -> None:
    """A key is known from a signature only: what a plain line says of one is not heard."""
    forged = json.loads(line(trace(1)))
    forged["key"] = forged["gatewatch"]["key"] = public_part(KEY)
    path = tmp_path / "plain.jsonl"
    path.write_text(json.dumps(forged) + "\n", encoding="utf-8")
    (read,) = load([str(path)]).traces
    assert read.key is None


def test_what_was_altered_is_left_out_and_counted(tmp_path: Path) -> None:
    """Of three bundles the good one is read; the forged and the altered one count once each."""
    good = sealed([line(trace(1)), line(trace(2))])
    at = good.index(b"manifest.sig") + 512
    forged = good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]
    altered = good[:-1025] + b"\1" + good[-1024:]
    found = loaded(tmp_path, good, forged, altered)
    assert [one.paris_id for one in found.traces] == [1, 2]
    assert found.rejected == {"bad_signature": 1, "altered_bundle": 1}
    assert [said.rpartition("/")[2] for said in found.complaints] == [
        "1.tar: the signature does not fit the manifest; left out",
        "2.tar: the tar file is not as gatewatch makes it; left out",
    ]


def test_a_trace_of_another_network_is_left_out(tmp_path: Path) -> None:
    """What the manifest says of the network holds for each line, or that line is not taken."""
    nobodys = trace(4)._replace(vantage=None)
    lines = [*map(line, (trace(1), trace(2, 9902), trace(3, None), nobodys)), b"no trace\n"]
    found = loaded(tmp_path, sealed(lines))
    assert [one.paris_id for one in found.traces] == [1]
    assert found.rejected == {"malformed": 4}
    assert "0.tar:2: is of AS9902, and its bundle of AS38623" in found.complaints[0]
    assert "0.tar:3: is of no network, and" in found.complaints[1]
    assert "0.tar:4: is of no network, and" in found.complaints[2]
    assert "0.tar:5: not JSON" in found.complaints[3]


def test_the_same_trace_in_two_bundles_counts_once(tmp_path: Path) -> None:
    """A trace that came twice, bundled anew or replayed, is a duplicate."""
    found = loaded(tmp_path, sealed([line(trace(1))]), sealed([line(trace(1)), line(trace(2))]))
    assert [one.paris_id for one in found.traces] == [1, 2]
    assert found.rejected == {"duplicate": 1}


def test_a_record_beside_its_bundle_is_another_vantage_points(tmp_path: Path) -> None:
    """Whoever wrote the record may have copied it: nothing but the key vouches for who it was."""
    (tmp_path / "spool.jsonl").write_bytes(line(trace(1)))
    found = loaded(tmp_path, sealed([line(trace(1))]))
    assert [one.key for one in found.traces] == [public_part(KEY), None]
    assert found.rejected == {}


def test_another_tar_file_cannot_be_read(tmp_path: Path) -> None:
    """It is named, and counted as a file of which nothing can be read."""
    (tmp_path / "photos.tar").write_bytes(b"photo.jpg".ljust(1024, b"\0"))
    found = load([str(tmp_path)])
    assert found.rejected == {"unreadable_file": 1}
    assert found.complaints[0].endswith("photos.tar: is no bundle of gatewatch; left out")


def test_a_bundle_larger_than_any_is_refused_for_its_size(tmp_path: Path) -> None:
    """Nobody altered it, and its signature may be good: it is never read to its end."""
    (tmp_path / "0.tar").write_bytes(sealed([line(trace(1))]).ljust(LARGEST_FILE + 1, b"\0"))
    found = load([str(tmp_path)])
    assert found.rejected == {"unreadable_file": 1}
    assert f"0.tar: is larger than {LARGEST_FILE} bytes" in found.complaints[0]


def test_fail_ends_at_the_first_bad_bundle(tmp_path: Path) -> None:
    """Who wants no gaps is told at once which bundle is not to be believed."""
    bundle = sealed([line(trace(1))])
    (tmp_path / "b.tar").write_bytes(bundle[:-1] + b"x")
    with pytest.raises(InputError, match=r"b\.tar: the tar file is not"):
        load([str(tmp_path)], malformed="fail")


@settings(max_examples=100)
@given(st.integers(0, 6000), st.binary(min_size=1, max_size=4))
def test_a_changed_bundle_gives_no_trace(
    tmp_path_factory: pytest.TempPathFactory, at: int, byte: bytes
) -> None:
    """Whatever was changed, no trace of it is taken and no exception comes of it."""
    whole = sealed([line(trace(1)), line(trace(2))])
    changed = whole[:at] + byte + whole[at + len(byte) :]
    found = loaded(tmp_path_factory.mktemp("changed"), changed)
    if changed == whole:
        assert len(found.traces) == 2
    else:
        assert found.traces == []
        assert found.rejected.total() == 1


def test_convert_says_that_the_signature_stays_behind(tmp_path: Path) -> None:
    """Records carry all of a trace but who vouches for it, and that is counted."""
    path = tmp_path / "b.tar"
    path.write_bytes(sealed([line(trace(1)), line(trace(2))]))
    for out in ("out.jsonl", "out.parquet"):
        done = CliRunner().invoke(main, ["convert", str(path), str(tmp_path / out), "--json"])
        assert (done.exit_code, json.loads(done.stdout)["not_carried"]) == (0, {"key": 2})
