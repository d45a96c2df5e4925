"""What a verdict says was typed: enough to redo it, and nothing of whose machine it was."""

from __future__ import annotations

import pytest

from analysis.commands.redo import command_line


@pytest.mark.parametrize(
    "engine", [["--engine", "dask://scheduler.sokha.example:8786"], ["--engine=dask://10.1.2.3:1"]]
)
def test_the_name_of_a_cluster_is_not_published(
    engine: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It changes no digit, and who redoes the verdict has another one or none."""
    typed = ["gatewatch", "analyze", "traces", *engine, "--country", "KH"]
    monkeypatch.setattr("sys.argv", typed)
    assert command_line() == "gatewatch analyze traces --country KH"


def test_of_paths_from_the_root_only_the_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of those that an option is given."""
    typed = ["gatewatch", "analyze", "/srv/sok/may.jsonl", "--origin=../sok/a b.mmdb", "-"]
    monkeypatch.setattr("sys.argv", typed)
    assert command_line() == "gatewatch analyze may.jsonl '--origin=a b.mmdb' -"
