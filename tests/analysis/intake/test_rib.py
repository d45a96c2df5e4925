"""Routing tables in every form that collectors publish, whole, cut short and broken."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import ipaddress
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.intake.rib import Rib, RibError, Route, read_rib
from tests.analysis import mrt
from tests.analysis.mrt import Entry

DATA = Path(__file__).parents[2] / "data"
FILE = DATA / "bgp" / "rib.20140523.0600_firstMB.bz2"


def every(address: str) -> bool:
    return True


def read(folder: Path, content: bytes, wanted: Callable[[str], bool] = every) -> Rib:
    path = folder / "rib"
    path.write_bytes(content)
    return read_rib(path, wanted)


def routes(rib: Rib) -> list[tuple[str, str, tuple[int, ...]]]:
    return [(str(route.prefix), route.peer, route.path) for route in rib.routes]


def test_routes_are_read_as_they_were_written(tmp_path: Path) -> None:
    """Two peers, two prefixes, IPv4 and IPv6, with the time of the recording."""
    rib = read(
        tmp_path,
        mrt.peers(2)
        + mrt.rib("20.0.0.0/16", [Entry(0, [701, 100]), Entry(1, [3356, 174, 100])])
        + mrt.rib("2020::/32", [Entry(1, [3356, 4_200_000_001])]),
    )
    assert routes(rib) == [
        ("20.0.0.0/16", "0", (701, 100)),
        ("20.0.0.0/16", "1", (3356, 174, 100)),
        ("2020::/32", "1", (3356, 4_200_000_001)),
    ]
    assert rib.prefixes == 2
    assert rib.complete
    assert rib.taken is not None
    assert rib.taken.isoformat() == "2026-01-01T12:00:00+00:00"
    assert not rib.left_out


def test_reading_one_leaves_the_program_as_it_was(tmp_path: Path) -> None:
    """mrtparse has the program die of a write to a closed connection; Python raises an error."""
    path = tmp_path / "rib"
    path.write_bytes(FILE.read_bytes())
    program = (
        "import sys, analysis\n"
        "from pathlib import Path\n"
        "from analysis.intake.rib import read_rib\n"
        "assert read_rib(Path(sys.argv[1]), lambda address: address == '1.0.0.0').routes\n"
        "assert 'mrtparse' in sys.modules\n"
        "status = Path('/proc/self/status').read_text().splitlines()\n"
        "ignored = next(line for line in status if line.startswith('SigIgn:'))\n"
        "print(int(ignored.split()[1], 16) >> 12 & 1)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True, check=True
    )
    assert done.stdout == "1\n"


def test_only_prefixes_that_are_wanted_are_parsed(tmp_path: Path) -> None:
    """The first address decides; the others are counted and no more."""
    content = mrt.peers(1) + b"".join(
        mrt.rib(f"20.{i}.0.0/16", [Entry(0, [701, 100 + i])]) for i in range(5)
    )
    asked: list[str] = []

    def third(address: str) -> bool:
        asked.append(address)
        return address == "20.2.0.0"

    rib = read(tmp_path, content, third)
    assert routes(rib) == [("20.2.0.0/16", "0", (701, 102))]
    assert rib.prefixes == 5
    assert asked == [f"20.{i}.0.0" for i in range(5)]


def test_additional_paths_and_the_old_format_are_read(tmp_path: Path) -> None:
    """RFC 8050 with path identifiers, and TABLE_DUMP with AS numbers of 16 bits."""
    two = [Entry(0, [701, 100]), Entry(0, [702, 100])]
    rib = read(
        tmp_path,
        mrt.rib("20.0.0.0/16", two, additional=True)
        + mrt.rib("2020::/32", two, additional=True)
        + mrt.old_rib("21.0.0.0/8", Entry(7, [701, 65000]))
        + mrt.old_rib("2021::/32", Entry(7, [701, 65000])),
    )
    assert [route.path for route in rib.routes] == [(701, 100), (702, 100)] * 2 + [(701, 65000)] * 2
    assert rib.routes[-2].peer == "10.0.0.7"


@pytest.mark.parametrize(
    ("path", "read_as"),
    [
        ([701, 701, 701, 100, 100], (701, 100)),
        ([701, 100, 701, 100], (701, 100, 701, 100)),
        ([701, 100, (100,)], (701, 100)),
        ([701, (5, 6), 100], (701, 100)),
        ([701, (100, 200)], "origin_is_a_set"),
        ([], "no_path"),
    ],
    ids=["prepending", "loop", "set of one", "set within", "set of origins", "empty"],
)
def test_paths_are_without_prepending_and_sets(
    path: list[int | tuple[int, ...]], read_as: tuple[int, ...] | str, tmp_path: Path
) -> None:
    """What says no origin is left out under its reason."""
    rib = read(tmp_path, mrt.rib("20.0.0.0/16", [Entry(0, path)]))
    if isinstance(read_as, str):
        assert rib.left_out == {read_as: 1}
        assert rib.routes == []
    else:
        assert [route.path for route in rib.routes] == [read_as]


def test_a_path_of_empty_segments_is_none(tmp_path: Path) -> None:
    """Nobody is on it, so it has neither peer nor origin."""
    whole = mrt.rib("20.0.0.0/16", [Entry(0, [701])])
    emptied = whole.replace(b"\x02\x01\x00\x00\x02\xbd", b"\x02\x00" * 3)
    assert emptied != whole
    rib = read(tmp_path, emptied)
    assert (rib.routes, rib.left_out) == ([], {"no_path": 1})


def test_a_default_route_and_other_records_are_left_out_and_counted(tmp_path: Path) -> None:
    """0.0.0.0/0 is a way to everything and says nothing; multicast and updates are no routes."""
    rib = read(
        tmp_path,
        mrt.rib("0.0.0.0/0", [Entry(0, [701])])
        + mrt.record(13, 3, b"\0" * 9)
        + mrt.record(16, 4, b"\0" * 20)
        + mrt.record(13, 2, b"\0\0")
        + mrt.record(13, 2, b"\0\0\0\0\x10\x14\x00\x00\x05\x00"),
    )
    assert rib.left_out == {"default_route": 1, "unsupported_record": 2, "malformed_record": 2}
    assert rib.routes == []


@pytest.mark.parametrize("pack", [bytes, bz2.compress, gzip.compress])
def test_compressed_or_not(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """bzip2 is RouteViews', gzip RIS'; the hash is that of the file as it came."""
    content = pack(mrt.rib("20.0.0.0/16", [Entry(0, [701, 100])]))
    rib = read(tmp_path, content)
    assert len(rib.routes) == 1
    assert rib.complete
    assert rib.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_file_that_ends_in_the_middle_says_so(
    pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    """What was whole counts, and nobody takes it for all."""
    records = [mrt.rib(f"20.{i}.0.0/16", [Entry(0, [701, 1000 + i])]) for i in range(200)]
    content = pack(b"".join(records))
    whole = read(tmp_path, content)
    assert whole.complete
    cut = read(tmp_path, content[:-20])
    assert not cut.complete
    assert cut.routes == whole.routes[: len(cut.routes)]


@pytest.mark.parametrize("content", [b"", b"{}", b"\x1f\x8b", b"BZh", b"20.0.0.0/16\t100\n" * 9])
def test_what_is_no_routing_table_is_refused(content: bytes, tmp_path: Path) -> None:
    """One sentence with the file's name and where to get one."""
    with pytest.raises(RibError, match=r"rib: no MRT dump of a routing table; give a RIB of"):
        read(tmp_path, content)


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    """With the reason."""
    with pytest.raises(RibError, match=r"gone: cannot be read \(No such file"):
        read_rib(tmp_path / "gone", every)


