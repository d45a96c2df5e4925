"""A row group read column by column tells the same of every trace as read row by row."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.intake.formats import columns, parquet
from analysis.intake.inputs import InputError
from analysis.intake.told import Fingerprint, Numbers, Told, fingerprint_of, tell
from probe import graph
from probe.record import Attribution, Hop, MalformedRecord, Reply, Trace
from probe.redaction.redact import LAN
from tests.analysis.intake.test_convert import traces

NUMBERS = Numbers()


def row_by_row(path: Path) -> list[tuple[Told, Fingerprint] | None]:
    found: list[tuple[Told, Fingerprint] | None] = []
    for _, trace in parquet.group_rows(str(path), 0):
        assert isinstance(trace, Trace)
        told = tell(trace)
        found.append((told, fingerprint_of(trace, told, NUMBERS)) if trace.hops else None)
    return found


def written(some: list[Trace], folder: Path) -> Path:
    path = folder / "t.parquet"
    pq.write_table(parquet.table_of([parquet.to_row(trace) for trace in some]), path)
    return path


def by_columns(path: Path) -> list[tuple[Told, Fingerprint] | None]:
    file = columns.Files().opened(str(path))
    return list(columns.read(str(path), file, 0, NUMBERS))


def alike(some: list[Trace], folder: Path) -> bool:
    """Whether the group is read by columns, and not left to the reader of rows."""
    path = written(some, folder)
    try:
        found = by_columns(path)
    except columns.Surprise:
        return False
    assert found == row_by_row(path)
    return True


def test_a_file_that_was_read_is_let_go_at_once(tmp_path: Path) -> None:
    """Who folds many pieces looks for no circles; the groups of a large file take megabytes."""
    paths = [tmp_path / name for name in ("a.parquet", "b.parquet")]
    for path in paths:
        pq.write_table(parquet.table_of([parquet.to_row(WHOLE)]), path)
    files = columns.Files()
    gc.disable()
    try:
        file = files.opened(str(paths[0]))
        assert len(list(columns.read(str(paths[0]), file, 0, NUMBERS))) == 1
        assert files.opened(str(paths[0])) is file  # all groups of a file are read of one
        what = weakref.ref(file.metadata)
        del file
        files.opened(str(paths[1]))
        assert what() is None
    finally:
        gc.enable()


@settings(max_examples=60)
@given(st.lists(traces(), min_size=1, max_size=4))
def test_any_traces_are_read_alike(some: list[Trace]) -> None:
    """Everything that a trace may hold, side by side in one group."""
    with TemporaryDirectory() as folder:
        alike(some, Path(folder))


def test_what_decides_is_told_alike(tmp_path: Path) -> None:
    """Routers that disagree, late and double replies, stars, gaps, an end before the last hop.

    And late replies alone, and a hop that is there twice.
    """
    a, b, end = "192.0.2.1", "192.0.2.2", "198.51.100.9"
    hops = (
        Hop(1, (Reply(a, 2.0), Reply(b, 1.0), Reply(b, 3.0))),
        Hop(2, (Reply(a, 2.0, late=1), Reply(b, 9.0), Reply())),
        Hop(3, (Reply(), Reply(None, 4.0), Reply())),
        Hop(5, (Reply(a, 7.0), Reply(a, 5.0, duplicate=True), Reply(a))),
        Hop(6, (Reply(a, 1.0),), measured=False),
        Hop(7, (Reply(end, 8.0),)),
        Hop(8, (Reply(b, 1.0),)),
        Hop(255, (Reply(b, 9.0),)),
    )
    trace = Trace(end, 4, "ICMP", 1700000000.0, 1700000004.0, hops, source="203.0.113.5", msm_id=1)
    more = [
        trace,
        trace._replace(hops=hops[::-1]),
        trace._replace(hops=(*hops[:3], hops[7])),
        trace._replace(hops=hops[3:]),
        trace._replace(hops=()),
        trace._replace(hops=hops[:1], timestamp=0.0, snapshots=("s",)),
        trace._replace(hops=(Hop(1, (Reply(a, 9.0, late=1),)), hops[1], hops[1], hops[5])),
    ]
    assert alike(more, tmp_path)
    told = row_by_row(tmp_path / "t.parquet")[0]
    assert told is not None
    assert told[0].addresses == (b, b, None, None, a, None, end)
    assert told[0].rtts == (1.0, 9.0, 4.0, None, 7.0, None, 8.0)


def test_refusals_from_nearer_are_told_alike(tmp_path: Path) -> None:
    """They are no answers of the hop that was asked: neither alone nor by their number."""
    a, b, c, end = "192.0.2.1", "192.0.2.2", "192.0.2.3", "198.51.100.9"
    hops = (
        Hop(1, (Reply(a, 2.0),), measured=False),
        Hop(2, (Reply(a, 2.0, err="A"), Reply(a, 1.0, err=13))),
        Hop(3, (Reply(a, 3.0, err="H"), Reply(b, 9.0), Reply(a, 1.0, err=13))),
        Hop(4, (Reply(a, 3.0), Reply(b, 4.0, err="N"), Reply(b, 4.0, err="N"))),
        Hop(5, (Reply(b, 3.0, err="N"), Reply(None, 5.0))),
        Hop(6, (Reply(c, 3.0, err="N"), Reply(b, 5.0, err=0), Reply(b, 5.0, err=0))),
        Hop(7, (Reply(end, 8.0, err="p"),)),
        Hop(8, (Reply(end, 8.0, err="p"),)),
    )
    trace = Trace(end, 4, "ICMP", 1700000000.0, 1700000004.0, hops, source="203.0.113.5", msm_id=1)
    unnumbered = trace._replace(hops=hops[::-1])
    assert alike([trace, trace._replace(hops=hops[:5]), trace._replace(hops=hops[:3])], tmp_path)
    told = row_by_row(tmp_path / "t.parquet")[0]
    assert told is not None
    assert told[0].addresses == (None, a, b, a, None, c, end)
    assert told[0].rtts == (None, 1.0, 9.0, 3.0, 5.0, 3.0, 8.0)
    alike([unnumbered], tmp_path)
    alike([trace._replace(hops=(Hop(0, hops[1].replies), *hops[1:]))], tmp_path)
    again = Hop(7, (Reply(c, 3.0, err="N"), Reply(None, 6.0)))
    assert alike([trace._replace(hops=(*hops[:6], again))], tmp_path)
    once, refused = Hop(1, (Reply(a, 2.0),)), Hop(2, (Reply(a, 3.0, err="H"),))
    assert alike([trace._replace(hops=(once, refused, *hops[6:]))], tmp_path)


def test_what_records_say_of_hops_is_told_alike(tmp_path: Path) -> None:
    """An AS number of a hop where one alone answered; a hop at home where something was heard."""
    a, b, end = "192.0.2.1", "192.0.2.2", "198.51.100.9"
    here, there = Attribution(asn=64500), Attribution(asn=64501)
    hops = (
        Hop(1, (Reply(None, 1.0),), LAN),
        Hop(2, (Reply(),), LAN),
        Hop(3, (Reply(a, 2.0), Reply(None, 1.0)), here),
        Hop(4, (Reply(a, 2.0), Reply(b, 1.0)), there),
        Hop(5, (Reply(), Reply(b, 4.0)), there),
        Hop(6, (Reply(None, 5.0),), there),
        Hop(7, (Reply(end, 8.0),)),
    )
    trace = Trace(
        end, 4, "ICMP", 1.0, 4.0, hops, source="203.0.113.5", msm_id=1, snapshots=("table@1+0",)
    )
    assert alike([trace, trace._replace(snapshots=())], tmp_path)
    told = row_by_row(tmp_path / "t.parquet")[0]
    assert told is not None
    assert told[0].addresses == ("lan", None, a, a, b, None, end)
    assert told[0].rtts == (1.0, None, 2.0, 2.0, 4.0, 5.0, 8.0)
    assert told[0].said == ((a, 64500), (b, 64501))


WHOLE = Trace(
    "198.51.100.9", 4, "ICMP", 1.0, 1.0, (Hop(1, (Reply("192.0.2.1", 1.0),)),), source="192.0.2.7"
)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"dst_addr": "somewhere"}, "not an address: 'somewhere'"),
        ({"source": "x" * 99}, "not an address: 'xxx"),
        ({"hops": (Hop(1, (Reply("192.0.2.1 ", 1.0),)),)}, "not an address"),
        ({"hops": (Hop(-1, (Reply("192.0.2.1", 1.0),)),)}, "no TTL can be -1"),
        ({"hops": (Hop(1, (Reply("192.0.2.1", float("nan")),)),)}, "a time is no number"),
        ({"timestamp": float("inf")}, "a time is no number"),
        ({"timestamp": 2.0**63}, "a time is no number"),
        ({"endtime": float("nan")}, "a time is no number"),
        ({"af": 6}, "af is 6, but dst_addr is 198.51.100.9"),
    ],
)
def test_a_row_that_is_no_trace_costs_itself_only(
    changes: dict[str, Any], says: str, tmp_path: Path
) -> None:
    """Parquet's types hold a file to little; what is read from it is held to what a record is."""
    path = written([WHOLE, WHOLE._replace(**changes)], tmp_path)
    with pytest.raises(columns.Surprise):
        by_columns(path)
    first, (number, problem) = parquet.group_rows(str(path), 0)
    assert first == (1, WHOLE)
    assert number == 2
    assert isinstance(problem, MalformedRecord)
    assert str(problem).startswith(says)


