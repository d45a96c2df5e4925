"""The shape of the house: imports point one way, and what ships is what is needed, no more.

The floors stand here as data. A new module goes into the folder that answers its question; if it
does not fit there without an arrow pointing back, its place is wrong, not the list.
"""

from __future__ import annotations

import ast
import importlib
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import click
import pytest

from probe.cli import main

# Every module is parsed, in one process.
pytestmark = pytest.mark.xdist_group("architecture")

ROOT = Path(__file__).parent.parent
PACKAGES = ("probe", "analysis")

# From the ground up: what stands in a folder, or in a module of its own, imports only from what is
# named before it. The order is the way of the data.
FLOORS: dict[str, tuple[str, ...]] = {
    "probe": (
        "background",
        "graph",
        "words",
        "record",
        "disk",
        "deadline",
        "origin",
        "redaction",
        "network",
        "owner",
        "misdated",
        "spool",
        "vantage",
        "engine",
        "run",
        "sharing",
        "schedule",
        "update",
        "stop",
        "scrubbing",
        "crash",
        "doctor",
        "demo",
        "startup",
        "cli",
        "commands",
        "__main__",
    ),
    "analysis": (
        "policy",
        "countries",
        "words",
        "intake",
        "owners",
        "paths",
        "evidence",
        "candidates",
        "shares",
        "alarm",
        "supplementary",
        "grading",
        "home",
        "judgement",
        "tables",
        "scale",
        "basis",
        "simulated",
        "difference",
        "library",
        "page",
        "demo",
        "commands",
        "collect",
    ),
}

SHARED = {
    "probe",
    "probe.sharing.bundle",
    "probe.sharing.receipt",
    "probe.record",
    "probe.graph",
    "probe.origin",
}
MEETING = {
    "analysis.demo": {"probe.demo"},
    # Commands fail as those of the probe do, with the codes of one contract, and ask as they do.
    "analysis.commands.analyze": {"probe.words.failure"},
    "analysis.commands.compare": {"probe.words.failure"},
    "analysis.commands.convert": {"probe.stop", "probe.words.failure"},
    "analysis.commands.demo": {"probe.commands.folder"},
    "analysis.commands.given": {"probe.words.failure"},
    "analysis.commands.outputs": {
        "probe.words.failure",
        "probe.disk.mishap",
        "probe.disk.private",
        "probe.stop",
    },
    "analysis.intake.convert": {"probe.disk.private"},
    "analysis.intake.inputs": {"probe.disk.presence"},
    # A raw spool says beside its days what of them is misdated.
    "analysis.intake.misdated": {"probe.misdated"},
    "analysis.intake.shortage": {"probe.disk.mishap"},
    "analysis.commands.plan": {"probe.words.failure", "probe.disk.places"},
    "analysis.scale.cluster": {"probe.disk.installation"},
    # The collector looks once more for what redaction should have taken, by its own words.
    "analysis.collect.checks": {
        "probe.origin.attribute",
        "probe.redaction.inside",
        "probe.redaction.redact",
        "probe.redaction.spellings",
    },
    "analysis.collect.app": {"probe.words.failure"},
    "analysis.collect.command": {
        "probe.commands.folder",
        "probe.disk.database",
        "probe.disk.presence",
        "probe.disk.private",
        "probe.words.failure",
        "probe.owner.settings",
    },
    "analysis.collect.look": {"probe.disk.database", "probe.disk.private"},
    "analysis.collect.rows": {"probe.disk.database"},
    "analysis.collect.store": {"probe.disk.database", "probe.sharing.keys", "probe.disk.private"},
}

