"""Which country is meant: the one check of what an analyst names."""

from __future__ import annotations

from typing import Protocol


class UnknownCountry(ValueError):
    """What was given is no country's code."""


class Atlas(Protocol):
    """What is asked of an address table."""

    def continent(self, country: str) -> str | None: ...


def country_code(table: Atlas, country: str) -> str:
    """The code in capitals; raises `UnknownCountry`."""
    code = str(country).upper()
    if table.continent(code) is None:
        raise UnknownCountry(
            f"{country!r} is no country code; use two letters of ISO 3166, such as KH"
        )
    return code
