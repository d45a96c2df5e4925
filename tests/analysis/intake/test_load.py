"""Reading: every shape and compression that files come in, and every way in which they are broken.

What must hold throughout: a broken part is named by file and line and counted, and nothing that
was readable is lost for it.
"""

from __future__ import annotations

import bz2
import codecs
import contextlib
import copy
import gzip
import hashlib
import io
import json
import lzma
import math
import os
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.intake.inputs import InputError
from analysis.intake.load import Loaded, load, read
from analysis.intake.sieve import COMPLAINTS
from analysis.judgement.judge import judge
from analysis.policy import Policy
from probe.record import MalformedRecord, Vantage, from_json, from_line, to_line
from tests.analysis.country import HOME, NOW, Country
from tests.harness.nobody import holds_for_nobody, needs_root
from tests.harness.published import published


def result(number: int = 0, **changes: Any) -> dict[str, Any]:
    """A plain Atlas result; ``number`` tells one from another."""
    return {
        "fw": 5080,
        "type": "traceroute",
        "msm_id": 1,
        "prb_id": 7,
        "from": "20.0.1.250",
        "src_addr": "192.168.1.9",
        "af": 4,
        "proto": "ICMP",
        "dst_addr": "30.0.1.200",
        "timestamp": 1767268800 + number,
        "endtime": 1767268810 + number,
        "paris_id": 1,
        "size": 48,
        "result": [
            {"hop": 1, "result": [{"from": "20.0.1.1", "rtt": 0.9, "ttl": 64, "size": 28}] * 3},
            {"hop": 2, "result": [{"x": "*"}, {"x": "*"}, {"from": "20.9.9.1", "rtt": 2.0}]},
            {
                "hop": 3,
                "result": [
                    {
                        "from": "30.0.1.1",
                        "rtt": 80.5,
                        "ttl": 250,
                        "size": 140,
                        "err": "H",
                        "ittl": 2,
                        "icmpext": {"version": 2, "rfc4884": 0, "obj": [{"class": 1, "type": 1}]},
                    },
                    {"from": "30.0.1.1", "size": 28, "ttl": 250, "late": 1},
                    {"from": "30.0.1.1", "rtt": 81.0, "size": 28, "ttl": 250, "dup": True},
                ],
            },
            {"hop": 255, "error": "connect failed: Network is unreachable"},
        ],
        **changes,
    }


def lines(count: int, start: int = 0) -> bytes:
    return b"".join(json.dumps(result(n)).encode() + b"\n" for n in range(start, start + count))


