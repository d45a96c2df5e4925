"""Of whatever is measured, from wherever: no byte on the disk may tell who measured it.

The whole way from traces to files is gone, and then the files are searched, not the objects. The
spellings that are searched for are written down here a second time, so that a form forgotten in
`probe.redaction.spellings` is not forgotten here for that reason.
"""

from __future__ import annotations

import ipaddress
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.graph import Graph, Level, Link, Node
from probe.record import Hop, Reply, Trace, from_line
from probe.redaction.identity import Identity
from probe.redaction.premises import Premises
from probe.run.allowance import Allowance
from probe.run.campaign import Campaign
from probe.run.choice import fit
from probe.run.exclusions import Exclusions
from probe.run.tally import ELSEWHERE
from probe.run.targets import Target
from probe.sharing.shared import lines
from probe.vantage.locate import Access
from probe.words.failure import Failure
from tests.probe.table import PROVIDER, Table

TABLE = Table()
NOON = 1_795_435_200
KNOWN = Access(PROVIDER, "Viettel", "KH", "first_hops")

# Last octets of three digits, and blocks of their own: no other address can look like one of these.
OCTET = st.integers(100, 255)
OWN_V4 = st.builds("{}.{}.{}".format, st.sampled_from(["36.37", "192.168", "10.117"]), OCTET, OCTET)
ACCESS_V4 = st.builds("36.37.{}.{}".format, st.integers(10, 90), OCTET)
DEEP = st.builds("203.144.{}.{}".format, st.integers(64, 90), st.integers(1, 99))
HARDWARE = st.binary(min_size=4, max_size=4).map(lambda tail: f"1e2b{tail.hex()}")
NAME = st.from_regex(r"(sokha|DESKTOP|pc)-[a-z0-9]{5,8}", fullmatch=True)


@dataclass(frozen=True)
class Home:
    """A machine, and everything that must be found nowhere."""

    v4: str
    v6: str
    hardware: str
    name: str

    @property
    def premises(self) -> Premises:
        return Premises(
            frozenset({self.v4, self.v6, str(self.link_local)}),
            (ipaddress.ip_network(f"{self.v4}/24", strict=False),),
            frozenset({self.name, f"{self.name}.example.org"}),
            frozenset({self.hardware}),
        )

    @property
    def link_local(self) -> ipaddress.IPv6Address:
        first, *rest = bytes.fromhex(self.hardware)
        identifier = bytes([first ^ 2, *rest[:2], 0xFF, 0xFE, *rest[2:]])
        return ipaddress.IPv6Address(b"\xfe\x80" + bytes(6) + identifier)

    @property
    def hiding_places(self) -> list[str]:
        """Addresses from which one's own can be read."""
        own = ipaddress.IPv4Address(self.v4).packed
        public = ipaddress.IPv6Address(self.v6)
        turned = bytes(byte ^ 0xFF for byte in own)
        return [
            self.v4,
            self.v6,
            str(self.link_local),
            *(
                str(ipaddress.IPv6Address(packed))
                for packed in (
                    bytes.fromhex("0064ff9b") + bytes(8) + own,
                    bytes(10) + b"\xff\xff" + own,
                    bytes(12) + own,
                    bytes.fromhex("2002") + own + bytes(9) + b"\x01",
                    bytes.fromhex("200105a000010002") + own[:0] + bytes(4) + own,
                    bytes.fromhex("200105a0") + own + bytes(8),
                    bytes.fromhex("200105a00022") + own[:2] + b"\0" + own[2:] + bytes(5),
                    bytes.fromhex("200105a000220033") + b"\0" + own + bytes(3),
                    bytes.fromhex("200105a00022003300005efe") + own,
                    bytes.fromhex("2001000005a00001") + bytes(4) + turned,
                    bytes.fromhex("200105a000440055") + public.packed[8:],
                    bytes.fromhex("200105a000440055") + self.link_local.packed[8:],
                    public.packed[:6] + bytes.fromhex("00990000000000000042"),
                )
            ),
        ]

    @property
    def spelled(self) -> list[str]:
        """What is searched for, in lower case."""
        octets = self.v4.split(".")
        exploded = ipaddress.IPv6Address(self.v6).exploded
        mac = [self.hardware[i : i + 2] for i in range(0, 12, 2)]
        number = int(ipaddress.IPv4Address(self.v4))
        padded = [octet.zfill(3) for octet in octets]
        return [
            self.v4,
            "-".join(octets),
            "_".join(octets),
            ".".join(octets[::-1]),
            "-".join(octets[::-1]),
            "".join(padded),
            "-".join(padded),
            f"{number:08x}",
            str(number),
            str(int.from_bytes(ipaddress.IPv4Address(self.v4).packed, "little")),
            ".".join(f"{int(octet):02x}" for octet in octets),
            self.v6,
            self.v6.replace(":", "-"),
            exploded,
            exploded.replace(":", "-"),
            exploded.replace(":", ""),
            ipaddress.IPv6Address(self.v6).reverse_pointer,
            str(int(ipaddress.IPv6Address(self.v6))),
            ":".join(exploded.split(":")[4:]),
            # The provider may have given this /48 to one line alone.
            exploded[:14],
            self.link_local.exploded[20:],
            self.link_local.exploded[20:].replace(":", ""),
            ":".join(mac),
            "-".join(mac),
            "".join(mac),
            ".".join(self.hardware[i : i + 4] for i in range(0, 12, 4)),
            self.name.lower(),
        ]


