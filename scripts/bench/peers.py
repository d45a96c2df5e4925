"""Tracers that are Python libraries, as programs: one target, the answering hops as JSON.

Usage: ``python -m scripts.bench.peers LIBRARY HOST``
"""

from __future__ import annotations

import importlib
import json
import sys

Hops = dict[int, str]


def icmplib(host: str) -> Hops:
    """One ICMP echo a hop, without its pause between them."""
    traceroute = importlib.import_module("icmplib").traceroute
    return {hop.distance: hop.address for hop in traceroute(host, count=1, interval=0, timeout=2)}


def scapy(host: str) -> Hops:
    """All TTLs at once, as UDP, since the lab's host has no TCP port to knock at."""
    inet = importlib.import_module("scapy.layers.inet")
    packet = inet.UDP(sport=40404, dport=33434)
    result, _ = inet.traceroute(host, l4=packet, filter="icmp", timeout=2, verbose=0)
    return {ttl: address for ttl, (address, _) in result.get_trace()[host].items()}


if __name__ == "__main__":
    trace = {"icmplib": icmplib, "scapy": scapy}[sys.argv[1]]
    print(json.dumps({sys.argv[2]: trace(sys.argv[2])}))
