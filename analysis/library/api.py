"""The library: read traces, see where they left the country, judge, write the report.

``import analysis as gw`` gives these functions. The command line does its work with the same ones,
so that both say the same in the same words.
"""

from __future__ import annotations

import reprlib
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from io import IOBase
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from analysis.basis.means import Means, open_means
from analysis.difference.compare import compare as beside
from analysis.difference.told import parsed
from analysis.evidence.panel import observe
from analysis.intake.inputs import InputError
from analysis.intake.load import load as load_traces
from analysis.intake.sieve import Malformed
from analysis.judgement.fields import asns_at_home
from analysis.library.comparison import Comparison
from analysis.library.statement import Data, Verdict, demand_data
from analysis.owners.operators import Gazetteer
from analysis.policy import Policy
from analysis.scale.engine import Digest, Engine, digest
from analysis.tables import crossings_table, in_order

if TYPE_CHECKING:
    import pandas as pd

    from probe.origin import Origin


def load(paths: str | Path | Iterable[str | Path], *, malformed: Malformed = "warn") -> Data:
    """Read traces: files, folders or globs of what ``docs/loading.md`` lists.

    What cannot be read is left out and counted. ``malformed`` is what else becomes of it: with
    ``"warn"`` a sentence in `Data.complaints`, with ``"ignore"`` nothing.

    Raises `InputError` where a path names nothing, and with ``"fail"`` at the first line or file
    that cannot be read.
    """
    if malformed not in get_args(Malformed):
        raise InputError(f"malformed={malformed!r} is none of: {', '.join(get_args(Malformed))}")
    return Data(load_traces(_named(paths), malformed=malformed))


def _is_no_list(given: object) -> bool:
    """Whether it can be gone through, but not path by path."""
    # A DataFrame is gone through by the names of its columns.
    return isinstance(given, bytes | Mapping | IOBase) or hasattr(given, "columns")


def _named(paths: object) -> list[str]:
    """Paths as texts. The empty one is none: it would be the folder that one happens to be in."""
    given = [paths] if isinstance(paths, str | Path) else paths
    if isinstance(given, Iterable) and not _is_no_list(given):
        listed = list(given)
        if not listed:
            raise InputError(
                "no path is given: the list is empty, as of a pattern that matches nothing"
            )
        wrong = [path for path in listed if not isinstance(path, str | Path) or path == ""]
        if not wrong:
            return [_of_no_json(str(path), "write it into a file") for path in listed]
        paths = wrong[0]
    raise InputError(
        f"{_called(paths)} is no path; give files, folders or globs, each as text or as a Path"
    )


def _called(given: object) -> str:
    """What was given in place of a path, in a few words: by its kind where it holds more."""
    if given is None or isinstance(given, str | bytes | int | float):
        return reprlib.repr(given)
    return type(given).__name__


def _of_no_json(path: str, remedy: str) -> str:
    """The path; raises `InputError` where it is what a file holds, and not a file's name."""
    if path.lstrip().startswith('{"'):
        raise InputError(f"the text of a JSON object is no path; {remedy}")
    return path


def crossings(
    data: Data,
    country: str,
    *,
    policy: Policy | Mapping[str, float] | None = None,
    origin: Origin | Path | str | None = None,
) -> pd.DataFrame:
    """Where each usable trace towards abroad left the country: one row a trace, all days.

    Both IP versions are in it, and the days before an alarm; what a verdict rests on is its
    ``crossings``. How many traces are not usable, and why, its ``rejected`` tells. The columns
    stand in ``docs/tables.md``. ``policy`` and ``origin`` are those of `judge`.

    Raises TypeError for what is no `Data`; else as `judge`.
    """
    demand_data(data)
    means = open_means(country, policy=policy, origin=origin)
    table = means.tables.main
    gazetteer = Gazetteer(table, means.country)
    panel = observe(data.loaded.traces, gazetteer, table, means.policy, time.time())
    return in_order(crossings_table(panel.observations))


def judge(
    data: Data,
    country: str,
    *,
    policy: Policy | Mapping[str, float] | None = None,
    origin: Origin | Path | str | None = None,
    tables: Path | str | None = None,
    compared: Path | str | None = None,
    organisations: Sequence[Path | str] | Path | str = (),
    eyeballs: Path | str | None = None,
    rib: Path | str | None = None,
) -> Verdict:
    """Judge whether a country's traffic passes one operator.

    ``policy`` changes numbers of the rule, such as ``{"days": 1}``; ``origin`` is the address
    table, ``tables`` a folder with one for each day, ``compared`` another one to judge by as well,
    ``organisations`` files that know siblings, ``eyeballs`` users by network, ``rib`` a routing
    table as a witness. All of it as in `gatewatch analyze`.

    Raises TypeError for what is no `Data`, `UnknownCountry`, `PolicyError`, `EyeballsError`,
    `RibError` and `OriginError` for what they are named after, and `InputError` for any other file
    that cannot be used, each with a sentence that says what to do.
    """
    demand_data(data)
    means = open_means(
        country,
        policy=policy,
        origin=origin,
        tables=tables,
        compared=compared,
        organisations=organisations,
        eyeballs=eyeballs,
        rib=rib,
    )
    return judge_by(means, data)


def compare(
    old: Verdict | Mapping[str, Any] | Path | str, new: Verdict | Mapping[str, Any] | Path | str
) -> Comparison:
    """Set two verdicts on one country side by side: what differs, and what could have done it.

    Each is a verdict, its `Verdict.to_dict`, or a file with what ``gatewatch analyze --json``
    printed, which an older version may have written. Nothing is judged anew.

    Raises TypeError for what is none of these, `InputError` for a file that cannot be read, and
    `VerdictError` for what is no verdict and where the two are of two countries.
    """
    (was, older), (now, newer) = _verdict(old, "the older"), _verdict(new, "the newer")
    return Comparison(beside(was, now, (older, newer)))


def _verdict(given: object, called: str) -> tuple[Mapping[str, Any], str]:
    """The JSON object of a verdict, and what to call it."""
    if isinstance(given, Verdict):
        return given.to_dict(), called
    if isinstance(given, Mapping):
        return given, called
    if isinstance(given, str | Path):
        try:
            path = _of_no_json(str(given), "give what json.loads makes of it")
            return parsed(Path(path).read_bytes(), path), path
        except OSError as problem:
            raise InputError(f"{given}: cannot be read ({problem.strerror})") from None
    raise TypeError(f"{type(given).__name__} is no verdict; give one, its dict, or a file's path")


def read(
    means: Means, paths: Sequence[str], engine: Engine, *, malformed: Malformed = "warn"
) -> Data | Digest:
    """Read what these means will judge; traces are kept only where there are tables of days.

    Raises as `load` does.
    """
    if means.streams:
        return digest(_named(paths), means.recipe(malformed), engine)
    return load(paths, malformed=malformed)


def judge_by(means: Means, data: Data | Digest, *, command: str | None = None) -> Verdict:
    """Judge by means that are open already; ``command`` is what was typed, for the provenance."""
    folded = data if isinstance(data, Digest) else None
    judged = means.judge(data.loaded, command=command, digest=folded)
    asns = partial(asns_at_home, table=means.tables.main, country=means.country)
    return Verdict(judged.fields, judged.evidence, asns)
