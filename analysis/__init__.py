"""The analyst's half, and as a library: ``import analysis as gw``.

Nothing is imported before it is asked for, so that no command waits for what it does not need.
``load``, ``judge`` and ``report`` are functions here although modules of the same names hold what
they are made of: `_Package` sees to it that importing such a module does not put it in the
function's place.
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
    from analysis.policy import Policy as Policy
    from analysis.report import report as report
    from analysis.statement import Data as Data
    from analysis.statement import Verdict as Verdict

__all__ = ["Data", "Policy", "Verdict", "crossings", "figures", "judge", "load", "report"]

_FROM = {
    "Data": "analysis.statement",
    "Policy": "analysis.policy",
    "Verdict": "analysis.statement",
    "crossings": "analysis.api",
    "judge": "analysis.api",
    "load": "analysis.api",
    "report": "analysis.report",
}


class _Package(ModuleType):
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
