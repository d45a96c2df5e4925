"""`make deb`: the probe with its libraries as a Debian package, the same bytes each time.

Fetches the pinned libraries by their hashes, lays out the tree, and has `dpkg-deb` pack it. It is
for the architecture and the Python that run it.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from datetime import UTC, datetime
from email.parser import HeaderParser
from pathlib import Path

import click
from click.shell_completion import ShellComplete, get_completion_class

from probe import __version__
from probe.cli import main as gatewatch
from probe.schedule import Job
from probe.schedule.calls import template
from probe.schedule.systemd import USER_DATA, system_units
from scripts.manual import page

ROOT = Path(__file__).parents[1]
DEBIAN = ROOT / "packaging" / "debian"
COMMAND = "/usr/bin/gatewatch"

# Where each shell looks for what a package brings.
COMPLETION = {
    "bash": "usr/share/bash-completion/completions/gatewatch",
    "zsh": "usr/share/zsh/vendor-completions/_gatewatch",
    "fish": "usr/share/fish/vendor_completions.d/gatewatch.fish",
}


def epoch() -> int:
    """The time that all files get: of the last commit, unless the environment says another."""
    said = os.environ.get("SOURCE_DATE_EPOCH")
    if said is None:
        log = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
        done = subprocess.run(log, capture_output=True, text=True, check=False)
        said = done.stdout.strip() if done.returncode == 0 else "0"
    return int(said)


def libraries(folder: Path) -> None:
    """Put the probe and its pinned libraries into a folder, without what differs each time."""
    pip = [sys.executable, "-m", "pip", "-qq", "--disable-pip-version-check"]
    with tempfile.TemporaryDirectory(prefix="gatewatch-deb-") as wheels:
        build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", wheels, str(ROOT)]
        subprocess.run([*pip, *build], check=True)
        into = ["install", "--no-compile", "--no-deps", "--target", str(folder)]
        pins = ["--require-hashes", "--only-binary=:all:", "-r", "requirements/probe.txt"]
        subprocess.run([*pip, *into, *pins], cwd=ROOT, check=True)
        (wheel,) = Path(wheels).glob("gatewatch-*.whl")
        subprocess.run([*pip, *into, str(wheel)], check=True)
    shutil.rmtree(folder / "bin", ignore_errors=True)
    for name in ("direct_url.json", "REQUESTED", "RECORD", "INSTALLER"):
        for path in folder.glob(f"*.dist-info/{name}"):
            path.unlink()
    # The analyst's half, which needs libraries that are not here; a second way to zstd, of 12 MB,
    # for interpreters other than Debian's; what only compilers read.
    shutil.rmtree(folder / "analysis")
    for pattern in ("zstandard/_cffi.*", "**/*.pyi", "**/*.c", "**/*.h"):
        for path in folder.glob(pattern):
            path.unlink()


def completion(shell: str) -> str:
    """What a shell reads to complete the command."""
    kind = get_completion_class(shell)
    assert kind is not None
    script: ShellComplete = kind(gatewatch, {}, "gatewatch", "_GATEWATCH_COMPLETE")
    return script.source_template % script.source_vars()


def lay_out(tree: Path, when: int) -> None:
    """All files of the package, without its control files."""
    libraries(tree / "usr/lib/gatewatch")
    put(tree / "usr/bin/gatewatch", (DEBIAN / "gatewatch").read_bytes(), 0o755)
    for name, text in system_units(Job((COMMAND,), USER_DATA)).items():
        put(tree / "usr/lib/systemd/system" / name, text.encode())
    put(tree / "usr/lib/sysusers.d/gatewatch.conf", template("sysusers.conf").encode())
    manual = page(datetime.fromtimestamp(when, UTC).date())
    put(tree / "usr/share/man/man1/gatewatch.1.gz", packed(manual))
    for shell, place in COMPLETION.items():
        put(tree / place, completion(shell).encode())
    documents = tree / "usr/share/doc/gatewatch"
    put(documents / "copyright", copyrights(tree / "usr/lib/gatewatch").encode())
    stamp = datetime.fromtimestamp(when, UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
    change = (
        f"gatewatch ({__version__}) unstable; urgency=medium\n\n"
        "  * See CHANGELOG.md of the source.\n\n"
        f" -- {maintainer()}  {stamp}\n"
    )
    put(documents / "changelog.gz", packed(change))
    overrides = (DEBIAN / "lintian-overrides").read_bytes()
    put(tree / "usr/share/lintian/overrides/gatewatch", overrides)


def control(tree: Path, architecture: str) -> None:
    """The control files, last, since they count and sum all others."""
    files = sorted(path for path in tree.rglob("*") if path.is_file())
    minor = sys.version_info.minor
    text = (DEBIAN / "control").read_text(encoding="utf-8")
    filled = text.format(
        version=__version__,
        architecture=architecture,
        maintainer=maintainer(),
        size=sum(-(-path.stat().st_size // 1024) for path in files),
        python=f"3.{minor}",
        next_python=f"3.{minor + 1}",
    )
    sums = "".join(
        f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  "
        f"{path.relative_to(tree)}\n"
        for path in files
    )
    put(tree / "DEBIAN/control", filled.encode())
    put(tree / "DEBIAN/md5sums", sums.encode())
    for name in ("postinst", "prerm", "postrm"):
        put(tree / "DEBIAN" / name, (DEBIAN / name).read_bytes(), 0o755)


def maintainer() -> str:
    """Who answers for it, as the project's own file has it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return f"{project['authors'][0]['name']} <gatewatch@localhost>"


