"""The doctor on real kernels: what they refuse is found, and nothing is sent for it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.pages import ROOT, blocks, pattern_of
from tests.lab.namespaces import Chain, Namespace, User, chain, requires_lab
from tests.lab.test_consent import COUNTER, arrived

pytestmark = [pytest.mark.lab, requires_lab, pytest.mark.xdist_group("lab-commands")]

GATEWATCH = str(Path(sys.executable).with_name("gatewatch"))


@pytest.fixture(scope="module")
def row() -> Iterator[Chain]:
    """Two routers, the first of which counts, and a user to whom ping sockets are denied."""
    with chain(2, ping_sockets=False) as built:
        built.routers[0].run(["nft", "-f", "-"], stdin=COUNTER)
        yield built


def findings(where: Namespace, user: User) -> dict[str, dict[str, Any]]:
    done = where.run([GATEWATCH, "doctor", "--json"], user=user, check=False)
    assert done.returncode == 6, done.stderr
    return {found["check"]: found for found in json.loads(done.stdout)["findings"]}


def test_the_page_shows_what_the_doctor_says(row: Chain) -> None:
    """The example on the page is what a user without ping sockets reads."""
    (example,) = blocks(ROOT / "docs/commands.md", "text")
    said = row.vantage.run([GATEWATCH, "doctor"], user="nobody", check=False).stdout
    assert pattern_of(example.text).search(said), said


def test_denied_ping_sockets_come_with_the_command_that_allows_them(row: Chain) -> None:
    """A warning, since UDP is left; the command, run as it stands, mends it. Nothing is sent."""
    before = arrived(row)
    found = findings(row.vantage, "nobody")["methods"]
    assert found["state"] == "warning"
    command = found["remedy"]
    assert command.startswith("sudo sysctl -w ")
    row.vantage.run(["sh", "-c", command.removeprefix("sudo ")])
    assert findings(row.vantage, "nobody")["methods"]["state"] == "ok"
    assert arrived(row) == before


def test_without_proc_nothing_can_be_sent(row: Chain) -> None:
    """As in a bare chroot, where each measurement is refused: the doctor says so, and of nothing
    else.
    """
    bare = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh"]
    done = row.vantage.run([*bare, GATEWATCH, "doctor", "--json"], check=False)
    found = {one["check"]: one for one in json.loads(done.stdout)["findings"]}
    assert found["methods"]["state"] == "failed"
    refused = row.vantage.run([*bare, GATEWATCH, "trace", row.host[4]], check=False)
    assert (refused.returncode, refused.stdout) == (4, "")
    assert refused.stderr == f"gatewatch: {found['methods']['says']}\n"
    assert [found[check]["state"] for check in ("ipv4", "vpn", "redaction")] == ["ok"] * 3


def test_a_machine_without_a_link_is_told_so(row: Chain) -> None:
    """No route by either IP version: two failures, and the other checks are made all the same."""
    row.target.run(["ip", "link", "delete", "west"])
    found = findings(row.target, "root")
    assert [found[version]["state"] for version in ("ipv4", "ipv6")] == ["failed", "failed"]
    assert found["redaction"]["state"] == "warning"
    assert found["snapshot"]["state"] == "ok"
