"""The library as an analyst uses it: same words as the command line, typed, frozen, lazy."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
import json
import platform
import re
import subprocess
import sys
from collections.abc import Iterable
from hashlib import sha256
from html import unescape as html_unescaped
from pathlib import Path
from typing import Any, assert_type

import pandas as pd
import pytest
import scipy
from click.testing import CliRunner

import analysis as gw
from analysis.basis.means import open_means
from analysis.countries import UnknownCountry
from analysis.intake.inputs import InputError
from analysis.intake.load import Loaded
from analysis.library.statement import Captured, Wave
from analysis.policy import PolicyError
from analysis.scale import edition
from probe.cli import main
from probe.origin import Origin
from probe.record import SIMULATED
from tests.analysis.country import Country
from tests.analysis.verdicts import verdict_of


@pytest.fixture(scope="module")
def folder(short_demo: Path) -> Path:
    """A day of a simulated country, after the switch."""
    return short_demo / "after"


@pytest.fixture(scope="module")
def data(folder: Path) -> gw.Data:
    return gw.load(folder)


@pytest.fixture(scope="module")
def verdict(data: gw.Data, table: Origin) -> gw.Verdict:
    return gw.judge(data, country="KH", policy={"days": 1}, origin=table)


def in_another_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    return done.stdout.strip()


def test_importing_the_library_loads_nothing() -> None:
    """Whoever starts a command does not wait for pandas because the package is imported."""
    code = (
        "import sys, analysis as gw; assert 'judge' in dir(gw); "
        "heavy = {'pandas', 'altair', 'scipy', 'jinja2', 'analysis.library.api'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert in_another_python(code) == "[]"


def test_traces_in_lines_are_judged_without_what_reads_tables() -> None:
    """Neither pandas nor pyarrow is loaded: each takes memory, in every process that reads."""
    code = (
        "import sys, analysis.library.api, analysis.scale.engine; "
        "print(sorted({'pandas', 'pyarrow'} & set(sys.modules)))"
    )
    assert in_another_python(code) == "[]"


def test_a_name_that_is_not_there_is_told() -> None:
    """As any module does."""
    with pytest.raises(AttributeError, match="no attribute 'condemn'"):
        gw.condemn  # type: ignore[attr-defined]  # noqa: B018


def test_the_command_line_says_the_same(folder: Path, verdict: gw.Verdict) -> None:
    """Every key of the JSON, but for the command that was typed."""
    arguments = ["analyze", str(folder), "--country", "kh", "--policy", "days=1", "--json"]
    done = CliRunner().invoke(main, arguments, catch_exceptions=False)
    printed, said = json.loads(done.stdout), verdict.to_dict()
    assert printed["provenance"].pop("command").startswith("gatewatch")
    assert said["provenance"].pop("command") is None
    assert printed == json.loads(json.dumps(said))


def test_a_verdict_names_the_code_that_judged(verdict: gw.Verdict) -> None:
    """Beside the version, which many commits share."""
    assert verdict.provenance["code"] == edition.code()
    assert verdict.provenance["libraries"]["python"] == platform.python_version()
    assert verdict.provenance["libraries"]["scipy"] == scipy.__version__


def test_the_lines_of_the_command_have_the_same_words(folder: Path, verdict: gw.Verdict) -> None:
    """Without ``--json``, too: the headline, every reason, every limit."""
    arguments = ["analyze", str(folder), "--country", "KH", "--policy", "days=1"]
    done = CliRunner().invoke(main, arguments, catch_exceptions=False)
    printed = " ".join(done.stdout.split())
    for sentence in (verdict.headline, *verdict.reasons, *verdict.limits):
        assert sentence in printed


def test_every_table_is_the_one_that_is_documented(data: gw.Data, verdict: gw.Verdict) -> None:
    """The page has each column of the real tables, in order, with the type that it really has."""
    page = (Path(__file__).parents[3] / "docs/tables.md").read_text(encoding="utf-8")
    sections = re.findall(r"^### ((?:data|verdict)\..+)\n((?:(?!##).*\n)*)", page, re.MULTILINE)
    holders: dict[str, object] = {"data": data, "verdict": verdict}
    shown = set()
    for heading, text in sections:
        listed = re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", text, re.MULTILINE)
        for name in heading.split(", "):
            holder, _, attribute = name.partition(".")
            table = getattr(holders[holder], attribute)
            assert listed == [(str(c), str(kind)) for c, kind in table.dtypes.items()], name
            shown.add(name)
    own = {
        f"{holder}.{name}"
        for holder, one in holders.items()
        for name in dir(one)
        if not name.startswith("_") and isinstance(getattr(one, name), pd.DataFrame)
    }
    assert shown == own


def test_the_attributes_are_those_of_the_json(verdict: gw.Verdict) -> None:
    """With types that a checker knows: this test is checked, too."""
    said = verdict.to_dict()
    assert (verdict.country, verdict.grade, verdict.scope) == ("KH", "single_gateway", "sampled")
    assert verdict.gateway is not None
    assert_type(verdict.gateway.asns, tuple[int, ...])
    assert (verdict.gateway.kind, verdict.gateway.name) == ("organisation", "Telecom Cambodia")
    assert_type(verdict.captured, Captured)
    assert dataclasses.asdict(verdict.captured) == said["captured"]
    assert dataclasses.asdict(verdict.share) == said["share"]
    assert verdict.effective_gateways == said["effective_gateways"]
    coverage = dataclasses.asdict(verdict.coverage)
    assert coverage | {"bounds": list(verdict.coverage.bounds)} == said["coverage"]
    assert verdict.strict_and_lenient_agree is said["strict_and_lenient_agree"] is True
    assert verdict.measured == said["measured"]
    assert verdict.window == (dt.date(2022, 2, 16), dt.date(2022, 2, 16))
    assert verdict.headline == (
        "The great majority of the networks measured reach abroad through one gateway: "
        "Telecom Cambodia."
    )
    assert verdict.domestic.hub == verdict.gateway
    domestic = dataclasses.asdict(verdict.domestic)
    assert domestic.keys() == said["domestic"].keys()
    figures = {"grade", "pairs", "captured", "effective_hubs", "reason"}
    assert {name: domestic[name] for name in figures} == {
        name: said["domestic"][name] for name in figures
    }
    upstream = dataclasses.asdict(verdict.upstream)
    assert upstream.keys() == said["upstream"].keys()
    assert verdict.upstream.operator is not None
    assert upstream | {"operator": verdict.upstream.operator.name} == (
        said["upstream"] | {"operator": said["upstream"]["operator"]["name"]}
    )
    assert (verdict.timeline.alarm, verdict.timeline.onset, verdict.timeline.moved) == (
        False,
        None,
        {},
    )
    assert list(verdict.reasons) == said["reasons"]
    assert list(verdict.limits) == said["limits"]
    assert verdict.provenance == said["provenance"]


def test_a_wave_that_is_over_is_told_of_where_there_is_no_alarm() -> None:
    """As the JSON has it, with days for dates."""
    country = Country(10)
    country.everyone("lan own {up}", days=[*range(8), *range(29, 37)])
    country.everyone("lan own gate {up}", days=range(8, 29))
    timeline = verdict_of(country).timeline
    assert (timeline.alarm, timeline.gateway) == (False, None)
    onset, over = dt.date(2026, 1, 9), dt.date(2026, 1, 30)
    assert timeline.waves == (Wave("Gate", onset, organisations=10, of=10, left=10, over=over),)


def test_nothing_in_a_verdict_can_be_changed(verdict: gw.Verdict) -> None:
    """Neither its attributes nor, through a copy, what they are read from."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        verdict._fields = {}  # type: ignore[misc]
    with pytest.raises(AttributeError):
        verdict.grade = "diverse"  # type: ignore[misc]
    verdict.to_dict()["captured"]["organisations"] = 0
    verdict.provenance["inputs"].clear()
    verdict.measured.clear()
    assert verdict.captured.organisations == 12
    assert verdict.provenance["inputs"]
    assert verdict.measured


