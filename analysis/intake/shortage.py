"""Whether a system error is the fault of the file that is read, or a shortage of the machine.

A damaged file is blamed and left out. A shortage, such as of memory, is no file's fault: then the
rest of the data must not be judged alone. What mends it is said where the command ends.
"""

from __future__ import annotations

from probe.disk.mishap import is_short


def unless_short(problem: Exception, blame: Exception) -> Exception:
    """The error to raise: ``blame``, which names the file, or the problem where none is to blame.

    >>> unless_short(FileNotFoundError(2, "No such file"), ValueError("a.json: cannot be read"))
    ValueError('a.json: cannot be read')
    >>> unless_short(OSError(24, "Too many open files"), ValueError("a.json: cannot be read"))
    OSError(24, 'Too many open files')
    """
    if isinstance(problem, OSError) and is_short(problem):
        return problem
    return blame