def written(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue()


ARRAY = json.dumps([result(n) for n in range(3)]).encode()
PRETTY = json.dumps([result(n) for n in range(3)], indent=2).encode()
POWERSHELL = codecs.BOM_UTF16_LE + lines(3).decode().encode("utf-16-le")
SHAPES = {
    "a.jsonl": lines(3),
    "a.json": lines(3),
    "array.json": ARRAY,
    "pretty.json": PRETTY,
    "no-last-newline.jsonl": lines(3).rstrip(b"\n"),
    "windows.jsonl": lines(3).replace(b"\n", b"\r\n"),
    "blank-lines.jsonl": b"\n" + lines(1) + b"\n  \n" + lines(2, 1) + b"\n\n",
    "a.jsonl.gz": gzip.compress(lines(3)),
    "array.json.gz": gzip.compress(ARRAY),
    "two-members.jsonl.gz": gzip.compress(lines(1)) + gzip.compress(lines(2, 1)),
    "a.jsonl.zst": zstandard.compress(lines(3)),
    "two-frames.jsonl.zst": zstandard.compress(lines(1)) + zstandard.compress(lines(2, 1)),
    "a.parquet": as_parquet([result(n) for n in range(3)]),
    "misnamed.jsonl": gzip.compress(lines(3)),
    "no-suffix": lines(3),
    "byte-order-mark.jsonl": b"\xef\xbb\xbf" + lines(3),
    "byte-order-mark-array.json": b"\xef\xbb\xbf" + ARRAY,
    "jq.json": b"\n".join(json.dumps(result(n), indent=2).encode() for n in range(3)),
    "powershell.jsonl": POWERSHELL,
    "big-end.json": codecs.BOM_UTF16_BE + PRETTY.decode().encode("utf-16-be"),
    "powershell.jsonl.gz": gzip.compress(
        codecs.BOM_UTF16_LE + lines(3).decode().encode("utf-16-le")
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_and_compression_reads_alike(name: str, tmp_path: Path) -> None:
    """The same three results come out of every way to write them down."""
    loaded = load([written(tmp_path / name, SHAPES[name])])
    assert loaded.traces == [from_json(result(n)) for n in range(3)]
    assert not loaded.rejected
    assert not loaded.complaints


def test_standard_input_reads_like_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` is standard input, compressed or not, and its complaints name the line."""
    for content in (lines(2) + b"{\n", gzip.compress(lines(2) + b"{\n")):
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(content)))
        loaded = load(["-"])
        assert len(loaded.traces) == 2
        assert loaded.complaints[0].startswith("-:3: ")


def test_parquet_comes_through_a_pipe_and_packed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is known by its first bytes, where no name says it or a packer's name hides it."""
    content = as_parquet([result(n) for n in range(3)])
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(content)))
    assert len(load(["-"]).traces) == 3
    packed = written(tmp_path / "a.parquet.gz", gzip.compress(content))
    assert len(load([packed]).traces) == 3


def test_a_damaged_parquet_file_keeps_the_rows_before_the_damage(tmp_path: Path) -> None:
    """What its first pages held is read; the file is counted as one that cannot be read whole."""
    rows = [result(n, msm_id=n * 7919 % 1009) for n in range(3000)]
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink, row_group_size=1000)
    content = bytearray(sink.getvalue())
    middle = len(content) // 2
    content[middle : middle + 2000] = b"\xff" * 2000
    name = written(tmp_path / "a.parquet", bytes(content))
    loaded = load([name])
    assert 0 < len(loaded.traces) < 3000
    assert loaded.rejected == {"unreadable_file": 1}
    assert loaded.complaints[0].startswith(f"{name}: is not a Parquet file, or dam")
    # Who redoes a verdict that rests on these rows needs the file.
    assert loaded.inputs == {"a.parquet": hashlib.sha256(content).hexdigest()}


def test_what_the_probe_writes_reads_back_the_same(tmp_path: Path) -> None:
    """A record of ours survives the way through a file."""
    ours = from_json(result())
    ours = type(ours)(
        **{
            **ours._asdict(),
            "vantage": Vantage("v1", 101, "Net 1", HOME),
            "source": None,
            "stop": "destination",
            "dst_name": "far",
            "timestamp": 1767268800.0,
            "error": None,
        }
    )
    assert load([written(tmp_path / "a.jsonl", to_line(ours).encode())]).traces == [ours]


def test_no_measurement_in_a_folder_is_passed_over_in_silence(tmp_path: Path) -> None:
    """Names in capitals are read; what has to be unpacked first is told and counted."""
    (tmp_path / "A.JSONL").write_text(json.dumps(result(1)) + "\n")
    line = json.dumps(result(2)).encode() + b"\n"
    (tmp_path / "b.jsonl.bz2").write_bytes(bz2.compress(line))
    (tmp_path / "c.json.xz").write_bytes(lzma.compress(line))
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        archive.writestr("d.jsonl", line)
    loaded = load([str(tmp_path)])
    assert [trace.timestamp for trace in loaded.traces] == [1767268801]
    assert loaded.rejected == {"unreadable_file": 3}
    assert all("unpack it first" in complaint for complaint in loaded.complaints)


def test_folders_and_globs_are_searched(tmp_path: Path) -> None:
    """A folder gives all readable files below it in a fixed order, and nothing else."""
    (tmp_path / "deep" / "er").mkdir(parents=True)
    written(tmp_path / "b.jsonl", lines(1, 0))
    written(tmp_path / "deep" / "a.json", lines(1, 1))
    written(tmp_path / "deep" / "er" / "c.jsonl.gz", gzip.compress(lines(1, 2)))
    written(tmp_path / "d.parquet", as_parquet([result(3)]))
    written(tmp_path / "e.jsonl.zst", zstandard.compress(lines(1, 4)))
    written(tmp_path / "README.md", b"not a measurement")
    for given_path in (str(tmp_path), f"{tmp_path}/**/*.*[!d]"):
        loaded = load([given_path])
        assert len(loaded.traces) == 5, given_path
        assert not loaded.complaints
    assert set(load([str(tmp_path)]).inputs) == {
        "b.jsonl", "d.parquet", "a.json", "c.jsonl.gz", "e.jsonl.zst",
    }  # fmt: skip


def test_a_folder_that_a_glob_matches_is_searched(tmp_path: Path) -> None:
    """As where the shell replaces the pattern: days of Parquet are folders, and are chosen so."""
    for day in ("day=2022-02-16", "day=2022-02-17", "day=2022-03-01"):
        (tmp_path / day).mkdir()
        written(tmp_path / day / "part-0.parquet", as_parquet([result(int(day[-2:]))]))
    written(tmp_path / "day=2022-02-18.jsonl", lines(1, 18))
    written(tmp_path / "day=2022-02-16" / "README.md", b"not a measurement")
    (tmp_path / "day=2022-02-empty").mkdir()
    loaded = load([f"{tmp_path}/day=2022-02-*"])
    assert sorted(trace.timestamp % 100 for trace in loaded.traces) == [16, 17, 18]
    assert not loaded.complaints


def test_folders_without_measurements_that_a_glob_matches_are_told(tmp_path: Path) -> None:
    """They are there: that there is no such folder would be wrong."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"/em\*: the folder holds no measurements .*; make some"):
        load([f"{tmp_path}/em*"])


def test_an_address_on_the_web_is_not_fetched_and_how_to_is_told() -> None:
    """Who looks for results of the Atlas has their address first."""
    url = "https://atlas.ripe.net/api/v2/measurements/5001/results/?format=txt"
    with pytest.raises(InputError, match=r"fetch it first, as in `curl -s URL \| gatewatch"):
        load([url])


def test_a_file_given_twice_counts_once(tmp_path: Path) -> None:
    """The same file by name, by folder and by glob is read once."""
    name = written(tmp_path / "a.jsonl", lines(3))
    loaded = load([name, name, str(tmp_path), f"{tmp_path}/*.jsonl", f"{tmp_path}/./a.jsonl"])
    assert len(loaded.traces) == 3


def test_copies_of_records_are_left_out_and_counted(tmp_path: Path) -> None:
    """A record that another file repeats is one measurement."""
    first = written(tmp_path / "a.jsonl", lines(3))
    second = written(tmp_path / "b.jsonl.gz", gzip.compress(lines(3, 1)))
    loaded = load([first, second])
    assert len(loaded.traces) == 4
    assert loaded.rejected == {"duplicate": 2}


def test_a_second_result_of_the_same_id_is_left_out_and_counted_apart(tmp_path: Path) -> None:
    """The Atlas delivers one (msm, probe, time) twice now and then, not always alike."""
    other = result()
    other["result"] = other["result"][:1]
    content = "\n".join(json.dumps(r) for r in (result(), other, result(), other))
    loaded = load([written(tmp_path / "a.jsonl", content.encode())])
    assert loaded.traces in ([from_json(result())], [from_json(other)])
    assert loaded.rejected == {"repeated_id": 2, "duplicate": 1}


def test_results_that_only_lack_their_time_are_no_duplicates(tmp_path: Path) -> None:
    """Lean archives strip the time: two results of one probe differ by what they heard."""
    other = result(timestamp=0)
    other["result"] = [{"hop": 1, "result": [{"from": "20.0.1.1", "rtt": 1.7}]}]
    content = "\n".join(json.dumps(r) for r in (result(timestamp=0), other, result(timestamp=0)))
    loaded = load([written(tmp_path / "a.jsonl", content.encode())])
    assert len(loaded.traces) == 2
    assert loaded.rejected == {"duplicate": 1}


def test_inputs_of_the_same_name_keep_a_hash_each(tmp_path: Path) -> None:
    """before/kh.jsonl and after/kh.jsonl are two inputs of the verdict, not one."""
    for n, folder in enumerate(("before", "after")):
        (tmp_path / folder).mkdir()
        written(tmp_path / folder / "kh.jsonl", lines(1, n))
    found = load([str(tmp_path)]).inputs
    assert set(found) == {"kh.jsonl", "before/kh.jsonl"}
    assert len(set(found.values())) == 2


# ------------------------------------------------------------------------- broken input


def test_a_broken_line_is_named_by_file_and_line_and_the_rest_is_read(tmp_path: Path) -> None:
    """Foreign, cut off and mistyped lines cost themselves only."""
    name = written(
        tmp_path / "a.jsonl",
        lines(1)
        + b"not json\n"
        + b'{"type": "ping", "dst_addr": "30.0.1.200"}\n'
        + b'{"a": 1}\n'
        + b"[1]\n"
        + b"17\n"
        + b"null\n"
        + json.dumps(result(dst_addr="nowhere")).encode()
        + b"\n"
        + lines(1, 1)
        + lines(1, 2)[:70],
    )
    loaded = load([name])
    assert len(loaded.traces) == 2
    assert loaded.rejected == {"malformed": 8}
    where = [
        complaint.removeprefix(f"{name}:").partition(":")[0] for complaint in loaded.complaints
    ]
    assert where == ["2", "3", "4", "5", "6", "7", "8", "10"]
    assert "cut off" in loaded.complaints[-1]
    assert "ping" in loaded.complaints[1]


def test_a_cut_off_array_keeps_what_was_whole(tmp_path: Path) -> None:
    """A download of a JSON array that broke off still holds its first results."""
    for content in (ARRAY, PRETTY):
        name = written(tmp_path / "a.json", content[: len(content) * 4 // 5])
        loaded = load([name])
        assert loaded.traces == [from_json(result(n)) for n in range(2)]
        assert loaded.rejected == {"malformed": 1}
        assert name in loaded.complaints[0]


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.9, 0.999])
def test_a_torn_compressed_file_keeps_what_was_whole(tmp_path: Path, keep: float) -> None:
    """Of a compressed file that breaks off, the lines before the break are read."""
    plain = b"".join(
        json.dumps(result(n, msm_id=n * 7919 % 1009)).encode() + b"\n" for n in range(400)
    )
    for suffix, compressed in (
        ("gz", gzip.compress(plain)),
        ("zst", zstandard.compress(plain)),
    ):
        name = written(tmp_path / f"a.jsonl.{suffix}", compressed[: int(keep * len(compressed))])
        loaded = load([name])
        assert loaded.rejected["malformed"] >= 1
        assert loaded.complaints[-1].startswith(f"{name}:")
        assert len(loaded.traces) >= (0 if suffix == "zst" else 0.5 * keep * 400)


@pytest.mark.parametrize("count", [8, 400])
@pytest.mark.parametrize("keep", [0.8, 0.95])
def test_no_whole_line_of_a_torn_gzip_file_is_lost(tmp_path: Path, count: int, keep: float) -> None:
    """All that zlib can unpack of it is read, however short the file is."""
    plain = b"".join(
        json.dumps(result(n, msm_id=n * 7919 % 1009)).encode() + b"\n" for n in range(count)
    )
    compressed = gzip.compress(plain, mtime=0)
    torn = compressed[: int(keep * len(compressed))]
    whole = zlib.decompressobj(wbits=31).decompress(torn).count(b"\n")
    assert whole > 0
    assert len(load([written(tmp_path / "a.jsonl.gz", torn)]).traces) == whole


def test_a_compressed_file_damaged_inside_keeps_what_was_before(tmp_path: Path) -> None:
    """Bits that turned over in the middle are a fault of the file, not of the program."""
    plain = b"".join(
        json.dumps(result(n, msm_id=n * 7919 % 1009)).encode() + b"\n" for n in range(400)
    )
    for suffix, compressed in (
        ("gz", gzip.compress(plain)),
        ("zst", zstandard.compress(plain)),
    ):
        middle = len(compressed) // 2
        damaged = compressed[:middle] + b"\xff" * 64 + compressed[middle + 64 :]
        name = written(tmp_path / f"a.jsonl.{suffix}", damaged)
        loaded = load([name])
        assert loaded.rejected["malformed"] >= 1, suffix
        assert any(complaint.startswith(name) for complaint in loaded.complaints)


def test_binary_garbage_is_no_crash(tmp_path: Path) -> None:
    """Any bytes whatever are read as lines that are none."""
    for seed, content in enumerate(
        (
            bytes(range(256)) * 8,
            b"\x00" * 4096,
            b"\x1f\x8b" + b"\x00" * 40,
            b"\x28\xb5\x2f\xfd" + b"\x00" * 40,
            b"[" * 200_000,
            b'{"a":' * 200_000,
            b"[1, 2, 3",
            b"9" * 10_000,
            b"\xff\xfe" + '{"a": 1}'.encode("utf-16-le"),
        )
    ):
        loaded = load([written(tmp_path / f"garbage-{seed}.jsonl", content)])
        assert not loaded.traces
        assert loaded.rejected["malformed"] >= 1, seed


@settings(max_examples=60)
@given(st.binary(max_size=300))
def test_no_bytes_make_reading_fail(tmp_path_factory: pytest.TempPathFactory, tail: bytes) -> None:
    """Whatever follows two good lines, the two good lines are kept."""
    path = tmp_path_factory.mktemp("bytes") / "a.jsonl"
    loaded = load([written(path, lines(2) + tail)])
    assert loaded.traces[:2] == [from_json(result(n)) for n in range(2)]


def test_a_broken_file_among_good_ones_costs_itself_only(tmp_path: Path) -> None:
    """What cannot be read at all is named and counted; the other files are analysed."""
    written(tmp_path / "a.jsonl", lines(1))
    broken = [
        written(tmp_path / "b.parquet", b"PAR1 it is not"),
        written(tmp_path / "c.jsonl.gz", b"this was never compressed"),
        written(tmp_path / "d.jsonl.zst", b""),
    ]
    written(tmp_path / "e.jsonl", lines(1, 1))
    loaded = load([str(tmp_path)])
    assert len(loaded.traces) == 2
    assert loaded.rejected["unreadable_file"] == 3
    for name in broken:
        assert any(complaint.startswith(name) for complaint in loaded.complaints)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_named(tmp_path: Path) -> None:  # pragma: no cover
    """A file that may not be read is named and counted like any other broken one."""
    name = written(tmp_path / "a.jsonl", lines(1))
    Path(name).chmod(0)
    loaded = load([name])
    assert loaded.rejected == {"unreadable_file": 1}
    assert "Permission denied" in loaded.complaints[0]


def test_a_file_the_system_refuses_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fails while reading one file does not lose the others."""
    good, bad = written(tmp_path / "a.jsonl", lines(1)), written(tmp_path / "b.jsonl", b"")
    opened = Path.open

    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(5, "Input/output error")

    def opening(path: Path, mode: str) -> object:
        return Failing() if path.name == "b.jsonl" else opened(path, mode)

    monkeypatch.setattr(Path, "open", opening)
    loaded = load([bad, good])
    assert len(loaded.traces) == 1
    assert loaded.rejected == {"unreadable_file": 1}
    assert loaded.complaints == [f"{bad}: cannot be read (Input/output error); left out"]


def test_an_empty_file_holds_nothing(tmp_path: Path) -> None:
    """Nothing in, nothing out, nothing wrong."""
    loaded = load([written(tmp_path / "a.jsonl", b"")])
    assert loaded.traces == []
    assert not loaded.rejected


@pytest.mark.parametrize(
    ("given_path", "says"),
    [
        ("absent.jsonl", "no such file"),
        ("absent/*.jsonl", "no such file"),
        ("empty", "holds no measurements"),
        ("notes", "holds no measurements"),
    ],
)
def test_a_path_that_names_nothing_is_refused(tmp_path: Path, given_path: str, says: str) -> None:
    """A missing file, an empty folder and a folder of other things are said to be so."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes").mkdir()
    written(tmp_path / "notes" / "a.txt", b"hello")
    with pytest.raises(InputError, match=says) as refused:
        load([str(tmp_path / given_path)])
    assert str(refused.value).startswith(str(tmp_path / given_path))


def test_a_path_that_no_file_can_have_is_named() -> None:
    """As of a script that took the lines of a file for its name."""
    with pytest.raises(InputError, match=r"^a{300}: cannot be read \(File name too long\)$"):
        load(["a" * 300])


@needs_root
def test_a_path_into_a_folder_of_another_user_is_named(tmp_path: Path) -> None:
    """It ended in a fault of the program."""
    name = written(tmp_path / "a.jsonl", lines(1))
    tmp_path.chmod(0o700)

    def is_refused() -> bool:
        with pytest.raises(InputError, match="Permission denied"):
            load([name])
        return True

    assert holds_for_nobody(is_refused)


def test_the_empty_path_is_not_the_folder_one_is_in() -> None:
    """As a script gives it whose variable is not set."""
    with pytest.raises(InputError, match="'' is no path"):
        load([""])


def test_complaints_are_bounded_and_the_count_is_not(tmp_path: Path) -> None:
    """A file of a million bad lines says so without printing a million warnings."""
    types = [b'{"type": "%d"}\n' % number for number in range(COMPLAINTS + 30)]
    loaded = load([written(tmp_path / "a.jsonl", b"".join(types))])
    assert len(loaded.complaints) == COMPLAINTS
    assert loaded.rejected == {"malformed": COMPLAINTS + 30}


def test_many_bad_lines_of_a_kind_do_not_hide_others(tmp_path: Path) -> None:
    """A few of them are named, so that what is wrong in the next file is seen as well."""
    first = written(tmp_path / "a.csv", b"x\n" * 50)
    second = written(tmp_path / "b.jsonl", b'{"type": "ping"}\n' * 50 + b"x\n")
    loaded = load([first, second])
    assert [said.removeprefix(f"{tmp_path}/").split(" ")[0] for said in loaded.complaints] == [
        *("a.csv:1:", "a.csv:2:", "a.csv:3:"),
        *("b.jsonl:1:", "b.jsonl:2:", "b.jsonl:3:", "b.jsonl:51:"),
    ]
    assert loaded.rejected == {"malformed": 101}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            {"count": 1, "results": [result()]},
            r'around a list .* \(jq "\.results\[\]"\)',
        ),
        (
            {"id": 5001, "type": "traceroute", "target": "a.example", "status": {"id": 2}},
            r"measurement 5001 .* https://atlas\.ripe\.net/api/v2/measurements/5001/results/",
        ),
        ({"error": {"status": 404}}, "no dst_addr"),
    ],
)
def test_what_else_the_atlas_sends_is_told_apart(
    content: dict[str, Any], says: str, tmp_path: Path
) -> None:
    """Whoever fetched the wrong thing is told what to fetch."""
    (complaint,) = load([written(tmp_path / "a.json", json.dumps(content).encode())]).complaints
    assert re.search(says, complaint)


