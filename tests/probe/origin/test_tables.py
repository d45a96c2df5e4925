"""Tables that users already have, and files that are none."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import sys
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from probe.cli import main
from probe.disk.places import shipped
from probe.origin import OriginError, open_origin
from probe.origin.tables import TableEntry, open_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from ipaddress import IPv4Network, IPv6Network

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWATCH_HOME", str(tmp_path / "home"))


def write(path: Path, record: Any, version: int = 6, prefix: str = "36.37.128.0/17") -> Path:
    """A database in MaxMind's format with one record."""
    writer = MMDBWriter(version, "test", ipv4_compatible=version == 6)
    writer.insert_network(IPSet([prefix]), record)
    writer.to_db_file(str(path))
    return path


@pytest.mark.parametrize(
    ("shape", "record", "entry"),
    [
        (
            "GeoLite2-ASN",
            {"autonomous_system_number": 38623, "autonomous_system_organization": "VIETTEL"},
            TableEntry(38623, "VIETTEL", None),
        ),
        (
            "GeoLite2-Country",
            {
                "continent": {"code": "AS"},
                "country": {"iso_code": "KH", "names": {"en": "Cambodia"}},
                "registered_country": {"iso_code": "VN"},
            },
            TableEntry(None, None, "VN"),
        ),
        (
            "GeoLite2-City",
            {"city": {"names": {"en": "Phnom Penh"}}, "country": {"iso_code": "KH"}},
            TableEntry(None, None, "KH"),
        ),
        ("DB-IP country", {"country": {"iso_code": "KH"}}, TableEntry(None, None, "KH")),
        ("iptoasn country", {"country_code": "KH"}, TableEntry(None, None, "KH")),
        (
            "IPinfo",
            {"asn": "AS38623", "as_name": "VIETTEL", "country": "KH", "country_code": "KH"},
            TableEntry(38623, "VIETTEL", "KH"),
        ),
    ],
)
def test_shapes_of_other_makers(
    tmp_path: Path, shape: str, record: dict[str, Any], entry: TableEntry
) -> None:
    """Field names differ between makers; what they mean does not."""
    table = open_table(write(tmp_path / f"{shape}.mmdb", record))
    assert table.find("36.37.200.1") == entry
    assert table.find("36.38.0.1") == TableEntry(None, None, None)


def test_a_country_table_gives_no_as(tmp_path: Path) -> None:
    """With a country-only table there is a country, and neither AS nor organisation."""
    origin = open_origin(write(tmp_path / "c.mmdb", {"country_code": "KH"}))
    said = origin.lookup("36.37.128.1")
    assert (said.asn, said.organisation, said.country) == (None, None, "KH")
    assert origin.snapshot.id.startswith("c@20")


def test_odd_records_never_crash(tmp_path: Path) -> None:
    """Empty, misspelt and mistyped fields are unknown; good ones beside them count."""
    odd = {
        "autonomous_system_number": "ASxyz",
        "asn": 0,
        "autonomous_system_organization": "  ",
        "country": {"iso_code": 7},
        "country_code": "KHM",
        "registered_country": ["KH"],
        "as_name": "Somebody",
    }
    table = open_table(write(tmp_path / "odd.mmdb", odd))
    assert table.find("36.37.128.1") == TableEntry(None, "Somebody", None)
    assert open_origin(tmp_path / "odd.mmdb").lookup("36.37.128.1").asn is None


def test_names_cannot_command_a_terminal(tmp_path: Path) -> None:
    """Whoever registers an AS chooses its name; escape sequences in it never reach a screen."""
    record = {"asn": 7, "as_name": "Red\x1b[31m\r\nNet\u202e ünï"}
    table = open_table(write(tmp_path / "name.mmdb", record))
    assert table.find("36.37.128.1").name == "Red[31m  Net ünï"


def test_ipv6_asked_of_an_ipv4_table_is_unknown(tmp_path: Path) -> None:
    """Many tables hold IPv4 only."""
    table = open_table(write(tmp_path / "v4.mmdb", {"country_code": "KH"}, version=4))
    assert table.find("2001:db8::1") == TableEntry(None, None, None)


@pytest.mark.parametrize("content", [b"", b"\x00" * 4096, b"not a database\n" * 100])
def test_what_is_no_database(tmp_path: Path, content: bytes) -> None:
    """One sentence names the file and what to give instead."""
    path = tmp_path / "broken.mmdb"
    path.write_bytes(content)
    with pytest.raises(OriginError, match=r"broken\.mmdb is not a MaxMind database; give"):
        open_origin(path)


