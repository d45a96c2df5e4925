"""What is compared: every comparison of ``make bench`` as data, in the order in which it is made.

Those of tracers stand in `scripts.bench.tracers`. To add one, add an entry; to add a peer, add a
side. What may be cut when time runs out stands last. A tool that is not installed is named with
the reason, and the others go on.
"""

from __future__ import annotations

from functools import partial

from scripts.bench import files, reading
from scripts.bench.comparison import Comparison, Goal, Side
from scripts.bench.scene import here
from scripts.bench.tracers import RESIDENT, TRACERS


def _words(line: str) -> tuple[str, ...]:
    return tuple(line.split())


def _work(name: str, work: str, argument: str = "-", module: str | None = None) -> Side:
    return Side(
        name,
        ("{python}", "-m", "scripts.bench.work", work, argument),
        module=module,
        reader=reading.work,
    )


def _program(name: str, *command: str) -> Side:
    return Side(name, command, program=command[0])


def _python(name: str, code: str, module: str | None = None) -> Side:
    return Side(name, ("{python}", "-c", code), module=module)


_LOADERS = (
    _work("json.loads alone", "load_json", "{records}"),
    _work("orjson alone", "load_orjson", "{records}", "orjson"),
    _work("msgspec alone", "load_msgspec", "{records}", "msgspec"),
    _work("ripe.atlas.sagan", "load_sagan", "{records}", "ripe.atlas.sagan"),
)
_DECODERS = tuple(
    Side(f"{name}, bare decoding", side.command, module=side.module)
    for name, side in zip(("json", "orjson", "msgspec"), _LOADERS, strict=False)
)

_JUDGING = Side("analyze", _words("gatewatch analyze {records} --country KH --json"))
_JUDGING_PARQUET = Side("analyze", _words("gatewatch analyze {parquet} --country KH --json"))
_JUDGING_MORE = Side("analyze, ten times", _words("gatewatch analyze {more} --country KH --json"))
_PER_TRACE = Side(
    "IHR's route, made anew",
    ("{python}", "-m", "scripts.bench.per_trace", "{records}"),
    most=1,
)
_SCAN = Side(
    "duckdb, bare scan",
    ("{python}", "-m", "scripts.bench.work", "scan_duckdb", "{parquet}"),
    module="duckdb",
)

_TWO_WORKERS, _ONE_WORKER = (
    _work(f"dask, {name}", "fold_dask", f"{{{which}}} {{few}} {{records}}", "distributed")
    for name, which in (("two workers", "two"), ("one worker", "one"))
)

# Everything that a scheduled run imports, and nothing that it does.
RUN_HELP = Side("gatewatch run --help", ("gatewatch", "run", "--help"))

