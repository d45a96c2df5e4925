"""What is taken out of a sentence before anybody reads it."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest

from probe.redaction.premises import Premises
from probe.scrubbing import harmless


def test_who_ran_the_program_is_not_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither by the home, nor by what the user is called, before sudo and after it."""
    home = tmp_path / "sokha"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("SUDO_USER", "dara")
    monkeypatch.setattr(getpass, "getuser", lambda: "bopha")
    assert harmless(f"{home}/.config/settings.toml: dara and bopha may not, sokha may") == (
        "~/.config/settings.toml: [host] and [host] may not, [host] may"
    )


def test_a_folder_with_an_apostrophe_is_not_told() -> None:
    """Python then puts double quotes around the path, as it stands in the system's errors."""
    said = str(OSError(5, "Input/output error", "/media/Dara's STICK/of Bopha/settings.toml"))
    assert harmless(said) == '[Errno 5] Input/output error: "[folder]/settings.toml"'


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


def test_a_user_without_a_home_is_told_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has no name has none where nothing else says, either."""

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    assert harmless("/srv/data/settings.toml cannot be read") == (
        "[folder]/settings.toml cannot be read"
    )


def test_a_data_folder_that_is_away_withholds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its link leads nowhere, and what is said of that can be said."""
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "stick")
    monkeypatch.setenv("GATEWATCH_HOME", str(link))
    assert harmless(f"{link} leads to {tmp_path}/stick") == "[folder] leads to [folder]/stick"


@pytest.mark.parametrize("chosen", [".", "/", "data"])
def test_a_folder_that_is_no_whole_path_leaves_sentences_as_they_are(
    monkeypatch: pytest.MonkeyPatch, chosen: str
) -> None:
    """Its name is part of many words."""
    monkeypatch.setenv("GATEWATCH_HOME", chosen)
    assert harmless("the data of 1.2 km/s end here.") == "the data of 1.2 km/s end here."


@pytest.mark.parametrize("name", ["gatewatch", "home", "user", "data"])
def test_a_name_that_is_a_word_of_the_program_takes_nothing_out_of_a_remedy(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The system's timer has a user `gatewatch`, some systems one called `user`: that tells nobody.

    Its home is taken out all the same.
    """
    monkeypatch.setenv("HOME", f"/srv/{name}")
    monkeypatch.setattr(getpass, "getuser", lambda: name)
    advice = "this user has no home folder; set GATEWATCH_HOME, and see: gatewatch data status"
    assert harmless(advice) == advice
    assert harmless(f"/srv/{name}/settings.toml is damaged") == "~/settings.toml is damaged"


def test_a_computer_called_gatewatch_does_not_take_the_program_out_of_a_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its whole name goes."""
    here = Premises(frozenset(), host_names=frozenset({"gatewatch", "gatewatch.sokha.example"}))
    monkeypatch.setattr("probe.vantage.locate.read_premises", lambda: here)
    assert harmless("on gatewatch.sokha.example: gatewatch consent grant") == (
        "on [host]: gatewatch consent grant"
    )
