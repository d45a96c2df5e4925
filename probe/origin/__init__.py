"""Whose an address is: AS, name, organisation, country, exchange, special class.

The only part of the probe, beside the record, that the analysis may use. What it answers from
(a dated table, and lists kept by hand with their sources) lies in the modules beside this file;
it knows nothing of traces, sockets or verdicts. Importing it loads neither pyasn nor pandas.
"""

from __future__ import annotations

from probe.origin.errors import OriginError
from probe.origin.lists import Exchange, Operator
from probe.origin.lookup import Destination, Network, Origin, open_origin
from probe.origin.snapshot import Snapshot
from probe.origin.special import special_class

__all__ = [
    "Destination",
    "Exchange",
    "Network",
    "Operator",
    "Origin",
    "OriginError",
    "Snapshot",
    "open_origin",
    "special_class",
]
