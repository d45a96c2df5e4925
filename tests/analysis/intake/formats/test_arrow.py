"""Columns of Arrow keep their values and their order on the way to arrays of NumPy."""

from __future__ import annotations

import pyarrow as pa
import pytest

from analysis.intake.formats.arrow import plain, present


@pytest.mark.parametrize("values", [[1.5, None, -2.0], [True, None, False, False], [None]])
def test_each_value_is_read_where_it_stands(values: list[float | None]) -> None:
    """From whatever place to whatever other, since eight truth values share an octet."""
    whole = pa.array(values * 6, pa.bool_() if True in values else pa.float64())
    for start in range(len(whole)):
        for count in range(len(whole) - start + 1):
            part = whole.slice(start, count)
            told = part.to_pylist()
            there = present(part)
            assert there.tolist() == [value is not None for value in told]
            assert plain(part)[there].tolist() == [value for value in told if value is not None]
