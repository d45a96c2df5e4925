"""Knowing for sure where one is, or knowing that one does not."""

from __future__ import annotations

import ipaddress
import socket

import pytest

from probe.origin.attribute import attribute
from probe.record import Hop, Reply, Trace
from probe.redaction.premises import Premises
from probe.vantage.locate import (
    access_of_interfaces,
    access_of_traces,
    access_said,
    in_doubt,
    read_premises,
)
from tests.probe.table import ABROAD, GATEWAY, PROVIDER, SIBLING, Table

TABLE = Table()


def trace(*addresses: str | None, target: str = "80.231.1.1", stop: str = "gap") -> Trace:
    return attribute(
        Trace(
            dst_addr=target,
            af=4,
            proto="ICMP",
            timestamp=0,
            endtime=0,
            stop=stop,
            hops=tuple(
                Hop(number, (Reply(address, 1.0) if address else Reply(),))
                for number, address in enumerate(addresses, start=1)
            ),
        ),
        TABLE,
    )


HOME = "192.168.1.1"


def test_the_premises_are_what_the_kernel_says() -> None:
    """The address the kernel would send from is among the own ones; loopback is not."""
    found = read_premises()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no IPv4 route to ask about")
        source = asked.getsockname()[0]
    assert source in found.addresses
    assert found.holds(source)
    assert all(not ipaddress.ip_address(address).is_loopback for address in found.addresses)
    assert "127.0.0.1" not in found.addresses
    assert socket.gethostname() in found.host_names | {"localhost"}


