"""Which host a text speaks of that is more than the name of one.

People copy addresses from a browser, with scheme, port and path. A trace goes to a host, so that
they are told which part is meant; nothing is cut off in silence. And whom one sends to is not said
where others read along. This module asks no resolver.
"""

from __future__ import annotations

import re
from ipaddress import ip_network

# An address in which nothing but its host tells whose it is.
_NO_MORE = re.compile(r"(\w+://)?([^/?#]*@)?[^/?#@]*/?")

# What stands in no host name; an IPv6 address is told apart before.
_MORE = frozenset("/:@?#")


def is_more(text: str) -> bool:
    """Whether a text that is no address cannot be a host name either.

    >>> is_more("https://example.org/x"), is_more("example.org")
    (True, False)
    """
    return not _MORE.isdisjoint(text)


def is_number(text: str) -> bool:
    """Whether a text of digits and dots is meant as an IPv4 address, be it one or not.

    >>> is_number("192.168.1.300"), is_number("1.example.org")
    (True, False)
    """
    return text.replace(".", "").isdigit()


def host_in(text: str) -> str | None:
    """The host in a URL, or in a name with a port, path or user; None where it shows no one host.

    >>> host_in("https://example.org/x"), host_in("example.org:443")
    ('example.org', 'example.org')
    >>> host_in("192.0.2.0/24"), host_in("2001:db8:::1")
    (None, None)
    """
    if _is_network(text):
        return None
    from urllib.parse import urlsplit  # noqa: PLC0415 - hardly ever needed

    scheme, mark, rest = text.partition("://")
    try:
        parts = urlsplit(f"//{rest}" if mark and scheme.isalnum() else f"//{text}")
        _ = parts.port  # what is no number there shows that this was no host
    except ValueError:
        return None
    host = parts.hostname or ""
    # A number with dots that is no address has no meaning, and "https:/example.org" is a slip.
    if parts.netloc.endswith(":") or (is_number(host) and not _is_network(host)):
        return None
    return host or None


def told_in(text: str) -> list[str]:
    """What of an address must not be repeated lest it tell whose it is, the longest first.

    The host in it; all of it where it shows no one host, as one that was mistyped, or more.

    >>> told_in("https://a.example:8443"), told_in("https:/a.example"), told_in("a.example/sokha")
    (['a.example'], ['https:/a.example'], ['a.example/sokha', 'a.example'])
    """
    host = host_in(text)
    if host is None:
        return [text]
    return [host] if _NO_MORE.fullmatch(text) else [text, host]


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True
