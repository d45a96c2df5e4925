"""Whether this machine can probe: which packets the system allows, and whether a route leads out.

Sockets are opened and closed again. Nothing is sent: the kernel is asked for the route alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from probe.doctor import Finding, State
from probe.network import Method, NetworkError
from probe.network.addresses import source_towards
from probe.network.backend import PING_SOCKETS, demand_what_all_need, openers
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Iterator

# Root servers of the DNS: where a route to the Internet leads. They hear nothing of this.
FAR = {4: "193.0.14.129", 6: "2001:7fd::1"}

VERSIONS = (4, 6)


def methods() -> Iterator[Finding]:
    """What kinds of probes the system allows, through the best backend that opens.

    Raises `PermissionDenied` where a measurement would be refused all the same.
    """
    demand_what_all_need()
    refused: list[str] = []
    for backend, open_backend in openers().items():
        try:
            network = open_backend()
        except NetworkError as problem:
            refused.append(_(str(problem)))
            continue
        try:
            usable = {method for version in VERSIONS for method in network.methods(version)}
        finally:
            network.close()
        yield _usable(backend, usable)
        return
    yield Finding(State.FAILED, "; ".join(refused), PING_SOCKETS)


def _usable(backend: str, usable: set[Method]) -> Finding:
    names = ", ".join(method.value for method in Method if method in usable)
    if Method.ICMP not in usable:
        return Finding(
            State.WARNING,
            _(
                "ping sockets are off for this user, so that only {methods} probes can be sent "
                "({backend}), which many hosts do not answer"
            ).format(methods=names or "no", backend=backend),
            PING_SOCKETS,
        )
    if backend == "errqueue":
        return Finding(
            State.OK,
            _(
                "{methods} probes can be sent without privileges; with sudo more would be seen of "
                "each hop"
            ).format(methods=names),
        )
    return Finding(
        State.OK,
        _("{methods} probes can be sent ({backend})").format(methods=names, backend=backend),
    )


def route(version: int) -> Iterator[Finding]:
    """Whether packets of an IP version have a way out; one version of two is enough to measure."""
    problem = _no_route(version)
    if problem is None:
        says = _("there is a route to the Internet")
        yield Finding(State.OK, says)
        return
    (other,) = (one for one in VERSIONS if one != version)
    if _no_route(other) is None:
        says = _("there is no route; only IPv{version} is measured").format(version=other)
        yield Finding(State.OK if version == 6 else State.WARNING, says)
        return
    yield Finding(
        State.FAILED,
        _("there is no route to the Internet; connect this machine to a network"),
        f"ip -{version} route",
    )


def _no_route(version: int) -> NetworkError | None:
    try:
        source_towards(FAR[version], version)
    except NetworkError as problem:
        return problem
    return None
