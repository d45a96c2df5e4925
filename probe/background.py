"""A thread for what cannot be interrupted, so that Ctrl-C ends the program all the same."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

# Seconds until a system that does not interrupt a wait looks for Ctrl-C.
_LOOK = 0.1


class Background(Generic[T]):
    """Work that has begun in a thread of its own. It is abandoned where the program ends first.

    Where the system gives no thread it is done at once.

    >>> Background(lambda: 6 * 7).result()
    42
    """

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._results: list[T] = []
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=self._do, daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # this user may have no more of them (RLIMIT_NPROC)
            self._do()

    def _do(self) -> None:
        try:
            self._results.append(self._work())
        except BaseException as problem:
            self._problem = problem

    def result(self) -> T:
        """What the work returned; waits for it, and raises what it raised."""
        while self._thread.is_alive():
            self._thread.join(_LOOK)
        if self._problem is not None:
            raise self._problem
        return self._results[0]