@pytest.mark.parametrize(
    "name",
    [
        "candidates",
        "changes",
        "criteria",
        "crossings",
        "days",
        "domestic_pairs",
        "pairs",
        "ranges",
        "recruits",
        "rejected",
    ],
)
def test_what_is_done_to_a_table_reaches_no_report(verdict: gw.Verdict, name: str) -> None:
    """A notebook cleans its tables up; pages and pictures show what was judged."""
    found: pd.DataFrame = getattr(verdict, name)
    before = found.copy()
    found["mine"] = 1
    pd.testing.assert_frame_equal(getattr(verdict, name), before)


def test_what_python_prints_of_them(verdict: gw.Verdict, data: gw.Data) -> None:
    """One line that says which country, what and how much."""
    assert repr(verdict) == "<Verdict KH single_gateway 2022-02-16 to 2022-02-16>"
    assert repr(data) == f"<Data of {len(data)} traces, 0 left out>"


def test_what_was_simulated_is_said_to_be(data: gw.Data, verdict: gw.Verdict) -> None:
    """In the provenance by number, and among the limits in a sentence."""
    assert verdict.provenance["notes"] == {SIMULATED: len(data)}
    assert f"Simulated traces: {len(data)} of {len(data)};" in verdict.limits[-1]


def test_the_tables_of_the_data(data: gw.Data) -> None:
    """One row a trace, one row a probe, and made once."""
    assert len(data.traces) == len(data)
    assert data.replies["trace"].nunique() == len(data)
    assert data.traces is data.traces
    assert data.complaints == ()
    assert len(data.inputs) == 1


