"""Which network layer and method a command gets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from probe.network import Method, NetworkError, NoRoute, NotPermitted
from probe.network.backend import choose_method, choose_methods, failure_of, open_network
from probe.words.failure import Failure, Offline, PermissionDenied
from tests.probe import paths

if TYPE_CHECKING:
    from collections.abc import Callable

    from probe.network import Network

NETWORK = paths.network()


class OnlyUdp:
    """A network layer that can only UDP over IPv4, as where ping sockets are off."""

    def methods(self, version: int) -> tuple[Method, ...]:
        return (Method.UDP,) if version == 4 else ()


@pytest.fixture(autouse=True)
def given_up(monkeypatch: pytest.MonkeyPatch) -> list[list[Path | str]]:
    """What each call says that would give up privileges; the tests' process keeps its own."""
    calls: list[list[Path | str]] = []
    monkeypatch.setattr(
        "probe.network.privileges.give_up",
        lambda writes, keep=frozenset(): calls.append([*writes, *map(str, keep)]),
    )
    return calls


def refusing(problem: NetworkError) -> Callable[..., None]:
    def refuse(*_: object) -> None:
        raise problem

    return refuse


def test_the_best_method_is_taken_unless_one_is_asked_for() -> None:
    """Auto is the network's first choice."""
    assert choose_method(NETWORK, 4, None) is Method.ICMP
    assert choose_method(NETWORK, 6, Method.TCP) is Method.TCP
    assert choose_method(OnlyUdp(), 4, None) is Method.UDP  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("method", "remedy"), [(Method.ICMP, "net.ipv4.ping_group_range"), (Method.TCP, "with sudo")]
)
def test_what_is_not_allowed_names_what_allows_it(method: Method, remedy: str) -> None:
    """A method that the layer lacks ends with 4 and the way to get it."""
    with pytest.raises(PermissionDenied, match=remedy):
        choose_method(OnlyUdp(), 4, method)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", [None, Method.UDP])
def test_a_missing_ip_version_is_offline(method: Method | None) -> None:
    """No permission mends a machine that has no IPv6."""
    with pytest.raises(Offline, match="IPv6"):
        choose_method(OnlyUdp(), 6, method)  # type: ignore[arg-type]


