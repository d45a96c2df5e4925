"""A key that is replaced makes nobody somebody else; a borrowed name makes nobody another."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.alarm.timeline import Timeline, find_alarm
from analysis.candidates.blocks import Blocks
from analysis.evidence.panel import Panel, observe
from analysis.evidence.succession import Heard, first_keys
from analysis.intake.told import Numbers, Speaker, fingerprint_of, tell
from analysis.owners.operators import Gazetteer, Node
from analysis.policy import Policy
from probe.record import Trace, Vantage, from_json
from tests.analysis.country import FIRST_DAY, HOME, NOW, Country

GAP = Policy().key_gap_days
ONE, TWO, THREE = (digit * 64 for digit in "123")


def heard(*spans: tuple[str, int, int], name: str = "v1", organisation: str = "Net") -> list[Heard]:
    """That these keys measured from a day to another, both included."""
    return [
        Heard(organisation, Speaker(key, name), FIRST_DAY + dt.timedelta(days=day))
        for key, first, last in spans
        for day in range(first, last + 1)
    ]


def joined(said: list[Heard]) -> dict[str, str]:
    """Key → the first of its owner's."""
    return {new.key: old.key for (_, new), old in first_keys(said, gap=GAP).items()}


@pytest.mark.parametrize(
    ("spans", "found"),
    [
        ([(ONE, 0, 89), (TWO, 90, 99)], {TWO: ONE}),
        ([(ONE, 0, 89), (TWO, 89, 99)], {TWO: ONE}),  # the day of the change
        ([(ONE, 0, 89), (TWO, 88, 99)], {}),
        ([(ONE, 0, 89), (TWO, 40, 41)], {}),
        ([(ONE, 0, 9), (TWO, 9 + GAP, 50)], {TWO: ONE}),
        ([(ONE, 0, 9), (TWO, 10 + GAP, 50)], {}),
        ([(ONE, 0, 89), (TWO, 90, 179), (THREE, 180, 200)], {TWO: ONE, THREE: ONE}),
        # Somebody who borrows the name in between parts them; what follows him is after him.
        ([(ONE, 0, 89), (THREE, 50, 120), (TWO, 90, 179)], {}),
    ],
)
def test_keys_that_follow_each_other_are_one(
    spans: list[tuple[str, int, int]], found: dict[str, str]
) -> None:
    """Without a common day but that of the change, and without a long gap."""
    said = heard(*spans)
    random.Random(1).shuffle(said)
    assert joined(said) == found


def test_names_and_networks_are_kept_apart() -> None:
    """Another pseudonym, another network, a key of several names, and what nobody signed."""
    old = heard((ONE, 0, 89))
    assert joined([*old, *heard((TWO, 90, 99), name="v2")]) == {}
    assert joined([*old, *heard((TWO, 90, 99), organisation="Other")]) == {}
    assert joined([*old, *heard((TWO, 90, 99)), *heard((TWO, 95, 95), name="v2")]) == {}
    assert joined([*old, *heard(("", 90, 99))]) == {}


@given(
    st.lists(
        st.tuples(st.sampled_from([ONE, TWO, THREE]), st.integers(0, 60), st.integers(0, 20)),
        max_size=6,
    )
)
def test_no_two_that_are_joined_measured_at_once(spans: list[tuple[str, int, int]]) -> None:
    """Whatever was heard: those who are one never measured together on more than one day."""
    said = heard(*((key, first, first + length) for key, first, length in spans))
    days: dict[str, set[dt.date]] = {}
    for one in said:
        days.setdefault(one.speaker.key, set()).add(one.day)
    for new, old in joined(said).items():
        assert len(days[new] & days[old]) <= 1
        assert min(days[new]) >= max(days[old])


# ------------------------------------------------------------------------ what it is for


def signed(made: Country, keys: dict[int, tuple[str, str]]) -> list[Trace]:
    """A country's traces as volunteers' records: vantage number → its key and its pseudonym."""
    traces = []
    for trace in map(from_json, made.results):
        assert trace.prb_id is not None
        organisation, number = divmod(trace.prb_id, 1000)
        key, name = keys[number]
        vantage = Vantage(f"{name}{organisation}", 100 + organisation, None, HOME)
        key = key[:-2] + f"{organisation:02}" if key else ""
        traces.append(trace._replace(vantage=vantage, key=key or None))
    return traces


def seen(made: Country, traces: list[Trace]) -> Panel:
    return observe(traces, Gazetteer(made.table, HOME), made.table, Policy(), NOW)


