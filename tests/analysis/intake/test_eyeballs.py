"""APNIC's estimates as they are downloaded, and every way in which a file may be another one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.intake.eyeballs import EyeballsError, read_eyeballs
from analysis.shares.coverage import Weights, by_addresses, by_users, covered
from tests.analysis.country import AutonomousSystem, Country


def row(asn: int, country: str, users: int, **more: Any) -> dict[str, Any]:
    return {
        "rank": 1,
        "AS": asn,
        "Description": f"NET-{asn}",
        "CC": country,
        "Users": users,
        "Percent of CC Pop": 1.5,
        "Percent of Internet": 0.01,
        "Samples": 900,
        **more,
    }


def as_json(rows: list[dict[str, Any]]) -> str:
    return json.dumps(
        {"copyright": "(C) APNIC", "Date": "25/11/2026", "Window": "60", "Data": rows}
    )


CSV = """Rank,ASN,AS Name,CC,Users (est.),% of country,% of Internet,Samples
1,AS38623,"VIETTEL, (CAMBODIA)",KH,"4,500,000",35.1,0.1,12345
2,AS45498,SMART-AXIATA,KH,3000000,22.9,0.07,11111
3,AS38623,"VIETTEL, (CAMBODIA)",VN,77,0.0,0.0,3
"""


def users(folder: Path, text: str | bytes, country: str = "KH") -> dict[int, float]:
    path = folder / "aspop"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return dict(read_eyeballs(path, country).users)


def test_json_is_read_as_apnic_gives_it(tmp_path: Path) -> None:
    """A network in two countries counts with its users in the one asked for."""
    text = as_json([row(100, "KH", 900), row(100, "VN", 5), row(200, "KH", 100)])
    assert users(tmp_path, text) == {100: 900, 200: 100}
    assert users(tmp_path, text, "VN") == {100: 5}
    found = read_eyeballs(tmp_path / "aspop", "KH")
    assert found.date == "25/11/2026"
    assert found.name == "aspop"


def test_csv_is_read_with_its_quotes_and_commas(tmp_path: Path) -> None:
    """Numbers as the page prints them, names with commas, AS before the number."""
    assert users(tmp_path, CSV) == {38623: 4_500_000, 45498: 3_000_000}
    assert users(tmp_path, b"\xef\xbb\xbf" + CSV.encode()) == users(tmp_path, CSV)
    assert users(tmp_path, "AS,CC,Users\n1,KH,5\n1,kh,6\n") == {1: 11}


def test_names_in_latin_1_do_no_harm(tmp_path: Path) -> None:
    """APNIC serves them so at times; only numbers are used."""
    assert users(tmp_path, 'AS,AS Name,CC,Users\n1,"T\xe9l\xe9com",KH,5\n'.encode("latin-1")) == {
        1: 5
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no users in KH"),
        (CSV.replace("KH", "VN"), "no users in KH; download APNIC's table of users for that"),
        ("AS,CC,Users\n1,KH,0\n", "no users in KH"),
        ("AS,CC,Users\n1,KH,5\n2,KH,many\n", "line 3 is no row of AS, CC and Users; give the CSV"),
        ("AS,CC\n1,KH\n", "line 2 is no row of AS, CC and Users"),
        ("a,b\n1,2\n", "line 2 is no row"),
        ("AS,CC,Users\n1,KH,-5\n", "line 2 is no row"),
        ("AS,CC,Users\n1,KH,nan\n", "line 2 is no row"),
        (as_json([row(1, "KH", 5), {"AS": 2}]), "row 2 is no row of AS, CC and Users"),
        (as_json([]), "no users in KH"),
        ("[1]", "row 1 is no row"),
        ('{"Data": 5}', "row 1 is no row"),
        ('{"Data": [', "is broken JSON"),
        ("[" * 100_000, "is broken JSON"),
        ("x" * 200_000, "line 1 is no row"),
    ],
)
def test_other_files_are_refused_with_the_row(text: str, says: str, tmp_path: Path) -> None:
    """One sentence that names the file, the row and the remedy."""
    with pytest.raises(EyeballsError, match=r"aspop: ") as refusal:
        users(tmp_path, text)
    assert says in str(refusal.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """With the reason."""
    with pytest.raises(EyeballsError, match=r"gone: cannot be read \(No such file"):
        read_eyeballs(tmp_path / "gone", "KH")


@given(
    people=st.dictionaries(
        st.integers(1, 2**32 - 1), st.integers(1, 10**9), min_size=1, max_size=20
    ),
    grouped=st.booleans(),
)
def test_both_forms_say_the_same(
    people: dict[int, int], grouped: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever numbers there are, CSV and JSON of them are one and the same."""
    folder = tmp_path_factory.mktemp("users")
    lines = [
        f'AS{asn},"x, y",KH,"{count:,}"' if grouped else f"{asn},x,KH,{count}"
        for asn, count in people.items()
    ]
    text = "\n".join(["ASN,AS Name,CC,Users (est.)", *lines])
    assert users(folder, text) == people
    assert users(folder, as_json([row(asn, "KH", n) for asn, n in people.items()])) == people