def test_auto_falls_back_where_raw_sockets_are_denied(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without CAP_NET_RAW the error queue is used; who asks for raw is told why not."""
    denied = refusing(NotPermitted("raw sockets are denied"))
    monkeypatch.setattr("probe.network.raw.open_raw", denied)
    monkeypatch.setattr("probe.network.errqueue.open_errqueue", lambda: NETWORK)
    assert open_network("auto") is NETWORK
    with pytest.raises(PermissionDenied, match="raw sockets are denied"):
        open_network("raw")


def test_auto_takes_raw_sockets_where_they_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """More is seen through raw sockets, so they come first, but not where errqueue is asked for."""
    monkeypatch.setattr("probe.network.raw.open_raw", lambda tap: NETWORK)
    other = paths.network()
    monkeypatch.setattr("probe.network.errqueue.open_errqueue", lambda: other)
    assert open_network("auto") is NETWORK
    assert open_network("errqueue") is other


@pytest.mark.parametrize("backend", ["auto", "raw", "errqueue"])
def test_privileges_are_given_up_once_sockets_are_open(
    backend: str, monkeypatch: pytest.MonkeyPatch, given_up: list[list[Path | str]]
) -> None:
    """Whichever sockets they are; where none can be opened, nothing is given up."""
    monkeypatch.setattr("probe.network.raw.open_raw", lambda tap: NETWORK)
    monkeypatch.setattr("probe.network.errqueue.open_errqueue", lambda: NETWORK)
    open_network(backend, writes=[Path("spool")])
    assert given_up == [[Path("spool")]]
    denied = refusing(NotPermitted("denied"))
    monkeypatch.setattr("probe.network.raw.open_raw", denied)
    monkeypatch.setattr("probe.network.errqueue.open_errqueue", denied)
    with pytest.raises(PermissionDenied):
        open_network(backend)
    assert len(given_up) == 1


def test_sockets_are_closed_where_privileges_cannot_be_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing goes on with more rights than it says, nor leaves its sockets behind."""
    closed: list[bool] = []

    class Closing(OnlyUdp):
        def __init__(self, tap: object) -> None:
            pass

        def close(self) -> None:
            closed.append(True)

    monkeypatch.setattr("probe.network.raw.open_raw", Closing)

    def stuck(_: object) -> None:
        raise PermissionDenied("nobody reaches it")

    monkeypatch.setattr("probe.network.privileges.give_up", stuck)
    with pytest.raises(PermissionDenied, match="nobody reaches it"):
        open_network("raw")
    assert closed == [True]


def test_libpcap_gives_up_what_it_can_before_it_starts_threads(
    monkeypatch: pytest.MonkeyPatch, given_up: list[list[Path | str]]
) -> None:
    """It opens interfaces as it goes, so it keeps CAP_NET_RAW, number 13, and nothing else."""

    def opened(tap: object) -> object:
        assert given_up == [[Path("spool"), "13"]]
        return NETWORK

    monkeypatch.setattr("probe.network.pcap.open_pcap", opened)
    assert open_network("pcap", writes=[Path("spool")]) is NETWORK


@pytest.mark.parametrize("backend", ["raw", "pcap", "auto"])
def test_raw_packets_are_shown_to_who_asks(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The backends that have any get the tap."""
    shown: list[object] = []

    def opened(tap: object) -> object:
        shown.append(tap)
        return NETWORK

    monkeypatch.setattr("probe.network.raw.open_raw", opened)
    monkeypatch.setattr("probe.network.pcap.open_pcap", opened)
    tap = print
    open_network(backend, tap=tap)
    assert shown == [tap]


@pytest.mark.parametrize("backend", ["errqueue", "auto"])
def test_without_raw_sockets_there_are_no_raw_packets(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks for them is told so, in one sentence, instead of getting an empty file."""
    monkeypatch.setattr("probe.network.raw.open_raw", refusing(NotPermitted("denied")))
    monkeypatch.setattr("probe.network.errqueue.open_errqueue", lambda: NETWORK)
    with pytest.raises(Failure, match=r"without raw sockets.*sudo") as failure:
        open_network(backend, tap=print)
    assert failure.value.exit_code == 2


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_other_systems_use_libpcap(
    system: str, monkeypatch: pytest.MonkeyPatch, given_up: list[list[Path | str]]
) -> None:
    """It is all there is; what works on Linux alone is a wrong use, in one sentence."""
    monkeypatch.setattr("probe.network.backend.sys.platform", system)
    monkeypatch.setattr("probe.network.pcap.open_pcap", lambda tap: NETWORK)
    assert open_network("auto") is NETWORK
    assert open_network("pcap") is NETWORK
    for backend in ("raw", "errqueue"):
        with pytest.raises(Failure, match=f"is for Linux, and this is {system}") as failure:
            open_network(backend)
        assert failure.value.exit_code == 2
    monkeypatch.setattr("probe.network.pcap.open_pcap", refusing(NotPermitted("no Npcap")))
    with pytest.raises(PermissionDenied, match="no Npcap"):
        open_network("auto")
    assert given_up == []


def test_troubles_of_the_network_end_with_their_codes() -> None:
    """Denied is 4; no way out is 5."""
    assert isinstance(failure_of(NotPermitted("x")), PermissionDenied)
    assert isinstance(failure_of(NoRoute("x")), Offline)
    assert isinstance(failure_of(NetworkError("x")), Offline)


def test_an_ip_version_that_cannot_be_probed_keeps_nothing_from_the_other() -> None:
    """Where none of them can, it is said why the first one cannot."""
    network: Network = OnlyUdp()  # type: ignore[assignment]
    assert choose_methods(network, [6, 4, 4], None) == {4: Method.UDP}
    assert choose_methods(network, [], None) == {}
    with pytest.raises(Offline, match="IPv6"):
        choose_methods(network, [6, 6], None)
    with pytest.raises(PermissionDenied, match="ICMP"):
        choose_methods(network, [6, 4], Method.ICMP)
