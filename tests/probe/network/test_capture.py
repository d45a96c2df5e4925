"""The file of raw packets: what is in it, and where it may not be."""

from __future__ import annotations

import resource
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scapy.utils import RawPcapReader

from probe.network.capture import Capture
from probe.words.failure import Failure, PartlyDone

SECOND = 10**9
PACKETS = st.lists(st.tuples(st.binary(max_size=300), st.integers(0, 2**32 * SECOND - 1)))


def read(path: Path) -> list[tuple[bytes, int]]:
    """Packets and times (ns) as scapy reads them."""
    with RawPcapReader(str(path)) as reader:
        assert reader.nano
        assert reader.linktype == 101
        return [(data, meta.sec * SECOND + meta.usec) for data, meta in reader]


@settings(suppress_health_check=list(HealthCheck))
@given(packets=PACKETS)
def test_another_program_reads_what_was_kept(
    tmp_path: Path, packets: list[tuple[bytes, int]]
) -> None:
    """Every packet, its length and its nanosecond, in their order."""
    path = tmp_path / "evidence.pcap"
    path.unlink(missing_ok=True)
    capture = Capture(path, [])
    for data, at in packets:
        capture.keep(data, at)
    assert capture.count == len(packets)
    if packets:
        assert read(path) == packets
    capture.close()
    capture.close()
    assert path.exists() == bool(packets)


@pytest.mark.parametrize(
    ("at", "kept"),
    [(-1, 0), (-1 << 40, 0), (2**32 * SECOND, 2**32 * SECOND - 1), (1 << 70, 2**32 * SECOND - 1)],
)
def test_a_time_that_the_format_has_not_is_the_nearest_that_it_has(
    tmp_path: Path, at: int, kept: int
) -> None:
    """A clock before 1970 or after 2106 ends no measurement, and the packet is kept."""
    path = tmp_path / "evidence.pcap"
    capture = Capture(path, [])
    capture.keep(b"packet", at)
    capture.close()
    assert read(path) == [(b"packet", kept)]


def test_its_owner_alone_may_read_it(tmp_path: Path) -> None:
    """It shows where the volunteer is."""
    path = tmp_path / "evidence.pcap"
    capture = Capture(path, [])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    capture.close()


def test_no_file_is_overwritten(tmp_path: Path) -> None:
    """Neither one that is there nor what a link points to."""
    path = tmp_path / "evidence.pcap"
    path.write_text("older")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    for name in (path, link):
        with pytest.raises(Failure, match="is not overwritten: name another"):
            Capture(name, [])
    assert path.read_text() == "older"
    assert not (tmp_path / "elsewhere").exists()


def test_it_is_not_made_among_what_may_be_shared(tmp_path: Path) -> None:
    """Not in the folder of results, nor below it, nor through a link."""
    spool = tmp_path / "spool"
    (spool / "deeper").mkdir(parents=True)
    (tmp_path / "way").symlink_to(spool)
    for place in (spool, spool / "deeper", tmp_path / "way", tmp_path / "way" / ".." / "spool"):
        with pytest.raises(Failure, match=r"may be shared.*name a file elsewhere"):
            Capture(place / "evidence.pcap", [tmp_path / "other", spool])
    assert [path for path in spool.rglob("*") if path.is_file()] == []
    Capture(tmp_path / "spool.pcap", [spool]).close()


def test_where_no_file_can_be_made_it_says_so(tmp_path: Path) -> None:
    """The reason of the system, and what mends it."""
    with pytest.raises(Failure, match=r"No such file or directory.*name another"):
        Capture(tmp_path / "missing" / "evidence.pcap", [])


def test_a_full_disk_leaves_whole_packets(tmp_path: Path) -> None:
    """The packet that found no room is not there in part, and the run ends with that sentence."""
    path = tmp_path / "evidence.pcap"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    capture = Capture(path, [])
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (24 + 2 * 116 + 30, before[1]))
        for number in range(2):
            capture.keep(bytes([number]) * 100, number)
        with pytest.raises(PartlyDone, match=r"disk full: .*evidence\.pcap"):
            capture.keep(bytes(100), 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        capture.close()
    assert read(path) == [(bytes([number]) * 100, number) for number in range(2)]


@pytest.mark.parametrize("room", [0, 10])
def test_a_disk_without_room_for_its_head_is_left_without_the_file(
    tmp_path: Path, room: int
) -> None:
    """Else the next try, with room again, would find a file there and not overwrite it."""
    path = tmp_path / "evidence.pcap"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
        with pytest.raises(PartlyDone, match=r"disk full: .*evidence\.pcap"):
            Capture(path, [])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not path.exists()
