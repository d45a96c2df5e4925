"""Which of the organisations that a verdict names a state owns, by a public source.

A national gateway in private hands and one in the state's are different news; nothing in a grade
rests on it. Where no source says anything, nothing is said: that is not "private".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol


class Owned(Protocol):
    """What the list of operators says of one."""

    @property
    def state(self) -> str | None: ...

    @property
    def state_source(self) -> str | None: ...


class Operators(Protocol):
    """What is asked of an address table (`probe.origin.Origin` is one)."""

    def operator(self, organisation: str) -> Owned | None: ...


def _named(fields: Mapping[str, Any]) -> Iterator[str]:
    for node in (
        fields["gateway"],
        fields["domestic"]["hub"],
        fields["timeline"]["gateway"],
        fields["upstream"]["operator"],
    ):
        if node is not None and node["kind"] == "organisation":
            yield node["name"]


def ownership(fields: Mapping[str, Any], operators: Operators) -> dict[str, dict[str, str | None]]:
    """State-owned organisations among those that a verdict names: name → state and source."""
    owned = {}
    for name in sorted(set(_named(fields))):
        operator = operators.operator(name)
        if operator is not None and operator.state is not None:
            owned[name] = {"state": operator.state, "source": operator.state_source}
    return owned


def sentences(owned: Mapping[str, Mapping[str, str | None]]) -> list[str]:
    """One for each."""
    return [
        f"{name} is held by the state of {said['state']} ({said['source']})."
        for name, said in owned.items()
    ]
