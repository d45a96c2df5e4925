"""How the traces of a run are made."""

from __future__ import annotations

from probe.engine.economical import REFUSED
from probe.engine.forks import Forks
from probe.engine.manner import Manner
from probe.record import Hop, Reply, Trace
from tests.probe.table import Table


def manner(home: str | None = "KH", *, economical: bool = True) -> Manner:
    return Manner(Table(), lambda trace: home, economical=economical)


def test_abroad_is_what_is_registered_in_another_country() -> None:
    """Networks of the country and its exchange are at home; private addresses are nowhere."""
    said = [manner().is_abroad(text) for text in ("36.37.0.1", "103.7.144.1", "80.231.0.1")]
    assert said == [False, False, True]
    assert manner().is_abroad("10.1.2.3") is None
    assert manner().is_abroad("198.51.100.1") is None


def test_without_a_country_nobody_is_abroad() -> None:
    """Where it is not known where one is, it is not known who is abroad."""
    assert manner(None).is_abroad("80.231.0.1") is None


def test_what_is_shared_is_forgotten_in_another_place() -> None:
    """Routes that were learnt elsewhere are not taken over."""
    ours = manner()
    before = ours.routes
    assert before is not None
    before.learn(["36.37.0.1"])
    ours.begin_anew()
    assert ours.routes is not None
    assert ours.routes.before(1, "36.37.0.1") is None


def test_a_witness_tells_a_refusal_from_silence() -> None:
    """What a router that only refused says is no address to take over, nor is it silence."""
    ours = manner()
    hops = (
        Hop(1, (Reply("36.37.0.1", 1.0),)),
        Hop(2, (Reply(),)),
        Hop(3, (Reply(), Reply("36.37.0.1", 1.0, err="A"))),
        Hop(4, (Reply("80.231.0.1", 9.0),)),
    )
    ours.learn(Trace("80.231.0.9", 4, "ICMP", 0, 1, hops, stop="gap"))
    assert ours.routes is not None
    before = ours.routes.before(4, "80.231.0.1")
    assert before is not None
    assert list(before.values()) == [REFUSED, None, "36.37.0.1"]


def test_a_trace_that_broke_off_teaches_nothing() -> None:
    """Hops that were not asked are missing from it: the others are not where they seem to be."""
    ours = manner()
    hops = (Hop(3, (Reply("36.37.0.1", 1.0),)), Hop(5, (Reply("80.231.0.1", 9.0),)))
    ours.learn(Trace("80.231.0.9", 4, "ICMP", 0, 1, hops, stop="error", error="no route"))
    assert ours.routes is not None
    assert ours.routes.before(2, "80.231.0.1") is None


def test_nothing_is_shared_where_every_hop_is_measured() -> None:
    """Taking over is what was asked for, or it does not happen; the border is looked at."""
    ours = manner(economical=False)
    assert ours.routes is None
    assert isinstance(ours.explore, Forks)
    assert Manner(Table(), lambda trace: "KH", multipath="off").explore is None