def test_crossings_are_those_that_the_command_writes(
    folder: Path, verdict: gw.Verdict, tmp_path: Path
) -> None:
    """`analyze --crossings` writes the verdict's table."""
    out = tmp_path / "crossings.parquet"
    arguments = ["analyze", str(folder), "--country", "KH", "--crossings", str(out), "--json"]
    CliRunner().invoke(main, arguments, catch_exceptions=False)
    written = pd.read_parquet(out)
    assert written.astype("string").fillna("").values.tolist() == (
        verdict.crossings.astype("string").fillna("").values.tolist()
    )


def test_crossings_need_no_verdict(data: gw.Data, verdict: gw.Verdict, table: Origin) -> None:
    """Of one IP version and one period, they are those of the verdict."""
    found = gw.crossings(data, "kh", origin=table)
    pd.testing.assert_frame_equal(found, verdict.crossings)


def test_what_is_simulated_is_said_before_all_else(folder: Path, verdict: gw.Verdict) -> None:
    """In a notebook and on a terminal: a name is read before any limit is."""
    arguments = ["analyze", str(folder), "--country", "KH"]
    done = CliRunner().invoke(main, arguments, catch_exceptions=False)
    first, second = done.stdout.splitlines()[:2]
    assert first.startswith("KH: ")
    traces = verdict.provenance["notes"][SIMULATED]
    assert second == f"SIMULATED: what {traces} traces show was never measured."
    assert verdict._repr_html_().startswith(f"<p><strong>{second}</strong></p>")


def test_a_verdict_shows_itself_in_a_notebook(verdict: gw.Verdict, data: gw.Data) -> None:
    """Headline, figures, reasons and limits; of the data how many there are."""
    shown = verdict._repr_html_()
    for words in (verdict.headline, *verdict.reasons, *verdict.limits, "12 of 13 organisations"):
        assert words in shown.replace("&#x27;", "'")
    assert f"{len(data)} traces" in data._repr_html_()


def test_what_shows_no_html_shows_the_same_in_markdown(verdict: gw.Verdict) -> None:
    """As the PDF that nbconvert makes: it had the grade, and not that all was simulated."""
    shown = verdict._repr_markdown_()
    plain = re.sub(r"\\(.)", r"\1", shown)
    assert plain.startswith("**SIMULATED: what 192 traces show was never measured.**\n")
    for words in (verdict.headline, *verdict.reasons, *verdict.limits, "12 of 13 organisations"):
        assert words in plain
    html = html_unescaped(re.sub("<[^>]+>", " ", verdict._repr_html_()))
    assert sorted(re.findall(r"\w+", plain)) == sorted(re.findall(r"\w+", html))


def test_a_name_in_markdown_is_text(verdict: gw.Verdict) -> None:
    """Pandoc runs neither its markup, nor its HTML, nor its TeX."""
    hostile = r"\input{/etc/passwd} <b>*a*</b> $x$ [l](javascript:1) `c` _d_ | # @e"
    named = json.dumps(hostile)[1:-1]
    fields = json.loads(json.dumps(verdict.to_dict()).replace("Telecom Cambodia", named))
    shown = dataclasses.replace(verdict, _fields=fields)._repr_markdown_()
    bare = re.sub(r"\\[!-/:-@\[-`{-~]", "", shown.replace("**", ""))
    assert not re.search(r"[\\<>*$`_|#@{}\[\]]", bare)


