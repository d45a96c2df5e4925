"""What is taken out of a sentence before anybody reads it."""

from __future__ import annotations

import getpass

import pytest

from probe.pasting import harmless


@pytest.mark.parametrize("missing", [KeyError, OSError])
def test_a_user_without_a_name_is_told_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, missing: type[Exception]
) -> None:
    """As in a container that runs with a number: there is no name to be taken out of anything."""

    def nameless() -> str:
        raise missing("uid not found: 54321")

    monkeypatch.setattr(getpass, "getuser", nameless)
    assert harmless("/srv/data/settings.toml:1: there is no setting 'a'") == (
        "[folder]/settings.toml:1: there is no setting 'a'"
    )
