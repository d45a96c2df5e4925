"""What both backends ask of Linux: sentences for refusals, times, addresses."""

from __future__ import annotations

import errno
import os

import pytest

from probe.network import Method, NetworkError, NoRoute, NotPermitted
from probe.network.linux import (
    Readiness,
    Sent,
    canonical,
    is_own_voice,
    round_trip,
    send_problem,
    source_towards,
)

SECOND = 1_000_000_000


def sent(wall: int, monotonic: int) -> Sent:
    return Sent(Method.UDP, "192.0.2.1", 33434, wall, monotonic)


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


def test_kernel_time_makes_the_round_trip() -> None:
    """The kernel's receive time counts, not the moment at which we came to read."""
    assert round_trip(sent(100 * SECOND, 5 * SECOND), 100 * SECOND + 2_000_000, 6 * SECOND) == 0.002


@pytest.mark.parametrize("step", [-3600 * SECOND, 3600 * SECOND])
def test_a_clock_that_was_set_does_not_make_a_round_trip(step: int) -> None:
    """When the wall clock jumps under way, the monotonic clock gives the time instead."""
    received = 100 * SECOND + step
    assert round_trip(sent(100 * SECOND, 5 * SECOND), received, 5 * SECOND + 40_000_000) == 0.04


def test_without_kernel_time_the_monotonic_clock_counts() -> None:
    """A missing time stamp gives the time until reading."""
    assert round_trip(sent(100 * SECOND, 5 * SECOND), None, 5 * SECOND + 40_000_000) == 0.04


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


async def test_a_rung_bell_ends_waiting_until_it_is_quiet() -> None:
    """Answers that were read in passing wake the waiting task, once."""
    readiness = Readiness(())
    readiness.ring()
    await readiness.wait()
    readiness.quiet()
    readiness.quiet()
    readiness.close()
    readiness.close()
