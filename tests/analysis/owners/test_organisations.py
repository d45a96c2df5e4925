"""Siblings by CAIDA's and PeeringDB's files: joined, never parted, and never against the list."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.intake.inputs import InputError
from analysis.owners.organisations import Merged, Siblings, merge, read_siblings
from probe.origin import Origin

CAIDA = """\
# program start time: 20260401
# format:org_id|changed|org_name|country|source
ORG-A|20200101|Alpha|KH|APNIC
ORG-B|20200101|Beta|KH|APNIC
# format:aut|changed|aut_name|org_id|opaque_id|source
101|20200101|ALPHA-1|ORG-A|x|APNIC
102|20200101|ALPHA-2|ORG-A|x|APNIC
103|20200101|BETA|ORG-B||APNIC
"""
OLDER = CAIDA.replace("|opaque_id|", "|").replace("|x|", "|").replace("||", "|")
CAIDA_LINES = "\n".join(
    json.dumps(one)
    for one in (
        {"type": "Organization", "organizationId": "ORG-A", "name": "Alpha", "country": "KH"},
        {"type": "ASN", "asn": "101", "organizationId": "ORG-A", "name": "ALPHA-1"},
        {"type": "ASN", "asn": "102", "organizationId": "ORG-A", "name": "ALPHA-2"},
        {"type": "ASN", "asn": "103", "organizationId": "ORG-B", "name": "BETA"},
    )
)
# A separator of lines that JSON lets stand in a text, and an empty line.
CAIDA_ODD_LINES = CAIDA_LINES.replace("BETA", "BE\u2028TA").replace("\n", "\n\n")
CAIDA_ODD = CAIDA.replace("BETA", "BE\x85TA").replace("\n", "\r\n")
NETWORKS = [
    {"id": 1, "org_id": 7, "asn": 101, "name": "Alpha"},
    {"id": 2, "org_id": 7, "asn": 102, "name": "Alpha mobile"},
    {"id": 3, "org_id": 8, "asn": 103, "name": "Beta"},
]


@dataclass
class Names:
    """A register of few: names by AS number, and which of them the list kept by hand has."""

    names: dict[int, str] = field(default_factory=dict)
    listed: set[str] = field(default_factory=set)

    def organisation(self, asn: int) -> str:
        return self.names.get(asn, f"AS{asn}")

    def operator(self, organisation: str) -> object | None:
        return organisation if organisation in self.listed else None


def siblings(*groups: set[int]) -> Siblings:
    found = Siblings()
    for number, asns in enumerate(groups):
        found.asns[f"caida:{number}"] |= asns
    return found


@pytest.mark.parametrize(
    "content",
    [
        CAIDA,
        OLDER,
        CAIDA_LINES,
        CAIDA_ODD,
        CAIDA_ODD_LINES,
        json.dumps({"data": NETWORKS, "meta": {}}),
        json.dumps({"net": {"data": NETWORKS}, "org": {"data": [{"id": 7, "name": "Alpha"}]}}),
    ],
    ids=[
        "caida",
        "caida-before-2020",
        "caida-jsonl",
        "caida-odd",
        "caida-jsonl-odd",
        "peeringdb-api",
        "peeringdb-dump",
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_every_form_says_the_same(content: str, pack: type[bytes], tmp_path: Path) -> None:
    """AS101 and AS102 are one, AS103 is another."""
    path = tmp_path / "organisations"
    path.write_bytes(pack(content.encode()))
    found = read_siblings([path])
    assert sorted(map(sorted, found.asns.values())) == [[101, 102], [103]]
    assert found.sha256 == {path.name: hashlib.sha256(path.read_bytes()).hexdigest()}


@pytest.mark.parametrize(
    "unnamed",
    [
        "# format:aut|changed|aut_name|org_id|opaque_id|source\n104|0|X|||APNIC\n105|0|Y|||RIPE",
        '{"asn": "104", "organizationId": ""}\n{"asn": "105", "organizationId": ""}',
        '{"asn": "104", "organizationId": null}\n{"asn": "105", "organizationId": null}',
        '{"data": [{"asn": 104, "org_id": null}, {"asn": 105, "org_id": null}]}',
    ],
    ids=["caida", "caida-jsonl", "caida-jsonl-null", "peeringdb"],
)
def test_whose_holder_is_not_named_is_nobodys_sibling(unnamed: str, tmp_path: Path) -> None:
    """Two that nobody is told to hold are not held by one."""
    paths = [tmp_path / "known", tmp_path / "unnamed"]
    paths[0].write_text(CAIDA)
    paths[1].write_text(unnamed)
    found = read_siblings(paths)
    assert sorted(map(sorted, found.asns.values())) == [[101, 102], [103]]


def test_files_of_one_name_are_both_named(tmp_path: Path) -> None:
    """With the folder that tells the second from the first, and the hash of each."""
    paths = [tmp_path / year / "as-org2info.txt" for year in ("2021", "2026")]
    for path, content in zip(paths, (CAIDA, OLDER), strict=True):
        path.parent.mkdir()
        path.write_text(content)
    hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    names = ("as-org2info.txt", "2026/as-org2info.txt")
    assert read_siblings(paths).sha256 == dict(zip(names, hashes, strict=True))


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00\xff" * 40, b"{", b"[1, 2]", b'{"data": 7}', b'{"data": [{"id": 1, "name": "x"}]}',
     b"# format:aut|changed|aut_name|org_id|opaque_id|source\nAS|x\n", b"\x1f\x8bbroken"],
)  # fmt: skip
def test_other_files_are_refused(content: bytes, tmp_path: Path) -> None:
    """With the file and what it should be; PeeringDB's organisations alone name no AS number."""
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"^{path}: "):
        read_siblings([path])


