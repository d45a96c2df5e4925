"""Whom a registered name tells of: one organisation, many, or nobody.

AS numbers of one name are one organisation, but for the names here, under which unrelated networks
stand. How that was decided, `data/README.md` says. This module knows neither tables nor lists.
"""

from __future__ import annotations

import re

# What is written where there is no holder, or only another registry knows him.
_NOBODY = frozenset(
    {
        "-Reserved AS-",
        "-Private Use AS-",
        "Not routed",
        "UNALLOCATED",
        # ARIN's, of numbers that went to RIPE NCC, whose own networks have another name.
        "RIPE Network Coordination Centre",
        # APNIC's, of a block that stands for the members of a national registry.
        "ERX-NASDA-ASN - ERX-NASDA-ASN",
    }
)
# APNIC's names of whole blocks of numbers, such as "AS58964-2 - IRINN AS-BLOCK".
_BLOCK = re.compile(r"\basn?[ -]?block\b")
# What people write into a form that asks for a name, in any case of letters.
_NO_NAME = frozenset(
    {
        "", "-", "--", ".", "n/a", "na", "none", "null", "unknown", "test", "private", "personal",
        "individual", "private person", "private individual", "university",
        "private limited company",
    }
)  # fmt: skip
# Who gave numbers to others, each of which runs a network of its own: national registries to their
# members, research networks to universities. Their own networks are in the list of operators.
_MANY = frozenset(
    {
        "Indonesia Network Information Center",
        "Japan Network Information Center",
        "IRINN",
        "Office of Info.Tech. Admin. for Educational Development",
        "Renater",
        "SURF B.V.",
        "Australian Academic and Research Network",
        "ESnet",
        "China Education and Research Network (CERNET)",
    }
)
# What each state has one of.
_OF_EACH_STATE = re.compile(r"Ministry of .+|National Social Security Fund|National University")
_WITH_COUNTRY = re.compile(r"(.+) \([A-Z]{2}\)")


def holder(name: str, country: str | None) -> str | None:
    """The one organisation that a registered name tells of; None where it tells of no such.

    ``country`` is that of the registration. What each state has is one in each country.

    >>> holder("EZECOM CO., LTD.", "KH"), holder("N/A", "PK"), holder("Renater", "FR")
    ('EZECOM CO., LTD.', None, None)
    >>> holder("AS58964-2 - IRINN AS-BLOCK", "IN"), holder("Ministry of Interior", "KH")
    (None, 'Ministry of Interior (KH)')
    """
    folded = name.casefold()
    if name in _NOBODY or name in _MANY or folded in _NO_NAME:
        return None
    if "block" in folded and _BLOCK.search(folded):
        return None
    if country is not None and _OF_EACH_STATE.fullmatch(name):
        return f"{name} ({country})"
    return name


def registered_as(organisation: str) -> tuple[str, ...]:
    """The registered names that may tell of an organisation: `holder` of one of them is it.

    >>> registered_as("EZECOM CO., LTD."), registered_as("Ministry of Interior (KH)")
    (('EZECOM CO., LTD.',), ('Ministry of Interior (KH)', 'Ministry of Interior'))
    """
    with_country = _WITH_COUNTRY.fullmatch(organisation)
    return (organisation, with_country[1]) if with_country else (organisation,)
