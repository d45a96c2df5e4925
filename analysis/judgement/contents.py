"""What a verdict's JSON object holds, in its order; what each part looks like, `fields` knows.

Nothing is decided here but which sentences stand together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from analysis.grading.criteria import criteria
from analysis.grading.family import Family
from analysis.grading.levels import strict_and_lenient_agree
from analysis.grading.scope import scope
from analysis.judgement.case import Case
from analysis.judgement.disagreements import further_reasons, measured_abroad
from analysis.judgement.fields import (
    Naming,
    candidate_fields,
    captured_fields,
    coverage_fields,
    domestic_fields,
    gateway_fields,
    measured_fields,
    organisations_fields,
    share_fields,
    timeline_fields,
    uncounted_fields,
    upstream_fields,
    window_of,
)
from analysis.judgement.limits import limits_of
from analysis.supplementary.ranges import Outcome
from analysis.supplementary.supplement import supplement

SCHEMA = "gatewatch.verdict/1"
_SHOWN = 10


def contents(case: Case, told: Mapping[str, Any], *, supplements: bool) -> dict[str, Any]:
    """The JSON object of the contract.

    ``told`` is added to what the provenance says. Without ``supplements`` the figures are left out
    on which neither grade nor scope rests.
    """
    naming = _naming(case, case.standard.country)
    extent, scope_reasons = _scope(case)
    at_home = domestic_fields(case.domestic, naming, case.standard.policy)
    return {
        "schema": SCHEMA,
        **_subject(case),
        "grade": case.family.grade,
        "scope": extent,
        **_figures(case, naming),
        "domestic": at_home,
        "upstream": upstream_fields(
            case.family, _naming(case, None), case.standard.weights.of, case.standard.policy
        ),
        "timeline": timeline_fields(case.family.timeline, naming),
        **_candidates(case.family, naming),
        "organisations": organisations_fields(case.family, case.standard.policy),
        "measured": measured_fields(case.family, case.panel),
        **_bearing_out(case),
        **(_supplement(case) if supplements else {}),
        "rejected": dict(sorted(case.rejected.items())),
        "signs": dict(sorted(case.panel.signs.items())),
        "reasons": _reasons(case, scope_reasons),
        "limits": limits_of(
            case.family,
            case.standard.policy,
            case.standard.weights,
            detours=at_home["pairs"]["abroad"],
            untold=case.domestic.untold,
            signed_and_not=case.panel.signed_and_not,
            heard=case.witness is not None,
        ),
        "provenance": _provenance(case) | dict(told),
    }


def _naming(case: Case, country: str | None) -> Naming:
    """How nodes of this country are written, or those abroad where it is None."""
    return partial(
        gateway_fields, blocks=case.family.blocks, table=case.standard.table, country=country
    )


def _scope(case: Case) -> tuple[str, list[str]]:
    figures = case.family.figures
    return scope(
        case.family.grade,
        figures.lower,
        case.standard.policy,
        covered=figures.covered,
        unit=case.standard.weights.unit,
        witness=case.witness.statement if case.witness else None,
    )


def _subject(case: Case) -> dict[str, Any]:
    """Of which country, version of IP and days the verdict is."""
    versions = sorted((case.speaking, case.other), key=lambda version: version.number)
    return {
        "country": case.standard.country,
        "family": case.speaking.number,
        "families": {
            f"ipv{version.number}": version.family.grade if version.family.observations else None
            for version in versions
        },
        "window": window_of(case.family.observations),
    }


def _shares(family: Family) -> Mapping[str, float]:
    """Shares of the candidate by organisation; without a candidate nobody passes it."""
    top = family.figures.top
    return top.shares if top else dict.fromkeys(family.grouped, 0.0)


def _figures(case: Case, naming: Naming) -> dict[str, Any]:
    """Who is named, and the figures that the grade rests on."""
    family, weights, policy = case.family, case.standard.weights, case.standard.policy
    figures = family.figures
    share = share_fields(_shares(family), weights.of, policy)
    return {
        "gateway": naming(family.named.node) if family.named else None,
        "captured": captured_fields(figures.captured, figures.of, figures.lower, figures.upper),
        "share": share,
        "effective_gateways": figures.effective_gateways,
        "coverage": coverage_fields(family, weights, share),
        "strict_and_lenient_agree": strict_and_lenient_agree(figures, policy),
    }


def _candidates(family: Family, naming: Naming) -> dict[str, Any]:
    """Who might have been named, and who is on the paths and counts for nothing."""
    return {
        "candidates": [candidate_fields(found, naming) for found in family.candidates[:_SHOWN]],
        "uncounted": [uncounted_fields(found, naming) for found in family.figures.uncounted],
    }


def _bearing_out(case: Case) -> dict[str, Any]:
    """What the rule asks for beside what was found, and what the witness says."""
    witness, table = case.witness, case.standard.table
    says = witness.statement.says if witness else None
    listed = criteria(case.family.figures, case.standard.policy, witness=says)
    return {
        "criteria": [asdict(one) for one in listed],
        "witness": {**witness.fields, "table": table.snapshot.id} if witness else None,
    }


def _supplement(case: Case) -> dict[str, Any]:
    family = case.family
    top = family.figures.top
    return supplement(
        family.pairs,
        family.observations,
        family.blocks,
        case.standard.policy,
        candidate=top.node if top else None,
        left_out=case.own,
        weights=case.standard.weights,
        judged=lambda pairs: _outcome(family.again(pairs)),
    )


def _outcome(family: Family) -> Outcome:
    shares = _shares(family).values()
    return Outcome(sum(shares) / len(shares) if shares else 0.0, family.grade, family.name)


def _reasons(case: Case, of_scope: list[str]) -> list[str]:
    """Why the verdict is what it is; what leads to the grade comes first."""
    return [
        *measured_abroad(case.family, case.rejected, case.standard.country),
        *case.family.reasons,
        *of_scope,
        *further_reasons(case.family, case.other.family, other_version=case.other.number),
    ]


def _provenance(case: Case) -> dict[str, Any]:
    policy = case.standard.policy
    return {
        "inputs": dict(case.loaded.inputs),
        "snapshots": [case.standard.table.snapshot.id],
        "policy": asdict(policy),
        "policy_changed": policy.changed(),
    }
