"""Traces that real probes measured: what may be said of them, and what may not.

The file holds 478 results towards a single target, see ``tests/data/README.md``. One target never
suffices for a verdict; what must show all the same are the private blocks through which Iran's
networks leave.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from analysis.judge import Verdict, judge
from analysis.load import Loaded, load
from analysis.operators import Gazetteer, is_commonplace
from analysis.policy import Policy
from analysis.tables import crossings_table
from probe.origin import Origin, open_origin

DATA = Path(__file__).parent.parent / "data"
FILE = DATA / "traces" / "atlas_23449934_half.jsonl.gz"
LATER = 1_790_000_000.0  # September 2026, in seconds since the epoch


@pytest.fixture(scope="module")
def table() -> Origin:
    return open_origin()


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return load([str(FILE)])


@pytest.fixture(scope="module")
def iran(loaded: Loaded, table: Origin) -> Verdict:
    return judge(loaded, table, "IR", Policy(), now=LATER)


def test_the_file_is_the_one_that_its_readme_describes() -> None:
    """Its hash stands beside its source and licence."""
    assert hashlib.sha256(FILE.read_bytes()).hexdigest() in (DATA / "README.md").read_text()


def test_nobodys_address_is_in_the_file() -> None:
    """The last number of each source is masked."""
    results = [json.loads(line) for line in gzip.decompress(FILE.read_bytes()).splitlines()]
    sources = {result[key] for result in results for key in ("from", "src_addr")}
    assert all(source.endswith(".0") for source in sources)


def test_every_result_is_read(loaded: Loaded) -> None:
    """All 478 results of the Atlas are traces; none is malformed, none a duplicate."""
    assert len(loaded.traces) == 478
    assert not loaded.rejected
    assert not loaded.complaints


def test_one_target_is_insufficient_and_nobody_is_named(iran: Verdict) -> None:
    """All of four networks through the same blocks to one target: not enough to name anybody."""
    fields = iran.fields
    assert fields["grade"] == "insufficient"
    assert fields["gateway"] is None
    assert fields["captured"]["organisations"] == fields["captured"]["of"] == 4
    said = " ".join(fields["reasons"])
    assert "4 organisations" in said
    assert "1 class" in said
    assert fields["window"] == ["2019-11-27", "2019-11-27"]


def test_vantage_points_elsewhere_are_counted(iran: Verdict, loaded: Loaded, table: Origin) -> None:
    """The 8 results from Iran are used, the other 470 are rejected by one reason."""
    inside = [trace for trace in loaded.traces if table.lookup(trace.source or "").country == "IR"]
    assert len(inside) == 8
    assert iran.fields["rejected"] == {"vantage_abroad": 470}
    assert iran.fields["measured"]["traces"] == 8
    assert iran.fields["measured"]["destinations"] == 1


def test_private_blocks_are_among_the_candidates(iran: Verdict) -> None:
    """The hops right before the border are 10.x addresses of no AS, shared by all networks."""
    first, *_ = iran.fields["candidates"]
    assert first["kind"] == "unmapped"
    assert first["blocks"] == ["10.202.4.0/24"]
    assert first["asns"] == []
    assert first["captured"]["organisations"] == 4
    blocks = [block for found in iran.fields["candidates"] for block in found["blocks"]]
    assert "10.21.211.0/24" in blocks
    assert not any(is_commonplace(block) for block in blocks)


def test_crossings_show_private_hops_before_the_border(iran: Verdict) -> None:
    """Each of the 8 crossings is resolved and leaves by a 10.x block to an operator abroad."""
    crossings = crossings_table(iran.observations)
    assert len(crossings) == 8
    assert set(crossings["state"]) == {"resolved"}
    assert all(re.match(r"unmapped:10\.", exit_) for exit_ in crossings["exit"])
    assert set(crossings["upstream_asn"]) == {5511, 6453}
    assert all("unmapped:10.202.4.0/24" in nodes for nodes in crossings["candidates"])


@pytest.mark.parametrize("country", ["DE", "FR", "KH", "RU", "US"])
def test_no_country_is_judged_by_one_target(country: str, loaded: Loaded, table: Origin) -> None:
    """However many networks measured, one destination makes one class at most."""
    verdict = judge(loaded, table, country, Policy(), now=LATER)
    assert verdict.grade == "insufficient"
    assert verdict.gateway is None
    fields = verdict.fields
    used = fields["measured"]["traces_of_both_families_and_all_days"]
    assert used + sum(fields["rejected"].values()) == 478


def forwards(sequence: Sequence[int]) -> bool:
    return list(sequence) == sorted(set(sequence))


def test_borders_stand_in_the_order_of_the_path(loaded: Loaded, table: Origin) -> None:
    """For each country of the file: hops count up, and the border's far side is abroad."""
    gazetteers = {code: Gazetteer(table, code) for code in ("DE", "FR", "IT", "NL", "RU", "GB")}
    seen = 0
    for code, gazetteer in gazetteers.items():
        for found in judge(loaded, table, code, Policy(resamples=50), now=LATER).observations:
            assert forwards([step.hop for step in found.steps])
            if found.crossing is None or found.crossing.border is None:
                continue
            near, far = found.crossing.border
            assert 0 <= near < far
            outer = next(step for step in found.steps if step.hop == far)
            assert outer.address is not None
            assert gazetteer.sight(outer.address).place == "abroad"
            seen += 1
    assert seen > 100
