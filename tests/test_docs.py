"""What the documentation says is true: tables match the code, links lead somewhere.

That its commands and examples run is looked at in `tests/test_blocks.py`.
"""

from __future__ import annotations

import ast
import configparser
import json
import pkgutil
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, fields
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import click

import analysis as gw
from analysis.collect.command import collect
from analysis.countries import UnknownCountry
from analysis.difference.told import VerdictError
from analysis.evidence.plausibility import Sign, verdict_on
from analysis.intake.eyeballs import EyeballsError
from analysis.intake.formats import parquet
from analysis.intake.inputs import InputError
from analysis.intake.rib import RibError
from analysis.intake.sieve import Unread
from analysis.policy import Policy, PolicyError
from probe import __version__
from probe.cli import main
from probe.graph import Graph, Level, Link, Node
from probe.origin import OriginError
from probe.owner.settings import Settings, read_settings
from probe.record import SPOILT, Attribution, Hop, Reply, Trace, Vantage, from_line, to_json
from probe.sharing.bundle import LARGEST_FILE, MEMBERS, Manifest, Reason
from probe.words.failure import Failure
from scripts.reference import PAGE, TABLES, written
from tests.analysis.country import Country
from tests.harness.pages import PAGES, ROOT, blocks


def test_links_lead_somewhere() -> None:
    """Each relative link names a file that is there, and a heading that it has."""
    broken = []
    for page in PAGES:
        for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text(encoding="utf-8")):
            name, _, anchor = link.partition("#")
            target = (page.parent / name) if name else page
            if not target.exists() or (anchor and anchor not in anchors(target)):
                broken.append(f"{page.name}: {link}")
    assert broken == []


def test_no_level_of_headings_is_left_out() -> None:
    """The site is not built of a page in which one is, nor can a screen reader follow it."""
    skipped = []
    for page in PAGES:
        text = re.sub(r"(?ms)^(`{3,}).*?^\1$", "", page.read_text(encoding="utf-8"))
        levels = [len(signs) for signs in re.findall(r"^(#+) ", text, re.MULTILINE)]
        skipped += [page.name for above, below in pairwise([0, *levels]) if below > above + 1]
    assert skipped == []


def test_make_lists_what_it_makes_and_so_does_the_page_for_contributors() -> None:
    """`make` alone says what there is, and every target of the Makefile is on both lists."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    said = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True)
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(phony.split())
    assert {line.split()[1] for line in said.stdout.splitlines()} == named
    assert set(re.findall(r"^\| `make (\w+)` \|", page, re.MULTILINE)) == named
    assert all(len(line.split()) > 2 for line in said.stdout.splitlines())


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def rows(page: str, heading: str) -> dict[str, list[str]]:
    """The rows of tables that begin with this heading: first cell, in code or not → the others."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    found: dict[str, list[str]] = {}
    for table in re.findall(rf"^\| {heading} \|.*\n\|[-|]+\n((?:\|.*\n?)+)", text, re.MULTILINE):
        for line in table.splitlines():
            first, *others = (cell.strip() for cell in line.strip("|").split(" | "))
            found[first.strip("`")] = others
    return found


def test_the_page_on_verdicts_argues_every_number_of_the_policy() -> None:
    """Each setting stands in the table with its default value and a reason."""
    listed = rows("verdict.md", "number")
    assert {name: float(cells[0]) for name, cells in listed.items()} == asdict(Policy())
    assert all(cells[1] for cells in listed.values())


