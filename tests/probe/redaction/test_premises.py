"""What is one's own at this end of the line, and what would give it away."""

from __future__ import annotations

import ipaddress

from probe.redaction.premises import Premises

HOME = Premises(
    frozenset({"192.168.1.10", "fe80::1c2b:3aff:fe4d:5e6f"}),
    (ipaddress.ip_network("192.168.1.0/24"),),
    frozenset({"sokha-laptop"}),
)


def test_what_others_on_the_same_link_are_called_tells_nothing() -> None:
    """Every machine has link-local addresses of one block; only its own identifier is its own."""
    assert HOME.given_away_by("fe80::1c2b:3aff:fe4d:5e6f")
    assert not HOME.given_away_by("fe80::99")


def test_both_ends_of_a_line_that_moved_are_hidden() -> None:
    """What either place knows of itself is kept in what they know together."""
    away = Premises(
        frozenset({"10.9.8.7"}),
        (ipaddress.ip_network("10.9.8.0/24"),),
        frozenset({"sokha-phone"}),
        frozenset({"aabbccddeeff"}),
        frozenset({"sokha"}),
    )
    both = HOME.joined(away)
    assert both.host_names == {"sokha-laptop", "sokha-phone"}
    assert both.users == {"sokha"}
    assert both.hardware == {"aabbccddeeff"}
    assert both.holds("192.168.1.77")
    assert both.holds("10.9.8.77")
    assert Premises(frozenset({"10.9.8.7"})).holds("10.9.8.7")