HOPS_OF_NO_OBJECT = parquet.to_row(WHOLE)["hops"]
HOPS_OF_NO_OBJECT[0]["replies"][0]["extensions_json"] = "[]"


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("redactions_json", "[1]", "a JSON text holds no object"),
        ("redactions_json", "[" * 100_000, "a JSON text has the wrong shape"),
        ("redactions_json", "{", "a JSON text has the wrong shape"),
        ("redactions_json", None, "a JSON text has the wrong shape"),
        ("multipath_json", '{"levels": [], "links": [], "probes": 1e999}', "a JSON text has the"),
        ("multipath_json", "{}", "a JSON text has the wrong shape"),
        ("multipath_json", "[]", "a JSON text has the wrong shape"),
        ("hops", HOPS_OF_NO_OBJECT, "a JSON text holds no object"),
        # That nobody knows when it was measured is 0 there; null is no time at all.
        ("start_s", None, "a time is no number"),
    ],
)
def test_what_is_wrong_within_a_row_costs_its_row_only(
    column: str, value: object, says: str, tmp_path: Path
) -> None:
    """Whatever stands in it, the other rows are read, and as many in either way."""
    rows = [parquet.to_row(WHOLE), parquet.to_row(WHOLE) | {column: value}]
    pq.write_table(parquet.table_of(rows), tmp_path / "t.parquet")
    with pytest.raises(columns.Surprise):
        by_columns(tmp_path / "t.parquet")
    (_, first), (_, problem) = parquet.group_rows(str(tmp_path / "t.parquet"), 0)
    assert first == WHOLE
    assert isinstance(problem, MalformedRecord)
    assert str(problem).startswith(says)


