"""Which host is read out of what was pasted, and where nothing is said to be one."""

from __future__ import annotations

import pytest

from probe.redaction.hostname import host_in, told_in


@pytest.mark.parametrize(
    ("pasted", "host"),
    [
        ("HTTPS://Example.org/x", "example.org"),
        ("user@example.org:22", "example.org"),
        ("mailto:user@example.org", "example.org"),
        ("https://example.org/?next=http://example.net", "example.org"),
        ("example.org/x?next=http://example.net", "example.org"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("192.0.2.1/index.html", "192.0.2.1"),
        # A slash or a digit was mistyped; what stands before it is no host.
        ("https:/example.org", None),
        ("https:///example.org", None),
        ("192.0.2.300/24", None),
        ("https://192.0.2.300/", None),
        ("2001:80", None),
        ("http://[::1", None),
        ("http://example.org:99999", None),
    ],
)
def test_only_what_may_be_a_host_is_said_to_be_one(pasted: str, host: str | None) -> None:
    """Whoever types what was advised must not be told next that this is no host either."""
    assert host_in(pasted) == host


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("https://a.example:8443/", ["a.example"]),
        ("socks5h://me@a.example:9050", ["a.example"]),
        ("a.example", ["a.example"]),
        ("https://a.example/sokha", ["https://a.example/sokha", "a.example"]),
        ("https://x/?u=a.example", ["https://x/?u=a.example", "x"]),
        ("https:/a.example", ["https:/a.example"]),
        ("https//a.example", ["https//a.example", "https"]),
        ("https://a.example:84a3", ["https://a.example:84a3"]),
        ("https://[a.example", ["https://[a.example"]),
    ],
)
def test_what_tells_whose_an_address_is(address: str, told: list[str]) -> None:
    """The host where it can be read for sure, and all of it where it cannot, or tells more."""
    assert told_in(address) == told
