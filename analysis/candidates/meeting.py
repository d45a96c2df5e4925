"""Whether those who pass a network meet there, or go side by side through numbers of its name.

A table names who announces an address. An incumbent announces blocks of which its rivals were given
parts, and its numbers stand on the lines that it leases to them: each then shows numbers of its
own, and leaves over a link of its own. At a router of one operator, or right behind it, customers
come by the same addresses. What becomes of a network where they do not is not decided here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence, Set
from functools import cache

from analysis.candidates.addresses import addresses_abroad, addresses_at_home, addresses_of
from analysis.candidates.blocks import Blocks, before
from analysis.candidates.passages import (
    Passage,
    Passing,
    as_usual,
    by_themselves,
    mostly_together,
    passages_of,
)
from analysis.evidence.observation import Observation
from analysis.owners.operators import Node

# Where a network stands before so many of those that pass a node, it is no rival of the others.
_NEARLY_ALL = 0.8


def meet_there(
    node: Set[Node], observations: Iterable[Observation], others: int, *, owned: bool = True
) -> bool:
    """Whether half of the organisations that pass a node on ways abroad meet others there.

    ``node`` is one node, or all the blocks of one operator.

    An organisation meets others if, to half of its destinations and on half of the traces that pass
    the node, it shows an address by which at least ``others`` other organisations come as well: one
    of the node, or the one right behind it. Those that come through one network count as one with
    it, since the addresses are the ones that it shows. But a network through which nearly all come,
    and from which nothing was measured, stands in a row with the node: nothing tells whose
    customers they are, so that network is passed over.

    ``owned`` says that the node's numbers have one owner. Any network may use the numbers of other
    nodes, so of these only the address behind counts.
    """
    return mostly_together(_abroad(node, observations, owned=owned), others)


def come_by_themselves(
    node: Set[Node], observations: Iterable[Observation], *, owned: bool = True
) -> frozenset[str]:
    """Who passes a node on ways abroad and meets nobody there, as `meet_there` has it.

    The node's numbers may be all that is on their ways, without a router of its owner.
    """
    alone = by_themselves(_abroad(node, observations, owned=owned))
    return frozenset(name for name, is_alone in alone.items() if is_alone)


def show_their_own(node: Set[Node], observations: Iterable[Observation]) -> frozenset[str]:
    """The organisations that show addresses of a node on ways abroad that no other shows.

    So do customers whose links end at it, and rivals whose borders have its numbers: these may go
    on over the same routers, and then look as if they met.
    """
    ways = [
        (seen, seen.crossing.strict, addresses_of(node, seen.path.frame))
        for seen in observations
        if seen.crossing is not None and not node.isdisjoint(seen.crossing.strict)
    ]
    alone = by_themselves(_comings(node, ways))
    return frozenset(name for name, is_alone in alone.items() if is_alone)


def _abroad(node: Set[Node], observations: Iterable[Observation], *, owned: bool) -> list[Passage]:
    return _comings(
        node,
        [
            (
                seen,
                seen.crossing.strict,
                addresses_abroad(node, seen.path.frame, seen.crossing, owned=owned),
            )
            for seen in observations
            if seen.crossing is not None and not node.isdisjoint(seen.crossing.strict)
        ],
    )


def given_away(
    blocks: Blocks, observations: Sequence[Observation], others: int
) -> Callable[[Node], bool]:
    """A test whether a node's numbers alone are on ways abroad: those that pass it do not meet.

    An owner may have given the numbers to others, and private ones are anybody's. It is never so of
    an exchange.
    """

    @cache
    def is_given_away(node: Node) -> bool:
        return node.kind != "exchange" and not meet_there(
            blocks.parts(node), observations, others, owned=blocks.has_one_owner(node)
        )

    return is_given_away


def alone_at(
    blocks: Blocks, observations: Sequence[Observation]
) -> Callable[[Node], frozenset[str]]:
    """The organisations that `come_by_themselves` to a node; to an exchange none does."""

    @cache
    def found(node: Node) -> frozenset[str]:
        if node.kind == "exchange":
            return frozenset()
        owned = blocks.has_one_owner(node)
        return come_by_themselves(blocks.parts(node), observations, owned=owned)

    return found


def meet_at_home(node: Set[Node], passing: Iterable[Passing], others: int) -> bool:
    """Whether half of the organisations that pass a node on ways at home meet others there.

    As `meet_there`; ``passing`` are the ways, each with the nodes between. The border of the
    destination's own network is no address behind the node that counts: everybody comes to the
    destination by it, whoever stands before.
    """
    ways = [(seen, between, addresses_at_home(node, seen)) for seen, between in passing]
    return mostly_together(_comings(node, ways), others)


def _comings(
    node: Set[Node], ways: Sequence[tuple[Observation, Sequence[Node], list[str]]]
) -> list[Passage]:
    """How organisations come to a node: by which addresses, and as whose customers.

    ``ways`` are those that pass the node: the nodes of each, and the addresses that count.
    """
    passed = [(seen, before(node, nodes)) for seen, nodes, _ in ways]
    in_a_row = _in_a_row(passed) - {seen.organisation for seen, _ in passed}
    over = [
        [seen.organisation, *(name for name in names if name not in in_a_row)][-1]
        for seen, names in passed
    ]
    passages = passages_of(
        (seen, addresses, name) for (seen, _, addresses), name in zip(ways, over, strict=True)
    )
    return as_usual(passages)


def _in_a_row(passed: Iterable[tuple[Observation, list[str]]]) -> set[str]:
    """The networks that stand before a node on most traces of nearly all that pass it."""
    traces: Counter[str] = Counter()
    over: dict[str, Counter[str]] = defaultdict(Counter)
    for seen, names in passed:
        traces[seen.organisation] += seen.traces
        for name in names:
            over[name][seen.organisation] += seen.traces
    return {
        name
        for name, counts in over.items()
        if sum(2 * counts[one] > traces[one] for one in counts) >= _NEARLY_ALL * len(traces)
    }
