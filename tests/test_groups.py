"""Tests that must not run beside each other are kept in one process."""

from __future__ import annotations

import os

import pytest


@pytest.mark.xdist_group("groups")
def test_what_is_marked_as_a_group_is_scheduled_as_one(request: pytest.FixtureRequest) -> None:
    """pytest-xdist writes the group into the test's name, which not every pytest lets it do."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        pytest.skip("needs tests spread over processes: -n auto")
    assert request.node.nodeid.endswith("@groups")
