"""One file over HTTP: there whole or not at all, within a time and up to a size.

Where the line breaks off and the server gives parts, the rest alone is asked for. Nothing is kept
for another call: a server could know a machine again by the mark that it gave to what is kept. It
tells a site nothing that would tell one machine from another, and knows nothing of what a file
holds.
"""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from probe.deadline import within
from probe.disk.private import naming
from probe.words.failure import BadInput, Offline, in_words
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedRandom
    from typing import IO

    import httpx2

# Nothing that would tell one machine from another.
_HEADERS = {"User-Agent": "gatewatch", "Accept": "*/*", "Accept-Encoding": "identity"}

# Seconds without a byte after which the other side counts as gone.
TIMEOUT = 30.0
# Seconds in which a file has to be here: 18 kbit/s carry today's in that time.
PATIENCE = 3600.0
# Seconds until the rest is asked for after a break, and how often in a row in vain.
PAUSE = 5.0
FRUITLESS = 6
# Ten times what the files have today, packed; beyond that it is something else.
_LARGEST = 100 << 20

# The status of an answer that is the part asked for, and not the whole.
_PARTIAL = 206


@contextmanager
def set_aside() -> Iterator[BufferedRandom]:
    """A file to fetch into. It has no name: who is killed meanwhile leaves nothing behind.

    Where its disk is full or fails, the error names the folder.
    """
    folder = Path(tempfile.gettempdir())
    with naming(folder), tempfile.TemporaryFile(dir=folder) as file:
        yield file


def fetch(url: str, into: IO[bytes], proxy: str | None) -> datetime | None:
    """Fetch a file over HTTP, through ``proxy`` or else the system's if one is set.

    After a break it goes on where it was, where the server gives parts and says what of. ``into``
    is empty before, and stands at its begin again afterwards. Returns when the server says that
    the file was made, if it says so. Raises `Offline` when it cannot be had whole, `BadInput` when
    it is far too large or, asked for encrypted, would come otherwise, and where the environment
    names a proxy or certificates that cannot be used.
    """
    ends = time.monotonic() + PATIENCE
    try:
        with within(PATIENCE):
            return _fetch(url, into, proxy, ends)
    except TimeoutError as problem:
        raise Offline(
            _("{url} came too slowly ({reason}); fetch it over a faster line").format(
                url=url, reason=in_words(problem)
            )
        ) from problem


def _fetch(url: str, into: IO[bytes], proxy: str | None, ends: float) -> datetime | None:
    import httpx2  # noqa: PLC0415 - slow, and only who fetches needs it

    part = _Part(into)
    fruitless = 0
    try:
        with _client(url, proxy) as client:
            while True:
                before = part.size
                try:
                    return _ask(client, url, part)
                except httpx2.TransportError:
                    fruitless = 0 if part.size > before else fruitless + 1
                    # The end of all patience looks like a break, too: see `within`.
                    if not part.mark or fruitless > FRUITLESS or time.monotonic() >= ends:
                        raise
                    time.sleep(PAUSE)
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError) as problem:
        raise Offline(
            _("{url} cannot be reached ({reason}); check the connection").format(
                url=url, reason=in_words(problem)
            )
        ) from problem
    except (httpx2.HTTPError, httpx2.InvalidURL) as problem:
        raise _broken(url, in_words(problem)) from problem


@dataclass
class _Part:
    """What has come of a file.

    ``mark`` is by what the server knows whether it still has the same one; empty where it gives no
    parts, or cannot tell.
    """

    into: IO[bytes]
    size: int = 0
    mark: str = ""

    def headers(self) -> dict[str, str]:
        """What asks for the rest, and for the whole where that is of another file by now."""
        return {"Range": f"bytes={self.size}-", "If-Range": self.mark} if self.mark else {}

    def begin(self, answer: httpx2.Response, url: str) -> None:
        """Stand where the bytes of this answer belong. Raises `Offline` where that is nowhere."""
        if answer.status_code == _PARTIAL:
            if not answer.headers.get("Content-Range", "").startswith(f"bytes {self.size}-"):
                raise _broken(url, _("what came is not the part that was asked for"))
            return
        if self.size:
            # Once: where each part is said to be of another file, each break would cost the whole.
            self.into.seek(0)
            self.into.truncate()
            self.size, self.mark = 0, ""
            return
        tag = answer.headers.get("ETag", "")
        # One that is weak stands for files that mean the same, byte for byte or not.
        known_by = tag if tag.startswith('"') else answer.headers.get("Last-Modified", "")
        self.mark = known_by if answer.headers.get("Accept-Ranges") == "bytes" else ""


def _ask(client: httpx2.Client, url: str, part: _Part) -> datetime | None:
    with client.stream("GET", url, headers=part.headers()) as answer:
        if not answer.is_success:
            raise Offline(
                _("{url} is not to be had now (HTTP status {code}); try again later").format(
                    url=url, code=answer.status_code
                )
            )
        part.begin(answer, url)
        return _kept(answer, url, part)


def _client(url: str, proxy: str | None) -> httpx2.Client:
    import ssl  # noqa: PLC0415 - slow, and only who fetches needs it

    import httpx2  # noqa: PLC0415

    try:
        return httpx2.Client(
            headers=_HEADERS,
            proxy=proxy,
            trust_env=proxy is None,
            timeout=TIMEOUT,
            follow_redirects=True,
            event_hooks={"request": [partial(_demand_encrypted, url)]},
        )
    except ValueError:  # says the whole address, maybe with a password
        raise BadInput(
            _(
                "HTTP_PROXY, HTTPS_PROXY or ALL_PROXY in the environment names a proxy of a kind "
                "that is not known here; set it to http://… or socks5h://…, or unset it"
            )
        ) from None
    except (FileNotFoundError, PermissionError, ssl.SSLError) as problem:
        if "SSL_CERT_FILE" not in os.environ:
            raise
        raise BadInput(
            _(
                "the certificates that SSL_CERT_FILE names cannot be read ({reason}); unset it, or "
                "set it to a file of certificates in PEM"
            ).format(reason=in_words(problem))
        ) from None


def _demand_encrypted(url: str, request: httpx2.Request) -> None:
    """Refuse to be led from an encrypted address to one that is not.

    Another host is no matter: who leads there is who was asked.
    """
    if url.startswith("https:") and request.url.scheme != "https":
        raise BadInput(
            _(
                "{url} leads to {site}, which is not encrypted, so that anybody on the way could "
                "change what comes; what is in use stays, try again later"
            ).format(url=url, site=f"{request.url.scheme}://{request.url.host}")
        )


def _kept(answer: httpx2.Response, url: str, part: _Part) -> datetime | None:
    for chunk in answer.iter_raw():
        part.size += len(chunk)
        if part.size > _LARGEST:
            raise BadInput(
                _("{url} is over {most} MiB, which is no such table").format(
                    url=url, most=_LARGEST >> 20
                )
            )
        part.into.write(chunk)
    part.into.seek(0)
    return _parsed_date(answer.headers.get("Last-Modified"))


def _broken(url: str, reason: str) -> Offline:
    return Offline(_("{url} broke off ({reason}); try again").format(url=url, reason=reason))


def _parsed_date(header: str | None) -> datetime | None:
    """The date that a server gives a file; None where it gives none that a table can have."""
    try:
        made = parsedate_to_datetime(header).astimezone(UTC) if header else None
    except (ValueError, OverflowError):
        return None
    return made if made is not None and made.timestamp() > 0 else None
