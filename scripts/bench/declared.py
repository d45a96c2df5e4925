"""What is compared: every comparison of ``make bench`` as data.

To add one, add an entry; to add a peer, add a side. What may be cut when time runs out stands
last. A tool that is not installed is named with
the reason, and the others go on.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from scripts.bench import files, lab, reading
from scripts.bench.comparison import Comparison, Side
from scripts.bench.scene import here

if TYPE_CHECKING:
    from typing import Literal

    from scripts.bench.comparison import Figure

# Packets per second, for gatewatch and scamper alike: for one target what a volunteer may ask
# for at most, for many what this scamper can do at most.
ONE = "1000"
MANY = "10000"

_ONE_AT_A_TIME = "traces to one target at a time"


def _words(line: str) -> tuple[str, ...]:
    return tuple(line.split())


def _trace(name: str, backend: str, method: str, user: Literal["root", "nobody"]) -> Side:
    return Side(
        name,
        _words(
            f"gatewatch trace --json --backend {backend} --method {method} --rate {ONE} {{host}}"
        ),
        user=user,
        reader=reading.gatewatch_trace,
    )


def _run(name: str, backend: str, method: str, user: Literal["root", "nobody"]) -> Side:
    return Side(
        name,
        _words(
            f"gatewatch run --json --backend {backend} --method {method} --rate {MANY} "
            "--i-run-this-network --targets {targets} --to {fresh}/spool"
        ),
        user=user,
        reader=reading.gatewatch_run,
    )


def _scamper(name: str, *source: str, options: str = "", rate: str = MANY, most: int = 99) -> Side:
    return Side(
        name,
        (*_words(f"scamper -p {rate} -O json -o - -c"), f"trace -P icmp-paris{options}", *source),
        program="scamper",
        reader=reading.scamper,
        most=most,
    )


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


ENGINE = Side(
    "raw, ICMP, engine alone",
    _words(f"{{python}} -m scripts.bench.engine raw icmp {MANY} {{targets}}"),
    reader=reading.engine,
)
RAW_RUN = _run("raw, ICMP", "raw", "icmp", "root")
PING_RUN = _run("ping socket, as nobody", "errqueue", "icmp", "nobody")
UDP_RUN = _run("UDP socket, as nobody", "errqueue", "udp", "nobody")
PARIS = Side(
    "paris-traceroute",
    ("paris-traceroute", "-n", "{host}"),
    program="paris-traceroute",
    reader=reading.traceroute,
)
SINGLE = (
    Side("traceroute", cannot=_ONE_AT_A_TIME),
    Side("mtr", cannot=_ONE_AT_A_TIME),
)
TRACING: tuple[Figure, ...] = ("packets", "seconds", "cpu", "memory")

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

COMPARISONS = (
    Comparison(
        "start-up",
        "until the help is printed",
        here,
        ours=(
            Side("gatewatch --help", ("gatewatch", "--help")),
            Side("gatewatch trace --help", ("gatewatch", "trace", "--help")),
        ),
        peers=(
            _python("python -c pass", "pass"),
            _program("traceroute --help", "traceroute", "--help"),
            _program("mtr --help", "mtr", "--help"),
        ),
        figures=("seconds", "cpu", "memory"),
        repetitions=3,
    ),
    Comparison(
        "import",
        "a Python program that could trace, before it does",
        here,
        ours=(
            _python(
                "probe, both backends",
                "import probe.session, probe.backend, probe.network.raw, probe.network.errqueue",
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
        ours=(_work("probe.packet", "parse_gatewatch"),),
        peers=(_work("scapy", "parse_scapy", module="scapy"),),
        repetitions=3,
    ),
    Comparison(
        "loading",
        "one record of the demo, read into analysis",
        files.demo,
        ours=(_work("analysis.load", "load_gatewatch", "{records}"),),
        peers=_LOADERS,
        figures=("seconds", "memory"),
        repetitions=3,
    ),
    Comparison(
        "loading-atlas",
        "one RIPE Atlas result, read into analysis",
        files.atlas,
        ours=(_work("analysis.load", "load_gatewatch", "{records}"),),
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
        ours=(Side("analyze", _words("gatewatch analyze {records} --country KH --json")),),
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
        "one-target",
        "one trace over 12 routers, whole process",
        lab.row,
        ours=(
            _trace("raw, ICMP", "raw", "icmp", "root"),
            _trace("ping socket, as nobody", "errqueue", "icmp", "nobody"),
            _trace("UDP socket, as nobody", "errqueue", "udp", "nobody"),
        ),
        peers=(
            _scamper("scamper", "-i", "{host}", rate=ONE),
            Side(
                "traceroute -I -q1",
                ("traceroute", "-I", "-q1", "-n", "{host}"),
                program="traceroute",
                reader=reading.traceroute,
            ),
            Side(
                "mtr -c1 -G1",
                ("mtr", "--report", "-n", "-c1", "-G1", "-i0.1", "{host}"),
                program="mtr",
                reader=reading.mtr,
            ),
            PARIS,
        ),
        figures=TRACING,
        repetitions=3,
    ),
    Comparison(
        "many-targets",
        "1,000 targets behind 12 routers, 10,000 packets/s at most",
        partial(lab.row, count=1000),
        ours=(RAW_RUN, ENGINE),
        peers=(
            _scamper("scamper", "-f", "{targets}"),
            _scamper("scamper -w1", "-f", "{targets}", options=" -w 1"),
            *SINGLE,
        ),
        figures=TRACING,
        repetitions=3,
    ),
    Comparison(
        "unprivileged",
        "100 targets behind 12 routers, as nobody; peers as root",
        partial(lab.row, count=100),
        ours=(PING_RUN, UDP_RUN),
        peers=(
            RAW_RUN,
            _scamper("scamper", "-f", "{targets}"),
            *SINGLE,
        ),
        figures=TRACING,
        repetitions=3,
    ),
    Comparison(
        "dark-targets",
        "100 targets, half of which never answer",
        partial(lab.row, count=100, dark=50),
        ours=(RAW_RUN,),
        peers=(_scamper("scamper -w1", "-f", "{targets}", options=" -w 1", most=1), *SINGLE),
        figures=TRACING,
        repetitions=3,
    ),
    Comparison(
        "silent-hops",
        "100 targets, three of the 12 routers silent",
        partial(lab.row, count=100, silent=(4, 7, 10)),
        ours=(RAW_RUN,),
        peers=(
            _scamper("scamper -w1", "-f", "{targets}", options=" -w 1", most=2),
            _scamper("scamper", "-f", "{targets}", most=1),
            *SINGLE,
        ),
        figures=TRACING,
        repetitions=3,
    ),
)
