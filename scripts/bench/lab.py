"""Networks as scenes in which tracers run: commands at the vantage point, packets counted.

It knows no tool and no topology.
"""

from __future__ import annotations

import itertools
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from probe.owner.consent import Permission, change
from scripts.bench.comparison import Missing
from scripts.bench.scene import Scene

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from scripts.bench.comparison import Side
    from scripts.bench.networks import Network


def scene(name: str, **options: object) -> Callable[[Path], AbstractContextManager[Scene]]:
    """How to make the scene of a network of `scripts.bench.networks`, by name and options.

    ``{host}`` is its first target, ``{targets}`` a file with all of them.
    """
    return partial(_scene, name, options)


@contextmanager
def _scene(name: str, options: dict[str, object], _: Path) -> Iterator[Scene]:
    """Raises `Missing` without root or tools."""
    try:
        from scripts.bench import networks  # noqa: PLC0415 - needs pytest
        from tests.lab.namespaces import missing_for_lab  # noqa: PLC0415 - needs pytest
    except ImportError as problem:
        raise Missing(f"the lab of the tests cannot be loaded ({problem})") from None
    reason = missing_for_lab()
    if reason is not None:
        raise Missing(reason)
    build: Callable[..., AbstractContextManager[Network]] = getattr(networks, name)
    with build(**options) as network:
        yield _inside(network)


def _inside(network: Network) -> Scene:
    """A scene whose commands run at the vantage point of a network."""
    listed = network.fabric.file("targets", "\n".join(network.targets) + "\n")
    numbers = itertools.count()

    def start(command: Sequence[str], side: Side, home: Path) -> subprocess.Popen[str]:
        change(home, dict.fromkeys(Permission, True), datetime.now(UTC).date())
        return network.vantage.start(command, user=side.user, env={"GATEWATCH_HOME": str(home)})

    return Scene(
        words={"python": sys.executable, "host": network.targets[0], "targets": str(listed)},
        start=start,
        fresh=lambda side: network.fabric.home(f"run{next(numbers)}", side.user),
        packets=network.packets,
        truth=network.truth,
    )