homes = st.builds(
    Home,
    OWN_V4,
    st.binary(min_size=8, max_size=8).map(
        lambda tail: str(
            ipaddress.IPv6Address(bytes.fromhex("24058380abcd1234") + b"\xa9" + tail[1:])
        )
    ),
    HARDWARE,
    NAME,
)


@st.composite
def measured(draw: st.DrawFn, home: Home) -> Trace:
    """A trace in which a home hides wherever something can stand."""
    hiding = st.sampled_from(home.hiding_places)
    codes: st.SearchStrategy[str | int] = st.one_of(
        st.sampled_from(["H", home.name]),
        st.sampled_from([13, int(ipaddress.IPv4Address(home.v4))]),
    )
    address = st.one_of(hiding, ACCESS_V4, DEEP, st.just("80.231.0.7"))
    said = st.sampled_from([*home.spelled, *home.hiding_places])
    text = st.one_of(
        st.builds("no answer from {}: gave up.".format, said),
        st.builds("{}.dyn.example".format, said),
        st.builds("host{}x".format, said),
        said.map(str.upper),
    )

    def reply() -> Reply:
        extensions = {
            "version": 2,
            "rfc4884": 1,
            "address": draw(said),
            "obj": [
                {"class": 2, "type": 1, "from": draw(said)},
                {
                    "class": 1,
                    "type": int(ipaddress.IPv4Address(home.v4)),
                    "mpls": [{"label": int(ipaddress.IPv4Address(home.v4)), "x": draw(said)}],
                },
            ],
        }
        return Reply(
            draw(address),
            1.5,
            err=draw(codes),
            extensions=draw(st.sampled_from([None, extensions])),
            changed=("source",),
        )

    hops = [
        Hop(number, tuple(reply() for _ in range(draw(st.integers(1, 2)))))
        for number in range(1, draw(st.integers(1, 5)) + 1)
    ]
    near, far = draw(address), draw(address)
    target = draw(st.one_of(st.just("80.231.1.1"), ACCESS_V4, st.just("2001:5a0::9"), hiding))
    return Trace(
        dst_addr=target,
        dst_name=draw(st.one_of(st.none(), text)),
        af=6 if ":" in target else 4,
        proto="UDP",
        timestamp=NOON,
        endtime=NOON + 2,
        hops=tuple(hops),
        source=home.v4,
        msm_id=int(ipaddress.IPv4Address(home.v4)),
        prb_id=int(ipaddress.IPv4Address(home.v4)),
        stop="gap",
        probes=3,
        size=60,
        notes=tuple(draw(st.lists(text, max_size=2))),
        error=draw(st.one_of(st.none(), text)),
        multipath=Graph(
            (
                Level(2, (Node(near, (1,)), Node(draw(address), (2,))), True, False),
                Level(3, (Node(far, (1,)),), True, False),
            ),
            (Link(2, near, far, (1,)),),
            9,
            0.05,
        ),
    )


def written(folder: Path) -> str:
    """All that lies in a folder: names and bytes, in lower case."""
    return "\n".join(
        f"{path.relative_to(folder)}\n"
        + (path.read_bytes().decode("latin-1") if path.is_file() else "")
        for path in sorted(folder.rglob("*"))
    ).lower()


