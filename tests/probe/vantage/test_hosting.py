"""The list of networks of servers."""

from __future__ import annotations

import tomllib

from probe.disk.places import shipped
from probe.origin import open_origin
from probe.vantage.hosting import hosting_networks


def test_each_network_is_called_as_the_address_table_calls_it() -> None:
    """A number that changed hands is found out; each entry says where to look it up."""
    origin = open_origin(None)
    entries = tomllib.loads(shipped("hosting.toml").read_text(encoding="utf-8"))["hosting"]
    for entry in entries:
        assert {origin.organisation(asn) for asn in entry["asns"]} == {entry["name"]}
        assert entry["source"].startswith("https://")
    assert len(hosting_networks()) == sum(len(entry["asns"]) for entry in entries)
    assert not hosting_networks() & {network.asn for network in origin.networks("KH")}