def test_a_table_of_something_else_is_one_file_and_not_many_bad_rows(tmp_path: Path) -> None:
    """A sentence names its columns."""
    name = written(tmp_path / "a.parquet", as_parquet([{"city": "Battambang", "rain": 1}] * 40))
    loaded = load([name])
    assert loaded.rejected == {"unreadable_file": 1}
    (complaint,) = loaded.complaints
    assert complaint.startswith(f"{name}: has no columns of traceroutes (but city, rain); give")


def test_malformed_input_can_be_fatal_or_silent(tmp_path: Path) -> None:
    """Warned of unless asked otherwise; counted always, unless it ends the reading."""
    good = written(tmp_path / "a.jsonl", lines(1))
    bad = written(tmp_path / "b.jsonl", lines(1, 1) + b"{\n" + lines(1, 2))
    unreadable = written(tmp_path / "c.jsonl.gz", b"no gzip")
    silent = load([good, bad, unreadable], malformed="ignore")
    assert len(silent.traces) == 3
    assert silent.rejected == {"malformed": 1, "unreadable_file": 1}
    assert not silent.complaints
    with pytest.raises(InputError, match=rf"^{bad}:2: not JSON"):
        load([good, bad], malformed="fail")
    with pytest.raises(InputError, match=f"^{unreadable}: is not compressed"):
        load([good, unreadable], malformed="fail")
    assert len(load([good], malformed="fail").traces) == 1


