"""Failures speak one sentence; see `test_cli` for how a command ends with one."""

from __future__ import annotations

from probe.words.failure import BadInput, cause


def test_a_failure_comes_out_of_groups_first() -> None:
    """Of all that went wrong at once, what speaks to the user is told."""
    failure = BadInput("that file")
    group = BaseExceptionGroup("a", [ValueError(), BaseExceptionGroup("b", [failure])])
    assert cause(group) is failure
    assert cause(failure) is failure