def test_a_notebook_says_beside_the_headline_what_the_other_version_is(verdict: gw.Verdict) -> None:
    """Once, as terminal and report do: one version is not all traffic."""
    fields = verdict.to_dict()
    says = "IPv6 is judged apart, and is diverse."
    fields["reasons"].append(says)
    shown = dataclasses.replace(verdict, _fields=fields)._repr_html_()
    assert verdict.headline in shown.partition(says)[0]
    assert says in shown.partition("<table>")[0]
    assert shown.count("judged apart") == 1


def test_a_notebook_rounds_the_bounds_of_the_national_share_outward(verdict: gw.Verdict) -> None:
    """The nearest figures would claim to know more than is known."""
    fields = verdict.to_dict()
    fields["coverage"]["bounds"] = [0.4266, 0.8512]
    shown = dataclasses.replace(verdict, _fields=fields)._repr_html_()
    assert "a share of 0.42–0.86" in shown
    assert "95% bounds 0." in shown


def test_a_notebook_rounds_the_bounds_of_the_captured_share_outward(verdict: gw.Verdict) -> None:
    """As terminal and reasons do."""
    fields = verdict.to_dict()
    fields["captured"] |= {"lower": 0.688, "upper": 0.7101}
    shown = dataclasses.replace(verdict, _fields=fields)._repr_html_()
    assert "bounds 0.68–0.72" in shown


def test_a_name_in_a_notebook_is_text(verdict: gw.Verdict) -> None:
    """Whoever registered it: no name becomes markup."""
    fields = json.loads(
        json.dumps(verdict.to_dict()).replace("Telecom Cambodia", "<script>alert(1)</script>")
    )
    shown = dataclasses.replace(verdict, _fields=fields)._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown


def test_without_data_a_verdict_is_insufficient_and_its_tables_empty(
    tmp_path: Path, table: Origin
) -> None:
    """An empty file is an answer as well, with every table's columns."""
    (tmp_path / "none.jsonl").write_text("", encoding="utf-8")
    nothing = gw.judge(gw.load(tmp_path / "none.jsonl"), country="KH", origin=table)
    assert (nothing.grade, nothing.window, nothing.gateway) == ("insufficient", None, None)
    assert (nothing.upstream.operator, nothing.domestic.hub) == (None, None)
    assert nothing.coverage.bounds == (0.0, 1.0)
    for found in (nothing.crossings, nothing.pairs, nothing.days, nothing.domestic_pairs):
        assert found.empty
        assert len(found.columns)
    assert not nothing.recruits["measured"].any()
    assert "no data" in nothing._repr_html_()


def test_mistakes_are_named(data: gw.Data, table: Origin, tmp_path: Path) -> None:
    """Before anything is judged."""
    with pytest.raises(UnknownCountry, match="two letters of ISO 3166"):
        gw.judge(data, country="Cambodia", origin=table)
    with pytest.raises(PolicyError, match="no setting"):
        gw.judge(data, country="KH", policy={"dayz": 1}, origin=table)
    with pytest.raises(InputError, match="nowhere"):
        gw.load(tmp_path / "nowhere.jsonl")


@pytest.mark.parametrize(
    "paths",
    [
        5, None, b"traces.jsonl", [5], ["", 5], {"traces.jsonl": 1},
        pd.DataFrame({"file": ["traces.jsonl"]}), io.StringIO("{}"),
    ],
)  # fmt: skip
def test_what_is_no_path_is_told(paths: Any) -> None:
    """Bytes are no list of files, nor are a table's columns, an open file's lines or a number."""
    with pytest.raises(InputError, match="no path; give files, folders or globs"):
        gw.load(paths)


@pytest.mark.parametrize(
    ("paths", "told"),
    [
        (["x" * 9] * 999 + [7], "7 is no path"),
        ([["x" * 9] * 999], "list is no path"),
        (pd.DataFrame({"file": ["x" * 9] * 999}), "DataFrame is no path"),
        ('{"fw": 1, ' * 999, "the text of a JSON object is no path; write it into a file"),
    ],
    ids=["list", "nested", "table", "text"],
)
def test_what_is_no_path_is_told_in_one_line(paths: Any, told: str) -> None:
    """Of a thousand files the one that is none; no table is printed into the error."""
    with pytest.raises(InputError) as failed:
        gw.load(paths)
    assert told in str(failed.value)
    assert "\n" not in str(failed.value)
    assert len(str(failed.value)) < 200