def test_copies_are_no_fault_of_the_input(tmp_path: Path) -> None:
    """Only what cannot be read ends a reading that shall fail."""
    name = written(tmp_path / "a.jsonl", lines(2) + lines(2))
    assert load([name], malformed="fail").rejected == {"duplicate": 2}


def test_reading_holds_one_trace_at_a_time(tmp_path: Path) -> None:
    """Traces come while the file is still being read, from lines and from arrays alike."""
    many = 2000
    plain = lines(many)
    array = b"[" + b",".join(plain.splitlines()) + b"]"
    for name, content in (("a.jsonl.gz", gzip.compress(plain)), ("b.json", array)):
        loaded = Loaded()
        reading = read([written(tmp_path / name, content)], loaded)
        first = next(reading)
        assert first == from_json(result(0))
        assert not loaded.inputs, "the file has not been read to its end"
        assert sum(1 for _ in reading) == many - 1
        assert loaded.inputs == {name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()}


def test_an_array_may_be_followed_by_lines(tmp_path: Path) -> None:
    """Files that were put together by cat hold both shapes; each line keeps its number."""
    content = b"\n" + ARRAY + b"\n" + lines(2, 3) + b"{\n" + b"[" + lines(1, 5).strip() + b"]\n"
    name = written(tmp_path / "a.json", content)
    loaded = load([name])
    assert len(loaded.traces) == 6
    assert [c.removeprefix(f"{name}:") for c in loaded.complaints] == ["5: not JSON; left out"]


