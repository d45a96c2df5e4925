"""What every backend asks of the system: sentences for refusals, addresses, waiting."""

from __future__ import annotations

import errno
import os
import socket

import pytest

from probe.network import NetworkError, NoRoute, NotPermitted
from probe.network.addresses import canonical, is_own_voice, send_problem, source_towards
from tests.probe.kernel import OnlyIPv4


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENETUNREACH, NoRoute),
        (errno.EHOSTUNREACH, NoRoute),
        (errno.EADDRNOTAVAIL, NoRoute),
        (errno.EINVAL, NoRoute),
        (errno.EPERM, NotPermitted),
        (errno.EACCES, NotPermitted),
        (errno.ENOBUFS, BlockingIOError),
        (errno.EAGAIN, BlockingIOError),
        (errno.EMSGSIZE, NetworkError),
    ],
)
def test_each_refusal_of_the_kernel_has_its_meaning(number: int, expected: type[Exception]) -> None:
    """An error number becomes the exception that the protocol names, with the target in it."""
    problem = send_problem(OSError(number, os.strerror(number)), "192.0.2.1")
    assert type(problem) is expected
    assert expected is BlockingIOError or "192.0.2.1" in str(problem)


def test_addresses_are_compared_as_the_kernel_writes_them() -> None:
    """However an address is written, it is the same target."""
    assert canonical("2001:0DB8:0:0::1") == canonical("2001:db8::1") == (6, "2001:db8::1")


@pytest.mark.parametrize("text", ["example.org", "192.0.2.256", "fe80::1%nowhere", ""])
def test_what_is_no_address_has_no_route(text: str) -> None:
    """A name or a broken address is refused in a sentence that quotes it."""
    with pytest.raises(NoRoute, match="not an IP address"):
        canonical(text)


@pytest.mark.parametrize(("target", "version"), [("127.0.0.1", 4), ("::1", 6)])
def test_the_way_to_this_machine_starts_at_this_machine(target: str, version: int) -> None:
    """The source towards loopback is loopback, and a target's own answer is not our voice."""
    assert source_towards(target, version) == target
    assert not is_own_voice(target, target)


@pytest.mark.parametrize("source", ["fe80::1%eth0", "fe80::1", "febf::1"])
def test_from_an_address_of_the_link_nothing_leads_farther(
    monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    """The kernel sends from there where a router is left of an IPv6 that its provider took back."""

    class Sourced(socket.socket):
        def connect(self, _address: object) -> None:
            pass

        def getsockname(self) -> tuple[str, int]:
            return source, 0

    monkeypatch.setattr("probe.network.addresses.socket.socket", Sourced)
    with pytest.raises(NoRoute, match="no route to 2001:db8::1"):
        source_towards("2001:db8::1", 6)
    assert source_towards("fe80::2", 6) == source
    assert source_towards("FE81::2", 6) == source


def test_without_ipv6_in_the_kernel_there_is_no_route_over_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """There are not even sockets of that family: no route, as where there is no address of it."""
    monkeypatch.setattr("probe.network.addresses.socket.socket", OnlyIPv4)
    assert source_towards("127.0.0.1", 4) == "127.0.0.1"
    with pytest.raises(NoRoute, match="not supported"):
        source_towards("::1", 6)
    assert not is_own_voice("2001:db8::1", "2001:db8::2")