# ------------------------------------------------------------------------ weights


def test_addresses_are_the_fallback() -> None:
    """Several networks of one organisation add up, and the unit says what was weighed."""
    weights = by_addresses(
        [AutonomousSystem("A", 256), AutonomousSystem("A", 512), AutonomousSystem("B", 256)]
    )
    assert weights == Weights({"A": 768, "B": 256}, "addresses")


def test_who_weighs_nothing_is_not_known() -> None:
    """A network without an IPv4 address is not among those to ask, nor among those known."""
    networks = [AutonomousSystem("A", 256), AutonomousSystem("IPv6 only", 0)]
    assert by_addresses(networks).of == {"A": 256}
    assert by_users({1: 300.0, 2: 0.0}, str).of == {"1": 300.0}


def test_users_are_merged_by_organisation() -> None:
    """Sibling AS numbers are one."""
    merged = by_users({1: 10.0, 2: 20.0, 3: 5.0}, lambda asn: "A" if asn < 3 else "B")
    assert merged == Weights({"A": 30.0, "B": 5.0}, "users")


@pytest.mark.parametrize(
    ("measured", "left_out", "expected"),
    [
        ([], set(), 0.0),
        (["A"], set(), 0.1),
        (["A", "B"], set(), 0.4),
        (["A", "B", "A"], set(), 0.4),
        # The candidate has 60: neither covered nor missing.
        (["A", "G"], {"G"}, 0.25),
        (["A", "B"], {"G"}, 1.0),
        (["unknown"], set(), 0.0),
        (["G"], {"A", "B", "G"}, 0.0),
    ],
)
def test_how_much_was_covered(measured: list[str], left_out: set[str], expected: float) -> None:
    """A has 10, B 30, G 60."""
    weights = Weights({"A": 10.0, "B": 30.0, "G": 60.0}, "users")
    assert covered(measured, left_out, weights) == pytest.approx(expected)


def test_fractions_of_users_add_up_to_the_same_in_every_process() -> None:
    """Those measured are a set, whose order is another in each, and of which order sums depend."""
    weights = Weights({**{f"Net {i}": 0.1 for i in range(10)}, "Rest": 1.0}, "users")
    assert covered([f"Net {i}" for i in range(10)], set(), weights) == 0.5


def test_who_was_measured_is_known() -> None:
    """An estimate may have no row for many who were: "9 of 2 organisations" counts nothing."""
    country = Country(9)
    country.everyone("lan own gate {up}")
    found = country.judge(weights=Weights({"Net 1": 300.0, "Other": 100.0}, "users"))
    coverage = found.fields["coverage"]
    assert (coverage["organisations"], coverage["organisations_known"]) == (9, 10)
    assert (coverage["unweighed"], coverage["eyeballs"]) == (8, 0.75)
