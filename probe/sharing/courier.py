"""The way to a collector and back: HTTPS requests, straight, through a proxy, or through Tor.

It tells nobody more than it must: no version, no cookie, nothing from the environment, and behind
``socks5h`` not even the collector's name to the resolver. It knows nothing of what is sent, of what
is in a receipt, or of trying again.
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from probe.deadline import within
from probe.disk.mishap import SHORTAGE
from probe.owner.settings import is_onion, without_password
from probe.sharing.receipt import LARGEST
from probe.words.failure import BadInput, in_words
from probe.words.language import _
from probe.words.sentence import Sentence

if TYPE_CHECKING:
    from pathlib import Path

    from probe.owner.settings import Settings

# Seconds without a byte after which the other side counts as gone; Tor takes its time.
TIMEOUT = 60.0

# Bytes a second that the slowest line carries (8 kbit/s): what the system has taken may still be on
# its way for so long when the answer is already waited for.
SLOWEST = 1000.0

# Seconds in which a request has to be answered as a whole: twice what a collector waits for a
# bundle, and a command that never ends is one that no timer starts again.
PATIENCE = 600.0

# The answers that say "later".
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})

# The longest that a collector may ask us to wait, in seconds.
_LONGEST = 86400.0

_RECEIPTS = frozenset({200, 202, 422})

# Nothing in a request that would tell one volunteer from another.
_HEADERS = {"User-Agent": "gatewatch", "Accept": "application/json", "Accept-Encoding": "identity"}


class Unsent(Exception):
    """Something kept it from being sent; ``sentence`` says what."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class Unavailable(Unsent):
    """The collector cannot be reached now. ``wait`` is how many seconds it asked for, if it did."""

    def __init__(self, sentence: Sentence, wait: float | None = None) -> None:
        super().__init__(sentence)
        self.wait = wait


class NotTaken(Unsent):
    """What answered does not take this bundle, and did not say so as a collector does."""