def switched(keys: dict[int, tuple[str, str]]) -> tuple[Timeline, Panel]:
    """Four organisations switch on the day on which the second key takes over from the first."""
    made = Country(12)
    for organisation in range(1, 5):
        for day in range(20):
            way = "lan own far6" if day < 10 else "lan own gate far6"
            made.trace(organisation, "30.0.1.200", way, day=day, vantage=int(day >= 10))
    panel = seen(made, signed(made, keys))

    gate = Node("organisation", "Gate")
    found = find_alarm(panel.observations, Blocks(panel.observations), {gate: {"Gate"}}, Policy())
    return found, panel


@pytest.mark.parametrize(
    ("other", "apart", "number"),
    [(("", "v"), 0, 3), (("", "v"), 10, 0), (("", "w"), 0, 0), ((TWO, "v"), 0, 0)],
    ids=["records beside bundles", "on other days", "of another", "signed too"],
)
def test_records_beside_the_bundles_that_hold_them_are_noticed(
    other: tuple[str, str], apart: int, number: int
) -> None:
    """As Parquet of last year beside its bundles: each volunteer counted as two, unsaid."""
    made = Country(12)
    for organisation in range(1, 4):
        for day in range(10):
            for vantage in (0, 1):
                later = vantage * apart + day
                made.trace(organisation, "30.0.1.200", "lan own far6", day=later, vantage=vantage)
    panel = seen(made, signed(made, {0: (ONE, "v"), 1: other}))
    assert panel.signed_and_not == number


def test_a_switch_on_is_found_on_the_day_the_keys_change() -> None:
    """All volunteers began together, so all their keys are replaced together."""
    timeline, panel = switched({0: (ONE, "v"), 1: (TWO, "v")})
    assert timeline.alarm is not None
    assert len({observation.vantage for observation in panel.observations}) == 4
    timeline, panel = switched({0: (ONE, "v"), 1: (TWO, "other")})
    assert timeline.alarm is None
    assert len({observation.vantage for observation in panel.observations}) == 8


def test_a_result_under_two_pseudonyms_is_not_the_same_result() -> None:
    """Who follows whom hangs on the pseudonym: no order of files may say which one counts."""
    made = Country(3)
    made.trace(1, "30.0.1.200", "lan own far6")
    (honest,) = signed(made, {0: (ONE, "v")})
    assert honest.vantage is not None
    renamed = honest._replace(vantage=honest.vantage._replace(id="another"))
    numbers = Numbers()
    one, other = (fingerprint_of(trace, tell(trace), numbers) for trace in (honest, renamed))
    assert one.claims == other.claims
    assert one.heard != other.heard


def test_whoever_calls_himself_by_a_key_is_not_its_owner() -> None:
    """Unsigned traces under the text of somebody's key displace none of his, nor outvote him."""
    made = Country(3)
    made.trace(1, "30.0.1.200", "lan own far6")
    (honest,) = signed(made, {0: (ONE, "v")})
    assert honest.key is not None
    liar = honest._replace(vantage=Vantage(honest.key, 101, None, HOME), key=None)
    numbers = Numbers()
    claims = {fingerprint_of(trace, tell(trace), numbers).claims for trace in (honest, liar)}
    assert len(claims) == 2
    elsewhere = [
        liar._replace(vantage=Vantage(honest.key, 102, None, HOME), timestamp=time)
        for time in (liar.timestamp, liar.timestamp + 86_400.0, liar.timestamp + 2 * 86_400.0)
    ]
    panel = seen(made, [honest, *elsewhere])
    assert honest.key in {observation.vantage for observation in panel.observations}
    assert panel.rejected == {}


def test_no_numbers_make_a_trace_pass_for_somebody_elses() -> None:
    """Not even a measurement's number that was worked out for it, as this one for `hash`."""
    made = Country(3)
    made.trace(1, "30.0.1.200", "lan own far6")
    (honest,) = signed(made, {0: (ONE, "v")})
    liar = honest._replace(key=TWO[:-2] + "01", msm_id=-1587046587277273849, paris_id=0)
    numbers = Numbers()
    claims = {fingerprint_of(trace, tell(trace), numbers).claims for trace in (honest, liar)}
    assert len(claims) == 2


def test_whoever_takes_a_pseudonym_before_its_owner_takes_nothing_with_him() -> None:
    """A key of another network that signs one day here, under the name of who came after it."""
    made = Country(3)
    for day in (4, 5, 6):
        made.trace(1, "30.0.1.200", "lan own far6", day=day, vantage=int(day > 4))
    for day in range(5):
        made.trace(2, "30.0.1.200", "lan own far6", day=day)
    traces = signed(made, {0: (TWO, "v"), 1: (ONE, "v")})
    traces = [t._replace(key=t.key[:-2] + "01") if t.key else t for t in traces]
    panel = seen(made, traces)
    assert panel.rejected == {"key_in_other_network": 1}
    assert [seen.vantage for seen in panel.observations if seen.organisation == "Net 1"] == [
        ONE[:-2] + "01"
    ] * 2
    assert panel.numbers == list(range(1, 8))
