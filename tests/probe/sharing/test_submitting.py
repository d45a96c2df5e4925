"""Sending: once, with an answer for each bundle, whatever breaks in between."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.sharing.bundle import SUFFIX, public_part, sha256_of
from probe.sharing.bundling import bundle_new
from probe.sharing.courier import PATIENCE, NotTaken, Unavailable
from probe.sharing.outbox import Outbox
from probe.sharing.receipt import Receipt, Status
from probe.sharing.submitting import FIRST, LONGEST, PAUSES, WHOLE, Outcome, Submitting
from probe.words.failure import NoConsent, NotYetSent, PartlyDone
from probe.words.sentence import as_it_is
from tests.probe.sharing.test_bundling import keep, trace

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
ADDRESS = "https://collect.example.org"


class PowerCut(BaseException):
    """The machine is off."""


class Way:
    """A collector in memory; ``faults`` happen at the next requests, before or after them."""

    def __init__(self) -> None:
        self.held: dict[str, Status] = {}
        self.sent: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.sign = self.shown = KEY
        self.before: list[BaseException | None] = []
        self.after: list[BaseException | None] = []
        self.decision: Status = "quarantined"

    def fault(self, faults: list[BaseException | None]) -> None:
        problem = faults.pop(0) if faults else None
        if problem is not None:
            raise problem

    def key(self) -> bytes:
        self.fault(self.before)
        self.asked["key"] += 1
        return json.dumps({"key": public_part(self.shown)}).encode()

    def receipt(self, sha256: str) -> bytes | None:
        self.fault(self.before)
        self.asked[sha256] += 1
        return self.signed(sha256) if sha256 in self.held else None

    def send(self, sha256: str, data: bytes) -> bytes:
        self.fault(self.before)
        assert sha256_of(data) == sha256
        self.sent[sha256] += 1
        self.held.setdefault(sha256, self.decision)
        self.fault(self.after)
        return self.signed(sha256)

    def signed(self, sha256: str) -> bytes:
        reason = "operator: no" if self.held[sha256] == "refused" else None
        return Receipt(sha256, self.held[sha256], 1, "2026-11-26", reason).signed(self.sign)


class World:
    """A machine with bundles of some networks, a collector, and a clock that jumps."""

    def __init__(self, home: Path, bundles: int = 2) -> None:
        self.home = home
        self.way = Way()
        self.now = 1e9
        # Seconds that a request takes.
        self.request = 0.0
        self.slept: list[float] = []
        self.agrees = True
        keep(home, *(trace(number, 100 + number) for number in range(bundles)))
        with Outbox(home / "outbox") as outbox:
            bundle_new(home / "spool", outbox, home / "keys")

    def submit(
        self, key: str | None = None, *, at_once: bool = False, accepted_too: bool = False
    ) -> Outcome:
        with Outbox(self.home / "outbox") as outbox:
            sending = Submitting(
                outbox,
                self.way,
                ADDRESS,
                key,
                lambda: self.now,
                self.slept.append,
                self.agreed,
                lambda: self.request * (self.way.asked + self.way.sent).total(),
            )
            return sending.run(at_once=at_once, accepted_too=accepted_too)

    def agreed(self) -> None:
        if not self.agrees:
            raise NoConsent("share")

    def states(self) -> list[str]:
        with Outbox(self.home / "outbox") as outbox:
            return [entry.state for entry in outbox.entries()]

    def reasons(self) -> set[str | None]:
        with Outbox(self.home / "outbox") as outbox:
            return {entry.reason for entry in outbox.entries()}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_each_bundle_is_sent_once_and_answered(world: World) -> None:
    """The first call sends all, later ones ask for what is undecided and send nothing."""
    first = world.submit()
    assert [receipt.status for receipt in first.receipts] == ["quarantined"] * 2
    assert (first.problem, first.not_before) == (None, 0)
    assert world.submit() == Outcome()
    assert set(world.way.sent.values()) == {1}
    for name in world.way.held:
        world.way.held[name] = "accepted"
    assert [receipt.status for receipt in world.submit().receipts] == ["accepted"] * 2
    asked = world.way.asked.total()
    assert world.submit() == Outcome()
    assert world.way.asked.total() == asked
    assert world.states() == ["accepted"] * 2
    assert len(list((world.home / "outbox" / "receipts").iterdir())) == 2


def test_a_refusal_is_kept_with_its_reason_and_may_be_sent_again(world: World) -> None:
    """A refused bundle stays, and goes again only where its owner says so."""
    world.way.decision = "refused"
    assert [receipt.status for receipt in world.submit().receipts] == ["refused"] * 2
    assert world.reasons() == {"operator: no"}
    assert world.submit() == Outcome()
    world.way.held.clear()
    world.way.decision = "accepted"
    with Outbox(world.home / "outbox") as outbox:
        outbox.wait_again()
    assert world.states() == ["waiting"] * 2
    assert [receipt.status for receipt in world.submit().receipts] == ["accepted"] * 2


def test_what_was_accepted_may_be_refused_since(world: World) -> None:
    """It is asked for only where its owner wants it, and what was taken back stays so."""
    world.way.decision = "accepted"
    world.submit()
    deleted, lost = world.way.held
    world.way.held[deleted] = "refused"
    del world.way.held[lost]
    assert world.submit() == Outcome()
    outcome = world.submit(accepted_too=True)
    assert [(one.bundle, one.status) for one in outcome.receipts] == [(deleted, "refused")]
    assert (outcome.gone, outcome.problem) == ([lost], None)
    assert world.states() == ["refused", "accepted"]
    with Outbox(world.home / "outbox") as outbox:
        outbox.wait_again()
    assert world.states() == ["refused", "accepted"]
    assert world.submit() == Outcome()
    assert set(world.way.sent.values()) == {1}


def test_a_short_break_is_waited_for(world: World) -> None:
    """What is gone for a moment is tried again in the same call."""
    world.way.before = [Unavailable(as_it_is("reset")), None, None, Unavailable(as_it_is("reset"))]
    assert world.submit().problem is None
    assert world.states() == ["quarantined"] * 2
    assert world.slept == [PAUSES[0]] * 2


def test_an_answer_that_was_lost_is_asked_for(world: World) -> None:
    """The bundle came and the receipt did not: it is not sent again."""
    world.way.after = [Unavailable(as_it_is("reset"))]
    assert world.submit().problem is None
    assert set(world.way.sent.values()) == {1}
    assert world.states() == ["quarantined"] * 2


def test_a_strange_answer_to_the_question_leaves_it_open(tmp_path: Path) -> None:
    """Whether it came is asked again, and it is sent only where that was answered."""
    world = World(tmp_path, bundles=1)
    world.way.after = [Unavailable(as_it_is("reset"))]
    world.way.before = [None, None, NotTaken(as_it_is("status 403"))]
    assert world.submit().problem == "status 403"
    assert world.submit().problem is None
    assert set(world.way.sent.values()) == {1}
    assert world.states() == ["quarantined"]


def test_the_pause_doubles_and_ends(world: World) -> None:
    """Every call that fails doubles the pause up to its end; success clears it."""
    pauses = []
    for _ in range(9):
        world.way.before = [Unavailable(as_it_is("no route"))] * 9
        outcome = world.submit()
        assert outcome.problem == "no route"
        pauses.append(outcome.not_before - world.now)
        world.now = outcome.not_before
    assert pauses == [min(FIRST * 2**number, LONGEST) for number in range(9)]
    world.way.before = []
    assert world.submit().problem is None


def test_too_early_nothing_is_asked(world: World) -> None:
    """Within the pause a call says when it is over; its owner may insist."""
    world.way.before = [Unavailable(as_it_is("no route"))] * 9
    failed = world.submit()
    world.way.before = []
    world.now += FIRST - 1
    assert world.submit() == Outcome(problem="no route", not_before=failed.not_before)
    assert world.way.asked.total() == 0
    assert world.submit(at_once=True).problem is None


def test_what_the_collector_asks_for_is_kept_to(world: World) -> None:
    """Retry-After is neither shortened by trying again nor by the owner's haste."""
    world.way.before = [Unavailable(as_it_is("busy"), wait=900)]
    outcome = world.submit()
    assert (outcome.not_before - world.now, world.slept) == (900, [])
    world.now += 899
    assert world.submit(at_once=True) == outcome
    world.now += 1
    assert world.submit().problem is None