@settings(max_examples=60)
@given(st.integers(0, 3000), st.integers(1, 4))
def test_an_array_cut_anywhere_keeps_its_whole_results(
    tmp_path_factory: pytest.TempPathFactory, cut: int, count: int
) -> None:
    """Wherever a download broke off: the results before are read, the rest is told once."""
    whole = [json.dumps(result(n)) for n in range(count)]
    content = f"[{', '.join(whole)}]"[: cut + 1]
    path = tmp_path_factory.mktemp("cut") / "a.json"
    loaded = load([written(path, content.encode())])
    kept = 0
    end = 1
    for text in whole:
        end += len(text)
        kept += end <= len(content)
        end += 2
    assert len(loaded.traces) == kept
    finished = content.endswith("]") and kept == count and len(content) == end - 1
    assert loaded.rejected["malformed"] == (0 if finished else 1)


# ------------------------------------------------------------------------- odd fields


ODD: list[Any] = [
    None, True, False, 0, -1, 255, 256, 2**31, 10**400, 1.5, -0.0, 1e308, math.inf, -math.inf,
    math.nan, "", "x", "4", "30.0.1.200", "fe80::1%eth0", "\x00", "é" * 50, [], [[]], [None], {},
    {"hop": "x"}, {"a": [1]}, [{"x": "*"}], [{"hop": 1}],
]  # fmt: skip


