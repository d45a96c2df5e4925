"""Judge whether a country's traffic passes one operator: ``import analysis as gw``.

::

    data = gw.load("traces/")
    verdict = gw.judge(data, country="KH")

In a notebook a verdict shows itself. `gw.figures` draws it, `gw.report` makes a page of it, and its
tables are attributes, such as ``verdict.pairs``. What cannot be used is refused by one of the
errors here, with a sentence that says what to do. ``docs/library.md`` has all of it.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis import figures as figures
    from analysis.api import crossings as crossings
    from analysis.api import judge as judge
    from analysis.api import load as load
    from analysis.countries import UnknownCountry as UnknownCountry
    from analysis.eyeballs import EyeballsError as EyeballsError
    from analysis.inputs import InputError as InputError
    from analysis.policy import Policy as Policy
    from analysis.policy import PolicyError as PolicyError
    from analysis.report import report as report
    from analysis.rib import RibError as RibError
    from analysis.statement import Data as Data
    from analysis.statement import Verdict as Verdict
    from probe.origin import OriginError as OriginError

__all__ = [
    "Data",
    "EyeballsError",
    "InputError",
    "OriginError",
    "Policy",
    "PolicyError",
    "RibError",
    "UnknownCountry",
    "Verdict",
    "crossings",
    "figures",
    "judge",
    "load",
    "report",
]

# Nothing is imported before it is asked for, so that no command waits for what it does not need.
_FROM = {
    "Data": "analysis.statement",
    "EyeballsError": "analysis.eyeballs",
    "InputError": "analysis.inputs",
    "OriginError": "probe.origin",
    "Policy": "analysis.policy",
    "PolicyError": "analysis.policy",
    "RibError": "analysis.rib",
    "UnknownCountry": "analysis.countries",
    "Verdict": "analysis.statement",
    "crossings": "analysis.api",
    "judge": "analysis.api",
    "load": "analysis.api",
    "report": "analysis.report",
}


class _Package(ModuleType):
    """Keeps ``load``, ``judge`` and ``report`` the functions that they are here.

    Modules of the same names hold what they are made of, and importing one would put it in the
    function's place.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if name not in _FROM or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package

if not TYPE_CHECKING:  # a checker knows the names above, and tells of any other

    def __getattr__(name: str) -> Any:
        if name == "figures":
            return importlib.import_module("analysis.figures")
        if name not in _FROM:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(_FROM[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