def test_a_clock_that_was_set_back_does_not_keep_it_waiting(world: World) -> None:
    """A pause that would last years was made by a wrong clock."""
    world.way.before = [Unavailable(as_it_is("no route"))] * 9
    world.submit()
    world.way.before = []
    world.now -= 10 * 365 * 86400
    assert world.submit().problem is None


def test_the_key_shown_first_is_believed_from_then_on(world: World) -> None:
    """Receipts of another key are not believed, and nothing more is sent to who signs so."""
    world.submit()
    keep(world.home, trace(9, 200), trace(10, 201))
    with Outbox(world.home / "outbox") as outbox:
        bundle_new(world.home / "spool", outbox, world.home / "keys")
    world.way.sign = OTHER
    for name in world.way.held:
        world.way.held[name] = "accepted"
    outcome = world.submit()
    assert outcome.problem is not None
    assert "names another key" in outcome.problem
    assert "set collector_key" in outcome.problem
    assert (outcome.receipts, world.way.sent.total()) == ([], 2)
    assert world.states() == ["quarantined", "quarantined", "waiting", "waiting"]


def test_the_key_that_was_set_is_asked_for_before_anything_is_sent(world: World) -> None:
    """A collector that shows another key gets nothing."""
    outcome = world.submit(public_part(OTHER))
    assert outcome.problem is not None
    assert "not the one in collector_key" in outcome.problem
    assert world.way.sent.total() == 0
    assert world.submit(public_part(KEY), at_once=True).problem is None


