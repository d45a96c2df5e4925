"""How a run ended, told from its counts."""

from __future__ import annotations

from probe.run.tally import FIREWALL, NO_ROUTE, REFUSED, Tally


def test_an_ip_version_without_any_route_is_absent_not_failed() -> None:
    """A home without IPv6 has failed nothing; a target without a route has."""
    tally = Tally()
    tally.sent(4, answered=True)
    tally.unrouted(6)
    tally.skipped(6)
    assert (tally.absent(), tally.failures()) == ({6: 2}, {})
    tally.unrouted(4)
    assert tally.failures() == {NO_ROUTE: 1}


def test_where_nothing_could_be_sent_no_ip_version_is_absent() -> None:
    """Then the link is away, which is a failure."""
    tally = Tally()
    tally.unrouted(4)
    tally.unrouted(6)
    assert (tally.absent(), tally.failures()) == ({}, {NO_ROUTE: 2})


def test_an_ip_version_that_was_there_before_the_machine_moved_is_not_absent() -> None:
    """The place that it moved to has lost something."""
    tally = Tally()
    tally.sent(4, answered=True)
    tally.moved(6)
    tally.skipped(6)
    assert (tally.absent(), tally.failures()) == ({}, {NO_ROUTE: 1})


def test_what_is_skipped_over_a_version_with_a_way_out_was_refused() -> None:
    """It had a route; what it had not is an access network that is known."""
    tally = Tally()
    tally.sent(6, answered=False)
    tally.skipped(6)
    tally.moved(6)
    tally.skipped(6)
    assert tally.failures() == {REFUSED: 1, NO_ROUTE: 1}
    assert not tally.answered


def test_what_is_kept_is_counted_with_what_it_says_of_the_place() -> None:
    """The firewall's last word is kept beside the count."""
    tally = Tally()
    tally.keep({"vpn"})
    tally.keep(())
    tally.held_back("the firewall refused")
    assert (tally.kept, tally.noted) == (2, {"vpn": 1})
    assert (tally.failures(), tally.firewall) == ({FIREWALL: 1}, "the firewall refused")