@settings(max_examples=120)
@given(st.data())
def test_no_byte_on_the_disk_tells_who_measured(data: st.DataObject) -> None:
    """Own addresses, names, hardware and whole access addresses: in no file, in no spelling."""
    home = data.draw(homes)
    traces = data.draw(st.lists(measured(home), min_size=1, max_size=3))
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as name:
        folder = Path(name) / "home"
        campaign = Campaign(
            folder=folder / "spool",
            origin=TABLE,
            premises=home.premises,
            identity=Identity(folder),
            known={4: KNOWN, 6: KNOWN},
            country="KH",
        )
        allowance = Allowance(folder / "allowance.state", 1e6, lambda: NOON)
        for trace in traces:
            allowance.spend(180)
            campaign.finished(trace)
        campaign.close()
        allowance.settle()
        text = written(folder)
        shared = b"".join(kept.line for kept in lines(folder / "spool") if kept.problem is None)
        fit_to_keep = [
            trace
            for trace in traces
            if trace.error is None and trace.dst_addr not in home.hiding_places
        ]
        # One that first shows another network than those before it is not kept, whatever is in it.
        elsewhere = campaign.failures()[ELSEWHERE]
        assert shared.count(b"\n") == campaign.tally.kept == len(fit_to_keep) - elsewhere
    for secret in home.spelled:
        assert secret not in text
    met = {reply.address for trace in traces for hop in trace.hops for reply in hop.replies}
    for address in met | {trace.dst_addr for trace in traces}:
        if address is not None and address.startswith("36.37."):
            assert f'"{address}"' not in text
    for line in shared.splitlines():
        again = from_line(line)
        assert again.hops[0].replies[0].address is None
        for hop in again.hops:
            for reply in hop.replies:
                assert reply.address not in home.hiding_places


@pytest.mark.parametrize("index", range(13))
def test_a_target_from_which_the_own_address_can_be_read_is_left_out(index: int) -> None:
    """Such a target is not measured in the first place, and would not be written."""
    home = Home("192.168.117.213", "2405:8380:abcd:1234:a9b0:1:2:3", "1e2b3a4d5e6f", "sokha-laptop")
    target = Target(home.hiding_places[index], "a server", "listed")
    chosen, left_out = fit([target], home.premises, Exclusions(()), own_network=True)
    assert (chosen, sum(left_out.values())) == ([], 1)


def test_evidence_is_not_what_redaction_takes(tmp_path: Path) -> None:
    """Of a path to abroad every hop behind the access network is on the disk as it was."""
    home = Home("192.168.117.213", "2405:8380:abcd:1234:a9b0:1:2:3", "1e2b3a4d5e6f", "sokha-laptop")
    path = ("192.168.117.1", "36.37.9.113", "203.144.64.7", "80.231.0.7", "80.231.1.1")
    hops = tuple(Hop(number, (Reply(address, 1.0),)) for number, address in enumerate(path, 1))
    campaign = Campaign(
        folder=tmp_path / "spool",
        origin=TABLE,
        premises=home.premises,
        identity=Identity(tmp_path),
        known={4: KNOWN},
        country=None,
    )
    campaign.finished(
        Trace(
            "80.231.1.1", 4, "ICMP", NOON, NOON + 1, hops, dst_name="a server", stop="destination"
        )
    )
    (kept,) = lines(tmp_path / "spool")
    assert kept.trace is not None
    assert [hop.replies[0].address for hop in kept.trace.hops] == [None, "36.37.9.0", *path[2:]]
    assert (kept.trace.dst_addr, kept.trace.dst_name) == ("80.231.1.1", "a server")


def test_without_certainty_not_one_file_is_made(tmp_path: Path) -> None:
    """Traces that do not tell the access network leave the data folder as it was: not there."""
    folder = tmp_path / "home"
    campaign = Campaign(
        folder=folder / "spool",
        origin=TABLE,
        premises=Premises(frozenset({"192.168.117.213"})),
        identity=Identity(folder),
        known={},
        country=None,
    )
    hops = (Hop(1, (Reply("192.168.117.1", 1.0),)), Hop(2, (Reply("100.64.0.9", 2.0),)))
    campaign.finished(Trace("80.231.1.1", 4, "ICMP", NOON, NOON + 1, hops, stop="gap"))
    with pytest.raises(Failure) as refused:
        campaign.locate()
    assert refused.value.exit_code == 7
    assert not folder.exists()


def test_nobody_can_link_the_networks_of_one_machine_or_the_machines_of_one_network(
    tmp_path: Path,
) -> None:
    """Pseudonyms are drawn, not derived: the same place twice gives two that share nothing."""
    mine = Identity(tmp_path / "mine")
    names = [mine.pseudonym(PROVIDER), mine.pseudonym(17726)]
    names += [Identity(tmp_path / f"other{index}").pseudonym(PROVIDER) for index in range(20)]
    assert len({name[:4] for name in names}) > 20
    assert mine.pseudonym(PROVIDER) == names[0]
