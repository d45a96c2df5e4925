"""Has Python look for garbage seldom, since our commands make little of it.

Nearly all that a command makes, imports first, lives until its end: looking for cycles after every
700 new objects costs a twentieth of a start and of a run, and looking through all of it once more
at the end as much as a trace's worth of packets. This module knows nothing of any command.
"""

from __future__ import annotations

import atexit
import gc


def look_seldom() -> None:
    """Look after every 10,000 new objects, and not at all at the end of this process."""
    gc.set_threshold(10_000, 20, 50)
    atexit.register(gc.freeze)
