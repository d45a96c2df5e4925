"""What a vantage point remembers from run to run: its pseudonyms, and the flow it used last.

A pseudonym is random and stands for this machine in one access network; in another network it is
another, so that moving does not link two places. The flow goes round so that, over the days, a
vantage point sees the different paths that load balancers offer. This module knows nothing of
what is measured.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from probe.disk.private import make_folder, naming, open_private, read_kept, replace_file
from probe.words.failure import BadInput
from probe.words.language import _

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from probe.record import Trace

# Flows 1 to 16, as RIPE Atlas numbers them; 0 there means "not Paris".
PARIS_VARIATIONS = 16


class Identity:
    """The memory in one data folder. Safe for several processes at once."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "vantage.state"

    def pseudonym(self, asn: int) -> str:
        """The vantage point's name in this access network, made up the first time."""
        with self._remembered() as state:
            known = state.setdefault("vantages", {})
            return str(known.setdefault(str(asn), secrets.token_hex(8)))

    def flow(self) -> int:
        """The flow this run should use, 1 to 16. Writes nothing; see `used`."""
        return int(self._read().get("flow", 0)) % PARIS_VARIATIONS + 1

    def last_flow(self) -> int | None:
        """The flow of the last run; None where it kept nothing, or there was none."""
        state = self._read()
        return None if state.get("kept_nothing") or "flow" not in state else int(state["flow"])

    def begun(self) -> None:
        """A run begins, of which nothing is kept yet. Writes nothing before the first `used`."""
        if "flow" in self._read():
            with self._remembered() as state:
                state["kept_nothing"] = True

    def used(self, flow: int) -> None:
        """Remember the flow that was used, so that the next run takes the next."""
        with self._remembered() as state:
            state["flow"] = flow
            state.pop("kept_nothing", None)

    def restore(self, kept: Iterable[Trace]) -> None:
        """Where the file is damaged, remember what the traces that are kept, oldest first, tell.

        With new pseudonyms one vantage point would look like two. A network of which nothing is
        kept gets a new one.
        """
        with self._locked():
            try:
                self._read()
            except BadInput:
                flow, vantages = 0, dict[str, str]()
                for trace in kept:
                    flow = trace.paris_id or flow
                    if trace.vantage is not None and trace.vantage.asn is not None:
                        vantages[str(trace.vantage.asn)] = trace.vantage.id
                self._write({"flow": flow, "vantages": vantages})

    @contextmanager
    def _remembered(self) -> Iterator[dict[str, Any]]:
        with self._locked():
            state = self._read()
            yield state
            self._write(state)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        make_folder(self.path.parent)
        lock = open_private(self.path.with_suffix(".lock"))
        try:
            with naming(self.path):
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _write(self, state: dict[str, Any]) -> None:
        replace_file(self.path, json.dumps(state))

    def _read(self) -> dict[str, Any]:
        try:
            state = json.loads(read_kept(self.path))
        except FileNotFoundError:
            return {}
        except (ValueError, RecursionError):
            state = None
        if (
            not isinstance(state, dict)
            or not isinstance(state.get("vantages", {}), dict)
            or not isinstance(state.get("flow", 0), int)
        ):
            raise BadInput(
                _(
                    "{path} is damaged; the next run takes the pseudonyms of this machine from the "
                    "traces that are kept"
                ).format(path=self.path)
            )
        return state