NETWORKS = st.one_of(
    st.ip_addresses(v=4).map(lambda a: ipaddress.ip_network((int(a), 20), strict=False)),
    st.ip_addresses(v=6).map(lambda a: ipaddress.ip_network((int(a), 37), strict=False)),
)
ASNS = st.integers(1, 2**32 - 1)


@given(
    table=st.lists(
        st.tuples(
            NETWORKS,
            st.lists(st.tuples(st.integers(0, 99), st.lists(ASNS, min_size=1, max_size=5))),
            st.booleans(),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_whatever_is_written_is_read(
    table: list[tuple[ipaddress.IPv4Network, list[tuple[int, list[int]]], bool]],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Prefixes of any length, paths of any numbers, any number of peers."""
    content = b"".join(
        mrt.rib(str(prefix), [Entry(*entry) for entry in entries], additional=additional)
        for prefix, entries, additional in table
    )
    expected = [
        Route(prefix, str(peer), tuple(a for i, a in enumerate(path) if path[i - 1 : i] != [a]))
        for prefix, entries, _ in table
        for peer, path in entries
    ]
    assert read(tmp_path_factory.mktemp("rib"), content).routes == expected


@given(content=st.binary(max_size=200), at=st.integers(0, 60))
def test_garbage_never_breaks_the_reader(
    content: bytes, at: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Bytes from anywhere in a good record: read, counted or refused, and nothing else."""
    good = mrt.rib("20.0.0.0/16", [Entry(0, [701, 100])])
    try:
        rib = read(tmp_path_factory.mktemp("rib"), good[:at] + content)
    except RibError:
        return
    assert rib.prefixes or rib.left_out


def test_the_real_file_is_the_one_that_its_readme_describes() -> None:
    """Its hash stands beside its source and licence."""
    assert hashlib.sha256(FILE.read_bytes()).hexdigest() in (DATA / "README.md").read_text()


def test_the_first_megabyte_of_a_real_table() -> None:
    """9,072 prefixes as counted with another parser, of 23 May 2014, and an end in the middle."""
    rib = read_rib(FILE, lambda address: address.startswith("5.0."))
    assert rib.prefixes == 9072
    assert not rib.complete
    assert rib.taken is not None
    assert rib.taken.isoformat() == "2014-05-23T06:00:00+00:00"
    assert {str(route.prefix) for route in rib.routes} == {
        f"5.0.{i}.0/18" for i in (0, 64, 128, 192)
    }
    assert rib.left_out == {"default_route": 1}
