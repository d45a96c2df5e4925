"""Bundles: the traces that a volunteer signed and sent, each with the key that vouches for it.

What a bundle is, and when it is to be believed, `probe.bundle` knows. Here its lines become
traces: of a bundle that is not what was signed, nothing is taken, since not even the number of
its traces can be believed.
"""

from __future__ import annotations

from collections.abc import Iterator

from analysis.inputs import InputError, Stream
from probe.bundle import LARGEST_FILE, BadBundle, is_bundle, unseal
from probe.record import MalformedRecord, Trace, from_line


def claims_to_be(stream: Stream) -> bool:
    """Whether the bytes that come next begin as a bundle does."""
    return is_bundle(stream.bytes.peek(64))


def rows(name: str, stream: Stream) -> Iterator[tuple[int, Trace | MalformedRecord]]:
    """Each trace of a bundle with its line, and ``key`` set; a `MalformedRecord` where it is none.

    Raises `BadBundle` where the signature is bad or anything was altered, `InputError` where it is
    another kind of file or of another version.
    """
    try:
        bundle = unseal(stream.bytes.read(LARGEST_FILE + 1))
    except BadBundle as problem:
        if problem.reason in {"bad_signature", "altered_bundle"}:
            raise
        raise InputError(f"{name}: {problem}") from None
    for number, line in enumerate(bundle.lines, start=1):
        try:
            trace = from_line(line)
        except MalformedRecord as problem:
            yield number, problem
            continue
        network = trace.vantage.asn if trace.vantage else None
        if network != bundle.manifest.network:
            said = "no network" if network is None else f"AS{network}"
            yield (
                number,
                MalformedRecord(f"is of {said}, and its bundle of AS{bundle.manifest.network}"),
            )
        else:
            yield number, trace._replace(key=bundle.manifest.key)
