"""What a vantage point remembers between runs."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from probe.record import Trace, Vantage
from probe.redaction.identity import PARIS_VARIATIONS, Identity
from probe.words.failure import BadInput


def test_a_pseudonym_stays_in_one_network_and_changes_with_it(tmp_path: Path) -> None:
    """The same access network gives the same name for ever, another one gives another."""
    first = Identity(tmp_path).pseudonym(38623)
    assert Identity(tmp_path).pseudonym(38623) == first
    assert Identity(tmp_path).pseudonym(23673) != first
    assert len(first) == 16


def test_two_machines_have_two_pseudonyms(tmp_path: Path) -> None:
    """The name says nothing about the network: it is random."""
    names = {Identity(tmp_path / str(number)).pseudonym(38623) for number in range(5)}
    assert len(names) == 5


def test_the_flow_goes_round_from_run_to_run(tmp_path: Path) -> None:
    """Each run takes the next of 16 flows, never 0, and asking alone writes nothing."""
    flows = []
    for _ in range(PARIS_VARIATIONS + 1):
        identity = Identity(tmp_path / "new")
        flow = identity.flow()
        assert identity.flow() == flow
        flows.append(flow)
        identity.used(flow)
    assert flows == [*range(1, 17), 1]
    Identity(tmp_path / "other").flow()
    assert not (tmp_path / "other").exists()


def test_the_last_run_is_none_that_may_be_gone_on_with_until_it_kept_something(
    tmp_path: Path,
) -> None:
    """The flow goes on from the last one used all the same; what was never used writes nothing."""
    identity = Identity(tmp_path / "new")
    identity.begun()
    assert not (tmp_path / "new").exists()
    identity.used(3)
    assert identity.last_flow() == 3
    identity.begun()
    assert (identity.last_flow(), identity.flow()) == (None, 4)
    identity.used(4)
    assert identity.last_flow() == 4


def test_a_name_is_on_the_disk_before_a_trace_bears_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its place in the folder, too: else it would be another after a power cut."""
    synced: list[Path] = []
    monkeypatch.setattr("probe.disk.private.sync_folder", synced.append)
    Identity(tmp_path).pseudonym(1)
    assert synced == [tmp_path]


def test_its_files_are_its_owners(tmp_path: Path) -> None:
    """Nobody else on the machine may read which network has which pseudonym."""
    Identity(tmp_path).pseudonym(1)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


@pytest.mark.parametrize(
    "content",
    [b"{", b"[]", b"[" * 100_000, b'{"vantages": 3}', b'{"flow": "x"}', b"\xff"],
    ids=lambda content: repr(content[:20]),
)
def test_a_broken_memory_is_named(tmp_path: Path, content: bytes) -> None:
    """A file that cannot be read is reported, and not taken for one that remembers nothing."""
    (tmp_path / "vantage.state").write_bytes(content)
    with pytest.raises(BadInput, match=r"vantage\.state is damaged; the next run takes"):
        Identity(tmp_path).pseudonym(1)
    assert (tmp_path / "vantage.state").read_bytes() == content


def test_a_broken_memory_is_restored_from_what_is_kept(tmp_path: Path) -> None:
    """The same name in each network that traces tell of, and the flow after the last one's."""
    mine = Identity(tmp_path)
    names = [mine.pseudonym(38623), mine.pseudonym(17976)]
    kept = [
        Trace("192.0.2.1", 4, "ICMP", 1.0, 2.0, (), paris_id=flow, vantage=Vantage(name, asn))
        for flow, name, asn in ((4, "of a former owner", 38623), (5, *_known(mine, 38623)))
    ]
    kept.append(kept[-1]._replace(paris_id=16, vantage=Vantage(*_known(mine, 17976))))
    kept.append(kept[-1]._replace(vantage=None, paris_id=0))
    mine.path.write_bytes(bytes(40))
    mine.restore(kept)
    assert [mine.pseudonym(38623), mine.pseudonym(17976)] == names
    assert (mine.last_flow(), mine.flow()) == (16, 1)
    mine.restore(kept[:1])
    assert mine.pseudonym(38623) == names[0], "what is whole stays as it is"


def _known(identity: Identity, asn: int) -> tuple[str, int]:
    return identity.pseudonym(asn), asn