def places_in(value: Any) -> list[tuple[Any, ...]]:
    """The paths of all values inside a JSON value."""
    found: list[tuple[Any, ...]] = [()]
    children = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, child in children:
        found += [(key, *rest) for rest in places_in(child)]
    return found


def replaced(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    if not path:
        return odd
    changed = copy.copy(value)
    changed[path[0]] = replaced(value[path[0]], path[1:], odd)
    return changed


OURS = {
    **result(),
    "gatewatch": {
        "schema": "gatewatch.trace/1",
        "vantage": {"id": "v1", "asn": 101, "organisation": "Net 1", "country": HOME},
        "method": {"proto": "ICMP", "backend": "raw", "sees": ["reply_ttl"]},
        "stop": "destination",
        "probes": 9,
        "snapshots": ["s"],
        "hops": [{"hop": 1, "evidence": "measured", "asn": 101, "special": "lan"}],
        "redactions": {"own": 1},
        "notes": ["n"],
        "error": None,
    },
}


def unchanged_or_malformed(fields: Any) -> Loaded:
    """Read one value as the loader does; anything but `MalformedRecord` is a fault."""
    loaded = Loaded()
    with contextlib.suppress(MalformedRecord):
        loaded.traces.append(from_json(fields))
    return loaded


def test_one_odd_value_anywhere_is_read_or_named_and_never_a_crash(tmp_path: Path) -> None:
    """Every value of a record, replaced by every odd one: a trace or a `MalformedRecord`.

    What was read can then be judged: no odd value hides until later.
    """
    table = Country(2).table
    rows = [
        replaced(record, path, odd)
        for record in (result(), OURS)
        for path in places_in(record)
        for odd in ODD
        if path
    ]
    everything = Loaded([trace for row in rows for trace in unchanged_or_malformed(row).traces])
    assert everything.traces
    judge(everything, table, HOME, Policy(resamples=1), now=NOW)
    name = written(tmp_path / "a.jsonl", "\n".join(json.dumps(r) for r in rows).encode())
    loaded = load([name])
    assert len(loaded.traces) + sum(loaded.rejected.values()) == len(rows)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def mutated(draw: st.DrawFn, record: dict[str, Any]) -> Any:
    """A record with up to three values replaced, removed or doubled."""
    value: Any = copy.deepcopy(record)
    for _ in range(draw(st.integers(1, 3))):
        paths = [path for path in places_in(value) if path]
        if not paths:
            break
        path = draw(st.sampled_from(paths))
        holder = value
        for key in path[:-1]:
            holder = holder[key]
        action = draw(st.sampled_from(["replace", "remove", "double"]))
        if action == "replace":
            holder[path[-1]] = draw(st.sampled_from(ODD) | JSON)
        elif action == "remove":
            del holder[path[-1]]
        elif isinstance(holder, list):
            holder.insert(0, copy.deepcopy(holder[path[-1]]))
    return value


@settings(max_examples=300)
@given(st.one_of(mutated(result()), mutated(OURS), JSON))
def test_mutated_records_are_read_or_named(fields: Any) -> None:
    """Several faults at once raise `MalformedRecord` or nothing, and judging never fails."""
    loaded = unchanged_or_malformed(fields)
    judge(loaded, Country(1).table, HOME, Policy(resamples=1), now=NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"timestamp": math.nan},
        {"timestamp": "yesterday"},
        {"timestamp": True},
        {"endtime": math.inf},
        {"af": 5},
        {"af": 6},
        {"af": True},
        {"dst_addr": 134744072},
        {"dst_addr": "example.org"},
        {"dst_addr": None},
        {"result": None},
        {"result": {"hop": 1}},
        {"result": [7]},
        {"result": [{"hop": "one"}]},
        {"result": [{"hop": math.inf}]},
        {"result": [{"hop": 1, "result": {}}]},
        {"result": [{"hop": 1, "result": [{"from": "20.0.1.1", "rtt": "1 ms"}]}]},
        {"result": [{"hop": 1, "result": [{"from": "20.0.1.1", "rtt": True}]}]},
        {"result": [{"hop": 1, "result": [{"from": "20.0.1.1", "rtt": 10**400}]}]},
        {"result": [{"hop": 1, "result": [{"from": "20.0.1.1", "rtt": math.nan}]}]},
        {"result": [{"hop": 1, "result": [{"from": 7, "rtt": 1.0}]}]},
        {"result": [{"hop": 1, "result": [{"from": "20.0.1.1", "ttl": "64"}]}]},
        {"result": [{"hop": 1, "result": [{"from": "20.0.1.1", "size": 1.5}]}]},
        {"result": [{"hop": 1, "result": [{"from": "20.0.1.1", "err": ["H"]}]}]},
        {"result": [{"hop": 1, "result": [{"from": "20.0.1.1", "icmpext": [1]}]}]},
        {"result": [{"hop": 1, "result": [{"from": "20.0.1.1", "late": "1"}]}]},
        {"size": "48"},
        {"paris_id": 2**63},
        {"dst_name": 7},
        {"proto": True},
        {"proto": ["ICMP"]},
        {"type": "dns"},
        {"gatewatch": {"schema": "gatewatch.trace/99"}},
        {"gatewatch": "yes"},
        {"gatewatch": {**OURS["gatewatch"], "method": {"sees": "ttl"}}},
        {"gatewatch": {**OURS["gatewatch"], "notes": [1]}},
        {"gatewatch": {**OURS["gatewatch"], "redactions": {"own": "1"}}},
        {"gatewatch": {**OURS["gatewatch"], "hops": [{"hop": 1, "organisation": 7}]}},
    ],
    ids=str,
)
def test_a_field_of_the_wrong_type_is_malformed(changes: dict[str, Any]) -> None:
    """A record is refused whole rather than read half: its sentence says what is wrong."""
    with pytest.raises(MalformedRecord):
        from_json(result(**changes))


