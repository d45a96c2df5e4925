"""The fuzzer: a short run of it, and that it would notice what it looks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from probe.network import Kind, Method, incoming
from probe.network.matching import Matching
from scripts import fuzz

if TYPE_CHECKING:
    from probe.network import Answer
    from probe.network.incoming import Heard


def test_twenty_thousand_damaged_packets_invent_no_hop(capsys: pytest.CaptureFixture[str]) -> None:
    """No exception, and no answer that its packet does not bear out; every packet is counted."""
    assert fuzz.main(["--packets", "20000", "--seed", "4"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("20,000 packets, seed 4, in ")
    assert "no exception, and no answer that its packet does not bear out" in said
    total = fuzz.fuzz(20_000, 60, seed=4)
    assert total.packets == 20_000
    assert total.answered.total() + total.refused.total() == 20_000
    assert set(total.answered) == set(Kind)
    assert set(total.refused) == {*incoming.Refusal, "unexpected", "wrong_tag"}


def test_a_run_ends_when_its_time_is_over() -> None:
    """The bound in time holds too, after the chunk that is being made."""
    assert fuzz.fuzz(1_000_000, 0, seed=1).packets == fuzz.CHUNK


def believing(monkeypatch: pytest.MonkeyPatch, name: str, value: Any) -> None:
    heard = incoming.parse_icmp

    def parse(version: int, data: bytes, at: int, udp_port: int) -> Heard | incoming.Refusal:
        found = heard(version, data, at, udp_port)
        return found if isinstance(found, incoming.Refusal) else found._replace(**{name: value})

    monkeypatch.setattr(incoming, "parse_icmp", parse)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("tag", None, "does not show the probe's tag"),
        ("kind", Kind.DESTINATION, "type and code mean something else"),
        ("quote_at", 1 << 20, "IndexError"),
        ("quoted_ttl", 300, "the quick look and the whole reading differ"),
    ],
)
def test_a_parser_with_a_fault_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: Any,
    said: str,
) -> None:
    """Tags not looked at, kinds confused, exceptions, two readings: each ends the run."""
    believing(monkeypatch, name, value)
    assert fuzz.main(["--packets", "20000"]) == 1
    told = capsys.readouterr().err
    assert said in told
    assert "of --seed 1 --first 0" in told


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"token": 0}, "no probe with this token"),
        ({"address": "192.0.2.99"}, "the address is not the sender's"),
        ({"size": 1}, "the size is another"),
    ],
)
def test_an_answer_with_a_wrong_field_is_found_out(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], said: str
) -> None:
    """An answer for a probe that is not on its way, or from elsewhere, or of another size."""
    hear = Matching.hear

    def wrong(self: Matching, *given: Any) -> Answer | None:
        answer = hear(self, *given)
        return None if answer is None else answer._replace(**change)

    monkeypatch.setattr(Matching, "hear", wrong)
    with pytest.raises(fuzz.Fault, match=said):
        fuzz.fuzz_chunk(1, 0)


def test_real_replies_are_of_every_method_and_version() -> None:
    """What is damaged covers all there is: both versions, all methods, errors and answers."""
    sea = fuzz.Sea(fuzz.Dice(1))
    assert {(k.version, k.method) for k in sea.known.values()} == {
        (version, method) for version in (4, 6) for method in Method
    }
    assert {(reply.version, reply.protocol) for reply in sea.replies} == {
        (4, 1), (4, 6), (6, 58), (6, 6),
    }  # fmt: skip
