"""``gatewatch trace HOST``: one path, hop by hop, on the screen. No trace is stored.

What is shown is for the one who typed it and is therefore not redacted; the record that
``--json`` prints says so. What may be kept is the business of ``run``.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from probe import stop
from probe.background import Background
from probe.commands import options, words
from probe.disk.places import data_folder
from probe.engine.blocking import measure
from probe.engine.horizon import Limits
from probe.engine.manner import Manner
from probe.engine.session import Session, SessionSettings
from probe.engine.tracing import Task
from probe.network import NetworkError
from probe.network.backend import choose_method, failure_of, open_network
from probe.origin.attribute import attribute, majority
from probe.origin.border import borders, home_of
from probe.record import Hop, ip_version, to_line
from probe.run.allowance import MEGABYTE, Allowance, allowance_file
from probe.run.choice import objection
from probe.run.exclusions import LISTED, exclusions_file, read_exclusions
from probe.run.meter import Metered
from probe.run.resolve import NO_HOST, resolve
from probe.vantage.locate import read_premises
from probe.words.failure import Failure, Offline, PermissionDenied
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Callable

    from probe.engine.forks import Forks, Where
    from probe.engine.multipath import Enumeration
    from probe.network import Network
    from probe.origin import Origin
    from probe.record import Trace
    from probe.run.exclusions import Exclusions

NOT_REDACTED = "shown on screen, not redacted"


@click.command(short_help="Trace to one host and show whose each hop is.")
@click.argument("host")
@options.probing
@click.option(
    "--flow",
    type=click.IntRange(1, 65535),
    default=1,
    show_default=True,
    help="Which of the parallel paths of load balancers to follow.",
)
@click.option("--max-ttl", type=click.IntRange(1, 255), help="How many hops at most.")
@options.courtesy
@options.multipath
@click.option(
    "--country",
    metavar="CC",
    callback=options.country,
    help="The country you are in (ISO code); else that of the first known network on the path.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one record on one line instead.")
def trace(
    *,
    host: str,
    method: str,
    backend: str,
    capture: Path | None,
    version: int | None,
    table: Path | None,
    flow: int,
    max_ttl: int | None,
    rate: float,
    budget: float,
    own_network: bool,
    multipath: Where,
    confidence: int,
    country: str | None,
    as_json: bool,
) -> None:
    """Trace the path to HOST (a name or an address) and show whose each hop is.

    Marks where the path leaves the country, by the registration of the networks, and says what
    the method could not see. Nothing is stored but how many bytes were sent today.
    """
    options.check_rate(rate, own_network=own_network)
    given = options.address_table(table) if table or country else None
    if given is not None:
        options.known_country(country, given)
    else:
        options.look_for_table()
    excluded = read_exclusions(exclusions_file())
    limits = Limits() if max_ttl is None else Limits(max_ttl=max_ttl)
    settings = SessionSettings(rate=rate, limits=limits)

    def manner(origin: Origin) -> Manner:
        return Manner(
            origin,
            lambda trace: country or (home_of(trace.hops) if trace else None),
            multipath=multipath,
            confidence=confidence,
        )

    with ExitStack() as stack:
        network = _open(stack, backend, capture, budget)
        try:
            with stop.heeded():
                target = resolve(host, version)
                _refuse_unfit(target, excluded, own_network=own_network)
                chosen = choose_method(network, ip_version(target), options.method(method))
                task = Task(target, None if host == target else host, chosen, flow)
                opening = _Table(given, manner)
                shown = None if as_json else stack.enter_context(_Screen(opening.origin, country))
                measured = _measure(network, task, settings, opening, shown)
        except NetworkError as problem:
            raise failure_of(problem) from problem
    if as_json and measured.error is None:
        noted = measured._replace(source=None, notes=(*measured.notes, NOT_REDACTED))
        click.echo(to_line(noted))
    if measured.error is not None:
        if network.denied:
            raise PermissionDenied(measured.error)
        raise Offline(
            _("{problem}; check the connection: gatewatch doctor").format(problem=measured.error)
        )


def _open(stack: ExitStack, backend: str, capture: Path | None, budget: float) -> Metered:
    """The network layer, and the file of raw packets where one is wanted, until the stack ends."""
    tap = stack.enter_context(options.capture(capture, (data_folder(),)))
    opened = open_network(backend, writes=(data_folder(),), tap=tap)
    stack.callback(opened.close)
    # Only now: what may be written is another thing once privileges are given up.
    network = Metered(opened, _allowance(budget))
    stack.callback(network.close)
    return network


class _Table:
    """The address table, opened in the background: to do so takes as long as answers need to come.

    ``given`` is the one that is open already, None for the one in use; ``manner`` gives how traces
    are made by a table.
    """

    def __init__(self, given: Origin | None, manner: Callable[[Origin], Manner]) -> None:
        def opened() -> tuple[Origin, Forks | None]:
            origin = given or options.address_table(None)
            return origin, manner(origin).explore

        self._opened = Background(opened)
        self._identified = Background(lambda: options.identify(self.origin()))

    def origin(self) -> Origin:
        """The table; waits for it, and raises `BadInput` where it is none."""
        return self._opened.result()[0]

    def identified(self) -> Origin:
        """The table, of which it is known by now which one it is."""
        self._identified.result()
        return self.origin()

    def explore(self, trace: Trace) -> Enumeration | None:
        """The parallel paths to look for in a trace that has ended, if any."""
        forks = self._opened.result()[1]
        return None if forks is None else forks(trace)


def _measure(
    network: Metered, task: Task, settings: SessionSettings, table: _Table, shown: _Screen | None
) -> Trace:
    """The trace, attributed; where it is ``shown``, hop by hop as they become known."""
    traced: list[Trace] = []
    if shown is not None:
        shown.begin(task, network, settings.limits.max_ttl)
    measure(
        Session(
            network,
            [task],
            settings,
            finished=traced.append,
            known=None if shown is None else shown.known,
            explore=table.explore,
        )
    )
    measured = attribute(traced[0], table.identified())
    if shown is not None:
        shown.end(measured, network.discarded())
    return measured


def _allowance(budget: float) -> Allowance:
    """What may still be sent today; raises where nothing may."""
    allowance = Allowance(allowance_file(), budget * MEGABYTE, time.time)
    allowance.check()
    if not allowance.writable():
        click.echo(
            _("what this trace sends is not counted for the day: {path} may not be written").format(
                path=allowance_file()
            ),
            err=True,
        )
        return Allowance(Path(os.devnull), budget * MEGABYTE, time.time)
    return allowance


def _refuse_unfit(target: str, excluded: Exclusions, *, own_network: bool) -> None:
    """Refuse, as a wrong use, a target that a trace may not be sent to."""
    reason = objection(target, read_premises(), excluded, own_network=own_network)
    if reason == LISTED:
        raise Failure(
            _("{target} is on your do-not-probe list, {path}").format(
                target=target, path=exclusions_file()
            )
        )
    if reason in NO_HOST:
        raise Failure(
            _("{target} is not the address of one host ({reason}); a trace needs one").format(
                target=target, reason=reason
            )
        )
    if reason is not None:
        raise Failure(
            _(
                "{target} is not for others to trace ({reason}); where the network is "
                "yours, say so with --i-run-this-network"
            ).format(target=target, reason=words.special(reason))
        )


class _Screen:
    """Prints hops in their order as they come in, and marks borders between them."""

    def __init__(self, origin: Callable[[], Origin], country: str | None) -> None:
        self.origin = origin
        self.country = country
        self.target = ""
        self.shown: list[Hop] = []
        self.write: Callable[[str], None] = click.echo
        self.stack = ExitStack()

    def __enter__(self) -> _Screen:
        if sys.stdout.isatty():
            from rich.console import Console  # noqa: PLC0415 - only a terminal needs it

            console = Console(highlight=False)
            self.stack.enter_context(console.status("listening"))
            self.write = lambda line: console.print(line, markup=False, soft_wrap=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def begin(self, task: Task, network: Network, max_ttl: int) -> None:
        self.target = task.target
        named = f" ({task.name})" if task.name else ""
        self.write(
            f"to {task.target}{named}: {task.method.upper()} through {network.name}, "
            f"at most {words.many(max_ttl, 'hop')}"
        )

    def known(self, _: Task, hop: Hop) -> None:
        self.show(hop)

    def show(self, hop: Hop) -> None:
        address = majority(hop.replies)
        said = None if address is None else self.origin().lookup(address)
        self.shown.append(hop._replace(attribution=said))
        home = self.country or home_of(self.shown)
        if home is not None:
            for border in borders(self.shown, home)[-1:]:
                if border.after is self.shown[-1]:
                    self.write(words.border_line(border, home))
        self.write(words.hop_line(self.shown[-1], ip_version(self.target)))

    def end(self, trace: Trace, discarded: dict[str, int]) -> None:
        for hop in trace.hops:
            if hop.number > len(self.shown):
                self.show(hop)
        self.stack.close()
        self.write(
            f"{words.stop(trace)} after {words.many(len(trace.hops), 'hop')}, "
            f"{words.many(trace.probes or 0, 'probe')}, "
            f"{trace.endtime - trace.timestamp:.1f} s"
        )
        if trace.multipath is not None:
            for line in words.parallel(trace.multipath):
                self.write(line)
        if discarded:
            self.write(
                _("packets that were no answers to these probes: {counts}").format(
                    counts=words.counts(discarded)
                )
            )
        if trace.probes:
            missing = words.unseen(trace.sees)
            could_not = (
                _("could not see {what}").format(what="; ".join(missing))
                if missing
                else _("nothing was out of sight")
            )
            self.write(
                _("measured with {proto} through {backend}: {could_not}").format(
                    proto=trace.proto, backend=trace.backend, could_not=could_not
                )
            )
        self.write(_("address table: {snapshots}").format(snapshots=", ".join(trace.snapshots)))
