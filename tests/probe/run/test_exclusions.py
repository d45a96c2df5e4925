"""Whom a volunteer never probes."""

from __future__ import annotations

import errno
import ipaddress
import os
import time
from typing import TYPE_CHECKING
from unittest.mock import Mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.run.exclusions import Exclusions, exclusions_file, read_exclusions
from probe.words.failure import BadInput, PermissionDenied

if TYPE_CHECKING:
    from pathlib import Path


def test_addresses_and_prefixes_of_both_versions(tmp_path: Path) -> None:
    """A line is an address or a prefix; remarks and empty lines are none."""
    path = tmp_path / "do-not-probe.txt"
    path.write_text(
        "# asked by mail\n192.0.2.7   # one host\n\n198.51.100.9/24\n2001:db8::/32\n",
        encoding="utf-8",
    )
    excluded = read_exclusions(path)
    for inside in ("192.0.2.7", "198.51.100.0", "198.51.100.255", "2001:db8:9::1"):
        assert excluded.holds(inside)
    for outside in ("192.0.2.8", "198.51.101.0", "2001:db9::1"):
        assert not excluded.holds(outside)


@pytest.mark.skipif(os.name != "posix", reason="no such files")
def test_a_pipe_in_the_place_of_the_list_is_not_waited_for(tmp_path: Path) -> None:
    """A command that sends would wait for ever, and say nothing."""
    os.mkfifo(tmp_path / "do-not-probe.txt")
    says = r"do-not-probe\.txt cannot be used: a pipe, a socket or a device lies where .*; move it"
    with pytest.raises(BadInput, match=says):
        read_exclusions(tmp_path / "do-not-probe.txt")


@pytest.mark.parametrize(
    "address",
    [
        "::ffff:192.0.2.7",
        "64:ff9b::192.0.2.7",
        "2002:c000:207::1",
        "2001:0:5a0:1:0:1234:3fff:fdf8",
        "2001:db8:1::5efe:192.0.2.7",
        "2001:db8:1::200:5efe:192.0.2.7",
        "::192.0.2.7",
    ],
)
def test_an_ipv4_address_in_another_dress_is_held_all_the_same(address: str) -> None:
    """What is sent to a mapped address, or through a NAT64 or tunnel, arrives at the IPv4 one."""
    excluded = Exclusions((ipaddress.ip_network("192.0.2.0/24"),))
    assert excluded.holds(address)
    assert not Exclusions((ipaddress.ip_network("192.0.3.0/24"),)).holds(address)


@pytest.mark.parametrize(
    "line",
    [
        "::ffff:192.0.2.7",
        "::ffff:192.0.2.0/120",
        "64:ff9b::192.0.2.7",
        "2002:c000:207::/48",
        "2002:c000:207::/64",
        "2001:0:5a0:1:0:1234:3fff:fdf8",
        "2001:0:5a0:1:0:1234:3fff:fd00/120",
        "2001:db8:1::5efe:192.0.2.7",
        "2001:db8:1::5efe:192.0.2.0/120",
    ],
)
def test_an_ipv4_address_that_is_listed_in_another_dress_is_held(tmp_path: Path, line: str) -> None:
    """Logs of servers that hear both versions name IPv4 hosts so, and from there it is copied."""
    path = tmp_path / "do-not-probe.txt"
    path.write_text(line, encoding="utf-8")
    excluded = read_exclusions(path)
    for address in ("192.0.2.7", "::ffff:192.0.2.7", "64:ff9b::192.0.2.7", "2002:c000:207::"):
        assert excluded.holds(address)
    assert not excluded.holds("192.0.3.7")
    assert not excluded.holds("2001:db8::7")


def test_a_block_of_ipv6_that_only_begins_so_is_no_ipv4_address(tmp_path: Path) -> None:
    """Who lists all of 6to4 lists addresses that hold an IPv4 one, not all of IPv4."""
    path = tmp_path / "do-not-probe.txt"
    path.write_text("2002::/16\n64:ff9b::/96\n2001::/32\n2001:db8::5efe:0:0/96\n::/96\n")
    excluded = read_exclusions(path)
    for address in ("192.0.2.7", "0.0.0.1", "255.255.255.254"):
        assert not excluded.holds(address)


def test_a_list_that_cannot_be_read_stops_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder, a file that this user may not read, one of a server that has another now."""
    with pytest.raises(BadInput, match=r"cannot be used \(Is a directory\): .*; move it away"):
        read_exclusions(tmp_path)
    for number, failure, says in (
        (errno.EACCES, PermissionDenied, "mend its permissions"),
        (errno.EMFILE, PermissionDenied, "close other programs"),
        (errno.ESTALE, BadInput, "cannot be read: Stale"),
    ):
        refused = OSError(number, os.strerror(number), str(tmp_path))
        monkeypatch.setattr("probe.run.exclusions.read_kept", Mock(side_effect=refused))
        with pytest.raises(failure, match=says):
            read_exclusions(tmp_path)


def test_the_list_lies_in_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever moved that has moved the list with it."""
    monkeypatch.setenv("GATEWATCH_HOME", str(tmp_path))
    assert exclusions_file() == tmp_path / "do-not-probe.txt"


def test_no_file_excludes_nothing(tmp_path: Path) -> None:
    """Who never wrote a list has an empty one."""
    assert read_exclusions(tmp_path / "none") == Exclusions()


@pytest.mark.parametrize("line", ["example.org", "192.0.2.0/33", "192.0.2.300", "192.0.2.1 host"])
def test_a_line_that_cannot_be_kept_to_stops_everything(tmp_path: Path, line: str) -> None:
    """The sentence names file and line, and that nothing was sent."""
    path = tmp_path / "do-not-probe.txt"
    path.write_text(f"192.0.2.1\n{line}\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"do-not-probe\.txt:2: .*nothing was sent"):
        read_exclusions(path)


def test_a_file_of_bytes_is_no_list(tmp_path: Path) -> None:
    """It is refused as a whole."""
    path = tmp_path / "do-not-probe.txt"
    path.write_bytes(b"\xff\xfe1\x00")
    with pytest.raises(BadInput, match="not a text file"):
        read_exclusions(path)


@settings(max_examples=100)
@given(st.ip_addresses(), st.integers(0, 32))
def test_a_prefix_holds_exactly_its_addresses(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, length: int
) -> None:
    """First and last are in, their neighbours are out."""
    prefix = ipaddress.ip_network(f"{address}/{length}", strict=False)
    excluded = Exclusions((prefix,))
    assert excluded.holds(str(prefix[0]))
    assert excluded.holds(str(prefix[-1]))
    if length:
        other = type(address)(int(prefix[0]) ^ (1 << (address.max_prefixlen - length)))
        assert not excluded.holds(str(other))


def test_a_long_list_holds_nobody_up() -> None:
    """A hundred thousand lines cost a target no more than one: each was looked at for each."""
    start = int(ipaddress.IPv4Address("198.18.0.0"))
    many = Exclusions(tuple(ipaddress.IPv4Network((start + n, 32)) for n in range(100_000)))
    assert many.holds("198.18.0.0")
    began = time.process_time()
    assert not any(many.holds(f"203.0.{n >> 8}.{n & 255}") for n in range(10_000))
    assert time.process_time() - began < 10