class Courier:
    """Speaks to the collector of the settings; ``folder`` is where relative file names begin.

    A context manager. Raises `BadInput` for settings that do not fit together.
    """

    def __init__(self, settings: Settings, folder: Path) -> None:
        assert settings.collector is not None
        import httpx2  # noqa: PLC0415 - only who sends waits for it

        self._address = settings.collector
        self._host = urlsplit(self._address).hostname or ""
        self._proxy = settings.proxy
        if is_onion(self._host) and not (self._proxy or "").startswith("socks5h:"):
            raise BadInput(
                _(
                    "{host} can be reached through Tor only; start Tor and set "
                    'proxy = "socks5h://127.0.0.1:9050" in {file}'
                ).format(host=self._host, file=folder / "settings.toml")
            )
        self._client = httpx2.Client(
            verify=_trust(settings.collector_certificate, folder),
            proxy=self._proxy,
            trust_env=False,
            timeout=TIMEOUT,
        )
        self._client.headers.clear()
        self._client.headers.update(_HEADERS)

    def close(self) -> None:
        """Hang up. Safe to call twice."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def key(self) -> bytes:
        """What the collector says of its key. Raises `Unavailable`, or `NotTaken` where none is."""
        status, body = self._ask("GET", "/v1/key")
        if status != 200:
            raise NotTaken(self._strange(status))
        return body

    def receipt(self, sha256: str) -> bytes | None:
        """The receipt for a bundle; None where the collector does not hold it.

        Raises `Unavailable`, or `NotTaken` where what answers is no collector.
        """
        status, body = self._ask("GET", f"/v1/bundles/{sha256}")
        if status == 404:
            return None
        if status not in _RECEIPTS:
            raise NotTaken(self._strange(status))
        return body

    def send(self, sha256: str, data: bytes) -> bytes:
        """Send a bundle; what was answered, which should be its receipt.

        Raises `Unavailable`, or `NotTaken` where the bundle is turned away without a receipt.
        """
        status, body = self._ask("PUT", f"/v1/bundles/{sha256}", data)
        if status not in _RECEIPTS:
            raise NotTaken(self._strange(status))
        return body

    def _ask(self, method: str, path: str, content: bytes | None = None) -> tuple[int, bytes]:
        import httpx2  # noqa: PLC0415

        url = self._address + path
        # What sits in between could know a volunteer again by one.
        self._client.cookies.clear()
        try:
            with (
                within(PATIENCE),
                self._client.stream(
                    method,
                    url,
                    content=content,
                    timeout=httpx2.Timeout(TIMEOUT, read=silence(len(content or b""))),
                ) as answer,
            ):
                if answer.status_code == 407:
                    raise Unavailable(
                        Sentence("the proxy wants a name and a password; set them in proxy")
                    )
                if answer.status_code in _LATER:
                    wait = _seconds(answer.headers.get("Retry-After"))
                    raise Unavailable(
                        Sentence(
                            "{host} is busy (status {status})",
                            {"host": self._host, "status": answer.status_code},
                        ),
                        wait,
                    )
                body = b""
                for piece in answer.iter_raw():
                    body += piece
                    if len(body) > LARGEST:
                        break
                return answer.status_code, body[:LARGEST]
        except (httpx2.TransportError, TimeoutError) as problem:
            raise Unavailable(self._why(problem)) from problem
        except httpx2.InvalidURL as problem:
            raise BadInput(
                _("{address} is no address of a collector ({problem})").format(
                    address=without_password(self._address), problem=problem
                )
            ) from None

    def _why(self, problem: Exception) -> Sentence:
        """What a broken connection amounts to, for a person."""
        import httpx2  # noqa: PLC0415

        text = in_words(problem)
        if "CERTIFICATE" in text.upper() or "HOSTNAME" in text.upper():
            return Sentence(
                "{host} shows a certificate that cannot be trusted ({problem}); somebody may sit "
                "in between, or collector_certificate has to be set",
                {"host": self._host, "problem": text},
            )
        if self._proxy is not None and isinstance(
            problem, httpx2.ProxyError | httpx2.ConnectError | httpx2.ConnectTimeout
        ):
            return Sentence(
                "{host} cannot be reached through {proxy} ({problem})",
                {"host": self._host, "proxy": without_password(self._proxy), "problem": text},
            )
        if "SSL" in text:
            return Sentence(
                "{host} does not answer over TLS as it should ({problem}); if the Wi-Fi wants a "
                "login, sign in with a browser; otherwise somebody may sit in between",
                {"host": self._host, "problem": text},
            )
        return Sentence(
            "{host} cannot be reached ({problem})", {"host": self._host, "problem": text}
        )

    def _strange(self, status: int) -> Sentence:
        address = without_password(self._address)
        if 300 <= status < 400:
            return Sentence(
                "{address} has moved; ask for the new address and set collector",
                {"address": address},
            )
        return Sentence(
            "{address} does not answer as a collector does (status {status})",
            {"address": address, "status": status},
        )


def silence(size: int) -> float:
    """Seconds to wait for the answer to a request that carries so many bytes.

    The system, a proxy or Tor takes them all at once, however slowly they then leave.

    >>> silence(0), silence(100_000)
    (60.0, 160.0)
    """
    return TIMEOUT + size / SLOWEST


def _trust(certificate: str | None, folder: Path) -> ssl.SSLContext | bool:
    """Whose certificates are believed: the one that was set, or the public authorities'."""
    if certificate is None:
        return True
    path = folder / certificate
    # Python's default context writes the secrets of each session where SSLKEYLOGFILE says.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(path)
    except OSError as problem:
        if problem.errno in SHORTAGE and not isinstance(problem, ssl.SSLError):
            raise
        raise BadInput(
            _("{path} is no certificate in PEM; set collector_certificate to one").format(path=path)
        ) from None
    return context


def _seconds(said: str | None) -> float | None:
    """What ``Retry-After`` asks for: seconds, or a date (RFC 9110, 10.2.3); None for neither.

    >>> _seconds("120"), _seconds("soon"), _seconds("-5"), _seconds("9" * 400)
    (120.0, None, 0.0, 86400.0)
    """
    if said is None:
        return None
    try:
        wait = float(said)
    except ValueError:
        try:
            date = parsedate_to_datetime(said)
            wait = (date.astimezone(UTC) - datetime.now(UTC)).total_seconds()
        except (ValueError, OverflowError):
            return None
    return min(max(0.0, wait), _LONGEST) if wait == wait else None  # noqa: PLR0124 - not a number
