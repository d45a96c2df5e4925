"""Judge whether a country's traffic passes one operator: ``import analysis as gw``.

::

    data = gw.load("traces/")
    verdict = gw.judge(data, country="KH")

In a notebook a verdict shows itself. `gw.figures` draws it, `gw.report` makes a page of it,
`gw.compare` sets two side by side, and its tables are attributes, such as ``verdict.pairs``. What
cannot be used is refused by one of the errors here, with a sentence that says what to do.
``docs/library.md`` has all of it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.countries import UnknownCountry as UnknownCountry
    from analysis.difference.told import VerdictError as VerdictError
    from analysis.intake.eyeballs import EyeballsError as EyeballsError
    from analysis.intake.inputs import InputError as InputError
    from analysis.intake.rib import RibError as RibError
    from analysis.library.api import compare as compare
    from analysis.library.api import crossings as crossings
    from analysis.library.api import judge as judge
    from analysis.library.api import load as load
    from analysis.library.comparison import Comparison as Comparison
    from analysis.library.statement import Data as Data
    from analysis.library.statement import Verdict as Verdict
    from analysis.page import figures as figures
    from analysis.page.report import report as report
    from analysis.policy import Policy as Policy
    from analysis.policy import PolicyError as PolicyError
    from probe.origin import OriginError as OriginError

__all__ = [
    "Comparison",
    "Data",
    "EyeballsError",
    "InputError",
    "OriginError",
    "Policy",
    "PolicyError",
    "RibError",
    "UnknownCountry",
    "Verdict",
    "VerdictError",
    "compare",
    "crossings",
    "figures",
    "judge",
    "load",
    "report",
]

# Nothing is imported before it is asked for, so that no command waits for what it does not need.
_FROM = {
    "Comparison": "analysis.library.comparison",
    "Data": "analysis.library.statement",
    "EyeballsError": "analysis.intake.eyeballs",
    "InputError": "analysis.intake.inputs",
    "OriginError": "probe.origin",
    "Policy": "analysis.policy",
    "PolicyError": "analysis.policy",
    "RibError": "analysis.intake.rib",
    "UnknownCountry": "analysis.countries",
    "Verdict": "analysis.library.statement",
    "VerdictError": "analysis.difference.told",
    "compare": "analysis.library.api",
    "crossings": "analysis.library.api",
    "judge": "analysis.library.api",
    "load": "analysis.library.api",
    "report": "analysis.page.report",
}


if not TYPE_CHECKING:  # a checker knows the names above, and tells of any other

    def __getattr__(name: str) -> Any:
        if name == "figures":
            return importlib.import_module("analysis.page.figures")
        if name not in _FROM:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(_FROM[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
