"""``gatewatch collect``: starts a collector, and decides on what it holds."""

from __future__ import annotations

import errno
import json
import shlex
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from datetime import date, datetime, timedelta
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from analysis.intake.shortage import unless_short
from analysis.words.wording import counted, many
from probe.commands.folder import Folder
from probe.disk.presence import is_file
from probe.disk.private import UNFINISHED
from probe.owner.settings import is_loopback
from probe.sharing.bundle import LARGEST_FILE, sha256_of
from probe.words.failure import BadInput, Failure, PartlyDone, PermissionDenied, in_words

if TYPE_CHECKING:
    from uvicorn import Server

    from analysis.collect.look import Look
    from analysis.collect.store import Store
    from probe.disk.database import Trouble
    from probe.sharing.receipt import Receipt, Status

if find_spec("uvicorn") is None:
    # As in `analysis.commands.given`: the libraries are imported by what needs them, so that the
    # help of all commands does not wait for a server's.
    raise ModuleNotFoundError("the extra for collectors is not installed", name="uvicorn")

# Connections at a time; more are told to come back.
_CONNECTIONS = 64

# Days beyond which nobody needs to know how long the disk lasts.
_LONG = 3650

_folder = click.argument("folder", type=Folder(), metavar="FOLDER")


@click.group(invoke_without_command=True, short_help="Receive bundles from volunteers.")
@click.option(
    "--to",
    "folder",
    type=Folder(),
    help="The folder to keep everything in; made where there is none.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8443,
    show_default=True,
    help="The TCP port to listen on; 0 for any that is free.",
)
@click.option(
    "--tls-cert",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The certificate (PEM, with its chain) to show.",
)
@click.option(
    "--tls-key",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The private key of the certificate (PEM).",
)
@click.pass_context
def collect(
    context: click.Context,
    *,
    folder: Path | None,
    host: str,
    port: int,
    tls_cert: Path | None,
    tls_key: Path | None,
) -> None:
    """Receive bundles from volunteers, check them, and keep them as plain files in a folder.

    Everything that comes is checked and put into quarantine, until `gatewatch collect accept`.
    `gatewatch analyze FOLDER/accepted` judges by what was accepted. No address of a sender is
    logged or kept.
    """
    if context.invoked_subcommand is not None:
        return
    if folder is None:
        raise click.UsageError("say where to keep the bundles: gatewatch collect --to FOLDER")
    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key go together")
    if tls_cert is None and not is_loopback(host):
        raise Failure(
            "without TLS everybody in between could read along; give --tls-cert and --tls-key, or "
            "listen on 127.0.0.1 behind a web server that has them"
        )
    from analysis.collect.store import InUse, now_utc, public_key  # noqa: PLC0415

    with _store(folder) as store:
        try:
            store.serve(now_utc())
        except InUse:
            raise Failure(
                f"another collector keeps its bundles in {folder}; stop it, or name another folder"
            ) from None
        _warn_of_a_full_disk(store)
        server = _server(store, tls_cert, tls_key)
        with _listening(host, port) as listener:
            scheme = "http" if tls_cert is None else "https"
            number = listener.getsockname()[1]
            shown = f"[{host}]" if ":" in host else host
            click.echo(f"listening on {scheme}://{shown}:{number}, keeping bundles in {folder}")
            click.echo("for the settings.toml of volunteers, besides the address:")
            click.echo(f'collector_key = "{public_key(store)}"')
            server.run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    """A socket that hears all of this machine's addresses for ``::``, also those of IPv4."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == "::" and socket.has_dualstack_ipv6()
    try:
        return socket.create_server((host, port), family=family, dualstack_ipv6=both)
    except PermissionError:
        raise PermissionDenied(
            f"this user may not listen on port {port}; choose a --port from 1024 on, or have a "
            "service started with AmbientCapabilities=CAP_NET_BIND_SERVICE (docs/collector.md)"
        ) from None
    except OSError as problem:
        taken = problem.errno == errno.EADDRINUSE
        # Python adds to what the system says where it came to it.
        said = in_words(problem).partition(" (while")[0]
        blame = Failure(
            f"cannot listen on {host} port {port} ({said}); choose another "
            f"{'--port' if taken else '--host, an address of this machine'}"
        )
        raise unless_short(OSError(problem.errno, said), blame) from None


def _server(store: Store, cert: Path | None, key: Path | None) -> Server:
    import uvicorn  # noqa: PLC0415

    from analysis.collect.app import application  # noqa: PLC0415
    from analysis.collect.door import Door  # noqa: PLC0415
    from analysis.collect.store import now_utc  # noqa: PLC0415

    config = uvicorn.Config(
        application(store, now_utc, partial(click.echo, err=True)),
        http=Door,
        access_log=False,
        log_level="error",
        proxy_headers=False,
        server_header=False,
        lifespan="off",
        ws="none",
        limit_concurrency=_CONNECTIONS,
        timeout_graceful_shutdown=10,
        ssl_certfile=cert,
        ssl_keyfile=key,
    )
    try:
        config.load()
    except OSError as problem:
        blame = BadInput(
            f"{cert} and {key} cannot be used ({in_words(problem)}); they have to be a certificate "
            "in PEM and its key, both readable by this user"
        )
        raise unless_short(problem, blame) from None
    return uvicorn.Server(config)


@collect.command(short_help="List what waits for a decision.")
@_folder
@click.option("--all", "everything", is_flag=True, help="Also what was decided.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def review(*, folder: Path, everything: bool, as_json: bool) -> None:
    """List the bundles in quarantine in FOLDER, with what speaks for and against each.

    A key that nobody knows, of which many bundles come in one day, is a reason to look twice.
    """
    with _looking(folder) as store:
        held, refusals = store.held(), store.refusals()
        _warn_of_a_full_disk(store)
    shown = [one for one in held if everything or one.status == "quarantined"]
    if as_json:
        found = {"bundles": [asdict(one) for one in shown], "refusals": refusals}
        click.echo(json.dumps(found))
        return
    accepted = Counter(one.key for one in held if one.status == "accepted")
    for one in shown:
        click.echo(
            f"{one.sha256}  {one.status}  AS{one.network}  {many(one.traces, 'trace')}  "
            f"{one.first_day} – {one.last_day}  key {one.key[:16]}, "
            f"{accepted[one.key]} accepted before"
        )
    if not shown:
        click.echo("nothing waits for a decision")
    if refusals:
        click.echo(f"refused at the door: {counted(refusals)}")


@collect.command(short_help="Say how the collector fares, and what is due.")
@_folder
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def status(*, folder: Path, as_json: bool) -> None:
    """Sum up what FOLDER holds, how many measure, what was refused, and how long the disk lasts.

    What has to be done stands in warnings on the standard error, and nothing else does: called by a
    timer with `> /dev/null` it speaks up only then.
    """
    from analysis.collect.account import MONTH, account, warnings  # noqa: PLC0415
    from analysis.collect.store import now_utc  # noqa: PLC0415

    today = now_utc().date()
    with _looking(folder) as store:
        lately = store.refusals((today - timedelta(days=MONTH)).isoformat())
        found = account(
            store.held(),
            store.sizes(),
            today,
            database=store.database_size(),
            free=store.free(),
            refused_lately=lately,
        )
        _warn_of_a_full_disk(store)
    for sentence in warnings(found, today):
        click.echo(f"warning: {sentence}", err=True)
    if as_json:
        click.echo(json.dumps(asdict(found)))
        return
    since = f", the oldest since {found.waiting_since}" if found.waiting_since else ""
    click.echo(f"waiting: {many(found.waiting, 'bundle')}{since}")
    click.echo(f"accepted: {many(found.accepted, 'bundle')}; refused by you: {found.refused}")
    if found.first_day is not None:
        click.echo(f"held: {many(found.traces, 'trace')}, {found.first_day} – {found.last_day}")
    click.echo(
        f"in the last {MONTH} days measured: {many(found.active_keys, 'key')} "
        f"in {many(found.active_networks, 'network')}"
    )
    click.echo(f"in the last {MONTH} days refused at the door: {counted(lately) or 'nothing'}")
    left = ""
    if found.days_left is not None and found.days_left <= _LONG:
        left = f", for {many(found.days_left, 'day')} as the last"
    click.echo(
        f"disk: {found.size / 1e6:.1f} MB taken, {found.grows / 1e6:.1f} MB more a day, "
        f"room for {found.free / 1e6:.0f} MB{left}"
    )


@collect.command(short_help="Copy all of it, also while the collector runs.")
@_folder
@click.argument("to", type=Folder(), metavar="TO")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def backup(*, folder: Path, to: Path, as_json: bool) -> None:
    """Copy FOLDER to the folder TO, or bring a copy that is there in step with it.

    The collector may be running meanwhile. What was refused or deleted in FOLDER goes from TO as
    well. A copy is a collector's folder: to restore it, copy it to where FOLDER was.
    """
    from analysis.collect.look import WithoutFile  # noqa: PLC0415
    from analysis.collect.store import now_utc  # noqa: PLC0415

    with _looking(folder) as store:
        _refuse_as_a_copy(to, folder)
        try:
            held = store.back_up(to, now_utc())
        except WithoutFile as problem:
            (number,) = problem.args
            raise PartlyDone(
                f"of {many(number, 'bundle')} that {'is' if number == 1 else 'are'} held there is "
                f"no file in {folder}, and none in {to}, where all else is; copy them from another "
                "backup, since nobody sends again what has a receipt"
            ) from None
    if as_json:
        click.echo(json.dumps({"to": str(to), "bundles": held}))
        return
    click.echo(f"{to} holds {many(held, 'bundle')}, as {folder} does; keep it as private")


def _refuse_as_a_copy(to: Path, folder: Path) -> None:
    """`BadInput` for a folder whose content would be lost, or lie in what is copied."""
    if to.resolve().is_relative_to(folder.resolve()):
        raise BadInput(f"{to} lies in {folder}; name a folder elsewhere, best on another disk")
    if not to.exists() or all(path.name.endswith(UNFINISHED) for path in to.iterdir()):
        return  # where a first copy was broken off at once, there is what was unfinished
    key = to / "key.pem"
    if (to / "collector.lock").exists():
        raise BadInput(f"a collector received bundles in {to}; name the collector's folder first")
    if not key.is_file() or key.read_bytes() != (folder / "key.pem").read_bytes():
        raise BadInput(f"{to} holds something else than a copy of {folder}; name another folder")


@collect.command(short_help="Take in bundles that came by USB stick or mail.")
@_folder
@click.option("--new", is_flag=True, help="Make FOLDER a collector's, where it is none yet.")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE…",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def take(*, folder: Path, new: bool, files: tuple[Path, ...], as_json: bool) -> None:
    """Take each FILE into FOLDER as if it had been sent: checked, and put into quarantine.

    A collector may be running on the folder meanwhile. Exit code 6 where one was refused.
    """
    from analysis.collect.store import MEND_CLOCK, ClockBehind, now_utc  # noqa: PLC0415

    taken: list[tuple[Path, Receipt]] = []
    with _store(folder) if new else _opened(folder, new="take --new") as store:
        for path in files:
            with path.open("rb") as given:
                # No bundle is longer; what is, is refused for that.
                data = given.read(LARGEST_FILE + 1)
            with store.incoming() as file:
                file.write(data)
                try:
                    receipt = store.take_in(file, sha256_of(data), now_utc())
                except ClockBehind as problem:
                    raise Failure(f"{problem}; {MEND_CLOCK}") from None
            taken.append((path, receipt))
            if not as_json:
                why = f": {receipt.reason}" if receipt.reason else ""
                click.echo(f"{path}: {receipt.status}{why}")
    if as_json:
        found = [{"file": str(path), **asdict(receipt)} for path, receipt in taken]
        click.echo(json.dumps({"bundles": found}))
    refused = sum(receipt.status == "refused" for _path, receipt in taken)
    if refused:
        raise PartlyDone(f"{many(refused, 'file')} refused; ask whoever gave it for another copy")


@collect.command(short_help="Accept bundles in quarantine.")
@_folder
@click.argument("bundles", nargs=-1, metavar="[SHA256]…")
@click.option("--all", "everything", is_flag=True, help="All that are in quarantine.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def accept(*, folder: Path, bundles: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """Accept bundles in FOLDER, named by their SHA256 or its beginning: they will be judged by."""
    if everything == bool(bundles):
        raise click.UsageError("name bundles by their sha256, or --all")
    until = date.max if everything else None
    _decide(folder, bundles, "accepted", None, until=until, as_json=as_json)


@collect.command(short_help="Refuse bundles, also accepted ones, and delete them.")
@_folder
@click.argument("bundles", nargs=-1, metavar="[SHA256]…")
@click.option(
    "--before",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    help="All whose newest trace was measured before this day (UTC), as 2026-01-31.",
)
@click.option("--reason", required=True, help="A sentence, which the volunteer will read.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def refuse(
    *, folder: Path, bundles: tuple[str, ...], before: datetime | None, reason: str, as_json: bool
) -> None:
    """Refuse bundles in FOLDER, named by their SHA256 or its beginning, and delete them.

    Also those that were accepted, as when a volunteer asks for it, or when their time is over.
    """
    if not reason.strip():
        raise click.BadParameter(
            "it is empty; write the sentence that the volunteer will read", param_hint="--reason"
        )
    if (before is None) != bool(bundles):
        raise click.UsageError("name bundles by their sha256, or --before a day")
    until = before.date() if before else None
    _decide(folder, bundles, "refused", f"operator: {reason}", until=until, as_json=as_json)


def _decide(
    folder: Path,
    bundles: tuple[str, ...],
    status: Status,
    reason: str | None,
    *,
    until: date | None,
    as_json: bool,
) -> None:
    """Decide on those that are named, or on all of which every trace is older than a day."""
    from analysis.collect.store import NotHeld, now_utc  # noqa: PLC0415

    with _opened(folder) as store:
        open_to: tuple[Status, ...] = ("quarantined",)
        if status == "refused":
            open_to = ("quarantined", "accepted")
        open_ones = [one for there in open_to for one in store.held(there)]
        held = [one.sha256 for one in open_ones]
        named = _found(bundles, held, open_to, folder)
        if until is not None:
            named = [one.sha256 for one in open_ones if one.last_day < until.isoformat()]
        chosen = list(dict.fromkeys(named))
        try:
            for sha256 in chosen:
                store.decide(sha256, status, reason, now_utc())
        except NotHeld as gone:
            raise BadInput(f"{gone.args[0]} was decided on meanwhile; look again") from None
        finally:
            store.settle(now_utc())
    if as_json:
        click.echo(json.dumps({"status": status, "bundles": chosen}))
        return
    click.echo(f"{status}: {many(len(chosen), 'bundle')}")


def _found(
    texts: tuple[str, ...], held: list[str], states: tuple[Status, ...], folder: Path
) -> list[str]:
    """The bundles that are named; `BadInput` names all that name none, or several."""
    chosen, wrong = [], []
    for text in texts:
        if not text:
            raise BadInput("'' names no bundle: it is empty, as of a variable that is not set")
        found = [sha256 for sha256 in held if sha256.startswith(text.lower())]
        chosen += found
        if len(found) != 1:
            wrong.append(f"{text} names {len(found)} {' or '.join(states)} bundles")
    if wrong:
        raise BadInput(
            f"{', '.join(wrong)}; nothing was decided, list them: "
            f"gatewatch collect review --all {shlex.quote(str(folder))}"
        )
    return chosen


def _warn_of_a_full_disk(store: Look) -> None:
    from analysis.collect.look import ROOM  # noqa: PLC0415

    if not store.has_room():
        click.echo(
            f"warning: less than {ROOM >> 20} MiB are free on the disk of {store.folder}, so that "
            "whoever sends is told to come back later; make room",
            err=True,
        )


def _opened(folder: Path, new: str = "--to") -> AbstractContextManager[Store]:
    """The store of a folder that is a collector's already; ``new`` is what makes one."""
    _require_database(folder, new)
    return _store(folder)