# Decide, compute, describe: no socket, no clock, no disk, no screen. Of these folders every module,
PURE_FOLDERS = (
    "analysis.paths",
    "analysis.evidence",
    "analysis.candidates",
    "analysis.shares",
    "analysis.alarm",
    "analysis.supplementary",
    "analysis.grading",
    "analysis.home",
    "analysis.judgement",
    "analysis.simulated",
    "analysis.difference",
)
# and of others these.
PURE = {
    "analysis.basis.comparison",
    "analysis.basis.remarks",
    "analysis.collect.checks",
    "analysis.intake.formats.atlas",
    "analysis.intake.formats.scamper",
    "analysis.intake.sieve",
    "analysis.library.comparison",
    "analysis.library.exhibits",
    "analysis.library.statement",
    "analysis.owners.attribution",
    "analysis.owners.numbering",
    "analysis.owners.operators",
    "analysis.owners.ownership",
    "analysis.page.figures",
    "analysis.page.flows",
    "analysis.page.lettering",
    "analysis.page.matrices",
    "analysis.page.palette",
    "analysis.policy",
    "analysis.scale.asking",
    "analysis.words.direction",
    "analysis.words.versions",
    "analysis.words.wording",
    "probe.engine.economical",
    "probe.engine.exploring",
    "probe.engine.forks",
    "probe.engine.horizon",
    "probe.engine.manner",
    "probe.engine.multipath",
    "probe.engine.playing",
    "probe.engine.strategy",
    "probe.engine.tracing",
    "probe.graph",
    "probe.network",
    "probe.network.incoming",
    "probe.network.packet",
    "probe.network.ways",
    "probe.origin.attribute",
    "probe.origin.border",
    "probe.origin.special",
    "probe.record",
    "probe.redaction.inside",
    "probe.redaction.premises",
    "probe.redaction.redact",
    "probe.redaction.spellings",
    "probe.run.experience",
    "probe.run.imagined",
    "probe.run.tally",
    "probe.run.watch",
    "probe.run.worklist",
    "probe.sharing.bundle",
    "probe.sharing.receipt",
}
IMPURE = {
    "asyncio", "click", "fcntl", "os", "pathlib", "platformdirs", "rich", "scapy", "select",
    "socket", "subprocess", "sys", "tempfile", "threading", "time", "trio", "urllib",
}  # fmt: skip

# What not every machine can build, imported by a probe module inside a function.
OPTIONAL = {"probe.origin.tables": {"pyasn"}}

# Modules of the analysis that need an extra of their own.
EXTRAS = {"analysis.scale.cluster": "scale"}

# Distributions whose modules are named otherwise.
MODULES = {"ripe.atlas.sagan": "ripe", "mmdb-writer": "mmdb_writer"}


def module_of(path: Path) -> str:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return name.removesuffix(".__init__")


def sources() -> dict[str, Path]:
    """Every module, and the file in which it stands."""
    return {
        module_of(path): path
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
    }


@cache
def modules() -> dict[str, ast.Module]:
    return {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in sources().items()}


@cache
def imports_of(module: str) -> frozenset[str]:
    """Every module that this one names in an import, at any depth, for types only as well."""
    found: set[str] = set()
    for node in ast.walk(modules()[module]):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: write imports in full"
            base = str(node.module)
            for alias in node.names:
                named = f"{base}.{alias.name}"
                found.add(base if base in modules() and named not in modules() else named)
    return frozenset(found)


def own(names: frozenset[str], package: str) -> set[str]:
    return {name for name in names if name.partition(".")[0] == package}


def requirements(extra: str | None = None) -> set[str]:
    """The top-level modules that an install brings."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = project["dependencies"] if extra is None else project["optional-dependencies"][extra]
    names = {re.split(r"[<>=!~;\[ ]", line, maxsplit=1)[0] for line in listed}
    return {MODULES.get(name, name) for name in names}


def place_of(module: str) -> str:
    """The folder within its package where a module stands, or itself where it stands alone."""
    return module.split(".")[1]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_folder_stands_on_one_floor(package: str) -> None:
    """The list of floors names each folder and each module outside them once, and no other."""
    there = {place_of(name) for name in own(frozenset(modules()), package) - {package}}
    assert sorted(FLOORS[package]) == sorted(there)


def test_every_module_says_why_it_exists() -> None:
    """In a paragraph at its head, as CONTRIBUTING.md says."""
    assert [name for name, tree in modules().items() if not ast.get_docstring(tree)] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_a_newcomer_is_told_which_question_each_folder_answers(package: str) -> None:
    """Its table in CONTRIBUTING.md names each folder, and each module outside them, once."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = page.partition(f"| question | in `{package}/` |")[2].partition("\n\n")[0]
    named = re.findall(r"`(\w+)`", table)
    within = own(frozenset(modules()), package) - {package}
    assert sorted(named) == sorted({place_of(name) for name in within})


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_point_down(package: str) -> None:
    """Out of a folder only to one below it."""
    height = {place: floor for floor, place in enumerate(FLOORS[package])}
    back = [
        f"{module} imports {name}"
        for module in sorted(own(frozenset(modules()), package) - {package})
        for name in sorted(own(imports_of(module), package) - {package})
        if place_of(name) != place_of(module) and height[place_of(name)] > height[place_of(module)]
    ]
    assert back == []


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_never_go_round(package: str) -> None:
    """Within a folder neither: of two modules one can be read without the other."""
    within = own(frozenset(modules()), package)
    imported = {module: own(imports_of(module), package) - {module} for module in within}
    imported[package] = set()  # names at its door what stands on the upper floors
    assert len(list(TopologicalSorter(imported).static_order())) == len(within)


