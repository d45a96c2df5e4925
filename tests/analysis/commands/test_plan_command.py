"""`gatewatch plan`, as it is typed: what it prints, and how it ends."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from analysis.simulated.error_rates import CELLS, from_json
from probe.cli import main
from probe.disk.places import shipped
from tests.analysis.country import Country

pytestmark = pytest.mark.usefixtures("own_home")


def plan(*arguments: str | Path) -> Result:
    done = CliRunner().invoke(main, ["plan", *map(str, arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def planned(*arguments: str | Path) -> dict[str, Any]:
    done = plan(*arguments, "--json")
    assert done.exit_code == 0, done.output
    fields: dict[str, Any] = json.loads(done.stdout)
    return fields


def trace(source: str, destination: str = "193.0.6.139") -> str:
    hops = ["192.168.1.1", "203.208.177.1", destination]
    return json.dumps(
        {
            "from": source,
            "af": 4,
            "dst_addr": hops[-1],
            "timestamp": 1767268800,
            "result": [
                {"hop": n, "result": [{"from": address, "rtt": 1.0 if n < 2 else 60.0}]}
                for n, address in enumerate(hops, start=1)
            ],
        }
    )


def test_it_says_what_is_needed_and_whom_to_ask() -> None:
    """Cambodia: five, seven, and its largest networks first, with their AS numbers."""
    fields = planned("kh")
    assert fields["schema"] == "gatewatch.plan/1"
    assert fields["country"] == "KH"
    assert fields["needs"]["possible"] == 5
    assert fields["needs"]["single"] == 7
    assert fields["taking_part"] == 0
    first, second, *_ = fields["recruit"]
    assert first["weight"] >= second["weight"]
    assert first["asns"]
    assert first["open_then"] == pytest.approx(1 - first["share"])
    assert len(fields["recruit"]) == 15


def test_what_stands_first_is_called_a_candidate_as_on_the_page() -> None:
    """Before anything is measured there is no gateway besides which anybody could take part."""
    said = plan("KH").stdout
    assert "Needed besides the candidate: 5 before anything is said" in said


def test_who_takes_part_already_is_not_asked_again(tmp_path: Path) -> None:
    """The panel is read from its traces: Metfone's one volunteer covers Metfone."""
    panel = tmp_path / "panel.jsonl"
    panel.write_text(trace("36.37.128.9") + "\n")
    before, after = planned("KH"), planned("KH", "--panel", panel)
    assert after["taking_part"] == 1
    assert after["coverage"] > 0
    gone = {one["organisation"] for one in before["recruit"]} - {
        one["organisation"] for one in after["recruit"]
    }
    assert len(gone) == 1
    open_before = before["recruit"][0]["open_then"]
    assert after["recruit"][0]["open_then"] < open_before + 1e-9


def test_who_measured_at_home_alone_is_asked_all_the_same(tmp_path: Path) -> None:
    """Nothing is known of its ways abroad, of which the plan speaks."""
    panel = tmp_path / "panel.jsonl"
    panel.write_text(trace("36.37.128.9", "203.189.128.1") + "\n")
    after = planned("KH", "--panel", panel)
    assert (after["taking_part"], after["coverage"], after["rejected"]) == (0, 0.0, {})
    assert after["at_home_alone"] == 1
    says = "Measured at home alone, which tells nothing of ways abroad: 1 organisation."
    assert says in plan("KH", "--panel", panel).stdout
    panel.write_text(f"{trace('36.37.128.9', '203.189.128.1')}\n{trace('36.37.128.9')}\n")
    assert planned("KH", "--panel", panel)["at_home_alone"] == 0
    assert "at home alone" not in plan("KH", "--panel", panel).stdout


def test_who_measured_and_has_no_weight_is_told_of(tmp_path: Path) -> None:
    """Its users are not in the estimate, so it is none of those that take part of all."""
    panel, users = tmp_path / "panel.jsonl", tmp_path / "users.csv"
    panel.write_text(trace("36.37.128.9") + "\n")
    users.write_text("Rank,AS,AS Name,CC,Users (est.)\n1,AS45498,SMART,KH,6000000\n")
    after = planned("KH", "--panel", panel, "--eyeballs", users)
    assert (after["taking_part"], after["unweighed"]) == (0, 1)
    done = plan("KH", "--panel", panel, "--eyeballs", users)
    assert "Measured, but without users: 1 organisation." in done.stdout