def test_a_table_that_nobody_chose_is_fetched_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever named no file has none to give: the command that mends it is said."""
    table = tmp_path / "origin" / "iplocdb.mmdb"
    shutil.copytree(shipped("origin"), table.parent)
    table.write_bytes(b"cut short")
    manifest = table.with_name("manifest.json")
    newer = json.loads(manifest.read_bytes()) | {"date": "2099-01-01"}
    manifest.write_text(json.dumps(newer), encoding="utf-8")
    monkeypatch.setenv("GATEWATCH_HOME", str(tmp_path))
    with pytest.raises(OriginError, match=f"{table} is damaged.*: gatewatch data update"):
        open_origin()


def test_a_time_of_building_that_is_none_is_no_date(tmp_path: Path) -> None:
    """A damaged or foreign number there is not told as a fault of the program."""
    whole = write(tmp_path / "now.mmdb", {"asn": 38623}).read_bytes()
    at = whole.rindex(b"build_epoch") + len(b"build_epoch")
    size = whole[at] & 0x1F  # then stand the type, and so many bytes
    path = tmp_path / "odd.mmdb"
    path.write_bytes(b"%s\x08\x02%s%s" % (whole[:at], b"\xff" * 8, whole[at + 2 + size :]))
    table = open_table(path)
    assert table.date is None
    assert table.find("36.37.128.1").asn == 38623


def test_a_truncated_database(tmp_path: Path) -> None:
    """A download that broke off is told at opening, or at the first lookup that misses data."""
    whole = shipped("origin").joinpath("iplocdb.mmdb").read_bytes()
    path = tmp_path / "cut.mmdb"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(OriginError, match=r"cut\.mmdb"):
        open_origin(path).lookup("203.144.64.1")


def test_data_cut_out_of_the_middle(tmp_path: Path) -> None:
    """A damaged table says so instead of naming the wrong network."""
    whole = shipped("origin").joinpath("iplocdb.mmdb").read_bytes()
    path = tmp_path / "holed.mmdb"
    middle = len(whole) - 1_000_000
    path.write_bytes(whole[: middle - 2_500_000] + b"\xff" * 2_500_000 + whole[middle:])
    with pytest.raises(OriginError, match=r"holed\.mmdb"):
        [open_origin(path).lookup(f"203.{third}.64.1") for third in range(0, 256, 4)]


def test_damage_that_a_command_meets_on_its_way(tmp_path: Path) -> None:
    """Opening cannot see all of it; the lookup that does ends the command with 9, in a sentence."""
    whole = shipped("origin").joinpath("iplocdb.mmdb").read_bytes()
    path = tmp_path / "holed.mmdb"
    path.write_bytes(whole[:-3_500_000] + b"\xff" * 2_500_000 + whole[-1_000_000:])
    hops = [
        {"hop": ttl, "result": [{"from": f"{ttl}.64.1.1", "rtt": 1.0, "ttl": 60, "size": 28}]}
        for ttl in range(1, 200, 4)
        if ttl not in {10, 127}
    ]
    trace = {"fw": 5020, "af": 4, "proto": "ICMP", "type": "traceroute", "paris_id": 1} | {
        "src_addr": "36.37.128.1",
        "from": "36.37.128.1",
        "dst_addr": "193.0.6.139",
        "timestamp": 1_780_000_000,
        "endtime": 1_780_000_001,
        "prb_id": 1,
        "msm_id": 1,
        "result": hops,
    }
    lines = tmp_path / "atlas.jsonl"
    lines.write_text(json.dumps(trace) + "\n")
    done = CliRunner().invoke(
        main, ["analyze", str(lines), "--country", "KH", "--origin", str(path)]
    )
    assert done.exit_code == 9
    assert "holed.mmdb is damaged" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_database_about_something_else(tmp_path: Path) -> None:
    """A table of connection types is a database, and of no use."""
    with pytest.raises(OriginError, match="neither AS numbers nor countries"):
        open_table(write(tmp_path / "type.mmdb", {"connection_type": "Cable/DSL"}))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """The sentence names it."""
    with pytest.raises(OriginError, match=r"none\.mmdb is not there"):
        open_origin(tmp_path / "none.mmdb")
    with pytest.raises(OriginError, match="is not there"):
        open_origin(tmp_path)


DAT = (
    "; IP-ASN32-DAT file\n; Original file : rib.20140523.0600.bz2\n"
    "36.37.128.0/17\t38623\n8.8.8.0/24\t15169\n2001:4860::/32\t15169\n"
)


@contextmanager
def read_by(reader: str) -> Iterator[None]:
    """Tables are read by ``pyasn``, or as where that could not be built."""
    if reader == "pyasn":
        pytest.importorskip("pyasn", reason="pyasn could not be built here")
        yield
    else:
        with pytest.MonkeyPatch.context() as patched:
            patched.setitem(sys.modules, "pyasn", None)
            yield


READERS = pytest.mark.parametrize("reader", ["pyasn", "without"])


@READERS
@pytest.mark.parametrize("name", ["day.dat", "day.dat.gz"])
def test_pyasn_tables(tmp_path: Path, name: str, reader: str) -> None:
    """A pyasn table gives AS numbers of its day; names and countries come by AS number."""
    path = tmp_path / name
    path.write_bytes(gzip.compress(DAT.encode()) if name.endswith(".gz") else DAT.encode())
    with read_by(reader):
        origin = open_origin(path)
    said = origin.lookup("36.37.129.1")
    assert (said.asn, said.organisation, said.country) == (38623, "Viettel (Metfone)", "KH")
    assert origin.lookup("2001:4860:4860::8888").asn == 15169
    assert origin.lookup("1.1.1.1").asn is None
    assert origin.snapshot.date == "2014-05-23"
    assert origin.snapshot.id.startswith("day@2014-05-23+")


# Few addresses and all lengths, so that prefixes lie within each other.
_NEAR = st.integers(0, 63)
_PREFIXES = st.one_of(
    st.builds(
        lambda near, length: ip_network(((36 << 24) + (near << 20), length), strict=False),
        _NEAR,
        st.integers(1, 32),
    ),
    st.builds(
        lambda near, length: ip_network(((0x2001 << 112) + near, length), strict=False),
        _NEAR,
        st.integers(1, 128),
    ),
)


@READERS
@given(told=st.lists(st.tuples(_PREFIXES, st.integers(1, (1 << 32) - 1)), min_size=1, max_size=12))
def test_the_longest_prefix_of_a_pyasn_table_counts(
    reader: str,
    told: list[tuple[IPv4Network | IPv6Network, int]],
) -> None:
    """Of two lines for one prefix the later; at the ends of prefixes, and right behind them."""
    with TemporaryDirectory() as folder, read_by(reader):
        path = Path(folder) / "day.dat"
        path.write_text("".join(f"{prefix}\t{asn}\n" for prefix, asn in told), "ascii")
        table = open_table(path)
    for prefix, _ in told:
        for address in (prefix[0], prefix[-1], prefix[-1] + 1):
            holding = [
                (one.prefixlen, line, asn) for line, (one, asn) in enumerate(told) if address in one
            ]
            assert table.find(str(address)).asn == max(holding, default=(0, 0, None))[2]


def test_a_pyasn_table_of_a_day_that_never_was_has_no_date(tmp_path: Path) -> None:
    """What its header says may be anything; days are compared with it."""
    path = tmp_path / "day.dat"
    path.write_text(DAT.replace("20140523", "20149923"), "utf-8")
    assert open_origin(path).snapshot.date is None


@READERS
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"36.37.128.0/17 38623\n",
        b"36.37.128.0/17\t38623\nhello\n",
        # Several origins, and a number of 32 bits in two parts, of which pyasn takes one.
        b"36.37.128.0/17\t38623\n8.8.8.0/24\t15169_36040\n",
        b"36.37.128.0/17\t38623\n8.8.8.0/24\t1.10\n",
        b"36.37.128.0/17\t38623\n8.8.8.0/33\t15169\n",
        b"36.37.128.0/17\t38623\n8.8.8.0.0/24\t15169\n",
        b"36.37.128.0/17\t38623\n8.8.8.0/24\t4294967296\n",
        b"36.37.128.0/17\t38623\n8.8.8.0/24\t0\n",
        b"\xff\xfe\x00",
        b"; only a header\n",
        b"36.37.128.0/17\t38623\n\r\n",
    ],
)
def test_what_is_no_pyasn_table(tmp_path: Path, content: bytes, reader: str) -> None:
    """One sentence says so, also where only a later line is wrong."""
    path = tmp_path / "bad.dat"
    path.write_bytes(content)
    with read_by(reader), pytest.raises(OriginError, match=r"bad\.dat is not a pyasn table"):
        open_table(path)


def test_a_cut_pyasn_file(tmp_path: Path) -> None:
    """A compressed table that was cut short is not taken for a small one."""
    path = tmp_path / "cut.dat.gz"
    path.write_bytes(gzip.compress(DAT.encode())[:-12])
    with pytest.raises(OriginError, match="cut short"):
        open_table(path)


def test_no_compiler_is_needed_but_for_pyasn() -> None:
    """It is source in C alone: among the others it would end `make demo` without Python.h."""
    pinned = {
        path.name
        for path in (ROOT / "requirements").glob("*.txt")
        if re.search(r"^pyasn\b", path.read_text("utf-8"), re.MULTILINE)
    }
    assert pinned == {"pyasn.txt"}
