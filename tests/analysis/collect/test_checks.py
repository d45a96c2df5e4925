"""What a collector keeps: what the program wrote, redacted, of a time that has been."""

from __future__ import annotations

import contextlib
import copy
import functools
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.collect.checks import Refused, check
from probe.cli import main
from probe.engine.horizon import Limits
from probe.engine.session import SessionSettings
from probe.graph import Graph, Level, Link, Node
from probe.record import Attribution, Hop, Reply, Trace, Vantage, from_line
from probe.sharing.bundle import seal, unseal
from tests.analysis.collect.bundles import KEY, NETWORK, NOW, line, sealed, trace
from tests.harness.consenting import agree
from tests.probe import paths


def checked(*lines: bytes, now: datetime = NOW, **said: Any) -> None:
    check(unseal(sealed(lines, **said)), now)


def refused(*lines: bytes, now: datetime = NOW, **said: Any) -> str:
    with pytest.raises(Refused) as failure:
        checked(*lines, now=now, **said)
    assert str(failure.value).startswith(f"{failure.value.word}: ")
    return str(failure.value)


def test_what_the_program_kept_may_be_kept() -> None:
    """An honest bundle passes."""
    checked(line(trace(1)), line(trace(2)))


def test_what_a_run_kept_may_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run, its bundle and the checks agree on what is redacted, for both IP versions."""
    home = agree(tmp_path / "home")
    monkeypatch.setenv("GATEWATCH_HOME", str(home))
    monkeypatch.setattr("probe.commands.run.read_premises", lambda: paths.HOME)
    monkeypatch.setattr("probe.commands.run.without_way", lambda _: frozenset())
    monkeypatch.setattr(
        "probe.commands.run.SessionSettings",
        functools.partial(SessionSettings, limits=Limits(timeout_ceiling=0.1)),
    )
    monkeypatch.setattr(
        "probe.commands.run.open_network", lambda *_, **__: paths.network(paths.routes)
    )
    targets = tmp_path / "targets.txt"
    listed = (paths.TARGET, "193.0.6.138", "193.0.14.129", "203.144.64.1", paths.TARGET_6)
    targets.write_text("".join(f"{one} a server\n" for one in listed), encoding="utf-8")
    gatewatch = functools.partial(CliRunner().invoke, main)
    assert gatewatch(["run", "--rate", "1000", "--targets", str(targets)]).exit_code == 0
    said = json.loads(gatewatch(["bundle", "--json"]).stdout)
    (bundle,) = said["bundles"]
    assert bundle["traces"] == len(listed)
    check(unseal(Path(bundle["file"]).read_bytes()), datetime.now(UTC))


def test_a_record_of_an_earlier_version_may_be_kept() -> None:
    """What a later version added is missing there, and that is no reason to refuse it."""
    fields = json.loads(line(trace()))
    for name in ("inferred", "changed", "protos"):
        del fields["gatewatch"][name]
    checked(json.dumps(fields, separators=(",", ":")).encode() + b"\n")


HOPS = trace().hops
FOREIGN = Attribution(6453, "TATA", "Tata", "US")


def with_hop(number: int, address: str | None, said: Attribution | None = FOREIGN) -> Trace:
    hops = [hop for hop in HOPS if hop.number != number]
    hops.append(Hop(number, (Reply(address, 3.0),), said))
    return trace(hops=tuple(sorted(hops)))


def with_multipath(ttl: int, address: str | None) -> Trace:
    level = Level(ttl, (Node(address, (1,)),), complete=True, per_packet=False)
    return trace(multipath=Graph((level,), (), 6, 0.05))


def with_reply(**said: Any) -> Trace:
    return trace(hops=(*HOPS[:3], Hop(4, (Reply("80.231.0.1", 3.0, **said),), FOREIGN)))


def with_labels(labels: object, **said: object) -> Trace:
    return with_reply(extensions={**said, "obj": [{"class": 1, "type": 1, "mpls": labels}]})


def with_extension(depth: int) -> Trace:
    inner: dict[str, Any] = {}
    for _ in range(depth):
        inner = {"a": inner}
    return with_reply(extensions=inner)


UNREDACTED = {
    "source": trace(source="203.0.113.9"),
    "first hop": with_hop(1, "80.231.0.1"),
    "own subnet": with_hop(3, "80.231.0.1", Attribution(special="lan")),
    "private": with_hop(3, "10.20.1.30"),
    "cgnat": with_hop(3, "100.64.7.9"),
    "ula": with_hop(3, "fd00:1::1"),
    "private in NAT64": with_hop(3, "64:ff9b::a14:11e"),
    "access network": with_hop(3, "36.37.130.77", Attribution(NETWORK, "V", "Viettel")),
    "its sibling": with_hop(3, "36.37.130.77", Attribution(7, "V", "Viettel")),
    "private target": trace(dst_addr="10.20.1.30", dst_name=None, hops=HOPS[:2]),
    "parallel path": with_multipath(4, "10.20.1.30"),
    "parallel first hop": with_multipath(1, "80.231.0.1"),
    "link": trace(multipath=Graph((), (Link(3, "80.231.0.1", "10.0.0.9", (1,)),), 6, 0.05)),
    "address in a note": trace(notes=("no route from 198.51.100.7 to it",)),
    "IPv6 in a note": trace(notes=("from 2001:db8::7: no route",)),
    "address in an error": trace(error="bind 198.51.100.7: refused"),
    "hardware address": trace(notes=("neighbour 00:16:3e:12:34:56 is gone",)),
    "hardware address with dashes": trace(notes=("00-16-3e-12-34-56",)),
    "local name": trace(dst_name="nas.home.arpa"),
    "address in a name": trace(dst_name="198.51.100.7.example.org"),
    "interface": with_reply(extensions={"obj": [{"class": 2, "name": "eth0"}]}),
    "text beside objects": with_labels([{"label": 3}], who="sokha"),
    "text beside a label": with_labels([{"label": 3, "who": "sokha"}]),
    "text for labels": with_labels("sokha"),
    "number for objects": with_reply(extensions={"obj": 5}),
    "text for an error": with_reply(err="sokha"),
}


@pytest.mark.parametrize("name", UNREDACTED)
def test_what_should_not_have_left_is_refused(name: str) -> None:
    """Whatever redaction should have taken is found, and the line is named."""
    said = refused(line(trace(9)), line(UNREDACTED[name]))
    assert said.startswith("unredacted: line 2 has ")


def test_what_redaction_leaves_is_let_through() -> None:
    """Blocks, foreign hops, MPLS labels and plain words are what evidence is made of."""
    label = {"label": 3, "exp": 0, "s": 1, "ttl": 1}
    told = trace(
        dst_name="k.root-servers.net",
        notes=("the clock was set at 12:30:45", "to 80.231.1.1"),
        snapshots=("table@2026-06-17+0123abcd",),
    )
    labelled = with_labels([label], version=2, rfc4884=1)
    block = trace(dst_addr="10.20.7.0", dst_name=None, hops=HOPS[:3])
    parallel = (with_multipath(3, "10.20.1.0"), with_multipath(1, None), with_multipath(4, None))
    checked(*map(line, (told, block, *parallel, labelled, with_reply(err="H"))))


HOUR = 3600
AT_NOW = int(NOW.timestamp())


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (trace(timestamp=AT_NOW + 2 * HOUR, endtime=AT_NOW + 2 * HOUR), "has not come yet"),
        (trace(endtime=AT_NOW + 2 * HOUR), "has not come yet"),
        (trace(timestamp=0, endtime=1), "begins on 1970-01-01"),
        (trace(timestamp=10**17, endtime=10**17), "begins at no time"),
        (trace(timestamp=10**17), "begins at no time"),
        (trace(endtime=trace().timestamp - 1), "ends before it begins"),
    ],
)
def test_a_clock_that_was_wrong_is_noticed(one: Trace, said: str) -> None:
    """A trace of the future, of the past or of no time is refused with what is wrong."""
    text = refused(line(one))
    assert text.startswith("clock: line 1 ")
    assert said in text


def test_an_hour_ahead_is_let_through() -> None:
    """Two clocks are seldom the same."""
    early = datetime.fromtimestamp(trace().endtime - HOUR, UTC)
    checked(line(trace()), now=early, made="2026-11-23")


@pytest.mark.parametrize(
    ("lines", "said", "wanted"),
    [
        ([b"{}\n"], {}, "malformed: line 1 is no trace: "),
        ([b'{"a":' * 5000 + b"\n"], {}, "malformed: line 1 is no trace: "),
        ([line(with_extension(700))], {}, "malformed: line 1 is no trace: "),
        ([line(trace()), line(trace())], {}, "repeated: the bundle holds"),
        ([line(trace(vantage=None))], {}, "malformed: line 1 has no pseudonym"),
        ([line(trace(vantage=Vantage("sokha-laptop", NETWORK)))], {}, "malformed: line 1 has no"),
        ([line(trace())], {"network": 1}, "malformed: line 1 is of another network"),
        ([line(trace())], {"days": ["2026-11-22"]}, "malformed: the manifest names other days"),
        ([line(trace())], {"made": "2026-11-22"}, "clock: the bundle says"),
        ([line(trace())], {"made": "2026-11-26"}, "clock: the bundle says"),
        ([line(trace()).replace(b'{"fw"', b'{ "fw"')], {}, "malformed: line 1 is not written"),
        (
            [line(trace()).replace(b'"error":null', b'"error":"203.0.113.9","error":null')],
            {},
            "malformed: line 1 is not written",
        ),
        ([line(trace()).replace(b'"af":4', b'"af":4,"who":"me"')], {}, "malformed: line 1 has f"),
        ([line(trace()).replace(b'"ttl":64', b'"ttl":64,"mac":1')], {}, "malformed: line 1 has f"),
    ],
)
def test_what_is_not_as_it_should_be_is_said(
    lines: list[bytes], said: dict[str, Any], wanted: str
) -> None:
    """The reason names the line, or what the manifest says that is not so."""
    assert refused(*lines, **said).startswith(wanted)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to each value inside a JSON value."""
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [path, *(way for key, one in inner for way in places(one, (*path, key)))]


WHOLE = json.loads(line(with_multipath(4, "80.231.0.1")._replace(notes=("a",), error="b")))
PLACES = places(WHOLE)[1:]


@settings(max_examples=250)
@given(st.sampled_from(PLACES), JSON)
def test_whatever_a_key_holder_puts_in_is_kept_or_refused(
    place: tuple[Any, ...], value: Any
) -> None:
    """A signed line with any value anywhere comes to a decision, and to no other end."""
    changed = copy.deepcopy(WHOLE)
    within = functools.reduce(lambda inner, key: inner[key], place[:-1], changed)
    within[place[-1]] = value
    text = json.dumps(changed, separators=(",", ":")).encode() + b"\n"
    data = seal([text], KEY, network=NETWORK, days=["2026-11-23"], made="2026-11-24", program="own")
    with contextlib.suppress(Refused):
        check(unseal(data), NOW)
        assert from_line(text).source is None
