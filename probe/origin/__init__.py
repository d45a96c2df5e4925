"""Whose an address is: AS, name, organisation, country, exchange, special class.

The only part of the probe, beside the record, that the analysis may use. What it answers from
(a dated table, and lists kept by hand with their sources) lies in the modules beside this file;
it knows nothing of traces, sockets or verdicts. Importing it loads neither pyasn nor pandas, and
of these modules those that are asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from probe.origin.errors import OriginError
    from probe.origin.lists import Exchange, Operator
    from probe.origin.lookup import AutonomousSystem, Origin, open_origin
    from probe.origin.snapshot import Snapshot
    from probe.origin.special import special_class, unwrapped

__all__ = [
    "AutonomousSystem",
    "Exchange",
    "Operator",
    "Origin",
    "OriginError",
    "Snapshot",
    "open_origin",
    "special_class",
    "unwrapped",
]

_HOME = {
    "Exchange": "lists",
    "Operator": "lists",
    "OriginError": "errors",
    "Snapshot": "snapshot",
    "special_class": "special",
    "unwrapped": "special",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME.get(name, 'lookup')}"), name)
