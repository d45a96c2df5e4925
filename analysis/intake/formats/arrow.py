"""Columns of Arrow as arrays of NumPy.

Arrow's own way there imports pandas, which takes longer than all else that a process imports to
read Parquet, and 30 MiB. It knows no format.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def present(values: pa.Array) -> npt.NDArray[np.bool_]:
    """Which values are not null.

    >>> present(pa.array([1, None, 3])[1:])
    array([False,  True])
    """
    if not values.null_count:
        return np.ones(len(values), np.bool_)
    return _bits(values, values.buffers()[0])


def holds_numbers(values: pa.Array) -> bool:
    """Whether they are of a type that NumPy has as numbers, too.

    >>> holds_numbers(pa.array([1])), holds_numbers(pa.array(["1"]))
    (True, False)
    """
    return bool(pa.types.is_integer(values.type) or pa.types.is_floating(values.type))


def plain(values: pa.Array) -> npt.NDArray[Any]:
    """Numbers or truth values; where they are null stands anything.

    Raises TypeError where they are neither.

    >>> plain(pa.array([1.5, 2.5, 3.5])[1:]), plain(pa.array([True, False]))
    (array([2.5, 3.5]), array([ True, False]))
    """
    if pa.types.is_boolean(values.type):
        return _bits(values, values.buffers()[1])
    if not holds_numbers(values):
        raise TypeError(f"{values.type} is not of numbers")
    _, held = values.buffers()
    kind = np.dtype(values.type.to_pandas_dtype())
    return np.frombuffer(held, kind, len(values), values.offset * kind.itemsize)


def _bits(values: pa.Array, held: pa.Buffer) -> npt.NDArray[np.bool_]:
    end = values.offset + len(values)
    octets = np.frombuffer(held, np.uint8, (end + 7) // 8)
    return np.unpackbits(octets, count=end, bitorder="little")[values.offset :].astype(np.bool_)
