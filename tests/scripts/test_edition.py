"""Which commits made a verdict, by the hash of their code."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from analysis.scale import edition
from scripts.edition import commits_of


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Three commits: the second changes no module, the third one."""

    def git(*arguments: str) -> None:
        named = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        subprocess.run(["git", *named, *arguments], cwd=tmp_path, check=True, capture_output=True)

    def commit(**files: str) -> None:
        for name, source in files.items():
            path = tmp_path / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source, "utf-8")
        git("add", "-A")
        git("commit", "-qm", "change", "--allow-empty")

    git("init", "-q")
    commit(analysis__a="x = 1\n", analysis__a__b="", analysis__a_c="é\n", probe__d="")
    (tmp_path / "README.md").write_text("words", "utf-8")
    commit()
    commit(probe__d="y = 2\n")
    return tmp_path


def test_a_verdict_names_the_commits_that_hold_its_code(repository: Path) -> None:
    """By the hash that a checkout of them says, the newest first."""
    log = ["git", "log", "--format=%H"]
    done = subprocess.run(log, cwd=repository, check=True, capture_output=True, text=True)
    third, second, first = done.stdout.split()
    packages = repository / "analysis", repository / "probe"
    assert list(commits_of(edition._hash_of(*packages), repository)) == [third]
    subprocess.run(["git", "checkout", "-q", first], cwd=repository, check=True)
    code = edition._hash_of(*packages)
    subprocess.run(["git", "checkout", "-q", third], cwd=repository, check=True)
    assert list(commits_of(code, repository)) == [second, first]
    assert list(commits_of("0123456789ab", repository)) == []
