"""A sentence that anybody may read: without addresses, names and folders of the user.

People paste faults and lists of findings into forums, and the journal keeps them. What may be said
of a *measurement* is the business of `probe.redaction.redact`, whose rules this uses.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PASSWORD = re.compile(r"(?<=//)[^/\s'\"]*@")

# A path from the root on: in quotes with blanks too, else up to the next one. Its last part stays.
# Python takes double quotes where the path has an apostrophe.
_FOLDERS = re.compile(
    r"(?<=')/[^']+/(?=[^'/]*')"
    r'|(?<=")/[^"]+/(?=[^"/]*")'
    r"|(?:(?<=//)|(?<![\w~./\]-]))/[^/\s'\"]+/(?:[^/\s'\"]+/)*"
)

# Says no more than that something runs on this machine; advice names it.
_ITSELF = "127.0.0.1"

# Names of users and machines that are words of our own sentences, as that of the system's timer's
# user: they tell nobody, and without them a command or a variable could not be followed.
_WORDS = frozenset({"data", "gatewatch", "home", "root", "user"})


# Hosts that tell nobody, as that of Tor's proxy.
_NOBODYS = frozenset({_ITSELF, "::1", "localhost"})


def harmless(text: str) -> str:
    """A sentence with ``~`` for its user's home, ``[folder]`` for others, ``[host]`` for names.

    The collector, its proxy and the addresses not to be probed are left out as well: they tell whom
    the user works with. The whole sentence is withheld if it is not certain what has to be left
    out.
    """
    try:
        return _without_whose(text)
    except Exception:
        return "[message withheld]"


def _without_whose(text: str) -> str:
    import contextlib  # noqa: PLC0415 - all of it is needed when something is wrong, so hardly ever
    from dataclasses import replace  # noqa: PLC0415
    from pathlib import Path  # noqa: PLC0415

    from probe.disk.places import chosen_folder  # noqa: PLC0415
    from probe.redaction.redact import clean  # noqa: PLC0415
    from probe.vantage.locate import read_premises  # noqa: PLC0415
    from probe.words.failure import BadInput  # noqa: PLC0415

    here = read_premises()
    # Who has a number and no name, as in a container, may have no home either.
    home = kept = Path()
    with contextlib.suppress(RuntimeError):
        home = Path.home()
    with contextlib.suppress(BadInput):
        kept = chosen_folder()
    known = here.host_names | here.users | {home.name}
    names = {name for name in known if name and name.lower() not in _WORDS}
    if home.name:
        text = re.sub(rf"{re.escape(str(home))}(?![\w-])", "~", text)
    if kept.name and kept.is_absolute():
        # With blanks in it, as on many a stick, its end could not be told.
        text = text.replace(str(kept), "[folder]")
    for address in _written():
        text = _without_host(text, address)
    text = _FOLDERS.sub("[folder]/", _PASSWORD.sub("", text))
    here = replace(here, host_names=frozenset(names), users=frozenset())
    return clean(text, here, keep=_ITSELF)


def _written() -> Iterator[str]:
    """The texts that are set, as far as they can be read, and what is not to be probed."""
    import contextlib  # noqa: PLC0415 - as above
    import tomllib  # noqa: PLC0415

    from probe.disk.private import read_kept  # noqa: PLC0415
    from probe.owner.settings import settings_file  # noqa: PLC0415
    from probe.run.exclusions import exclusions_file  # noqa: PLC0415
    from probe.words.failure import BadInput  # noqa: PLC0415

    unreadable = contextlib.suppress(BadInput, OSError, ValueError, RecursionError)
    with unreadable:
        yield from _texts(tomllib.loads(read_kept(settings_file()).decode("utf-8-sig")))
    with unreadable:
        for line in read_kept(exclusions_file()).decode("utf-8-sig").splitlines():
            yield line.partition("#")[0].strip()


def _texts(said: object) -> Iterator[str]:
    if isinstance(said, str):
        # As a sentence quotes it, where it has what is not printed.
        yield from {said, repr(said)[1:-1]}
    elif isinstance(said, dict | list):
        for inner in said.values() if isinstance(said, dict) else said:
            yield from _texts(inner)


def _without_host(text: str, address: str) -> str:
    """A sentence without the host of an address, or all of an address that was mistyped."""
    from probe.owner.settings import without_password  # noqa: PLC0415
    from probe.redaction.hostname import host_in, told_in  # noqa: PLC0415

    if not address or host_in(address) in _NOBODYS:
        return text
    # It may be said without the password.
    found = {*told_in(address), *told_in(without_password(address))}
    for told in sorted(found, key=len, reverse=True):
        whole = rf"(?<![\w-]){re.escape(told)}(?![\w-])"
        text = re.sub(whole, "[address]", text, flags=re.IGNORECASE)
    return text
