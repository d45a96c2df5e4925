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
import tarfile
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

import pytest

from analysis.intake.load import Loaded, load
from analysis.judgement.judge import Judgement, judge
from analysis.owners.numbering import is_commonplace
from analysis.owners.operators import Gazetteer
from analysis.policy import Policy
from analysis.tables import crossings_table
from probe.origin import Origin
from probe.record import from_json

DATA = Path(__file__).parent.parent / "data"
FILE = DATA / "traces" / "atlas_23449934_half.jsonl.gz"
LATER = 1_790_000_000.0  # September 2026, in seconds since the epoch


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return load([str(FILE)])


@pytest.fixture(scope="module")
def iran(loaded: Loaded, table: Origin) -> Judgement:
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


def test_one_target_is_insufficient_and_nobody_is_named(iran: Judgement) -> None:
    """All of four networks through the same blocks to one target: not enough to name anybody."""
    fields = iran.fields
    assert fields["grade"] == "insufficient"
    assert fields["gateway"] is None
    assert fields["captured"]["organisations"] == fields["captured"]["of"] == 4
    said = " ".join(fields["reasons"])
    assert "4 of the 5 organisations" in said
    assert "1 of the 2 classes" in said
    assert fields["window"] == ["2019-11-27", "2019-11-27"]


def test_vantage_points_elsewhere_are_counted(
    iran: Judgement, loaded: Loaded, table: Origin
) -> None:
    """The 8 results from Iran are used, the other 470 are rejected by one reason."""
    inside = [trace for trace in loaded.traces if table.lookup(trace.source or "").country == "IR"]
    assert len(inside) == 8
    assert iran.fields["rejected"] == {"vantage_abroad": 470}
    assert iran.fields["measured"]["traces"] == 8
    assert iran.fields["measured"]["destinations"] == 1


def test_private_blocks_are_among_the_candidates(iran: Judgement) -> None:
    """The hops right before the border are 10.x addresses of no AS, shared by all networks."""
    first, *_ = iran.fields["candidates"]
    assert first["kind"] == "unmapped"
    assert first["blocks"] == ["10.202.4.0/24"]
    assert first["asns"] == []
    assert first["captured"]["organisations"] == 4
    blocks = [block for found in iran.fields["candidates"] for block in found["blocks"]]
    assert "10.21.211.0/24" in blocks
    assert not any(is_commonplace(block) for block in blocks)


def test_crossings_show_private_hops_before_the_border(iran: Judgement) -> None:
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
    assert seen > 80


# ------------------------------------------------------------------------ what may not be committed


def elsewhere(name: str) -> Path:
    """A file of the shared folder of real data, which stands beside or above a checkout."""
    for parent in Path(__file__).resolve().parents:
        path = parent / "shared/data/traces" / name
        if path.is_file():
            return path
    pytest.skip(f"{name} may not be committed and is not in a shared folder here")


@pytest.mark.parametrize("name", ["atlas_23449934_half.jsonl.gz", "atlas_88302907.jsonl.gz"])
def test_no_country_of_the_world_is_convicted_by_one_target(name: str, table: Origin) -> None:
    """Each country that a probe of the file stands in: nobody is named."""
    loaded = load([str(elsewhere(name))])
    sources = {trace.source for trace in loaded.traces if trace.source is not None}
    countries = {table.lookup(source).country for source in sources} - {None}
    assert len(countries) >= 40
    for country in sorted(filter(None, countries)):
        verdict = judge(loaded, table, country, Policy(resamples=2), now=LATER)
        assert verdict.gateway is None, country
        assert verdict.grade in {"insufficient", "mixed"}, country


def india(table: Origin) -> Loaded:
    """The Indian vantage points' traces, as the Atlas would have written them.

    The files say which router answered at which distance, after how many seconds. A vantage
    point's network is that of the first public router at home on its traces, a destination's
    address the one that goes on answering at the end of a path. They are given eight days, so
    that the rule of seven days cannot be what spares anybody.
    """
    loaded = Loaded()
    with tarfile.open(elsewhere("india_kst164_raw_traces_2023.tar.gz")) as archive:
        files = [m for m in archive.getmembers() if re.search(r"raw_traces/\w+\.json$", m.name)]
        for number, member in enumerate(sorted(files, key=lambda m: m.name)):
            content = archive.extractfile(member)
            assert content is not None
            paths = [t for target in json.load(content) for t in target["traces"] if t]
            own = next(
                address
                for path in paths
                for _, address, _ in path
                if table.lookup(address).country == "IN"
            )
            for path in paths:
                last = path[-1][1]
                if path[-2:][0][1] != last or not ip_address(last).is_global:
                    continue
                hops = {int(ttl): (address, 1000 * rtt) for ttl, address, rtt in path}
                for day in range(8):
                    loaded.traces.append(
                        from_json(
                            {
                                "from": own,
                                "prb_id": number,
                                "dst_addr": last,
                                "af": 4,
                                "timestamp": 1_690_000_000 + 86_400 * day,
                                "result": [
                                    {"hop": ttl, "result": [{"from": address, "rtt": rtt}]}
                                    for ttl, (address, rtt) in sorted(hops.items())
                                ],
                            }
                        )
                    )
    return loaded


def test_the_customers_of_one_carrier_are_no_national_gateway(table: Origin) -> None:
    """Indian institutes whose paths leave through Bharti are Bharti's customers, no more."""
    loaded = india(table)
    assert len(loaded.traces) > 500
    verdict = judge(loaded, table, "IN", Policy(resamples=2), now=LATER)
    assert verdict.gateway is None
    assert verdict.grade == "insufficient"
    bharti = [seen for seen in verdict.observations if seen.organisation == "Bharti Airtel Limited"]
    assert len({seen.vantage for seen in bharti}) > 1
    known = [seen for seen in bharti if seen.crossing and seen.crossing.state == "resolved"]
    assert known
    assert all(
        step.sight is None or step.own or step.sight.place != "home" or step.sight.special
        for seen in known
        for step in seen.steps
    )
    candidates = {found["name"] for found in verdict.fields["candidates"]}
    assert "Bharti Airtel Limited" not in candidates
