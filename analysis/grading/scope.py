"""How far a single gateway reaches: to those measured alone, or to the nation.

Whether there is one, `analysis.grading.verdict` says; what a witness says,
`analysis.grading.witness`.
"""

from __future__ import annotations

from typing import Literal

from analysis.grading.witness import Statement
from analysis.policy import Policy
from analysis.words.wording import asked, beside, down


def scope(
    says: str,
    lower: float,
    policy: Policy,
    *,
    covered: float,
    unit: str,
    witness: Statement | None,
) -> tuple[Literal["sampled", "national"], list[str]]:
    """Whether a single gateway holds for the nation, and if not, what is missing.

    ``says`` is the grade. ``covered`` is the share of the country's users or addresses (``unit``)
    that was measured. ``witness`` is what an independent witness says, None where there is none.
    """
    if says != "single_gateway":
        return "sampled", []
    missing = []
    if lower < policy.national:
        least = beside(lower, policy.national, ".2f", written=down)
        missing.append(
            f"the lower bound of the captured share is {least}, "
            f"{asked(policy.national, '.2f')} is needed"
        )
    if covered < policy.national_eyeballs:
        missing.append(
            f"{beside(covered, policy.national_eyeballs)} of the country's {unit} were covered, "
            f"{asked(policy.national_eyeballs)} are needed"
        )
    if witness is None:
        missing.append("no independent witness (BGP, operator, law) was given")
    elif witness.says != "agrees":
        missing.append(
            "the witness is silent" if witness.says == "silent" else "the witness disagrees"
        )
    heard = [witness.reason] if witness else []
    if missing:
        return "sampled", [f"Sampled, not national: {'; '.join(missing)}.", *heard]
    return "national", heard