@pytest.mark.parametrize("said", [None, ""])
def test_a_protocol_that_is_not_said_is_the_usual_one(tmp_path: Path, said: str | None) -> None:
    """As where the field is missing; a record of it is one that other tools of the Atlas read."""
    without = result()
    del without["proto"]
    read = from_json(result(proto=said))
    assert read == from_json(without)
    assert json.loads(to_line(read))["proto"] == "ICMP"
    content = "\n".join(json.dumps(one) for one in (without, result(proto=said)))
    assert load([written(tmp_path / "a.jsonl", content.encode())]).rejected == {"duplicate": 1}


def test_a_line_nested_without_end_is_malformed() -> None:
    """Reading a single line keeps the promise of its docstring for hostile ones too."""
    for line in ("[" * 200_000, '{"a":' * 200_000, "9" * 10_000):
        with pytest.raises(MalformedRecord):
            from_line(line)


def test_hops_in_any_order_and_number_are_read() -> None:
    """Hops that do not ascend, repeat, or are 255 are kept as they were written."""
    numbers = [3, 1, 2, 2, 0, 255, 1]
    entry = [{"hop": n, "result": [{"from": "20.0.1.1", "rtt": 1.0}]} for n in numbers]
    assert [hop.number for hop in from_json(result(result=entry)).hops] == numbers