def reasons_in_code() -> set[str]:
    """The words with which traces are rejected, wherever the code says them."""
    told: list[ast.expr] = []
    for name in ("intake/sieve", "intake/load", "evidence/desk", "evidence/panel"):
        tree = ast.parse((ROOT / f"analysis/{name}.py").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args:
                called = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if called in {"reject", "Unusable"}:
                    told.append(node.args[0])
            elif isinstance(node, ast.FunctionDef) and node.name in {"trace_of", "objection"}:
                told += [
                    inner.value
                    for inner in ast.walk(node)
                    if isinstance(inner, ast.Return) and inner.value is not None
                ]
            elif isinstance(node, ast.FunctionDef) and node.name == "left_out":
                told += [
                    inner.slice for inner in ast.walk(node) if isinstance(inner, ast.Subscript)
                ]
    words = {
        leaf.value
        for expression in told
        for leaf in ast.walk(expression)
        if isinstance(leaf, ast.Constant)
        and isinstance(leaf.value, str)
        and re.fullmatch(r"[a-z_]+", leaf.value)
    }
    return {*SPOILT.values(), *get_args(Unread), *words}


def test_every_reason_of_rejection_is_explained() -> None:
    """The table of reasons names those that the code can give, all and only."""
    by_signs = {str(verdict_on([sign], Policy(weak_signs=1))) for sign in get_args(Sign)}
    assert set(rows("verdict.md", "reason")) == reasons_in_code() - {"home", "abroad"} | by_signs


def paths_in(value: Any, where: str = "") -> set[str]:
    """The leaves of a JSON value: ``a.b`` within objects, ``[]`` for what a list holds."""
    if (
        isinstance(value, dict)
        and value
        and where
        not in {
            "gatewatch.redactions",
            "result[].result[].icmpext",
        }
    ):
        return set().union(
            *(paths_in(item, f"{where}.{key}" if where else key) for key, item in value.items())
        )
    if isinstance(value, list):
        return set().union(*(paths_in(item, f"{where}[]") for item in value))
    return {where}


FULL = Trace(
    dst_addr="193.0.6.139",
    dst_name="RIPE NCC",
    source="203.0.113.9",
    af=4,
    proto="ICMP",
    timestamp=1.0,
    endtime=2.0,
    size=68,
    vantage=Vantage("5f1c", 38623, "Viettel", "KH"),
    sees=("paris",),
    snapshots=("table@2026-06-17+0",),
    notes=("a remark",),
    multipath=Graph(
        (Level(1, (Node("192.0.2.1", (1,)),), complete=True, per_packet=False),),
        (Link(1, "192.0.2.1", "192.0.2.2", (1,)),),
        6,
        0.05,
    ),
    hops=(
        Hop(
            1,
            (
                Reply(),
                Reply(
                    "192.0.2.1",
                    1.0,
                    64,
                    28,
                    "N",
                    1,
                    {"version": 2},
                    3,
                    duplicate=True,
                    quoted_tos=0,
                ),
            ),
            Attribution(1, "ONE", "One", "KH", "CNX", "private"),
            measured=False,
        ),
    ),
)


def test_the_page_on_records_has_every_field() -> None:
    """A record in which everything is said has the fields of the table, all and only."""
    listed = {cell.replace("`", "").removesuffix(" •") for cell in rows("record.md", "field")}
    assert listed == paths_in(to_json(FULL))


def test_unmarked_fields_are_always_there() -> None:
    """A record in which nothing is said still has every field that the table does not mark."""
    bare = Trace(
        dst_addr="193.0.6.139",
        af=4,
        proto="ICMP",
        timestamp=1.0,
        endtime=2.0,
        vantage=Vantage("5f1c"),
        hops=(Hop(1, (Reply(),), Attribution()),),
    )
    always = {cell.replace("`", "") for cell in rows("record.md", "field") if "•" not in cell}
    held = {path.removesuffix("[]") for path in paths_in(to_json(bare))}
    lists = {
        "gatewatch.inferred",
        "gatewatch.method.sees",
        "gatewatch.snapshots",
        "gatewatch.notes",
    }
    assert {path.removesuffix("[]") for path in always} <= held | lists


def test_the_record_on_the_page_can_be_read() -> None:
    """The example is a record, and writing it again changes nothing."""
    (example,) = blocks(ROOT / "docs/record.md", "json")
    assert to_json(from_line(example.text)) == json.loads(example.text)


def test_the_page_on_figures_names_every_key_of_a_verdict() -> None:
    """Each key of the verdict's JSON is explained."""
    text = (ROOT / "docs/figures.md").read_text(encoding="utf-8")
    assert [key for key in Country(3).judge().fields if f"`{key}`" not in text] == []


def test_the_page_on_loading_names_every_column_of_parquet() -> None:
    """Whoever asks with another tool finds what there is to ask for."""
    text = (ROOT / "docs/loading.md").read_text(encoding="utf-8")
    hop = parquet.SCHEMA.field("hops").type.value_type
    reply = hop.field("replies").type.value_type
    columns = [field.name for kind in (parquet.SCHEMA, hop, reply) for field in kind]
    assert [name for name in columns if f"`{name}`" not in text] == []


def test_the_entries_on_the_page_on_countries_are_those_that_ship() -> None:
    """Whoever copies an example copies what the program reads today."""
    examples = [tomllib.loads(block.text) for block in blocks(ROOT / "docs/countries.md", "toml")]
    assert [list(example) for example in examples] == [["operator"], ["exchange"]]
    for example in examples:
        for kind, entries in example.items():
            shipped = tomllib.loads((ROOT / f"data/{kind}s.toml").read_text(encoding="utf-8"))
            assert [entry for entry in entries if entry not in shipped[kind]] == []


def test_every_setting_is_explained() -> None:
    """The table of settings names those that there are, all and only."""
    assert set(rows("settings.md", "setting")) == {one.name for one in fields(Settings)}


def test_the_settings_on_the_page_can_be_read(tmp_path: Path) -> None:
    """The example is a file that the program accepts."""
    (example,) = blocks(ROOT / "docs/settings.md", "toml")
    path = tmp_path / "settings.toml"
    path.write_text(example.text, encoding="utf-8")
    assert read_settings(path).collector == "https://collect.example.org"


def test_the_page_on_tables_is_written_from_the_code() -> None:
    """Each table has its columns there, with types and meaning; `make reference` writes them."""
    page = PAGE.read_text(encoding="utf-8")
    assert written(page) == page
    assert all(column.meaning for columns in TABLES.values() for column in columns.values())


def test_every_figure_has_an_example_to_redo_by_hand() -> None:
    """Each page on a figure shows a number and how it comes about, and says why it is so."""
    pages = sorted((ROOT / "docs/figures").glob("*.md"))
    assert len(pages) > 10
    assert [page.name for page in pages if not blocks(page, "python")] == []


def test_the_page_on_bundles_has_every_field_of_the_manifest() -> None:
    """The table of the manifest has its fields, in its order."""
    manifest = Manifest("00" * 32, 1, ("2026-11-26",), "2026-11-26", "gatewatch", 1, 1, "", "")
    assert list(rows("bundle.md", "manifest")) == list(json.loads(manifest.to_bytes()))
    assert list(rows("bundle.md", "member")) == list(MEMBERS)


def test_the_page_on_collectors_has_every_reason_of_a_refusal() -> None:
    """Whoever runs one finds each word that a receipt can begin with, all and only."""
    said = {
        node.args[0].value
        for name in ("checks", "store")
        for node in ast.walk(ast.parse((ROOT / f"analysis/collect/{name}.py").read_text("utf-8")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "Refused"
        and isinstance(node.args[0], ast.Constant)
    }
    listed = {
        word.strip("`")
        for cell in rows("collector.md", "reason of a refusal")
        for word in re.findall(r"\w+", cell)
    }
    assert listed == said | set(get_args(Reason)) | {"operator"}


def test_what_the_page_puts_before_a_collector_keeps_nobody() -> None:
    """nginx writes the sender's address into both logs, and passes it on where it is told to."""
    (block,) = blocks(ROOT / "docs/collector.md", "nginx")
    lines = {line.strip() for line in block.text.splitlines()}
    assert {"access_log off;", "error_log /dev/null;"} <= lines
    assert "addr" not in block.text
    assert "Forwarded" not in block.text
    (most,) = re.findall(r"client_max_body_size (\d+)m;", block.text)
    assert int(most) << 20 > LARGEST_FILE
    port = next(one.default for one in collect.params if one.name == "port")
    assert f"proxy_pass http://127.0.0.1:{port};" in lines


def test_the_unit_on_the_page_starts_a_collector() -> None:
    """Its command is one that there is, and its folder lies where the unit may write."""
    (block,) = blocks(ROOT / "docs/collector.md", "ini")
    unit = configparser.RawConfigParser(strict=False)
    unit.read_string(block.text)
    program, command, *words = shlex.split(unit["Service"]["ExecStart"])
    assert (Path(program).name, command) == ("gatewatch", collect.name)
    with collect.make_context("collect", words) as context:
        folder = context.params["folder"]
    assert folder.is_relative_to(f"/var/lib/{unit['Service']['StateDirectory']}")


def test_every_exit_code_is_explained() -> None:
    """The table of codes names those that the failures have."""
    kinds: list[type[Failure]] = [Failure, *Failure.__subclasses__()]
    codes = {str(kind.exit_code) for kind in kinds}
    assert codes <= set(rows("commands.md", "code"))


def test_who_cites_it_names_the_version_there_is() -> None:
    """CITATION.cff and the package agree."""
    cited = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {__version__}\n" in cited


def test_who_cites_it_finds_what_it_rests_on() -> None:
    """The data that ship under a licence that wants to be named, and the methods of the verdict."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    cited = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    credited = cited.partition("\nreferences:\n")[2]
    for name in ("ip-location-db", "DB-IP", "iptoasn", "state-owned-ases", "Clopper", "Hegemony"):
        assert name in credited
    assert f"license: {project['license']}\n" in cited
    assert all(f"  - {keyword}\n" in cited for keyword in project["keywords"])
    assert "provenance.code" in cited


def test_the_reference_has_the_whole_library() -> None:
    """Each name that ``import analysis as gw`` gives, and each refusal that may be caught."""
    page = (ROOT / "docs/library.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"^\.\. auto\w+:: ([\w.]+)", page, re.MULTILINE))
    errors = set(rows("library.md", "error"))
    assert set(gw.__all__) <= {name.rpartition(".")[2] for name in shown | errors}
    assert errors <= {f"analysis.{name}" for name in gw.__all__}
    told = {pkgutil.resolve_name(name) for name in errors}
    assert told == {
        InputError, PolicyError, UnknownCountry, EyeballsError, RibError, OriginError, VerdictError,
    }  # fmt: skip


def test_every_page_is_on_the_site() -> None:
    """Each page of docs/, and each notebook, is reached from the site's first page."""
    reached, ahead = set(), ["index"]
    while ahead:
        name = ahead.pop()
        reached.add(name)
        page = ROOT / "docs" / f"{name}.md"
        text = page.read_text("utf-8") if page.exists() else ""
        for block in re.findall(r"```{toctree}\n(.*?)```", text, re.DOTALL):
            names = [line for line in block.splitlines() if line and not line.startswith(":")]
            ahead += [(Path(name).parent / below).as_posix() for below in names]
    pages = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")}
    notebooks = {path.relative_to(ROOT) for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert reached == {path.with_suffix("").as_posix() for path in pages | notebooks}


# What prints nothing that a script would read.
WITHOUT_JSON = {
    "collect": "serves until it is stopped",
    "consent show": "a text to be read by who agrees",
}


def _leaves(command: click.Command, name: str = "") -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for each in command.list_commands(context):
            below = command.get_command(context, each)
            assert below is not None
            yield from _leaves(below, f"{name} {each}".strip())
        if not command.invoke_without_command:
            return
    yield name, command


def test_every_command_that_a_script_might_call_prints_json() -> None:
    """Or it is said why not."""
    options = {
        name: {option for one in command.params for option in one.opts}
        for name, command in _leaves(main)
    }
    assert {name for name, has in options.items() if "--json" not in has} == set(WITHOUT_JSON)
