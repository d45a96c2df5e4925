"""How often the verdict is wrong in countries of which the truth is known.

Random countries, each from its own seed: networks with providers, private numbering, carrier NAT,
silent hops, load balancing, volunteers who crowd into few networks. In some a gateway stands in
all paths, in others none does. A name for a country without a gateway is the error that must
not happen; not seeing a gateway is allowed now and then.
"""

from __future__ import annotations

import functools
import random
from dataclasses import dataclass
from typing import Any

import pytest

from analysis.policy import Policy
from tests.analysis.country import Country

OPEN = range(24)
GATED = range(100, 114)
DAYS = range(8)
# The percentile interval is not looked at here: a few draws spare most of the time.
QUICK = Policy(resamples=20)


@dataclass(frozen=True)
class World:
    """How one random country is made; ``gateway`` are the words of the hops all paths pass."""

    organisations: int
    providers: int
    silence: float
    inner: float
    crowd: int
    gateway: str | None


def world(seed: int, *, gated: bool) -> World:
    draw = random.Random(seed)
    size = draw.randint(10, 18)
    return World(
        organisations=size,
        providers=draw.randint(size // 2, size),
        silence=draw.choice([0.0, 0.02, 0.05, 0.1]),
        inner=draw.choice([0.0, 0.3, 0.8]),
        crowd=draw.choice([0, 0, 5]),
        gateway=draw.choice(["gate", "gate gate", "10.201.{site}.1"]) if gated else None,
    )


def measured(seed: int, made: World) -> Country:
    """The traces of this country: everybody to five destinations on eight days.

    Some networks have a domestic provider, the others leave on their own. Behind a gateway
    paths go on over two carriers abroad, as one operator buys them; else over many.
    """
    draw = random.Random(-1 - seed)
    country = Country(made.organisations)
    upstreams = {i: draw.sample(range(6, 16), 2) for i in range(1, made.organisations + 1)}
    for i in range(1, made.organisations + 1):
        provider = draw.randint(1, made.providers) if draw.random() < 0.4 else i
        numbered_inside = draw.random() < made.inner
        block = f"10.{draw.randint(20, 200)}.{draw.randint(0, 255)}"
        commonplace = draw.choice(["10.0.0.1", "192.168.0.1", "10.10.10.1"])
        volunteers = range(made.crowd if i == 1 and made.crowd else 1)
        for destination in country.destinations():
            for day in DAYS:
                for vantage in volunteers:
                    words = ["lan", "own"]
                    if numbered_inside:
                        words += [f"{block}.{draw.randint(1, 9)}", commonplace]
                    if provider != i:
                        words.append(f"net{provider}")
                    if made.gateway is not None:
                        words += made.gateway.format(site=1 + i % 3).split()
                        words.append(f"30.0.{6 + int(destination.split('.')[2]) % 2}.1")
                    else:
                        # Each hands over to two carriers; whose router answers changes by flow.
                        words.append(f"far{draw.choice(upstreams[provider])}")
                    silent = ["*" if draw.random() < made.silence else word for word in words]
                    country.trace(i, destination, " ".join(silent), day=day, vantage=vantage)
    return country


@functools.cache
def verdict(seed: int, gated: bool) -> dict[str, Any]:
    return measured(seed, world(seed, gated=gated)).judge(QUICK).fields


def test_the_countries_differ() -> None:
    """The experiment covers what it says: sizes, silence, inner numbering, crowds, both kinds."""
    worlds = [world(seed, gated=False) for seed in OPEN]
    worlds += [world(seed, gated=True) for seed in GATED]
    assert len({made.organisations for made in worlds}) >= 6
    assert len({made.silence for made in worlds}) == 4
    assert {made.crowd for made in worlds} == {0, 5}
    assert {made.gateway for made in worlds} == {None, "gate", "gate gate", "10.201.{site}.1"}


@pytest.mark.parametrize("seed", OPEN)
def test_no_country_without_a_gateway_is_given_one(seed: int) -> None:
    """Neither named nor graded as if, nor an alarm."""
    fields = verdict(seed, gated=False)
    assert fields["gateway"] is None
    assert fields["grade"] in {"insufficient", "diverse", "mixed"}
    assert fields["timeline"]["alarm"] is False


def test_most_open_countries_are_called_diverse() -> None:
    """A rule that always said "mixed" would make no error either, and would be of no use."""
    grades = [verdict(seed, gated=False)["grade"] for seed in OPEN]
    assert grades.count("diverse") >= 0.7 * len(grades), grades


def test_most_gateways_are_found_and_by_their_right_name() -> None:
    """At least 80% are named; whatever is named is the gateway and nobody else."""
    found = 0
    for seed in GATED:
        gateway = verdict(seed, gated=True)["gateway"]
        if gateway is None:
            continue
        expected = world(seed, gated=True).gateway or ""
        if expected.startswith("gate"):
            assert gateway["name"] == "Gate", seed
        else:
            assert gateway["kind"] == "unmapped", seed
            assert set(gateway["blocks"]) <= {f"10.201.{site}.0/24" for site in (1, 2, 3)}, seed
        found += 1
    assert found >= 0.8 * len(GATED), f"{found} of {len(GATED)}"


def test_no_captured_country_is_called_diverse() -> None:
    """The other error that would mislead: to say that no convergence was seen."""
    assert all(verdict(seed, gated=True)["grade"] != "diverse" for seed in GATED)
