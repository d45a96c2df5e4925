"""The real backends on real kernels: every hop of a path, with and without privileges."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.namespaces import Chain, Fabric, Namespace, User, chain, requires_lab

pytestmark = [pytest.mark.lab, requires_lab, pytest.mark.xdist_group("lab-backends")]

USER: dict[str, User] = {"raw": "root", "errqueue": "nobody", "pcap": "net_raw"}
WAYS = [
    ("raw", "icmp"),
    ("raw", "udp"),
    ("raw", "tcp"),
    ("raw", "ack"),
    ("errqueue", "icmp"),
    ("errqueue", "udp"),
    ("pcap", "icmp"),
    ("pcap", "udp"),
    ("pcap", "tcp"),
    ("pcap", "ack"),
]
FLAGS = {"tcp": 0x02, "ack": 0x10}
PLAIN = [way for way in WAYS if way[1] in {"icmp", "udp"}]


def probe(
    where: Namespace,
    backend: str,
    method: str,
    *targets: str,
    user: User | None = None,
    **more: Any,
) -> dict[str, Any]:
    """What `tests.lab.prober` says from inside a namespace, as the user the backend is for."""
    options = []
    for name, value in more.items():
        options += [f"--{name}", *([] if value is True else str(value).split())]
    command = [sys.executable, "-m", "tests.lab.prober", backend, method, *targets, *options]
    done = where.run(command, user=user or USER[backend])
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def hops(said: dict[str, Any], target: str | None = None, flow: int = 0) -> dict[int, str]:
    """Address by TTL."""
    return {
        sent["ttl"]: answer["address"]
        for answer in said["answers"]
        for sent in (said["probes"][str(answer["token"])],)
        if sent["flow"] == flow and target in {None, sent["target"]}
    }


@pytest.fixture(scope="module")
def row() -> Iterator[Chain]:
    with chain(6, local=("198.18.0.0/24",)) as built:
        yield built


@pytest.fixture(scope="module")
def alone() -> Iterator[Namespace]:
    """A machine without any link."""
    with Fabric() as fabric:
        made = fabric.node("alone", ping_sockets=True)
        fabric.build()
        yield made


@pytest.fixture(scope="module")
def link() -> Iterator[Namespace]:
    """A machine on a link that gives neighbours up in some 150 ms (default: 3 s)."""
    with Fabric() as fabric:
        made = fabric.node("near", ping_sockets=True)
        fabric.node("far")
        fabric.link("near", "far", ["192.0.2.1/24", "2001:db8:7::1/64"])
        fabric.build()
        for family in ("ipv4", "ipv6"):
            made.run(["sysctl", "-w", f"net.{family}.neigh.far.retrans_time_ms=50"])
        yield made


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize(("backend", "method"), WAYS)
def test_every_hop_of_six_routers_and_a_host_answers(
    row: Chain, backend: str, method: str, version: int
) -> None:
    """All TTLs sent at once come back from the right routers, nearest first, the host last."""
    said = probe(row.vantage, backend, method, row.host[version])
    assert hops(said) == dict(enumerate(row.hops[version], start=1))
    assert said["discarded"] == {}
    answers = sorted(said["answers"], key=lambda answer: answer["token"])
    assert [answer["kind"] for answer in answers] == ["time_exceeded"] * 6 + ["destination"]
    assert [answer["ttl"] for answer in answers] == [64, 63, 62, 61, 60, 59, 58]
    assert all(0 < answer["rtt"] < 1 for answer in answers)
    quoted = {answer["quoted_ttl"] for answer in answers[:6]}
    assert quoted == ({None} if backend == "errqueue" else {1})


@pytest.mark.parametrize(("backend", "method"), WAYS)
def test_many_targets_and_flows_at_once_are_told_apart(
    row: Chain, backend: str, method: str
) -> None:
    """Twenty targets, two flows each, all in flight together: every hop of every one is right."""
    targets = [f"198.18.0.{number}" for number in range(1, 21)]
    said = probe(row.vantage, backend, method, *targets, flows=2)
    routers = dict(enumerate(row.hops[4][:6], start=1))
    for target in targets:
        for flow in (0, 1):
            assert hops(said, target, flow) == {**routers, 7: target}


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize(("backend", "method"), WAYS)
def test_on_the_wire_a_flow_is_one_flow(
    row: Chain, backend: str, method: str, version: int
) -> None:
    """Captured as they left: one flow differs in no field that load balancers hash, two do."""
    said = probe(
        row.vantage, backend, method, row.host[version], flows=2, capture=True, user="root"
    )
    packets = [bytes.fromhex(line) for line in said["captured"]]
    packets = [data for data in packets if data[40 if version == 6 else 20] != 3]  # no ICMP errors
    header = 20 if version == 4 else 40
    label = slice(1, 4) if version == 6 else slice(0)
    hashed = [
        data[label]
        + data[header : header + 4]  # ports, or ICMP type, code and checksum
        + (data[header + 4 : header + 6] if method == "icmp" else b"")  # ICMP identifier
        for data in packets
        if method not in FLAGS or data[header + 13] == FLAGS[method]  # not the kernel's resets
    ]
    assert len(hashed) == 14
    assert len(set(hashed[:7])) == len(set(hashed[7:])) == 1
    assert hashed[0] != hashed[7]


@pytest.mark.parametrize(("backend", "method"), WAYS)
def test_a_nat_does_not_hide_hops(backend: str, method: str) -> None:
    """Behind a masquerading home router, which rewrites ports and checksums, all hops answer."""
    with chain(3, nat=True) as home:
        said = probe(home.vantage, backend, method, home.host[4], ttls=4)
        assert hops(said) == dict(enumerate(home.hops[4], start=1))


def test_udp_stands_in_where_ping_sockets_are_off() -> None:
    """Without ping sockets the unprivileged backend offers UDP, and it works."""
    with chain(2, ping_sockets=False) as closed:
        said = probe(closed.vantage, "errqueue", "udp", closed.host[4], ttls=3)
        assert said["methods"] == {"4": ["udp"], "6": ["udp"]}
        assert hops(said) == dict(enumerate(closed.hops[4], start=1))


def test_nobody_is_told_how_to_get_raw_sockets(row: Chain) -> None:
    """Without CAP_NET_RAW the refusal names the capability and the command that grants it."""
    kind, sentence = probe(row.vantage, "raw", "icmp", row.host[4], user="nobody")["error"]
    assert kind == "NotPermitted"
    assert "CAP_NET_RAW" in sentence
    assert "sudo" in sentence
    assert "setcap" not in sentence


@pytest.mark.parametrize(("backend", "method"), WAYS)
def test_a_target_without_route_says_so(alone: Namespace, backend: str, method: str) -> None:
    """A machine without a route raises at once, in a sentence with the target."""
    kind, sentence = probe(alone, backend, method, "192.0.2.1")["error"]
    assert kind == "NoRoute"
    assert "192.0.2.1" in sentence


@pytest.mark.parametrize(("backend", "method"), [way for way in WAYS if way[0] != "pcap"])
def test_a_firewall_of_this_machine_is_named(backend: str, method: str) -> None:
    """Probes that the own firewall drops are a refusal, not silent hops."""
    with chain(1) as guarded:
        guarded.vantage.run(
            ["nft", "-f", "-"],
            stdin="table inet own { chain out { type filter hook output priority 0;\ndrop;\n}\n}\n",
        )
        kind, sentence = probe(guarded.vantage, backend, method, guarded.host[4], ttls=1)["error"]
        assert kind == "NotPermitted"
        assert "firewall" in sentence


def test_libpcap_goes_past_the_firewall_of_this_machine() -> None:
    """Frames are put on the link below the firewall: it forbids all, and every hop answers."""
    with chain(1) as guarded:
        guarded.vantage.run(
            ["nft", "-f", "-"],
            stdin="table inet own { chain out { type filter hook output priority 0;\ndrop;\n}\n"
            "chain in { type filter hook input priority 0;\ndrop;\n}\n}\n",
        )
        said = probe(guarded.vantage, "pcap", "icmp", guarded.host[4], ttls=2)
        assert hops(said) == dict(enumerate(guarded.hops[4], start=1))


@pytest.mark.parametrize(("backend", "method"), PLAIN)
def test_a_link_that_comes_back_is_used_again(backend: str, method: str) -> None:
    """While it is down there is no route; afterwards every hop answers, on the same sockets."""
    with chain(1) as row:
        interrupt = f"east {row.hops[4][0]}"
        said = probe(
            row.vantage, backend, method, row.host[4], user="root", ttls=2, interrupt=interrupt
        )
        assert "no route" in said["down"]
        assert hops(said) == dict(enumerate(row.hops[4], start=1))


@pytest.mark.parametrize("version", [4, 6])
def test_libpcap_names_a_neighbour_that_does_not_answer(link: Namespace, version: int) -> None:
    """Without the hardware address of the next hop nothing can be sent, so it is no silent hop."""
    target = "192.0.2.9" if version == 4 else "2001:db8:7::9"
    kind, sentence = probe(link, "pcap", "icmp", target, ttls=1, seconds=10)["error"]
    assert kind == "NoRoute"
    assert f"{target}, the next hop" in sentence


def test_libpcap_does_not_leave_by_another_way_than_the_system_would() -> None:
    """A rule sends the target into a tunnel, say, and scapy's table of routes knows no rules."""
    with Fabric() as fabric:
        here = fabric.node("here")
        for number, tunnel in ((1, "plain"), (2, "tunnel")):
            fabric.node(tunnel, router=True)
            near, far = f"192.0.{number}.1", f"192.0.{number}.2"
            fabric.link("here", tunnel, [f"{near}/24"], [f"{far}/24"])
        fabric.route("here", "default", "192.0.1.2")
        fabric.configure("here", "rule add to 203.0.113.0/24 lookup 100")
        fabric.build()
        here.run(["ip", "route", "add", "default", "via", "192.0.2.2", "table", "100"])
        kind, sentence = probe(here, "pcap", "icmp", "203.0.113.9")["error"]
        assert kind == "NoRoute"
        assert "the system sends from 192.0.2.1" in sentence
        # The other targets go on by the plain way.
        assert hops(probe(here, "pcap", "icmp", "192.0.1.2", ttls=1)) == {1: "192.0.1.2"}