@contextmanager
def _looking(folder: Path) -> Iterator[Look]:
    """What lies in a folder that is a collector's, which need not be one's own to write."""
    from analysis.collect.look import Look  # noqa: PLC0415

    _require_database(folder, "--to")
    with _saying_what_keeps(folder), Look(folder) as look:
        yield look


def _require_database(folder: Path, new: str) -> None:
    if not is_file(folder / "collector.db"):
        raise BadInput(f"{folder} is no folder of a collector; `gatewatch collect {new}` makes one")


# What the database's trouble amounts to, where it is no wrong use.
_FAILURES: dict[Trouble | None, type[Failure]] = {
    "full": PartlyDone,
    "forbidden": PermissionDenied,
}


@contextmanager
def _store(folder: Path) -> Iterator[Store]:
    from analysis.collect.store import Store  # noqa: PLC0415

    with _saying_what_keeps(folder), Store(folder) as store:
        yield store


@contextmanager
def _saying_what_keeps(folder: Path) -> Iterator[None]:
    """Say what keeps a folder from being used, now or while it is used."""
    import sqlite3  # noqa: PLC0415

    from analysis.collect.look import Damaged, NoKey  # noqa: PLC0415
    from probe.disk.database import trouble_of  # noqa: PLC0415

    try:
        yield
    except NoKey:
        raise BadInput(
            f"{folder / 'key.pem'} is no key of a collector; restore it from your copy, since "
            "volunteers trust no other"
        ) from None
    except sqlite3.OperationalError as problem:
        raise _FAILURES.get(trouble_of(problem), Failure)(
            f"{folder / 'collector.db'} cannot be used now ({problem}); see that no other command "
            "is at work on it, that it may be written and that the disk has room, and try again"
        ) from None
    except (Damaged, sqlite3.DatabaseError) as problem:
        if isinstance(problem, sqlite3.Error) and trouble_of(problem) != "damaged":
            raise
        raise BadInput(
            f"{folder / 'collector.db'} cannot be used ({problem}); restore it from your backup, "
            "or take the bundles into a new folder: gatewatch collect take --new"
        ) from None
