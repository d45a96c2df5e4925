"""Networks that nobody thought of: all habits of routers thrown together by chance.

The files in ``tests/scenarios`` each show one thing; here several meet, as they do outside. A
number gives a network, always the same one, as the text of a scenario without what must come out:
the simulated network and real packets are compared with each other.
"""

from __future__ import annotations

import random
from typing import Any

METHODS = ("icmp", "udp", "tcp", "ack")

# The habits of whoever answers, and of routers on the way: key, and values to choose from.
_ANSWERING: dict[str, list[Any]] = {
    "copies": [2, 3],
    "answers": [["icmp", "udp"], ["tcp", "ack"], ["udp"], ["icmp"], []],
    "reply_ttl": [32, 64, 77, 128, 200, "mirrored"],
    "back": [1, 4, 9],
    "mpls": [[24001], [24001, 16], [{"label": 3, "exp": 7, "ttl": 255}]],
    "extensions": [[{"class": 2, "type": 10, "data": "00000007"}], [{"class": 3, "type": 1}]],
    "declared": [False],
    "forged": ["198.51.100.66"],
    "strays": [1, 4],
}
_PASSING: dict[str, list[Any]] = {
    "forwards_zero": [True],
    "tos": [8, 40, 184],
    "rewrites": [["source"], ["id", "flags"], ["flow"], ["checksum"], ["payload", "options"]],
    "later": [["192.0.2.200"]],
}
# Shorter quotes have scenarios of their own: over UDP they do not say which probe they quote.
_QUOTE = {4: [36, 60], 6: [56, 72]}


def scenario(number: int) -> str:
    """The network of this number, and traces to its target by two methods."""
    chance = random.Random(number)
    version = chance.choice((4, 4, 6))
    target, prefix, block = (
        ("203.0.113.7", "203.0.113.0/24", "192.0.2.")
        if version == 4
        else ("2001:db8:7::1", "2001:db8:7::/48", "2001:db8::")
    )
    odd = chance.choice((0.05, 0.15, 0.3))

    def habits(known: dict[str, list[Any]]) -> dict[str, Any]:
        chosen = {key: chance.choice(of) for key, of in known.items() if chance.random() < odd}
        if chance.random() < odd:
            chosen["quote"] = chance.choice(_QUOTE[version])
        for key in ("forged", "later"):
            if version == 6 and key in chosen:
                chosen[key] = "2001:db8::66" if key == "forged" else ["2001:db8::c8"]
        return chosen

    def hop(nth: int, branch: int = 0) -> str:
        if chance.random() < odd / 2:
            return '"*"'
        if chance.random() < odd / 2:
            return "{ counts_down = false }"
        plain = {"address": f"{block}{nth + branch}", "rtt": nth}
        return _table(plain | habits(_ANSWERING | _PASSING))

    hops: list[str] = []
    for nth in range(1, chance.randint(2, 7)):
        if chance.random() < odd / 2:
            branches = ", ".join(f"[{hop(nth, branch)}]" for branch in (10, 20))
            hops.append(f"[{branches}]")
        else:
            hops.append(hop(nth))
    end = _table({"rtt": 20} | habits(_ANSWERING))
    kind = chance.random()
    if kind < 0.1:
        end = '"dark"'
    elif kind < 0.2:
        end = f"{{ loop = {chance.randint(1, len(hops))} }}"
    elif kind < 0.4:
        refusal = {"unreachable": chance.choice(["N", "A", "p", 9]), "address": f"{block}99"}
        end = _table(refusal | {"rtt": 20} | habits(_ANSWERING))
    lines = [f"seed = {number}", "[[path]]", f'to = "{prefix}"', f"hops = [{', '.join(hops)}]"]
    lines += [f"end = {end}", "[[trace]]", f'target = "{target}"']
    methods = [chance.choice(METHODS[:2]), chance.choice(METHODS[2:])]
    return "\n".join([*lines, f"flow = {chance.randint(0, 9)}", f"method = {methods}"])


def _table(fields: dict[str, Any]) -> str:
    return "{ " + ", ".join(f"{key} = {_value(value)}" for key, value in fields.items()) + " }"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, dict):
        return _table(value)
    return f'"{value}"' if isinstance(value, str) else str(value)