def test_libpcap_needs_a_privilege_and_says_how_to_get_it(row: Chain) -> None:
    """The same refusal on every system, so it names what each of them needs."""
    kind, sentence = probe(row.vantage, "pcap", "icmp", row.host[4], user="nobody")["error"]
    assert kind == "NotPermitted"
    assert all(word in sentence for word in ("sudo", "access_bpf", "Npcap", "administrator"))


def test_libpcap_leaves_nothing_in_the_home_of_whoever_probes(row: Chain) -> None:
    """Scapy would keep a cache there, of the user who runs it, that tells of its use."""
    home = row.fabric.home("left", "root")
    command = [sys.executable, "-m", "tests.lab.prober", "pcap", "icmp", row.host[4]]
    said = json.loads(row.vantage.run(command, env={"HOME": str(home)}).stdout)
    assert len(hops(said)) == 7
    assert list(home.iterdir()) == []


def test_libpcap_does_not_trace_to_its_own_machine(row: Chain) -> None:
    """Packets to itself never reach a link."""
    kind, sentence = probe(row.vantage, "pcap", "icmp", row.source[4])["error"]
    assert kind == "NoRoute"
    assert "this machine itself" in sentence


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize(("backend", "method"), [way for way in PLAIN if way[0] != "pcap"])
def test_a_dead_neighbour_is_no_hop(
    link: Namespace, backend: str, method: str, version: int
) -> None:
    """The kernel's own "host unreachable" about the link is counted, and our address not shown."""
    target = "192.0.2.9" if version == 4 else "2001:db8:7::9"
    said = probe(link, backend, method, target, ttls=2, seconds=1)
    assert said["answers"] == []
    assert said["discarded"] == {"own_address": 2}


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("style", ["declared", "undeclared"])
@pytest.mark.parametrize(("backend", "method"), PLAIN)
def test_mpls_labels_are_seen(
    alone: Namespace, style: str, backend: str, method: str, version: int
) -> None:
    """Label stacks that a router attaches arrive, also when it does not say where they start."""
    target = "198.18.0.1" if version == 4 else "2001:db8:18::1"
    said = probe(alone, backend, method, target, user="root", ttls=4, tun=f"{style} 2 4")
    found = {answer["token"]: answer["extensions"] for answer in said["answers"]}
    labels = [{"label": 24001, "exp": 0, "s": 1, "ttl": 1}]
    assert found == {
        0: None,
        1: {
            "version": 2,
            "rfc4884": int(style == "declared"),
            "obj": [{"class": 1, "type": 1, "mpls": labels}],
        },
        2: None,
        3: None,
    }


@pytest.mark.parametrize(("backend", "method"), PLAIN)
def test_a_router_that_quotes_28_bytes_is_matched(
    alone: Namespace, backend: str, method: str
) -> None:
    """The shortest quote is matched by its token, or over UDP without privileges by elimination."""
    said = probe(alone, backend, method, "198.18.0.1", user="root", ttls=4, tun="short 2 4")
    assert hops(said) == {1: "10.9.9.1", 2: "10.9.9.2", 3: "10.9.9.3", 4: "198.18.0.1"}
