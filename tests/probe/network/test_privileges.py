"""Giving up privileges, each time in a process of its own: it cannot be undone."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from probe.network.privileges import needed
from tests.harness.nobody import holds_for_nobody

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="needs root on Linux to have any"
)

SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
NOBODY = 65534
UNKNOWN = 54321


def status_after(statements: str, *arguments: object, code: int = 0) -> dict[str, str]:
    """What the kernel says of a process that ran these statements; its error under ``error``."""
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from probe.network.privileges import NET_RAW, give_up\n"
        f"{statements}\nprint(open('/proc/thread-self/status').read())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    lines = dict(line.split(":\t", 1) for line in done.stdout.splitlines() if ":\t" in line)
    return lines | {"error": done.stderr.rpartition("probe.words.failure.")[2].strip()}


@pytest.fixture
def street() -> Iterator[Path]:
    """A folder that every user may pass through, unlike pytest's."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


def house(street: Path, owner: int) -> Path:
    """A folder closed to all but its owner."""
    made = street / str(owner)
    made.mkdir(mode=0o700)
    os.chown(made, owner, owner)
    return made


# Where the interpreter lies differs from machine to machine; here all of it is imported before.
WITHOUT_CODE = "sys.path[:] = []\n"


def test_root_keeps_no_capability_and_gains_none() -> None:
    """All five sets are empty, and nothing started later can fill them."""
    said = status_after("give_up()")
    assert {said[name] for name in SETS} == {"0" * 16}
    assert said["NoNewPrivs"] == "1"
    assert said["Uid"].split() == ["0"] * 4


def test_threads_started_later_have_none_either() -> None:
    """What trio's worker threads may do is what the thread that starts them may."""
    said = status_after(
        "give_up()\nimport threading\n"
        "def show(): print(open('/proc/thread-self/status').read()); sys.stdout.flush()\n"
        "thread = threading.Thread(target=show); thread.start(); thread.join(); sys.exit()"
    )
    assert {said[name] for name in SETS} == {"0" * 16}
    assert said["NoNewPrivs"] == "1"


def test_with_other_threads_it_refuses() -> None:
    """They would keep their capabilities, so this is no state to go on in."""
    said = status_after(
        "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        "give_up()",
        code=1,
    )
    assert "before any thread" in said["error"]


def test_what_is_kept_is_that_one_alone() -> None:
    """CAP_NET_RAW is number 13."""
    said = status_after("give_up(keep=frozenset({NET_RAW}))")
    assert [int(said[name], 16) for name in ("CapPrm", "CapEff")] == [1 << 13] * 2
    assert [int(said[name], 16) for name in ("CapInh", "CapBnd", "CapAmb")] == [0, 0, 0]


def test_nothing_is_kept_that_was_not_there() -> None:
    """Asking to keep what one does not have is no error and gives nothing."""
    said = status_after("give_up()\ngive_up(keep=frozenset({NET_RAW}))")
    assert said["CapEff"] == "0" * 16


@pytest.mark.parametrize("owner", [NOBODY, UNKNOWN])
@pytest.mark.parametrize("place", ["", "data", "data/spool"])
def test_root_goes_on_as_the_user_whose_folder_it_writes(
    street: Path, owner: int, place: str
) -> None:
    """Root without capabilities is locked out of a user's home; its user is not, whoever it is."""
    home = house(street, owner)
    said = status_after(
        f"{WITHOUT_CODE}give_up([Path(sys.argv[1])])\n"
        "Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)\n"
        "(Path(sys.argv[1]) / 'trace').write_text('x')",
        home / place,
    )
    assert {said[name] for name in SETS} == {"0" * 16}
    assert said["Uid"].split() == said["Gid"].split() == [str(owner)] * 4
    assert said["NoNewPrivs"] == "1"
    assert (home / place / "trace").stat().st_uid == owner


def test_root_is_known_to_be_locked_out_where_access_is_asked_of_what_it_may_have(
    street: Path,
) -> None:
    """Before glibc 2.33 and Linux 5.8 access(2) goes by what root may raise, not by what it has."""
    said = status_after(
        f"{WITHOUT_CODE}import os\nasked = os.access\n"
        "os.access = lambda place, mode, effective_ids: asked(place, mode)\n"
        "give_up([Path(sys.argv[1])])",
        house(street, NOBODY),
    )
    assert said["Uid"].split() == [str(NOBODY)] * 4


def test_what_is_kept_survives_the_change_of_user(street: Path) -> None:
    """The kernel would take everything from whoever ceases to be root."""
    said = status_after(
        f"{WITHOUT_CODE}give_up([Path(sys.argv[1])], keep=frozenset({{NET_RAW}}))",
        house(street, NOBODY),
    )
    assert said["Uid"].split() == [str(NOBODY)] * 4
    assert [int(said[name], 16) for name in ("CapPrm", "CapEff")] == [1 << 13] * 2


def test_a_file_left_by_root_in_a_users_folder_is_named(street: Path) -> None:
    """Neither user could append to both; the sentence says which file, and nothing was done."""
    home = house(street, NOBODY)
    left = home / "2022-02-16.jsonl"
    left.write_text("")
    left.chmod(0o600)
    said = status_after(f"{WITHOUT_CODE}give_up([Path(sys.argv[1])])", home, code=1)
    assert f"then root cannot use {home}, nor nobody {left}; let one user" in said["error"]


@pytest.mark.parametrize("owner", [0, NOBODY])
def test_a_folder_closed_to_its_own_owner_is_to_be_opened(street: Path, owner: int) -> None:
    """With capabilities root passes through that; no other owner would mend it."""
    home = house(street, owner)
    home.chmod(0o500)
    said = status_after(f"{WITHOUT_CODE}give_up([Path(sys.argv[1])])", home, code=1)
    assert f"{home} is closed to its own owner; open it: chmod u+rwX {home}" in said["error"]


def test_without_proc_it_is_said_what_to_mount() -> None:
    """As in a bare chroot, where nobody sees whether another thread keeps what it may do."""
    nowhere = (
        "import probe.network.privileges as privileges\nprivileges._THREADS = Path('/nowhere')\n"
    )
    said = status_after(f"{nowhere}give_up()", code=1)
    assert "only where /proc is mounted; mount it: mount -t proc proc /proc" in said["error"]


def test_a_read_only_file_system_is_said_to_be_one(street: Path) -> None:
    """No owner of the folder could write there, so that nobody is told to change it."""
    said = status_after(
        f"{WITHOUT_CODE}import os, types\nos.access = lambda *_, **__: False\n"
        "os.statvfs = lambda _: types.SimpleNamespace(f_flag=os.ST_RDONLY)\n"
        "give_up([Path(sys.argv[1])])",
        street,
        code=1,
    )
    assert f"{street} cannot be written: its file system is read-only" in said["error"]


def test_a_folder_that_may_not_be_looked_at_is_needed_as_well(street: Path) -> None:
    """Root has no passage on a disk of others: then its owner is found, who has one."""
    closed = house(street, UNKNOWN)
    assert holds_for_nobody(lambda: needed([closed / "data"])[-1].place == closed)


def test_where_no_user_reaches_code_and_data_it_says_so(street: Path) -> None:
    """A program in one closed home that should write into another: both are named."""
    code, data = house(street, NOBODY), house(street, UNKNOWN)
    said = status_after(
        "sys.path[:] = [sys.argv[1]]\ngive_up([Path(sys.argv[2])])", code, data, code=1
    )
    assert f"root cannot use {code}, nor nobody {data}, nor user {UNKNOWN} {code};" in said["error"]
