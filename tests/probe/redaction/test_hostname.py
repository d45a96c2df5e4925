"""Which host is read out of what was pasted, and where nothing is said to be one."""

from __future__ import annotations

import pytest

from probe.redaction.hostname import host_in


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