def unmade(*where: str | int) -> dict[str, Any]:
    """A row of `WHOLE` with nothing there."""
    row: Any = parquet.to_row(WHOLE)
    place = row
    for key in where[:-1]:
        place = place[key]
    place[where[-1]] = None
    return row  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "where", [("hops", 0), ("hops", 0, "replies"), ("hops", 0, "replies", 0)], ids=len
)
def test_nothing_in_place_of_a_hop_or_a_reply_is_no_silence(
    where: tuple[str | int, ...], tmp_path: Path
) -> None:
    """A verdict counts no trace that `gatewatch convert` would call damaged."""
    pq.write_table(parquet.table_of([unmade(*where)]), tmp_path / "t.parquet")
    with pytest.raises(columns.Surprise):
        by_columns(tmp_path / "t.parquet")
    with pytest.raises(InputError, match="the rows 1 to 1 are damaged"):
        parquet.group_rows(str(tmp_path / "t.parquet"), 0)


def test_lists_that_a_verdict_asks_nothing_of_may_be_missing(tmp_path: Path) -> None:
    """Both readers take the row, which cost its whole group by one of them."""
    row = parquet.to_row(WHOLE) | {"sees": None}
    row["hops"][0]["replies"][0]["changed"] = None
    pq.write_table(parquet.table_of([row]), tmp_path / "t.parquet")
    assert parquet.group_rows(str(tmp_path / "t.parquet"), 0) == [(1, WHOLE)]
    assert len(by_columns(tmp_path / "t.parquet")) == 1