def test_a_new_key_that_was_set_takes_the_place_of_the_old(world: World) -> None:
    """Whoever runs the collector lost the key, and says so: the owner sets it and goes on."""
    world.submit()
    world.way.sign = world.way.shown = OTHER
    for name in world.way.held:
        world.way.held[name] = "accepted"
    assert world.submit().receipts == []
    assert len(world.submit(public_part(OTHER), at_once=True).receipts) == 2


def test_what_is_no_collector_gets_nothing(world: World) -> None:
    """A web site that answers anything is told from a collector before a bundle goes to it."""
    world.way.key = lambda: b"<html>welcome"  # type: ignore[method-assign]
    outcome = world.submit()
    assert outcome.problem == f"{ADDRESS} does not answer as a collector does"
    assert outcome.not_before == world.now + FIRST
    assert world.way.sent.total() == 0


def test_one_bundle_that_is_not_taken_does_not_stop_the_others(world: World) -> None:
    """What something in between turns away waits with its reason; the rest goes."""
    world.way.before = [None, NotTaken(as_it_is("too large for the proxy"))]
    outcome = world.submit()
    assert outcome.problem == "too large for the proxy"
    assert world.states() == ["waiting", "quarantined"]
    assert world.submit().problem is None
    assert set(world.way.sent.values()) == {1}


def test_a_slow_way_ends_a_call_and_the_next_goes_on(tmp_path: Path) -> None:
    """Where each request takes nearly as long as it may, no call lasts for hours."""
    world = World(tmp_path, bundles=8)
    world.request = PATIENCE - 1
    outcome = world.submit()
    assert len(outcome.receipts) < 8
    assert world.request * len(outcome.receipts) <= WHOLE + PATIENCE
    assert outcome.problem is not None
    assert outcome.problem == (
        "the half hour that one call may take was too short for all bundles; to go on: "
        "gatewatch submit"
    )
    assert outcome.not_before == 0
    for _ in range(3):
        world.submit()
    assert world.states() == ["quarantined"] * 8
    assert set(world.way.sent.values()) == {1}


