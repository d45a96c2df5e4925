"""Bundles: the traces that a volunteer signed and sent, each with the key that vouches for it.

What a bundle is, and when it is to be believed, `probe.sharing.bundle` knows. Here its lines become
traces: of a bundle that is not what was signed, nothing is taken, since not even the number of
its traces can be believed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from analysis.intake.inputs import InputError, Stream
from probe.record import MalformedRecord, Trace, Vantage, from_line
from probe.sharing.bundle import LARGEST_FILE, BadBundle, is_bundle, unseal


@dataclass(frozen=True, slots=True)
class Seal:
    """Who vouches for the traces of a bundle, and the one network in which all were measured."""

    key: str
    network: int

    def covers(self, vantage: Vantage | None) -> bool:
        """Whether a trace of this vantage point may stand in the bundle."""
        return vantage is not None and vantage.asn == self.network

    def value(self, line: bytes) -> Trace | MalformedRecord:
        """The trace of a line, with its ``key``, or why the line is none that may stand here."""
        try:
            trace = from_line(line)
        except MalformedRecord as problem:
            return problem
        if self.covers(trace.vantage):
            return trace._replace(key=self.key)
        network = trace.vantage.asn if trace.vantage else None
        said = "no network" if network is None else f"AS{network}"
        return MalformedRecord(f"is of {said}, and its bundle of AS{self.network}")


def claims_to_be(stream: Stream) -> bool:
    """Whether the bytes that come next begin as a bundle does."""
    return is_bundle(stream.bytes.peek(64))


def opened(name: str, stream: Stream) -> tuple[Seal, tuple[bytes, ...]]:
    """The seal of a bundle, and its lines with their ends.

    Raises `BadBundle` where the signature is bad or anything was altered, `InputError` where it is
    another kind of file or of another version.
    """
    try:
        bundle = unseal(stream.bytes.read(LARGEST_FILE + 1))
    except BadBundle as problem:
        if problem.reason in {"bad_signature", "altered_bundle"}:
            raise
        raise InputError(f"{name}: {problem}") from None
    return Seal(bundle.manifest.key, bundle.manifest.network), bundle.lines


def rows(name: str, stream: Stream) -> Iterator[tuple[int, Trace | MalformedRecord]]:
    """What each line of a bundle is, with its number; see `Seal.value`. Raises as `opened` does."""
    seal, lines = opened(name, stream)
    yield from enumerate(map(seal.value, lines), start=1)