_WITHOUT_PACKETS = (
    Comparison(
        "start-up",
        "until the help is printed",
        here,
        ours=(
            Side("gatewatch --help", ("gatewatch", "--help")),
            Side("gatewatch trace --help", ("gatewatch", "trace", "--help")),
            RUN_HELP,
        ),
        peers=(
            _python("python -c pass", "pass"),
            _program("traceroute --help", "traceroute", "--help"),
            _program("mtr --help", "mtr", "--help"),
        ),
        figures=("seconds", "cpu", "memory"),
        goals=(Goal(RUN_HELP, most={"seconds": 0.4, "memory": RESIDENT}),),
        repetitions=3,
    ),
    Comparison(
        "import",
        "a Python program that could trace, before it does",
        here,
        ours=(
            _python(
                "probe, both backends",
                "import probe.engine.session, probe.network.backend, "
                "probe.network.raw, probe.network.errqueue",
            ),
        ),
        peers=(
            _python("python -c pass", "pass"),
            _python("scapy.layers.inet", "import scapy.layers.inet", "scapy"),
            _python("scapy.all", "import scapy.all", "scapy"),
            _python("icmplib", "import icmplib", "icmplib"),
        ),
        figures=("seconds", "cpu", "memory"),
        repetitions=3,
    ),
    Comparison(
        "parsing",
        "one Time Exceeded that quotes our probe, read",
        here,
        ours=(_work("probe.network.incoming", "parse_gatewatch"),),
        peers=(_work("scapy", "parse_scapy", module="scapy"),),
        repetitions=3,
    ),
    Comparison(
        "loading",
        "one record of the demo, read into analysis",
        files.demo,
        ours=(_work("analysis.intake.load", "load_gatewatch", "{records}"),),
        peers=_LOADERS,
        figures=("seconds", "memory"),
        repetitions=3,
    ),
    Comparison(
        "loading-atlas",
        "one RIPE Atlas result, read into analysis",
        files.atlas,
        ours=(_work("analysis.intake.load", "load_gatewatch", "{records}"),),
        peers=_LOADERS,
        figures=("seconds", "memory"),
        repetitions=3,
    ),
    Comparison(
        "origin",
        "whose one IPv4 address is",
        files.table,
        ours=(
            _work("lookup, new", "origin_gatewatch"),
            _work("lookup, remembered", "origin_again"),
        ),
        peers=(
            _work("maxminddb", "origin_maxminddb"),
            _work("pyasn", "origin_pyasn", "{pyasn}", "pyasn"),
        ),
        figures=("seconds", "memory"),
        repetitions=3,
    ),
    Comparison(
        "analyze",
        "a verdict on the demo's folders, whole process",
        files.demo,
        ours=(_JUDGING,),
        peers=_DECODERS,
        figures=("seconds", "cpu", "memory"),
        repetitions=3,
    ),
    Comparison(
        "analyze-atlas",
        "a verdict on RIPE Atlas results, whole process",
        files.atlas,
        ours=(Side("analyze", _words("gatewatch analyze {records} --country IR --json")),),
        peers=_DECODERS,
        figures=("seconds", "cpu", "memory"),
        repetitions=3,
    ),
    Comparison(
        "many",
        "a verdict on generated Atlas results in one file, whole process",
        files.many,
        ours=(_JUDGING,),
        peers=(*_DECODERS[1:], _PER_TRACE),
        figures=("seconds", "cpu", "memory"),
        repetitions=3,
        goals=(
            *(Goal(_JUDGING, peer, most={"seconds": 3.0}) for peer in _DECODERS[1:]),
            Goal(_JUDGING, _PER_TRACE, most={"seconds": 0.05}),
        ),
    ),
    Comparison(
        "many-parquet",
        "a verdict on the same traces from Parquet, whole process",
        files.many,
        ours=(_JUDGING_PARQUET,),
        peers=(_SCAN,),
        figures=("seconds", "cpu", "memory"),
        repetitions=3,
        goals=(Goal(_JUDGING_PARQUET, _SCAN, most={"seconds": 4.0}),),
    ),
    Comparison(
        "growth",
        "a verdict on all of these, beside one on a tenth of them",
        files.growing,
        ours=(_JUDGING_MORE,),
        peers=(_JUDGING,),
        figures=("seconds", "cpu", "memory"),
        repetitions=2,
        goals=(Goal(_JUDGING_MORE, _JUDGING, most={"seconds": 11.0, "memory": 1.1}),),
    ),
    *(
        Comparison(
            name,
            f"one generated result, read from {how} and folded by workers that are ready",
            scene,
            ours=(_TWO_WORKERS,),
            peers=(_ONE_WORKER,),
            repetitions=3,
            goals=(Goal(_TWO_WORKERS, _ONE_WORKER, most={"seconds": 1 / 1.7}),),
        )
        for name, how, scene in (
            ("dask", "JSON", files.clusters),
            ("dask-parquet", "Parquet", partial(files.clusters, suffix="parquet")),
        )
    ),
)

COMPARISONS = (*TRACERS, *_WITHOUT_PACKETS)