def test_an_outbox_that_its_owner_deletes_meanwhile_is_said(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is said of permissions, and the next call begins anew."""
    monkeypatch.setenv("GATEWATCH_HOME", str(world.home))
    send = world.way.send

    def deleting(sha256: str, data: bytes) -> bytes:
        shutil.rmtree(world.home / "outbox")
        return send(sha256, data)

    monkeypatch.setattr(world.way, "send", deleting)
    with pytest.raises(PartlyDone, match="outbox was deleted while it was used"):
        world.submit()
    assert (world.submit().problem, world.states()) == (None, [])


def test_a_bundle_that_its_owner_deletes_meanwhile_is_said(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is on its way is answered; what was not sent yet is said to be gone."""
    send = world.way.send

    def deleting(sha256: str, data: bytes) -> bytes:
        for path in (world.home / "outbox").glob(f"*{SUFFIX}"):
            path.unlink()
        return send(sha256, data)

    monkeypatch.setattr(world.way, "send", deleting)
    outcome = world.submit()
    assert [receipt.status for receipt in outcome.receipts] == ["quarantined"]
    assert outcome.problem is not None
    assert outcome.problem.startswith("the file of a bundle is damaged or was deleted: ")
    assert f"{SUFFIX}; its traces are bundled anew" in outcome.problem


@pytest.mark.parametrize("damage", [b"", b"damaged", None])
def test_a_damaged_bundle_is_made_anew(world: World, damage: bytes | None) -> None:
    """A bad block on the disk costs no trace: what it held is bundled again and sent."""
    with Outbox(world.home / "outbox") as outbox:
        path = outbox.path_of(outbox.entries()[0].sha256)
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage)
    outcome = world.submit()
    assert outcome.problem is not None
    assert "bundled anew next time" in outcome.problem
    with Outbox(world.home / "outbox") as outbox:
        made = bundle_new(world.home / "spool", outbox, world.home / "keys")
    assert len(made.entries) == 1
    world.submit()
    assert (world.states(), len(world.way.held)) == (["quarantined"] * 2, 2)


def withdrawn_at(world: World, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """The owner takes consent back while a request of this kind is under way."""
    ask = getattr(world.way, what)

    def asked(*said: object) -> object:
        world.agrees = False
        return ask(*said)

    monkeypatch.setattr(world.way, what, asked)


def test_consent_taken_back_ends_it_with_the_request_under_way(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is being sent just then is kept with its answer; nothing is sent after it."""
    withdrawn_at(world, monkeypatch, "send")
    with pytest.raises(NoConsent):
        world.submit()
    assert world.way.sent.total() == 1
    assert world.states() == ["quarantined", "waiting"]
    world.agrees = True
    assert world.submit().problem is None
    assert set(world.way.sent.values()) == {1}


@pytest.mark.parametrize("what", ["key", "receipt"])
def test_consent_taken_back_before_the_first_bundle_keeps_all_here(
    world: World, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """A question that takes its time, as through Tor, or is waited with, is no way around it."""
    if what == "receipt":
        world.way.before = [
            None,
            Unavailable(as_it_is("reset")),
            *[Unavailable(as_it_is("no route"))] * 9,
        ]
        world.submit()
        world.way.before = []
    withdrawn_at(world, monkeypatch, what)
    with pytest.raises(NoConsent):
        world.submit(at_once=True)
    assert world.way.sent.total() == 0


def test_consent_taken_back_in_a_pause_is_noticed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broken way is not tried again for somebody who does not want it any more."""
    world.way.before = [Unavailable(as_it_is("reset"))]
    withdrawn_at(world, monkeypatch, "key")
    with pytest.raises(NoConsent):
        world.submit()
    assert world.way.asked.total() == 0


def test_two_at_once_do_not_meet(world: World) -> None:
    """While one sends, another is told to come back."""
    with (
        Outbox(world.home / "outbox") as outbox,
        outbox.locked("submitting"),
        pytest.raises(NotYetSent, match="another gatewatch is sending"),
    ):
        world.submit()


FAULT = st.sampled_from(["fine", "broken", "off"])


def problem(name: str) -> BaseException | None:
    return {"fine": None, "broken": Unavailable(as_it_is("reset")), "off": PowerCut()}[name]


@settings(max_examples=25)
@given(st.lists(FAULT, max_size=7), st.lists(FAULT, max_size=4))
def test_whatever_breaks_each_bundle_comes_once(
    tmp_path_factory: pytest.TempPathFactory, before: list[str], after: list[str]
) -> None:
    """With any order of breaks and power cuts, in the end each bundle was sent once, answered."""
    world = World(tmp_path_factory.mktemp("world"))
    world.way.before = [problem(name) for name in before]
    world.way.after = [problem(name) for name in after]
    for _ in range(len(before) + len(after) + 1):
        try:
            world.submit(at_once=True)
        except PowerCut:
            continue
    assert world.states() == ["quarantined"] * 2
    assert set(world.way.sent.values()) == {1}
    assert len(list((world.home / "outbox" / "receipts").iterdir())) == 2
