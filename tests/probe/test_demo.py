from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from ripe.atlas.sagan import TracerouteResult

from analysis.intake.load import load
from analysis.judgement.judge import judge
from analysis.policy import Policy
from probe.demo import Country, DemoFiles, simulate
from probe.disk.places import shipped
from probe.origin import Origin, open_origin
from probe.record import SIMULATED, Trace
from probe.spool import Kept, read, torn
from probe.words.failure import BadInput

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.xdist_group("demo")


@dataclass(frozen=True)
class Demo:
    files: DemoFiles
    told: list[tuple[str, float]]
    before: list[Kept]
    after: list[Kept]

    @property
    def traces(self) -> list[Trace]:
        return [kept.trace for kept in self.before + self.after if kept.trace is not None]


@pytest.fixture(scope="module")
def origin() -> Origin:
    return open_origin(shipped("origin/iplocdb.mmdb"))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, origin: Origin) -> Demo:
    told: list[tuple[str, float]] = []
    files = simulate(
        tmp_path_factory.mktemp("demo"),
        progress=lambda what, done: told.append((what, done)),
        origin=origin,
        runs=1,
    )
    return Demo(files, told, list(read(files.before)), list(read(files.after)))


def test_every_network_has_a_block_that_the_shipped_table_knows(origin: Origin) -> None:
    """Blocks map to their AS number from end to end, at home to KH and abroad to elsewhere."""
    country = Country()
    day = country.switched_on
    for name, system in country.internet(day).systems.items():
        for site in system.sites.values():
            for address in (
                site.block[1],
                site.block[site.block.num_addresses // 2],
                site.block[-2],
            ):
                said = origin.lookup(str(address))
                if site.block.is_private:
                    assert said.special == "private"
                    continue
                assert said.asn == system.asn, name
                assert (said.country == "KH") == (name in country.home), name


def test_exchange_lans_are_those_the_table_knows(origin: Origin) -> None:
    """An address of each LAN is an exchange's at home."""
    for lan in Country().exchanges.values():
        said = origin.lookup(str(lan[5]))
        assert (said.exchange is not None, said.country) == (True, "KH")


def test_targets_abroad_are_unicast_and_on_five_continents(origin: Origin) -> None:
    """What is traced to tells operators and continents apart."""
    targets = [host.address for host, _ in Country().volunteers()[0].targets]
    abroad = [address for address in targets if origin.lookup(address).country != "KH"]
    assert len(abroad) >= 9
    assert not any(origin.is_anycast(address) for address in abroad)
    continents = {origin.continent(origin.lookup(address).country or "") for address in abroad}
    assert len(continents) >= 5


def test_after_the_switch_every_way_abroad_passes_the_gateway() -> None:
    """But for the network that follows later, and the private link that one forgot."""
    country = Country()
    first, *_, last = list(country.days())
    exceptions = set()
    for volunteer in country.volunteers():
        here = volunteer.line.system
        for host, _ in volunteer.targets:
            before = country.internet(first).path(here, host.system)
            after = country.internet(last).path(here, host.system)
            assert before is not None
            assert after is not None
            if here != "telecom-cambodia" and "telecom-cambodia" not in after:
                exceptions.add((here, host.system))
    assert exceptions == {("smart", "starhub")}
    day = country.switched_on
    assert country.internet(day).path("viettel", "iij")[1] == "telecom-cambodia"  # type: ignore[index]
    assert "telecom-cambodia" not in (country.internet(day).path("sinet", "iij") or ())


def test_volunteers_are_as_uneven_as_they_are_in_fact() -> None:
    """Fourteen organisations, most volunteers in one of them."""
    systems = [volunteer.line.system for volunteer in Country().volunteers()]
    assert len(set(systems)) == 14
    assert max(systems.count(system) for system in systems) == systems.count("viettel") == 3


def test_it_writes_two_spools_that_are_whole(demo: Demo) -> None:
    """One line a trace, none torn, each day in its file, before and after apart."""
    volunteers = Country().volunteers()
    expected = sum(len(volunteer.targets) for volunteer in volunteers)
    assert len(demo.before) == len(demo.after) == expected
    assert len(demo.traces) == 2 * expected
    assert torn(demo.files.before) == torn(demo.files.after) == 0
    assert [path.name for path in sorted(demo.files.before.iterdir())] == ["2022-02-13.jsonl"]
    assert [path.name for path in sorted(demo.files.after.iterdir())] == ["2022-02-16.jsonl"]
    assert (demo.files.country, str(demo.files.switched_on)) == ("KH", "2022-02-16")


def test_every_line_says_that_it_is_simulated(demo: Demo) -> None:
    """In the backend, in the vantage's name and in a note."""
    for trace in demo.traces:
        assert trace.backend == "simulated"
        assert trace.notes == (SIMULATED,)
        assert trace.vantage is not None
        assert trace.vantage.id.startswith("simulated-")


def test_every_line_is_an_atlas_result(demo: Demo) -> None:
    """The tools of that ecosystem read the demo as they are."""
    for kept in demo.before[::7] + demo.after[::7]:
        result = TracerouteResult(json.loads(kept.line))
        assert not result.is_malformed
        assert result.total_hops >= 3


def test_it_is_attributed_and_redacted(demo: Demo) -> None:
    """The first hop is a LAN, no line holds its volunteer's address, the access network is cut."""
    lines = {volunteer.line.name: volunteer.line for volunteer in Country().volunteers()}
    for kept in demo.before + demo.after:
        assert kept.trace is not None
        assert kept.trace.vantage is not None
        line = lines[kept.trace.vantage.id.removeprefix("simulated-")]
        text = kept.line.decode()
        assert f'"{line.address}"' not in text
        assert "192.168." not in text
        first = kept.trace.hops[0]
        assert first.attribution is not None
        assert first.attribution.special == "lan"
        assert kept.trace.redactions["lan"] >= 1
        assert kept.trace.snapshots
        own = {hop.attribution.asn for hop in kept.trace.hops[1:3] if hop.attribution} - {None}
        assert own <= {kept.trace.vantage.asn}


def test_it_is_as_untidy_as_real_paths_are(demo: Demo) -> None:
    """Silent hops, private hops of the gateway, hidden targets, exchange LANs, lost probes."""
    hops = [hop for trace in demo.traces for hop in trace.hops[1:]]
    inner = [hop for trace in demo.traces if trace.reached for hop in trace.hops[1:]]
    silent = sum(all(reply.is_star for reply in hop.replies) for hop in inner)
    assert 0.05 < silent / len(inner) < 0.2
    assert any(hop.attribution and hop.attribution.exchange for hop in hops)
    assert {trace.stop for trace in demo.traces} == {"destination", "gap"}
    assert any(hop.replies[0].is_star and not hop.replies[-1].is_star for hop in hops)
    private = {
        reply.address
        for kept in demo.after
        if kept.trace
        for hop in kept.trace.hops
        for reply in hop.replies
        if reply.address and reply.address.startswith("10.20.")
    }
    assert private == {"10.20.3.0", "10.20.4.0"}


def test_the_same_again(demo: Demo, tmp_path: Path, origin: Origin) -> None:
    """A second demo, into a folder that holds remains of another, gives the same bytes."""
    remains = tmp_path / "before" / "1999-12-31.jsonl"
    remains.parent.mkdir()
    line = demo.before[0].line
    remains.write_bytes(line + line[:40])  # that one was killed
    files = simulate(tmp_path, origin=origin, runs=1)
    assert not remains.exists()
    assert [kept.line for kept in read(files.before)] == [kept.line for kept in demo.before]
    assert [kept.line for kept in read(files.after)] == [kept.line for kept in demo.after]


@pytest.mark.parametrize("side", ["before", "after"])
def test_traces_that_were_measured_are_never_replaced(
    tmp_path: Path, origin: Origin, side: str
) -> None:
    """Whoever calls folders of real traces so loses none to a demo."""
    (tmp_path / side).mkdir()
    mine = tmp_path / side / "2022-02-16.jsonl"
    mine.write_text('{"dst_addr": "192.0.2.1", "result": []}\n', encoding="utf-8")
    with pytest.raises(BadInput, match=r"2022-02-16\.jsonl was not made by a demo"):
        simulate(tmp_path, origin=origin, runs=1)
    assert mine.read_text(encoding="utf-8").startswith('{"dst_addr"')


def test_progress_only_goes_forward(demo: Demo) -> None:
    """Fractions rise from 0 to 1, and the text says which day it is."""
    fractions = [done for _, done in demo.told]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert demo.told[0][0] == "13 February 2022"


def test_one_day_each_side_already_tells_them_apart(demo: Demo, origin: Origin) -> None:
    """Judged by a rule that is content with one day: diverse before, the gateway after."""
    grades = {}
    for name, folder in (("before", demo.files.before), ("after", demo.files.after)):
        verdict = judge(load([str(folder)]), origin, "KH", Policy(days=1), now=time.time())
        grades[name] = (verdict.grade, verdict.gateway and verdict.gateway["name"])
    assert grades["before"] == ("diverse", None)
    assert grades["after"][0] == "single_gateway"
    assert grades["after"][1] == origin.organisation(17726)