def test_what_the_atlas_says_about_replies_is_kept() -> None:
    """Late, duplicate, unreachable and extended replies are told apart."""
    hop = from_json(result()).hops[2]
    first, late, duplicate = hop.replies
    assert first.err == "H"
    assert first.quoted_ttl == 2
    assert first.extensions is not None
    assert late.late == 1
    assert late.rtt is None
    assert duplicate.duplicate
    assert from_json(result()).hops[1].replies[0].is_star


def test_a_reply_that_could_not_be_sent_is_a_star() -> None:
    """The Atlas writes an error in the place of a reply; no answer came, whatever the reason."""
    entry = [{"hop": 1, "result": [{"error": "sendto failed: Network is unreachable"}] * 3}]
    assert [r.is_star for r in from_json(result(result=entry)).hops[0].replies] == [True] * 3


@pytest.mark.parametrize(
    ("name", "count", "sources"),
    [("atlas_88302907.jsonl.gz", 739, 739), ("atlas_pantrace_atlas.jsonl.gz", 14, 14)],
)
def test_published_results_of_all_firmwares_are_read(name: str, count: int, sources: int) -> None:
    """Lean ones without firmware, TTL, size or time, and full ones: none is lost."""
    loaded = load([str(published(f"traces/{name}"))])
    assert len(loaded.traces) == count
    assert not loaded.rejected
    assert sum(trace.source is not None for trace in loaded.traces) == sources
    assert all(trace.hops for trace in loaded.traces)


def test_lean_records_are_read() -> None:
    """Archives leave out firmware, sizes, TTLs and the public address; a path is a path."""
    lean = {
        "dst_addr": "30.0.1.200",
        "src_addr": "192.168.1.0",
        "prb_id": 7,
        "timestamp": 1767268800,
        "result": [{"hop": 1, "result": [{"rtt": 0.5, "from": "192.168.1.1"}]}],
    }
    trace = from_json(lean)
    assert (trace.af, trace.proto, trace.source) == (4, "ICMP", "192.168.1.0")


def test_a_trace_that_was_never_sent_is_counted_apart(tmp_path: Path) -> None:
    """Atlas writes an error where it could not send: no path, and no fault of the file."""
    name = written(
        tmp_path / "a.jsonl",
        json.dumps(result(result=[{"error": "connect failed: Network is unreachable"}])).encode(),
    )
    loaded = load([name])
    assert loaded.rejected == {"not_sent": 1}
    assert not loaded.complaints


def test_a_name_that_a_probe_could_not_look_up_is_no_fault_of_the_file(tmp_path: Path) -> None:
    """Such a result of the Atlas has no address to measure to: nothing was sent."""
    failed = result(dst_name="example.org", result=[{"error": "name resolution failed: no data"}])
    del failed["dst_addr"]
    name = written(tmp_path / "a.jsonl", json.dumps(failed).encode())
    loaded = load([name], malformed="fail")
    assert loaded.rejected == {"not_sent": 1}


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "ping"},
        {"result": []},
        {"result": ["name resolution failed"]},
        {"result": [{"hop": 1, "result": [{"x": "*"}]}]},
    ],
)
def test_a_result_without_a_destination_is_malformed(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    """Unless it is nothing but the error of a traceroute."""
    odd = result(**{"result": [{"error": "name resolution failed"}], **changes})
    del odd["dst_addr"]
    loaded = load([written(tmp_path / "a.jsonl", json.dumps(odd).encode())])
    assert loaded.rejected == {"malformed": 1}


def _tar(line: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("traces.jsonl")
        member.size = len(line)
        archive.addfile(member, io.BytesIO(line))
    return packed.getvalue()


def _zip(line: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("traces.jsonl", line)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "pack", "said"),
    [
        ("a.tar", _tar, "is a tar archive and no bundle of gatewatch"),
        ("a.tgz", lambda line: gzip.compress(_tar(line)), "is a tar archive and no bundle"),
        ("a.zip", _zip, "is a zip archive"),
        ("a.bz2", bz2.compress, "is packed by bzip2, which is not read"),
        ("a.json", lzma.compress, "is packed by xz, which is not read"),
    ],
)
def test_an_archive_is_one_file_to_unpack_and_not_many_bad_lines(
    tmp_path: Path, name: str, pack: Callable[[bytes], bytes], said: str
) -> None:
    """As M-Lab and RIPE Atlas publish them: one sentence, with what to do."""
    path = written(tmp_path / name, pack(json.dumps(result()).encode() + b"\n"))
    loaded = load([path])
    assert loaded.rejected == {"unreadable_file": 1}
    (complaint,) = loaded.complaints
    assert said in complaint
    assert "unpack it first" in complaint