def test_the_probe_never_imports_the_analysis() -> None:
    """What runs on a volunteer's machine knows nothing of the analyst's."""
    assert [m for m in modules() if m.startswith("probe") and own(imports_of(m), "analysis")] == []


def test_the_analysis_knows_only_the_contract() -> None:
    """Of the probe it imports what both halves share, and nothing else without a reason here."""
    strangers = {
        module: extra
        for module in modules()
        if module.startswith("analysis")
        and (extra := own(imports_of(module), "probe") - SHARED - MEETING.get(module, set()))
    }
    assert strangers == {}


@pytest.mark.parametrize(
    "module",
    sorted(PURE | {m for m in sources() if m.startswith(tuple(f"{f}." for f in PURE_FOLDERS))}),
)
def test_pure_modules_reach_for_nothing(module: str) -> None:
    """What decides has neither socket, clock, disk nor screen."""
    assert {name.partition(".")[0] for name in imports_of(module)} & IMPURE == set()


def test_the_probe_imports_only_what_a_base_install_has() -> None:
    """A volunteer's install brings every module that the probe names."""
    brought = requirements() | {"probe"} | sys.stdlib_module_names
    missing = {
        module: extra
        for module in modules()
        if module.startswith("probe")
        and (
            extra := {name.partition(".")[0] for name in imports_of(module)}
            - brought
            - OPTIONAL.get(module, set())
        )
    }
    assert missing == {}


def test_the_analysis_imports_only_what_its_extra_has() -> None:
    """The extras for analysts, clusters and the collector bring every module that they name."""
    brought = requirements() | set(PACKAGES) | sys.stdlib_module_names
    missing = {
        module: extra
        for module in modules()
        if module.startswith("analysis")
        and (
            extra := {name.partition(".")[0] for name in imports_of(module)}
            - brought
            - requirements(
                "collect"
                if module.startswith("analysis.collect")
                else EXTRAS.get(module, "analysis")
            )
        )
    }
    assert missing == {}


def is_there(name: str) -> bool:
    """Whether a name in full is that of a module, or of something within one."""
    words = name.split(".")
    last = next(count for count in range(len(words), 0, -1) if ".".join(words[:count]) in modules())
    found: object = importlib.import_module(".".join(words[:last]))
    for word in words[last:]:
        found = getattr(found, word, None)
    return found is not None


def test_what_a_module_speaks_of_is_there() -> None:
    """Docstrings and comments send nobody to a place that was moved or renamed."""
    spoken = re.compile(r"`((?:probe|analysis)(?:\.\w+)+)`")
    lost = [
        f"{path.relative_to(ROOT)}: {name}"
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        for name in sorted(set(spoken.findall(path.read_text(encoding="utf-8"))))
        if not is_there(name)
    ]
    assert lost == []


def test_one_module_knows_which_system_it_is() -> None:
    """What differs is a backend, and asked of it; what is missing shows as an ImportError."""
    asking = {
        module
        for module, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"sys.platform", "os.uname"}
    }
    assert asking == {"probe.network.backend"}


def test_nobody_imports_all_of_scapy() -> None:
    """``scapy.all`` costs 0.7 s and 70 MB at start; single layers are imported where used."""
    careless = [
        f"{module} imports {name}"
        for module in modules()
        for name in imports_of(module)
        if name.startswith("scapy.all")
    ]
    assert careless == []


def printed_and_loaded(statement: str, heavy: set[str]) -> tuple[str, set[str]]:
    """What a statement prints in a process of its own, and which of these modules it loads."""
    code = (
        "import sys\n"
        f"try:\n    from probe.cli import main; {statement}\n"
        "except SystemExit: pass\n"
        f"print('loaded:', *({heavy!r} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    printed, _, loaded = done.stdout.rpartition("loaded:")
    return printed, set(loaded.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import probe",
        "import probe.cli",
        "main(['--help'])",
        "main(['trace', '--help'])",
        "main(['run', '--help'])",
        "import probe.commands.unattended",
        "import probe.engine.blocking, probe.network.raw, probe.network.errqueue",
        "main(['analyze', 'mistyped.jsonl', '--country', 'KH'])",
        "main(['convert', 'mistyped.jsonl', 'out.jsonl'])",
        "main(['plan', 'KH', '--panel', 'mistyped.jsonl'])",
    ],
)
def test_starting_loads_nothing_heavy(statement: str) -> None:
    """Neither the help, what a trace needs nor a mistake in typing waits for trio or pandas."""
    _, loaded = printed_and_loaded(statement, {"trio", "pandas", "scipy", "pyarrow", "scapy"})
    assert loaded == set()