def test_siblings_get_one_name() -> None:
    """Without an entry in the list, that of the member that comes first by name."""
    merged = merge(Names({101: "Alpha Two", 102: "Alpha One"}), siblings({101, 102}))
    assert merged == Merged({"Alpha Two": "Alpha One"}, ())


def test_the_list_kept_by_hand_names_them() -> None:
    """Its name is what a verdict prints, whatever comes first by name."""
    names = Names({101: "Aardvark Networks", 102: "Telecom"}, {"Telecom"})
    assert merge(names, siblings({101, 102})).names == {"Aardvark Networks": "Telecom"}


def test_files_join_over_what_they_share() -> None:
    """One file knows that 101 and 102 are one, another that 102 and 103 are."""
    names = Names({101: "A", 102: "B", 103: "C"})
    assert merge(names, siblings({101, 102}, {102, 103})).names == {"B": "A", "C": "A"}


def test_a_file_never_parts_what_is_together() -> None:
    """Two AS numbers under one registered name stay one, although a file has them apart."""
    names = Names({101: "Same", 102: "Same", 103: "Other"})
    assert merge(names, siblings({101}, {102}, {103})).names == {}


def test_what_the_list_keeps_apart_stays_apart_and_is_told() -> None:
    """Two operators of the list are never one by a file; what else the file joins is joined."""
    names = Names({1: "NTEC", 2: "Beltelecom", 3: "Small", 4: "Tiny"}, {"NTEC", "Beltelecom"})
    assert merge(names, siblings({1, 2, 3, 4})) == Merged(
        {"Tiny": "Small"}, (("Beltelecom", "NTEC"),)
    )


def test_they_stay_apart_over_a_third_as_well() -> None:
    """A member of neither, which two files give to both, goes to one of them."""
    names = Names({1: "NTEC", 2: "Beltelecom", 3: "Small"}, {"NTEC", "Beltelecom"})
    merged = merge(names, siblings({1, 3}, {2, 3}))
    assert merged.names == {"Small": "NTEC"}
    assert merged.kept_apart == (("Beltelecom", "NTEC"),)


@settings(max_examples=200)
@given(
    st.dictionaries(st.integers(1, 12), st.sampled_from("ABCDEFGH"), min_size=1),
    st.lists(st.sets(st.integers(1, 14), min_size=1, max_size=4), max_size=6),
    st.sets(st.sampled_from("ABCDEFGH"), max_size=3),
)
def test_merging_only_joins(held: dict[int, str], groups: list[set[int]], listed: set[str]) -> None:
    """Names that were one stay one, listed ones keep theirs, and a name leads to a last one."""
    merged = merge(Names(held, listed), siblings(*groups)).names
    assert not listed & set(merged)
    assert not set(merged) & set(merged.values())


def test_a_real_register_is_merged(table: Origin, tmp_path: Path) -> None:
    """By address and by AS number: two Cambodian networks that a file says are one."""
    path = tmp_path / "net.json"
    path.write_text(json.dumps({"data": [{"org_id": 1, "asn": n} for n in (55329, 138160, 3333)]}))
    merged = merge(table, read_siblings([path]))
    assert merged.kept_apart == (("Telcotech", "ZTNET"),)
    path.write_text(json.dumps({"data": [{"org_id": 1, "asn": n} for n in (55329, 3333)]}))
    merged = merge(table, read_siblings([path]))
    one = table.merged(merged.names)
    assert one.organisation(3333) == one.lookup("193.0.6.139").organisation == "Telcotech"
    assert {3333, 55329} < set(one.asns("Telcotech")), "with those of the same registered name"
    assert table.organisation(3333) != "Telcotech", "the table that was given is as it was"