def test_a_panel_is_folded_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `analyze` reads: a year of traces need not fit into memory to be planned with."""

    def holds_all(*_: object, **__: object) -> None:
        raise AssertionError("all traces are held")

    # By its full name it is hidden behind the function of the same name.
    monkeypatch.setattr(importlib.import_module("analysis.intake.load"), "load", holds_all)
    panel = tmp_path / "panel.jsonl"
    panel.write_text(trace("36.37.128.9") + "\n")
    assert planned("KH", "--panel", panel)["taking_part"] == 1


def test_what_of_the_panel_says_nothing_is_told(tmp_path: Path) -> None:
    """A wrong file is no panel of which nobody takes part."""
    panel = tmp_path / "panel.jsonl"
    panel.write_text(f"{trace('36.37.128.9')}\n{trace('193.0.0.1')}\n{{")
    done = plan("KH", "--panel", panel)
    assert f"warning: {panel}:3: the line is cut off; left out" in done.stderr
    assert "Left out of what --panel names: 1 malformed, 1 vantage_abroad." in done.stdout
    assert planned("KH", "--panel", panel)["rejected"] == {"malformed": 1, "vantage_abroad": 1}
    assert planned("KH")["rejected"] == {}
    panel.write_text("{")
    done = plan("KH", "--panel", panel)
    assert done.exit_code == 9
    assert f"gatewatch: {panel}: no usable trace (1 malformed)" in done.stderr


def test_people_get_plain_lines() -> None:
    """Numbers first, then a list that one can read out."""
    done = plan("KH", "--top", "3")
    assert done.exit_code == 0
    assert "5 before anything is said, 7 before anybody is called a single gateway" in done.stdout
    assert "docs/error-rates.md" in done.stdout
    assert "  3. " in done.stdout
    assert "  4. " not in done.stdout


def test_with_fewer_networks_than_a_single_gateway_needs_somebody_can_be_named() -> None:
    """As the plan says, and five networks show."""
    assert "With fewer an operator can be named whom most pass" in plan("KH").stdout
    wanted = planned("KH")["needs"]
    assert (wanted["possible"], wanted["named"], wanted["single"]) == (5, 5, 7)
    country = Country(5)
    country.everyone("lan own gate {up}")
    verdict = country.judge()
    assert verdict.grade == "concentrated"
    assert verdict.gateway is not None


def test_what_stays_open_is_rounded_up() -> None:
    """Nobody is told that nothing is open as long as something is."""
    said = [float(part) for part in re.findall(r"open by (\d+)%", plan("KH", "--top", "99").stdout)]
    found = [100 * one["open_then"] for one in planned("KH", "--top", "99")["recruit"]]
    assert len(said) == len(found) > 20
    assert all(0 <= shown - true + 1e-6 < 1 + 1e-6 for shown, true in zip(said, found, strict=True))


def test_users_weigh_otherwise_than_addresses(tmp_path: Path) -> None:
    """APNIC's estimates of two networks: the mobile one with few addresses is asked first."""
    users = tmp_path / "users.csv"
    users.write_text(
        "Rank,AS,AS Name,CC,Users (est.)\n"
        "1,AS45498,SMART,KH,6000000\n"
        "2,AS38623,VIETTEL,KH,2000000\n"
    )
    fields = planned("KH", "--eyeballs", users)
    assert fields["weights"] == "users"
    assert [one["share"] for one in fields["recruit"]] == [0.75, 0.25]
    assert 45498 in fields["recruit"][0]["asns"]
    assert fields["needs"]["national"] == 1


def test_error_rates_can_be_counted_anew() -> None:
    """A few simulated countries of the number of networks asked for."""
    fields = planned("KH", "--simulate", "2", "--networks", "8")
    rows = [from_json(row) for row in fields["error_rates"]["rows"]]
    assert {(row.cell.networks, row.cell.share) for row in rows} == {(8, 0.6), (8, 0.97)}
    assert all(row.said.of == 2 for row in rows)


@pytest.mark.parametrize(
    ("typed", "code", "says"),
    [
        (["XX"], 2, "no country code"),
        ([], 2, "CC"),
        (["KH", "--panel", "nowhere.jsonl"], 9, "nowhere.jsonl"),
        (["KH", "--networks", "2"], 2, "3<=x<=60"),
        (["KH", "--networks", "8"], 2, "--networks goes with --simulate"),
        (["BV"], 9, "no network of this country"),
    ],
    ids=[
        "no country",
        "nothing",
        "no such file",
        "too few networks",
        "nothing simulated",
        "a country without networks",
    ],
)
def test_what_cannot_be_planned(typed: list[str], code: int, says: str) -> None:
    """A sentence and the exit code of its kind."""
    done = plan(*typed)
    assert done.exit_code == code
    assert says in done.output + done.stderr


def test_the_table_that_ships_has_every_cell_and_says_how_it_was_made() -> None:
    """Eighteen rows of today's cells, the version, the command, and the numbers of the draw."""
    fields = json.loads(shipped("planning/error-rates.json").read_text(encoding="utf-8"))
    assert [from_json(row).cell for row in fields["rows"]] == list(CELLS)
    assert fields["made"]["command"] == "make roc"
    assert fields["made"]["faults"]["silent"] == 0.25
    assert fields["made"]["faults"]["misattributed"] == 0.10
    assert fields["made"]["faults"]["wrong"] == 0.05
    assert fields["made"]["faults"]["crowd"] == 0.8
