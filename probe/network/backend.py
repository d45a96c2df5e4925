"""Which network layer and which method a command gets: what was asked for, or the best allowed.

The one place that knows which backends there are and what they need; everything behind it asks
the `Network` object what it can do. Backends are imported when they are chosen.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from probe.network import Method, NetworkError, NotPermitted
from probe.words.failure import Failure, Offline, PermissionDenied
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from probe.network import Network, Tap

BACKENDS = ("auto", "raw", "errqueue", "pcap")

PING_SOCKETS = "sudo sysctl -w net.ipv4.ping_group_range='0 2147483647'"


def open_network(backend: str, *, writes: Iterable[Path] = (), tap: Tap | None = None) -> Network:
    """The network layer of this name.

    ``auto`` is ``raw`` on Linux where allowed, else ``errqueue``; on other systems ``pcap``.

    On Linux this process has no privileges left once its sockets are open (``pcap`` keeps that
    of opening more), nor can it start threads that have: call it before the first one.
    ``writes`` are the folders in which it has to be able to write nevertheless. ``tap`` is shown
    the raw packets; the error queue has none, so with one it is no choice.

    Raises `PermissionDenied` with what was refused and the command that grants it, `Offline`
    where no socket can be opened for another reason.
    """
    try:
        if sys.platform == "linux":
            return _open_on_linux(backend, writes, tap)
        if backend in {"raw", "errqueue"}:
            raise Failure(
                _("--backend {backend} is for Linux, and this is {platform}: omit it").format(
                    backend=backend, platform=sys.platform
                )
            )
        return _open_pcap(tap)
    except NetworkError as problem:
        raise failure_of(problem) from problem


def _open_on_linux(backend: str, writes: Iterable[Path], tap: Tap | None) -> Network:
    from probe.network.privileges import NET_RAW, give_up  # noqa: PLC0415 - not on every system

    if backend == "pcap":
        # It opens each interface with the first probe that takes it, and threads with those.
        give_up(writes, keep=frozenset({NET_RAW}))
        return _open_pcap(tap)
    network = _open_sockets(backend, tap)
    try:
        give_up(writes)
    except BaseException:
        network.close()
        raise
    return network


def _open_sockets(backend: str, tap: Tap | None) -> Network:
    if backend in {"auto", "raw"}:
        from probe.network.raw import open_raw  # noqa: PLC0415 - not on every system

        try:
            return open_raw(tap)
        except NetworkError:
            if backend == "raw":
                raise
    if tap is not None:
        raise Failure(
            _(
                "raw packets are not seen without raw sockets, so there is nothing to "
                "keep: run the same command through sudo, or without --pcap"
            )
        )
    return _open_errqueue()


def openers() -> dict[str, Callable[[], Network]]:
    """The backends of this system, best first, and how each is opened as `open_network` would.

    Opening sends nothing, and takes no privileges from this process. Raises `NetworkError`.
    """
    if sys.platform == "linux":
        return {"raw": lambda: _open_sockets("raw", None), "errqueue": _open_errqueue}
    return {"pcap": lambda: _open_pcap(None)}


def demand_what_all_need() -> None:
    """Raise `PermissionDenied` where no backend may be used, whichever sockets can be opened.

    `open_network` would, once it has opened them.
    """
    if sys.platform == "linux":
        from probe.network.privileges import threads  # noqa: PLC0415 - not on every system

        threads()


def _open_errqueue() -> Network:
    from probe.network.errqueue import open_errqueue  # noqa: PLC0415 - not on every system

    return open_errqueue()


def _open_pcap(tap: Tap | None) -> Network:
    from probe.network.pcap import open_pcap  # noqa: PLC0415 - takes most of a second

    return open_pcap(tap)


def failure_of(problem: NetworkError) -> Failure:
    """How a command ends for this trouble with the network layer: not permitted, or offline.

    The network layer speaks English; its whole sentences are looked up here.
    """
    kind = PermissionDenied if isinstance(problem, NotPermitted) else Offline
    return kind(_(str(problem)))


def choose_method(network: Network, version: int, wanted: Method | None) -> Method:
    """The method to use for an IP version: the one wanted, or the network's best.

    Raises `PermissionDenied` where the network layer cannot, with what makes it possible, and
    `Offline` where this machine does not have that IP version.
    """
    usable = network.methods(version)
    if not usable:
        raise Offline(_("this machine has no IPv{version}").format(version=version))
    if wanted is None:
        return usable[0]
    if wanted in usable:
        return wanted
    remedy = (
        _("ping sockets are off; allow them with {command}, or take --method udp").format(
            command=PING_SOCKETS
        )
        if wanted is Method.ICMP
        else _("they need raw sockets; run the same command with sudo, or take --method udp")
    )
    raise PermissionDenied(
        _("{method} probes are not allowed here: {remedy}").format(
            method=wanted.upper(), remedy=remedy
        )
    )


def choose_methods(
    network: Network, versions: Iterable[int], wanted: Method | None
) -> dict[int, Method]:
    """The method by IP version, for those of ``versions`` that can be probed.

    Raises what `choose_method` raises where none of them can.
    """
    chosen: dict[int, Method] = {}
    problems: list[Failure] = []
    for version in sorted(set(versions)):
        try:
            chosen[version] = choose_method(network, version, wanted)
        except Failure as problem:
            problems.append(problem)
    if problems and not chosen:
        raise problems[0]
    return chosen