def test_parallel_paths_are_no_surprise(tmp_path: Path) -> None:
    """As the probe writes them: a check of their shape takes a tenth of reading them."""
    level = graph.Level(4, (graph.Node("192.0.2.1", (0, 1)), graph.Node(None, (2,))), True, False)
    links = (graph.Link(4, "192.0.2.1", None, (0,)),)
    some = [WHOLE, WHOLE._replace(multipath=graph.Graph((level,), links, 9, 0.05))]
    assert alike(some, tmp_path)


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("rtt_ms", pa.null()),
        ("rtt_ms", pa.decimal128(9, 3)),
        ("rtt_ms", pa.string()),
        ("attribution", pa.null()),
    ],
)
def test_types_of_others_are_left_to_the_reader_of_rows(
    column: str, kind: pa.DataType, tmp_path: Path
) -> None:
    """A file that was written anew by somebody else, with our name for what is in it."""
    trace = Trace("198.51.100.9", 4, "ICMP", 1.0, 1.0, (Hop(1, (Reply("192.0.2.1", None),)),))
    path = written([trace], tmp_path)
    table = pq.read_table(path)
    rows = table.to_pylist()

    def other(field: pa.Field) -> pa.Field:
        if field.name == column:
            return field.with_type(kind)
        if pa.types.is_list(field.type):
            return field.with_type(pa.list_(other(field.type.value_field)))
        if pa.types.is_struct(field.type):
            return field.with_type(pa.struct([other(inner) for inner in field.type]))
        return field

    schema = pa.schema([other(field) for field in table.schema], table.schema.metadata)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    with pytest.raises(columns.Surprise):
        by_columns(path)
    assert [found for _, found in parquet.group_rows(str(path), 0)] == [trace]


@pytest.mark.parametrize("column", ["start_s", "end_s"])
@pytest.mark.parametrize("kind", [pa.timestamp("ns"), pa.timestamp("us", "UTC"), pa.string()])
def test_a_time_that_is_no_number_costs_its_rows_only(
    column: str, kind: pa.DataType, tmp_path: Path
) -> None:
    """Arrow keeps our name for a table of which somebody changed a column's type."""
    path = written([WHOLE], tmp_path)
    table = pq.read_table(path)
    at = table.schema.get_field_index(column)
    whole = table.column(at).cast(pa.int64())
    pq.write_table(table.set_column(at, column, whole.cast(kind)), path)
    with pytest.raises(columns.Surprise):
        by_columns(path)
    ((_, problem),) = parquet.group_rows(str(path), 0)
    assert isinstance(problem, MalformedRecord)
    assert str(problem) == "a time is no number"


@pytest.mark.parametrize("column", ["msm_id", "vantage", "multipath_json"])
def test_a_group_without_a_column_is_left_to_the_reader_of_rows(
    column: str, tmp_path: Path
) -> None:
    """Somebody has thrown it away, and no reader may end the whole analysis for that."""
    path = written([WHOLE], tmp_path)
    pq.write_table(pq.read_table(path).drop_columns([column]), path)
    with pytest.raises(columns.Surprise):
        by_columns(path)
    with pytest.raises(InputError, match=rf"the rows 1 to 1 are damaged \('{column}'\)"):
        parquet.group_rows(str(path), 0)


def test_a_damaged_group_is_named(tmp_path: Path) -> None:
    """With the file, as the reader of rows does."""
    trace = Trace("198.51.100.9", 4, "ICMP", 1.0, 1.0, (Hop(1, (Reply("192.0.2.1", 1.0),)),))
    path = written([trace], tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:4] + b"\xff" * 60 + whole[64:])
    with pytest.raises(InputError, match=r"t\.parquet: the rows 1 to 1 are damaged"):
        by_columns(path)