def test_the_text_of_a_verdict_is_no_path(verdict: gw.Verdict) -> None:
    """What lies in a file may be in hand as text: what to do with it is told, not all of it."""
    with pytest.raises(InputError, match=r"no path; give what json\.loads makes") as failed:
        gw.compare(json.dumps(verdict.to_dict()), verdict)
    assert len(str(failed.value)) < 200


@pytest.mark.parametrize("paths", [[], iter(())])
def test_no_path_at_all_is_told(paths: Any) -> None:
    """As of ``Path.glob`` that matches nothing: a verdict on no traces is asked for by nobody."""
    with pytest.raises(InputError, match="no path is given"):
        gw.load(paths)


def test_paths_may_come_in_any_sequence(folder: Path, data: gw.Data) -> None:
    """One by one, in a tuple, and as a column of a table."""
    files = sorted(folder.glob("*.jsonl"))
    column = pd.Series([str(one) for one in files])
    given: list[Iterable[str | Path]] = [iter(files), tuple(files), column]
    for paths in given:
        assert len(gw.load(paths)) == len(data)


@pytest.mark.parametrize("given", ["traces.jsonl", None, pd.DataFrame()])
def test_what_is_no_data_is_told(given: Any, table: Origin) -> None:
    """As where a path, or one of its tables, is given instead."""
    for asked in (gw.judge, gw.crossings):
        with pytest.raises(TypeError, match=r"is no data; read some with load\(…\) first"):
            asked(given, "KH", origin=table)


@pytest.mark.parametrize(
    "option", ["origin", "tables", "compared", "organisations", "eyeballs", "rib"]
)
def test_a_file_is_named_by_its_path(option: str, data: gw.Data) -> None:
    """A number is no path."""
    with pytest.raises(InputError, match="3 is no path"):
        gw.judge(data, "KH", **{option: 3})  # type: ignore[arg-type]


def test_what_becomes_of_bad_lines_is_one_of_three(folder: Path) -> None:
    """A word that is none of them was taken for "ignore", and nobody heard of what was left out."""
    with pytest.raises(InputError, match="'Fail' is none of: warn, fail, ignore"):
        gw.load(folder, malformed="Fail")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "policy",
    [gw.Policy(single=3), gw.Policy(days=1.5), "days=1", ["days=1"]],  # type: ignore[arg-type]
)
def test_numbers_are_checked_however_they_are_given(
    data: gw.Data, table: Origin, policy: Any
) -> None:
    """A whole `Policy` as well as a few numbers, and what is neither."""
    with pytest.raises(PolicyError, match=r"wants a|give a Policy or"):
        gw.judge(data, country="KH", policy=policy, origin=table)


def test_a_country_is_text(data: gw.Data, table: Origin) -> None:
    """Not, as of a cell without a value, a number."""
    with pytest.raises(UnknownCountry, match="nan is no country code"):
        gw.judge(data, country=float("nan"), origin=table)  # type: ignore[arg-type]


def test_files_that_are_not_there_are_named(data: gw.Data, table: Origin, tmp_path: Path) -> None:
    """Also a folder of tables, and a file of siblings that is given without a list around it."""
    nowhere = tmp_path / "nowhere"
    with pytest.raises(InputError, match=r"nowhere: .*No such file"):
        gw.judge(data, country="KH", tables=nowhere, origin=table)
    with pytest.raises(InputError, match=r"nowhere: cannot be read \(No such file"):
        gw.judge(data, country="KH", organisations=str(nowhere), origin=table)


def test_a_language_that_is_none_is_named(verdict: gw.Verdict) -> None:
    """With those that there are."""
    with pytest.raises(ValueError, match="'fr' is no language of the report; give one of: en, km"):
        gw.report(verdict, language="fr")


def test_the_lists_named_are_those_that_were_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long analysis may end after `data update` has replaced one, or its owner has purged it."""
    monkeypatch.setenv("GATEWATCH_HOME", str(tmp_path))
    fetched = tmp_path / "exchanges.toml"
    fetched.write_text("exchange = []\n")
    opened = sha256(fetched.read_bytes()).hexdigest()
    means = open_means("KH")
    fetched.unlink()
    lists = means.judge(Loaded()).fields["provenance"]["lists"]
    assert lists["exchanges.toml, fetched"] == opened