def copyrights(folder: Path) -> str:
    """The licence of the project, and that of each library as it says itself."""
    lines = [
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/",
        "",
        "Files: *",
        "Copyright: 2026 the gatewatch engineers",
        "License: MIT",
        *(f" {line or '.'}" for line in (ROOT / "LICENSE").read_text("utf-8").splitlines()[4:]),
        "Comment: libraries in /usr/lib/gatewatch, each with its licence in its .dist-info folder:",
    ]
    for metadata in sorted(folder.glob("*.dist-info/METADATA")):
        said = HeaderParser().parsestr(metadata.read_text("utf-8").partition("\n\n")[0])
        classified = [
            line.rpartition(" :: ")[2]
            for line in said.get_all("Classifier", [])
            if line.startswith("License ::")
        ]
        licence = said["License-Expression"] or " ".join(classified) or said["License"] or "?"
        if said["Name"] != "gatewatch":
            lines.append(f" {said['Name']} {said['Version']}: {' '.join(licence.split())}")
    return "\n".join(lines) + "\n"


def packed(text: str) -> bytes:
    """A text as gzip has it, without name and time."""
    return gzip.compress(text.encode(), 9, mtime=0)


def put(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file into the tree."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(mode)


def settle(tree: Path, when: int) -> None:
    """Give all files the modes and times that do not depend on who built it."""
    for path in [tree, *tree.rglob("*")]:
        runs = path.is_dir() or (path.stat().st_mode & 0o100 and "bin" in path.parts[-2:])
        if "DEBIAN" not in path.parts:
            path.chmod(0o755 if runs else 0o644)
        os.utime(path, (when, when))


@click.command()
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path),
    default=ROOT / "dist",
    help="Where to write the package.",
)
@click.option(
    "--compression",
    type=click.Choice(["xz", "none"]),
    default="xz",
    help="How to pack it; none takes seconds instead of a minute.",
)
def main(*, folder: Path, compression: str) -> None:
    """Build the Debian package, and print where it is and its sha256."""
    when = epoch()
    printed = subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
    )
    architecture = printed.stdout.strip()
    with tempfile.TemporaryDirectory(prefix="gatewatch-deb-") as made:
        tree = Path(made) / "tree"
        tree.mkdir()
        lay_out(tree, when)
        control(tree, architecture)
        settle(tree, when)
        folder.mkdir(parents=True, exist_ok=True)
        package = folder / f"gatewatch_{__version__}_{architecture}.deb"
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", f"-Z{compression}", "--build", tree, package],
            # Threads cut the data into as many blocks as there are cores.
            env={**os.environ, "SOURCE_DATE_EPOCH": str(when), "DPKG_DEB_THREADS_MAX": "1"},
            stdout=subprocess.DEVNULL,
            check=True,
        )
    click.echo(f"{package}\n{hashlib.sha256(package.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
