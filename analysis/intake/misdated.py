"""What a raw spool knows of its own traces: those that a clock misdated which was set meanwhile.

No bundle takes them. Whoever analyses the folder of a volunteer itself reads the same, noted as
measured by a wrong clock.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from probe.misdated import Misdated, misdated
from probe.record import WRONG_CLOCK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


def spans_beside(name: str) -> tuple[Misdated, ...]:
    """What is put down beside a file; nothing beside standard input, or what cannot be read."""
    try:
        return () if name == "-" else misdated(Path(name).parent)
    except OSError:
        return ()


def noted(
    rows: Iterable[tuple[int, object]], spans: Sequence[Misdated]
) -> Iterator[tuple[int, object]]:
    """The values of lines, with the note of a wrong clock in records of ours that are misdated."""
    for number, value in rows:
        yield number, _noted(value, spans) if isinstance(value, dict) else value


def _noted(value: dict[str, Any], spans: Sequence[Misdated]) -> dict[str, Any]:
    ours, flow, began = value.get("gatewatch"), value.get("paris_id"), value.get("timestamp")
    if (
        not isinstance(ours, dict)
        or not isinstance(flow, int)
        or not isinstance(began, int | float)
        or not any(span.holds(flow, began) for span in spans)
        or not isinstance(notes := ours.get("notes", []), list)
    ):
        return value
    return value | {"gatewatch": ours | {"notes": [*notes, WRONG_CLOCK]}}
