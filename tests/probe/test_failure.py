"""Failures speak one sentence and end with their code."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from probe.failure import (
    BadInput,
    Failure,
    NoConsent,
    NotYetSent,
    Offline,
    PartlyDone,
    PermissionDenied,
    RefusedToRedact,
    cause,
)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (NoConsent, 3),
        (PermissionDenied, 4),
        (Offline, 5),
        (PartlyDone, 6),
        (RefusedToRedact, 7),
        (NotYetSent, 8),
        (BadInput, 9),
    ],
)
def test_each_failure_ends_with_its_code(kind: type[Failure], code: int) -> None:
    """The sentence goes to the standard error, and the code is that of the contract."""

    @click.command()
    def fail() -> None:
        raise kind("it is so")

    done = CliRunner().invoke(fail)
    assert (done.exit_code, done.stderr, done.stdout) == (code, "gatewatch: it is so\n", "")


def test_a_failure_comes_out_of_groups_first() -> None:
    """Of all that went wrong at once, what speaks to the user is told."""
    failure = BadInput("that file")
    group = BaseExceptionGroup("a", [ValueError(), BaseExceptionGroup("b", [failure])])
    assert cause(group) is failure
    assert cause(failure) is failure
