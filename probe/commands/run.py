"""``gatewatch run``: trace a list of targets, and keep what redaction lets through.

Learns where it is, opens the network, chooses the targets and goes through them, and says at the
end what became of each. How it goes through them, `probe.commands.expedition` knows.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from probe.commands import kept, options
from probe.commands.attended import Attended
from probe.commands.choosing import Choice, Selection
from probe.commands.discreet import discreet
from probe.commands.expedition import Expedition, Wanted
from probe.commands.folder import Folder
from probe.commands.foretelling import foretell
from probe.disk.places import data_folder
from probe.disk.private import try_to_write
from probe.engine.manner import Manner
from probe.engine.session import SessionSettings
from probe.network.backend import open_network
from probe.owner.settings import read_settings
from probe.run.allowance import Allowance
from probe.run.campaign import Campaign
from probe.run.exclusions import exclusions_file, read_exclusions
from probe.run.meter import Metered
from probe.run.targets import root_servers
from probe.spool import spool_folder
from probe.vantage.ground import Footing, without_way
from probe.vantage.locate import access_of_interfaces, access_said, read_premises
from probe.words.language import _

if TYPE_CHECKING:
    from probe.commands.unattended import Turn
    from probe.engine.forks import Where
    from probe.origin import Origin
    from probe.redaction.premises import Premises
    from probe.vantage.locate import Access


@click.command(short_help="Trace to a list of targets and keep the results.")
@click.option(
    "--country",
    metavar="CC",
    callback=options.country,
    help="The country you are in (ISO code); else that of your settings, or that of your access "
    "network's registration.",
)
@click.option("--dry-run", is_flag=True, help="Send no probe; say what the run would take.")
@click.option(
    "--resume", is_flag=True, help="Go on with the last run: what it kept is not traced again."
)
@click.option(
    "--limit", type=click.IntRange(1), metavar="N", help="Only the first so many targets."
)
@click.option(
    "--targets",
    "own_list",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Your own list, one address and name a line. Else: root servers, large foreign "
    "networks, and the networks of your country.",
)
@click.option(
    "--access-as",
    metavar="ASN",
    callback=options.autonomous_system,
    help="The AS number of your provider, when it cannot be told for sure; else that of your "
    "settings.",
)
@click.option(
    "--anyway",
    is_flag=True,
    help="Measure through a VPN or with a wrong clock, too: the traces say so, and analysis sets "
    "them aside.",
)
@click.option(
    "--economical",
    is_flag=True,
    help="Spare packets: what traces share is measured once and then taken over, marked as "
    "inferred. The hops around the border are measured in every trace.",
)
@click.option(
    "--to",
    "folder",
    type=Folder(),
    help="Where to keep the results; else the spool in the data folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.option(
    "--scheduled",
    is_flag=True,
    help="For a timer: measure only if it is time, and battery, link and budget allow it; print "
    "one line.",
)
@options.courtesy
@options.probing
@options.multipath
@discreet("gatewatch doctor")
def run(
    *,
    own_list: Path | None,
    country: str | None,
    access_as: int | None,
    method: str,
    backend: str,
    capture: Path | None,
    version: int | None,
    table: Path | None,
    rate: float,
    budget: float,
    dry_run: bool,
    resume: bool,
    limit: int | None,
    folder: Path | None,
    own_network: bool,
    multipath: Where,
    confidence: int,
    economical: bool,
    as_json: bool,
    scheduled: bool,
    anyway: bool,
) -> None:
    """Trace to many targets and keep each result, redacted, as soon as it is finished.

    Your own address and the name of this computer are taken out before anything is written, and
    addresses of your provider are cut short. Stop it at any time: what was finished is kept. See it
    with `gatewatch show`.
    """
    if scheduled and (dry_run or resume or as_json or capture):
        raise click.UsageError("--scheduled goes with none of --dry-run, --resume, --json, --pcap")
    options.check_rate(rate, own_network=own_network)
    turn: Turn | Attended = (
        _turn(budget) if scheduled else Attended(budget, dry_run=dry_run, as_json=as_json)
    )
    origin = options.address_table(table)
    options.identify(origin)
    options.known_country(country, origin)
    set_once = read_settings()
    country = country or set_once.country
    here = read_premises()
    excluded = read_exclusions(exclusions_file())
    known = _known_access(origin, here, access_as)
    folder = folder or spool_folder()
    wanted = Wanted(
        SessionSettings(rate=rate),
        options.method(method),
        partial(Manner, economical=economical, multipath=multipath, confidence=confidence),
    )
    began = time.monotonic()
    with ExitStack() as stack:
        # First of all: names are looked up in threads, and with those privileges stay.
        writes = () if dry_run else (folder, data_folder())
        network = _open(stack, backend, writes, None if dry_run else capture, turn.allowance)
        if not dry_run:
            try_to_write(folder)
        unread: dict[Path, OSError] = {}
        identity = kept.identity(data_folder(), spool_folder(), unread)
        flow = identity.last_flow() if resume else None
        choice = Choice(
            origin,
            here,
            Selection(own_list, version, limit, own_network),
            excluded=excluded,
            without_way=without_way,
            done=Counter() if flow is None else kept.done(folder, flow, unread),
            place=turn.place,
        )
        campaign = Campaign(
            folder=folder,
            origin=origin,
            premises=here,
            identity=identity,
            known=known,
            country=country,
            usual=access_said(usual, origin) if (usual := set_once.access_as) else None,
            flow=flow,
        )
        campaign.unread = unread
        targets = choice.targets(campaign.access.country)
        expedition = Expedition(network, campaign, choice, targets, wanted, read_premises, began)
        if not targets:
            click.echo(_("the last run measured all its targets; nothing was sent"), err=as_json)
            if not as_json:
                return
        if dry_run:
            cost = expedition.foresee()
            foretell(cost, rate, turn.allowance.left, choice, as_json=as_json)
            return
        ended = expedition.measure(turn, anyway=anyway)
    turn.end(ended)


def _turn(budget: float) -> Turn:
    from probe.commands.unattended import begin  # noqa: PLC0415 - only a timer needs it

    return begin(budget)


def _open(
    stack: ExitStack,
    backend: str,
    writes: tuple[Path, ...],
    capture: Path | None,
    allowance: Allowance,
) -> Metered:
    """The network layer, and the file of raw packets where one is wanted, until the stack ends."""
    tap = stack.enter_context(options.capture(capture, writes))
    network = Metered(open_network(backend, writes=writes, tap=tap), allowance)
    stack.callback(network.close)
    return network


def _known_access(origin: Origin, here: Premises, said: int | None) -> dict[int, Access]:
    """The access network by IP version, as far as it is known before anything is sent."""
    if said is not None:
        return dict.fromkeys((4, 6), access_said(said, origin))
    with closing(Footing(server.address for server in root_servers())) as footing:
        found = {
            version: access_of_interfaces(here, version, origin, end.address)
            for version, end in footing.ends().items()
        }
    return {version: access for version, access in found.items() if access is not None}
