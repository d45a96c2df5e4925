"""What holds for all tests, whatever started them."""

from __future__ import annotations

import os
import signal

from hypothesis import HealthCheck, settings

# The same examples each time, however slow the machine is just now.
settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("repeatable")


def pytest_configure() -> None:
    """Hear Ctrl-C and a lost terminal, also where nohup or a shell's ``&`` had them ignored.

    Tests send these signals to themselves and to programs that they start, which inherit what is
    ignored, and would wait for ever.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors, since tests of real kernels mostly wait.

    Memory sets an end: a worker holds a few hundred megabytes.
    """
    return min((os.cpu_count() or 1) + 1, 8)
