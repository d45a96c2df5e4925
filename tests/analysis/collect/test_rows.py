"""What a collector's database costs in its second year, and that its bytes tell no order."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path

import pytest

from analysis.collect.rows import Held, arrive, leave_no_order, open_rows
from analysis.collect.store import Store
from probe.disk.database import step
from tests.analysis.collect.bundles import NOW, line, sealed, trace
from tests.analysis.collect.test_store import put

KEY = "ab" * 32
FIRST = date(2026, 1, 1)


def some(count: int, lines: int, day: int, seed: int) -> list[tuple[Held, list[bytes]]]:
    """Bundles, and the digests of their lines, that come on a day."""
    drawn = random.Random(seed)
    said = (FIRST + timedelta(days=day)).isoformat()
    return [
        (
            Held(
                drawn.randbytes(32).hex(), "quarantined", None, said, 1, KEY, lines, 0, said, said
            ),
            [drawn.randbytes(16) for _ in range(lines)],
        )
        for _ in range(count)
    ]


def come(db: sqlite3.Connection, bundles: Sequence[tuple[Held, list[bytes]]]) -> None:
    """Have bundles come one after the other; each draws the same number whenever it comes."""
    for bundle, digests in bundles:
        with pytest.MonkeyPatch.context() as patched, step(db):
            patched.setattr("secrets.randbits", random.Random(bundle.sha256).getrandbits)
            arrive(db, bundle, digests)


def written() -> int:
    """Bytes that this process has written so far."""
    text = Path("/proc/self/io").read_text(encoding="ascii")
    return int(text.partition("wchar: ")[2].split()[0])


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="needs /proc to count what it wrote")
def test_a_decision_costs_what_came_lately(tmp_path: Path) -> None:
    """It wrote all anew: half a minute and 800 MB for 100,000 bundles, while senders waited."""
    with Store(tmp_path) as store:
        with closing(open_rows(tmp_path / "collector.db")) as db:
            come(db, some(1, 400_000, day=0, seed=1))
            come(db, some(1, 100, day=1, seed=2))
        store.settle(NOW)
        put(store, sealed([line(trace(1))]))
        before = written()
        (waits, *_) = store.held("quarantined")
        store.decide(waits.sha256, "accepted", None, NOW)
        store.settle(NOW)
        assert (tmp_path / "collector.db").stat().st_size > 12_000_000
        assert written() - before < 1_500_000


@pytest.mark.parametrize(("held", "day"), [(0, 0), (3, 0), (100, 0), (3, 400)])
def test_bytes_do_not_depend_on_the_order_of_arrival(tmp_path: Path, held: int, day: int) -> None:
    """Of two collectors to which the same came on two days, in another order each.

    Nor on what was there when somebody decided at noon, also where the clock was once ahead.
    """
    days = [some(held, 40, day, seed=1), some(30, 40, 1, seed=2), some(20, 40, 2, seed=3)]
    found = []
    for seed in (4, 5):
        drawn = random.Random(seed)
        with closing(open_rows(tmp_path / f"{seed}.db")) as db:
            for sent in days:
                order = drawn.sample(sent, len(sent))
                for half in (order[: len(sent) // 2], order[len(sent) // 2 :]):
                    come(db, half)
                    leave_no_order(db, sent[0][0].day if sent else "")
        found.append(lying(tmp_path / f"{seed}.db", [bundle for sent in days for bundle in sent]))
    assert found[0] == found[1]


def lying(path: Path, bundles: Sequence[tuple[Held, list[bytes]]]) -> set[tuple[bytes, ...]]:
    """The digests and sums of some bundles as they lie in each page of a file."""
    marks = {bundle.sha256[:16].encode() for bundle, _ in bundles}
    marks.update(digest for _, digests in bundles for digest in digests)
    data = path.read_bytes()
    found = [at for at in range(len(data)) if data[at : at + 16] in marks]
    pages = groupby(found, lambda at: at // 4096)
    assert len(found) >= len(marks)
    return {tuple(data[at : at + 16] for at in page) for _, page in pages}
