"""In which language the program speaks."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from probe.words import language


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)


def test_the_environment_names_the_language_as_it_does_for_gettext(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """LANGUAGE comes before LC_ALL, that before LANG; encodings do not matter, C is no language."""
    assert language.wanted() == []
    monkeypatch.setenv("LANG", "km_KH.UTF-8")
    assert language.wanted() == ["km_KH"]
    monkeypatch.setenv("LC_ALL", "C")
    assert language.wanted() == []
    monkeypatch.setenv("LANGUAGE", "km:en")
    assert language.wanted() == ["km", "en"]


def test_what_nobody_has_translated_is_said_in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    """A language without a catalogue, and none at all, give the sentence as it stands."""
    for wanted in ("", "tlh", "en_GB.UTF-8"):
        monkeypatch.setenv("LANG", wanted)
        assert language._("nothing was sent") == "nothing was sent"
        assert language.ngettext("one hop", "{n} hops", 1) == "one hop"
        assert language.ngettext("one hop", "{n} hops", 2) == "{n} hops"


def test_what_scripts_read_is_said_in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within such output the language wanted does not count; after it, it does again."""
    monkeypatch.setenv("LANG", "km_KH.UTF-8")
    with language.for_scripts():
        assert language._("nothing was sent") == "nothing was sent"
    assert language._("nothing was sent") != "nothing was sent"
    assert language.mark("nothing was sent") == "nothing was sent"


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp1252"])
def test_where_its_letters_cannot_be_written_it_speaks_english(encoding: str) -> None:
    """An output of Latin-1 showed Khmer as question marks, and faults as escapes."""
    said = [
        subprocess.run(
            [sys.executable, "-m", "probe", *words],
            capture_output=True,
            check=False,
            env={**os.environ, "LANGUAGE": language, "PYTHONIOENCODING": encoding},
        )
        for language in ("km", "en")
        for words in (
            ["--help"],
            ["schedule", "install", "--nothing"],
            ["purge", "--accepted", "x"],
        )
    ]
    khmer, english = [(done.stdout, done.stderr) for done in said[:3]], said[3:]
    assert khmer == [(done.stdout, done.stderr) for done in english]
    assert b"Find out whether" in khmer[0][0]