def test_whoever_runs_it_and_whoever_called_sudo_are_its_users(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Root is nobody, and a part of many a name; who has only a number has no name to hide."""
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(variable, "sokha")
    monkeypatch.delenv("SUDO_USER", raising=False)
    assert read_premises().users == {"sokha"}
    monkeypatch.setenv("SUDO_USER", "dara")
    monkeypatch.setenv("LOGNAME", "root")
    assert read_premises().users == {"dara"}

    def nameless() -> str:
        raise KeyError

    monkeypatch.setattr("getpass.getuser", nameless)
    assert read_premises().users == {"dara"}


def test_a_public_address_of_ones_own_is_sure() -> None:
    """Where an interface has a mapped address, its network is the access network."""
    home = Premises(frozenset({"36.37.9.9", "192.168.1.10", "2405:8380::7"}))
    for version in (4, 6):
        leaving = {4: "36.37.9.9", 6: "2405:8380::7"}[version]
        found = access_of_interfaces(home, version, TABLE, leaving)
        assert found is not None
        assert (found.asn, found.organisation, found.country, found.known_by) == (
            PROVIDER,
            "Viettel",
            "KH",
            "interface",
        )


@pytest.mark.parametrize(
    "addresses",
    [{"192.168.1.10"}, {"9.9.9.9"}, {"36.37.9.9", "80.231.5.5"}, {"fe80::1"}, set()],
)
def test_private_unmapped_or_several_addresses_are_not_sure(addresses: set[str]) -> None:
    """Behind NAT, in unmapped space or with two providers the interfaces do not tell."""
    for leaving in (*addresses, None):
        assert access_of_interfaces(Premises(frozenset(addresses)), 4, TABLE, leaving) is None


def test_a_public_address_that_packets_do_not_leave_from_tells_nothing() -> None:
    """As of a VPN into a university beside the way out, or of a modem that is but plugged in."""
    both = Premises(frozenset({"192.168.1.10", "203.144.64.7"}))
    assert access_of_interfaces(both, 4, TABLE, "192.168.1.10") is None
    out = access_of_interfaces(both, 4, TABLE, "203.144.64.7")
    assert out is not None
    assert out.asn == GATEWAY


def test_the_users_word_is_taken() -> None:
    """What the user says is sure, with the organisation's name from the table."""
    found = access_said(GATEWAY, TABLE)
    assert (found.asn, found.organisation, found.country) == (GATEWAY, "Telecom Cambodia", "KH")


def test_first_hops_that_agree_are_sure() -> None:
    """Behind NAT the first public hops tell, siblings counting as one organisation."""
    found = access_of_traces(
        [
            trace(HOME, "100.64.0.1", "36.37.9.9", "80.231.1.1"),
            trace(HOME, None, "36.38.1.1", "80.231.1.1"),
            trace(HOME, "36.37.8.8", "203.144.64.1"),
        ],
        "KH",
        TABLE,
    )
    assert found is not None
    assert (found.asn, found.organisation, found.known_by) == (PROVIDER, "Viettel", "first_hops")
    assert found.asn != SIBLING


def test_one_located_trace_suffices_when_the_others_are_silent() -> None:
    """A trace that shows nothing is no disagreement."""
    found = access_of_traces([trace(None, None), trace(HOME, "36.37.9.9")], None, TABLE)
    assert found is not None
    assert found.asn == PROVIDER


LOST = trace(HOME, None, "203.144.64.1", "80.231.7.7", target="80.231.1.2")


def test_a_path_of_which_only_a_try_shows_the_provider() -> None:
    """Loss is made good by another try, where both went on through the same network."""
    sure = trace(HOME, "36.37.9.9", "203.144.64.1", "80.231.7.7")
    assert in_doubt([sure, LOST], TABLE) == ["80.231.1.2"]
    again = trace(HOME, "36.37.9.9", "203.144.64.9", "80.231.7.7", target="80.231.1.2")
    for tries in ([LOST, again], [again, LOST]):
        assert in_doubt([sure, *tries], TABLE) == []
        found = access_of_traces([sure, *tries], None, TABLE)
        assert found is not None
        assert found.asn == PROVIDER


@pytest.mark.parametrize(
    "again",
    [
        LOST,
        trace(HOME, "36.37.9.9", None, "80.231.7.7", target="80.231.1.2"),
        trace(HOME, "36.37.9.9", "80.231.7.7", target="80.231.1.2"),
    ],
)
def test_a_try_that_may_have_gone_another_way_makes_nothing_sure(again: Trace) -> None:
    """It is asked once more; the network of either way may be the volunteer's own."""
    sure = trace(HOME, "36.37.9.9", "203.144.64.1", "80.231.7.7")
    assert access_of_traces([sure, LOST, again], None, TABLE) is None
    assert in_doubt([sure, LOST, again], TABLE) == ["80.231.1.2"]


def test_another_network_where_something_answers_is_no_loss() -> None:
    """A hop that showed an address of its own was not lost, and asking again would not help."""
    sure = trace(HOME, "36.37.9.9", "203.144.64.1")
    other = trace(HOME, "10.1.1.1", "203.144.64.1", target="80.231.1.2")
    assert access_of_traces([sure, other], None, TABLE) is None
    assert in_doubt([sure, other], TABLE) == []
    assert in_doubt([], TABLE) == []


@pytest.mark.parametrize(
    "traces",
    [
        [trace(HOME, "36.37.9.9"), trace(HOME, "203.144.64.1")],
        [trace(HOME, None, "10.1.1.1")],
        [trace()],
        [],
    ],
)
def test_first_hops_that_disagree_or_show_nothing_are_not_sure(traces: list[Trace]) -> None:
    """Two organisations, or none, leave the access network unknown."""
    assert access_of_traces(traces, None, TABLE) is None


def test_a_first_hop_abroad_contradicts_the_country() -> None:
    """Behind a silent access network the first hop is somebody else's; the country shows it."""
    silent = [trace(HOME, None, "80.231.7.7", "80.231.1.1")]
    assert access_of_traces(silent, "KH", TABLE) is None
    trusting = access_of_traces(silent, None, TABLE)
    assert trusting is not None
    assert trusting.asn == ABROAD


def test_the_target_and_what_lies_past_an_exchange_do_not_tell() -> None:
    """A target that answers first, or a first hop on a peering LAN, is not one's own network."""
    assert access_of_traces([trace(HOME, None, "80.231.1.1")], None, TABLE) is None
    elsewhere = trace(HOME, None, "80.231.9.9", stop="destination")
    assert access_of_traces([elsewhere], None, TABLE) is None
    assert access_of_traces([trace(HOME, "103.7.144.3", "203.144.64.1")], None, TABLE) is None
