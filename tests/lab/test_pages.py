"""A volunteer and a collector do what the pages tell them, line by line, in a network of kernels.

The volunteer sits behind NAT as a user without privileges, abroad stands a collector. Only what a
page makes up is replaced by what is there: an address, a folder, the beginning of a sha256.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.lab.namespaces import Chain, LabError, Namespace, User, chain, needs

pytestmark = [pytest.mark.lab, needs("script", "openssl"), pytest.mark.xdist_group("lab-commands")]


class Step(NamedTuple):
    """A line of a page, and what has to come of it.

    ``typed`` is answered on a terminal. With ``traces`` the owner presses Ctrl-C once so many are
    finished. What ``says`` holds has to be in the output.
    """

    line: str
    code: int = 0
    typed: str = ""
    traces: int = 0
    says: str = ""
    collector: bool = False


def keeper(line: str, says: str = "") -> Step:
    """A step of whoever runs the collector."""
    return Step(line, says=says, collector=True)


SERVE = (
    "gatewatch collect --to kh-bundles --host 0.0.0.0 --port 443"
    " --tls-cert chain.pem --tls-key tls.pem"
)
MEASURE = "gatewatch run --targets targets.txt --access-as AS38623 --rate 10"

STEPS = [
    Step("gatewatch doctor", code=6, says="gatewatch consent grant"),
    Step("gatewatch doctor --json", code=6, says='"check": "consent"'),
    Step("gatewatch consent show", says="gatewatch"),
    Step("gatewatch consent show --page", says="consent.html"),
    Step("gatewatch trace 193.0.6.139", says="RIPE"),
    Step("gatewatch trace --json --method udp -6 2001:67c:2e8:22::c100:68b", says='"UDP"'),
    Step("sudo gatewatch trace --method tcp 193.0.6.139", says="RIPE"),
    Step("sudo gatewatch trace --pcap evidence.pcap 193.0.6.139", says="RIPE"),
    Step("gatewatch consent grant", typed="yes\nyes\nyes\n"),
    Step("gatewatch consent status --json", says='"share"'),
    Step("gatewatch run --country KH --dry-run", says="packets"),
    Step(MEASURE, says="1"),
    Step("gatewatch show", says="1"),
    Step("gatewatch show --as-shared", says='"dst_addr":"193.0.6.139"'),
    Step("gatewatch bundle --to mine.tar", says="mine.tar: 1 trace of AS38623"),
    Step("gatewatch run --country KH", code=130, traces=6),
    keeper(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 800"
        " -subj /CN=collector -addext subjectAltName=DNS:collect.example.org"
        " -keyout tls.pem -out chain.pem"
    ),
    keeper(SERVE),
    Step("gatewatch submit", says="received"),
    Step("gatewatch submit status", says="received"),
    Step("gatewatch submit --again"),
    Step(MEASURE),
    Step("gatewatch submit"),
    Step("gatewatch run --country KH --resume", code=130, traces=6),
    Step("gatewatch submit --leave-at /media/stick", says="stick"),
    keeper("gatewatch collect take kh-bundles stick/*.tar", says="quarantined"),
    keeper("gatewatch collect review kh-bundles", says="AS38623"),
    keeper("gatewatch collect accept kh-bundles 3f9a0c", says="accepted: 1 bundle"),
    keeper(
        "gatewatch collect refuse kh-bundles 3f9a0c"
        ' --reason "measured through a VPN, says the sender"',
        says="refused",
    ),
    keeper("gatewatch collect status kh-bundles", says="waiting: 2 bundles"),
    keeper("gatewatch collect backup kh-bundles copy/kh-bundles", says="holds 3 bundles"),
    keeper("gatewatch collect accept kh-bundles --all", says="accepted: 2 bundles"),
    keeper("gatewatch collect accept kh-bundles --all --json", says='"bundles": []'),
    keeper("gatewatch analyze kh-bundles/accepted --country KH", says="KH: insufficient"),
    keeper(
        'gatewatch collect refuse kh-bundles 3f9a0c --reason "deleted as its sender asked"',
        says="refused",
    ),
    keeper(
        'gatewatch collect refuse kh-bundles --before 2026-07-01 --reason "its time is over"',
        says="refused: 0 bundles",
    ),
    Step("gatewatch submit --ask-all", says="deleted as its sender asked", code=6),
    Step("gatewatch consent withdraw --share"),
    Step("gatewatch consent withdraw --share --json", says='"share": {"granted": false'),
    Step("gatewatch consent grant --run --keep --version-read 1"),
    Step("gatewatch purge --json", says='"deleted": false'),
    Step("gatewatch purge --accepted 90", says="nothing was deleted"),
    Step("gatewatch purge", typed="yes\n"),
]


class Stage:
    """The network with both ends, and what stands for what the pages make up."""

    def __init__(self, row: Chain) -> None:
        self.row = row
        self.home = row.fabric.home("volunteer", "nobody")
        self.keeps = row.fabric.home("keeper", "root")
        self.homes = {
            "nobody": self.home / "data",
            "root": row.fabric.home("administrator", "root"),
        }
        self.stick = row.fabric.home("stick", "nobody")
        (self.keeps / "stick").symlink_to(self.stick)
        self.asked = 0
        (self.home / "targets.txt").write_text("193.0.6.139 RIPE NCC\n", encoding="utf-8")

    def there(self, line: str) -> str:
        """The line with what is there."""
        bundles = self.keeps / "kh-bundles"
        held = sorted(bundles.glob("quarantine/*.tar")) or sorted(bundles.glob("accepted/*.tar"))
        made_up = {
            "DNS:collect.example.org": f"IP:{self.row.host[4]}",
            "/media/stick": str(self.stick),
            "3f9a0c": held[0].name[:12] if held else "",
        }
        for written, found in made_up.items():
            line = line.replace(written, found)
        return line

    def do(self, step: Step) -> None:
        line = self.there(step.line)
        where = self.row.target if step.collector else self.row.vantage
        user: User = "root" if step.collector or line.startswith("sudo ") else "nobody"
        folder = self.keeps if step.collector else self.home
        line = line.removeprefix("sudo ")
        if step.line == SERVE:
            self._serve(where, line)
            return
        if step.typed:
            line = f'script --quiet --return --command "{line}" /dev/null'
        program = where.start(
            ["bash", "-c", f"cd {folder} && exec {line}"],
            user=user,
            env={"GATEWATCH_HOME": str(self.homes[user])},
            stdin=subprocess.PIPE,
        )
        early = _interrupt(program, step.traces) if step.traces else ""
        out, err = program.communicate(step.typed or None, timeout=120)
        said = early + err + out
        assert program.returncode == step.code, f"{step.line}\n{said}"
        assert step.says in said, f"{step.line}\n{said}"

    def _serve(self, where: Namespace, line: str) -> None:
        """Start the collector, and tell the volunteer its address, certificate and key."""
        program = where.start(["bash", "-c", f"cd {self.keeps} && PYTHONUNBUFFERED=1 exec {line}"])
        assert program.stdout is not None
        said = [program.stdout.readline() for _ in range(3)]
        if not said[2]:
            raise LabError(program.communicate()[1])
        data = self.homes["nobody"]
        data.joinpath("chain.pem").write_bytes((self.keeps / "chain.pem").read_bytes())
        data.joinpath("settings.toml").write_text(
            f'collector = "https://{self.row.host[4]}"\n'
            f'collector_certificate = "chain.pem"\n{said[2]}',
            encoding="utf-8",
        )


def _interrupt(program: subprocess.Popen[str], traces: int) -> str:
    """Press Ctrl-C once so many traces are said to be finished; what was said until then."""
    assert program.stderr is not None
    said = ""
    while traces:
        line = program.stderr.readline()
        assert line, said
        said += line
        traces -= line.startswith("[")
    program.send_signal(signal.SIGINT)
    return said


@pytest.fixture
def stage() -> Iterator[Stage]:
    """Four routers, the first of which is the volunteer's own; all the world is the last host."""
    with chain(4, nat=True, local=("0.0.0.0/0",)) as row:
        yield Stage(row)


def test_the_pages_can_be_followed_line_by_line(stage: Stage) -> None:
    """Each line ends as the page says, and what was sent and accepted can be judged."""
    for step in STEPS:
        stage.do(step)
    assert Path(stage.home / "evidence.pcap").stat().st_size > 0
    assert not (stage.homes["nobody"] / "spool").exists()
