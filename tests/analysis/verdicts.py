"""Verdicts on made-up countries, and what a reader sees of a report."""

from __future__ import annotations

import html
import re

from analysis.library.statement import Verdict
from analysis.policy import Policy
from tests.analysis.country import Country

HOSTILE = """</title></style><script>window.pwned=1</script>"><img src=x onerror=pwned()>{{7*7}}'"""


def verdict_of(country: Country, policy: Policy | None = None) -> Verdict:
    """What is judged of a country, as if the command had been typed."""
    judged = country.judge(policy)
    fields = {**judged.fields, "ownership": {}}
    fields["provenance"] |= {
        "version": "1.2.3",
        "code": "0123456789ab",
        "libraries": {"python": "3.11.7", "scipy": "1.15.0"},
        "command": "gatewatch analyze x",
        "notes": {},
        "eyeballs": None,
        "attribution": {},
        "lists": {"operators.toml": "0123456789abcdef" * 4},
        "organisations": None,
        "tables": None,
    }
    return Verdict(fields, judged.evidence, country.table.asns)


def behind_a_gateway(name: str = "Gate") -> Country:
    """Nine of ten organisations pass one; the tenth is silent before the border; some domestic."""
    country = Country(10)
    gate = country.table.prefixes
    for prefix, said in list(gate.items()):
        if said.organisation == "Gate":
            gate[prefix] = said._replace(organisation=name)
    country.everyone("lan own gate {up}", members=range(1, 10))
    country.everyone("lan own * * {up}", members=[10])
    for i in range(1, 10):
        country.trace(i, f"20.0.{i + 1}.200", "lan own gate")
    return country


def text_of(page: str) -> str:
    """The words of a page."""
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())