def test_judging_loads_neither_tables_nor_pictures() -> None:
    """They are made where somebody asks for them."""
    traces = "tests/data/traces/atlas_23449934_half.jsonl.gz"
    printed, loaded = printed_and_loaded(
        f"main(['analyze', '{traces}', '--country', 'DE'])",
        {"pandas", "altair", "jinja2", "scapy", "trio", "dask"},
    )
    assert "insufficient" in printed
    assert loaded == set()


def commands(group: click.Group, path: tuple[str, ...]) -> list[tuple[str, click.Command]]:
    """A group's commands and those of its subgroups, with what one types."""
    context = click.Context(group)
    found: list[tuple[str, click.Command]] = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        found.append((" ".join((*path, name)), command))
        if isinstance(command, click.Group):
            found += commands(command, (*path, name))
    return found


def test_every_command_and_option_has_help() -> None:
    """Whoever types --help anywhere learns what the command and each of its options does."""
    silent = []
    for typed, command in [("gatewatch", main), *commands(main, ("gatewatch",))]:
        text = command.help or ""
        if not text:
            silent.append(typed)
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.help:
                silent.append(f"{typed} {parameter.opts[0]}")
            if isinstance(parameter, click.Argument):
                word = parameter.make_metavar(click.Context(command)).strip("[]….")
                if word not in text:
                    silent.append(f"{typed} {word}")
    assert silent == []


def committed() -> list[Path]:
    if shutil.which("git") is None:
        pytest.skip("without git there is no list of committed files")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout, so there is no list of committed files")
    return [path for name in listed.stdout.split("\0") if (path := ROOT / name).is_file()]


def lines_that_match(pattern: str) -> list[str]:
    wanted = re.compile(pattern.encode())
    return [
        f"{path.relative_to(ROOT)}:{number}"
        for path in committed()
        if path.suffix not in {".mmdb", ".gz", ".bz2", ".png"}
        for number, line in enumerate(path.read_bytes().splitlines(), start=1)
        if wanted.search(line)
    ]


def test_no_committed_file_names_a_place_on_one_machine() -> None:
    """A path that exists on one developer's machine is of no use to anybody else."""
    assert lines_that_match(r"(?<![\w.])/(?:work|root|farm|home/\w+|tmp/\w+_jobs)/") == []


def test_no_committed_file_names_a_package_registry() -> None:
    """Where packages come from is the business of whoever installs them."""
    hosts = r"pypi\.org|pythonhosted\.org|registry\.npmjs|npmmirror\.com|index\.crates"
    assert lines_that_match(hosts) == []


@pytest.mark.parametrize("name", ["build.txt", "dev.txt", "docs.txt"])
def test_pinned_requirements_carry_hashes_and_no_address(name: str) -> None:
    """Every pinned version has a sha256, and no line says where to fetch it."""
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8").replace("\\\n", " ")
    pins = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert pins
    bad = [
        line.split()[0]
        for line in pins
        if not re.fullmatch(
            r"[\w.\[\],-]+==\S+(?: ;[^#]*?)?(?: +--hash=sha256:[0-9a-f]{64})+ *", line
        )
    ]
    assert bad == []


def test_the_wheel_holds_the_data_and_finds_it(tmp_path: Path) -> None:
    """All of data/ is in the wheel, and an installed probe finds it there."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("gatewatch-*.whl")
    installed = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    held = {
        str(p.relative_to(installed / "probe/_data"))
        for p in (installed / "probe/_data").rglob("*")
    }
    data = {
        str(path.relative_to(ROOT / "data"))
        for path in committed()
        if path.is_relative_to(ROOT / "data")
    }
    assert data
    assert data <= held
    assert (installed / "probe/py.typed").is_file()
    assert (installed / "probe/locale/km/LC_MESSAGES/gatewatch.mo").is_file()
    where = subprocess.run(
        [
            sys.executable,
            "-c",
            "from probe.disk.places import shipped; print(shipped('README.md'))",
        ],
        cwd=installed,
        check=True,
        capture_output=True,
        text=True,
    )
    assert Path(where.stdout.strip()) == installed / "probe/_data/README.md"
