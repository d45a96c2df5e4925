"""A network layer that counts what it sends."""

from __future__ import annotations

from pathlib import Path

import pytest

from probe.network import Method, NetworkError, NoRoute, NotPermitted, Probe
from probe.network.simulated import SimulatedNetwork
from probe.run.allowance import Allowance, OverAllowance
from probe.run.meter import STUCK, Metered
from probe.words.failure import PartlyDone
from tests.probe import paths


class Wire(SimulatedNetwork):
    """Raises what it is told to, once it is told."""

    trouble: Exception | None = None

    def send(self, probe: Probe) -> None:
        if self.trouble is not None:
            raise self.trouble
        super().send(probe)


def probe(target: str = paths.TARGET, token: int = 1) -> Probe:
    return Probe(target, 1, 1, Method.ICMP, token)


@pytest.fixture
def wire() -> Wire:
    return Wire(paths.routes)


def allowance(folder: Path, limit: float = 1000) -> Allowance:
    return Allowance(folder / "state", limit, lambda: 1_645_012_800.0)


async def test_each_packet_that_left_is_counted(tmp_path: Path, wire: Wire) -> None:
    """By its size on the wire, over IPv4 and IPv6; one that did not leave is not."""
    counted = allowance(tmp_path)
    network = Metered(wire, counted)
    network.send(probe())
    network.send(probe(paths.TARGET_6, 2))
    with pytest.raises(NoRoute):
        network.send(probe(paths.UNROUTED, 3))
    sent = wire.probe_size(Method.ICMP, 4) + wire.probe_size(Method.ICMP, 6)
    assert counted.left == 1000 - sent
    network.close()
    assert allowance(tmp_path).left == 1000 - sent


async def test_nothing_leaves_beyond_the_allowance(tmp_path: Path, wire: Wire) -> None:
    """Two packets fit, the third would be one too many."""
    network = Metered(wire, allowance(tmp_path, 2.5 * wire.probe_size(Method.ICMP, 4)))
    network.send(probe(token=1))
    network.send(probe(token=2))
    with pytest.raises(OverAllowance):
        network.send(probe(token=3))
    assert wire._sent == 2


async def test_what_the_firewall_keeps_back_ends_one_trace(tmp_path: Path, wire: Wire) -> None:
    """It looks like a missing route, and is remembered as what it was."""
    network = Metered(wire, allowance(tmp_path))
    wire.trouble = NotPermitted("this machine refused, most likely its firewall")
    with pytest.raises(NoRoute, match="firewall"):
        network.send(probe())
    assert network.denied == {paths.TARGET: "this machine refused, most likely its firewall"}
    assert not (tmp_path / "state").exists()


async def test_a_full_buffer_is_waited_out_but_not_for_ever(tmp_path: Path, wire: Wire) -> None:
    """A moment is the caller's to wait; half a minute without a packet is a dead line."""
    now = [0.0]
    network = Metered(wire, allowance(tmp_path), lambda: now[0])
    wire.trouble = BlockingIOError(11, "the send buffer is full")
    for now[0] in (0.0, STUCK / 2, STUCK):
        with pytest.raises(BlockingIOError):
            network.send(probe())
    wire.trouble = None
    network.send(probe())
    wire.trouble = BlockingIOError(11, "the send buffer is full")
    for now[0] in (STUCK + 1, STUCK + 2):
        with pytest.raises(BlockingIOError):
            network.send(probe())
    now[0] += STUCK
    with pytest.raises(NetworkError, match="check the connection"):
        network.send(probe())


async def test_a_link_that_went_away_and_came_back_is_not_a_dead_line(
    tmp_path: Path, wire: Wire
) -> None:
    """A full buffer just before and one just after are two moments, however long it was away."""
    now = [0.0]
    network = Metered(wire, allowance(tmp_path), lambda: now[0])
    full = BlockingIOError(11, "the send buffer is full")
    gone = NoRoute("there is no route from here")
    for now[0], trouble in ((0.0, full), (1.0, gone), (2 * STUCK, full)):
        wire.trouble = trouble
        with pytest.raises(type(trouble)):
            network.send(probe())


async def test_all_else_is_what_the_network_says(tmp_path: Path, wire: Wire) -> None:
    """Name, methods, what it sees and sizes pass through, and so do answers."""
    network = Metered(wire, allowance(tmp_path))
    assert network.name == "simulated"
    assert network.methods(4) == wire.methods(4)
    assert network.sees(Method.UDP, 6) == wire.sees(Method.UDP, 6)
    assert network.probe_size(Method.TCP, 6) == wire.probe_size(Method.TCP, 6)
    network.send(probe(token=77))
    await network.wait()
    assert [answer.token for answer in network.drain()] == [77]
    network.forget(77)
    assert network.discarded() == {}


async def test_however_it_closes_what_was_not_sent_is_given_back(
    tmp_path: Path, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the disk is full to which libpcap's last packets go."""
    counted = allowance(tmp_path)
    network = Metered(wire, counted)
    network.send(probe())

    def close(_: Wire) -> None:
        raise PartlyDone("disk full")

    monkeypatch.setattr(Wire, "close", close)
    with pytest.raises(PartlyDone):
        network.close()
    assert allowance(tmp_path).left == 1000 - wire.probe_size(Method.ICMP, 4)
