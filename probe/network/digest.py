"""The keyed hash of tags, without the rest of `hashlib`.

Importing that loads OpenSSL, which costs 2 ms and 3.5 MiB of each start on the machine of
docs/performance.md. BLAKE2 is CPython's own; where a build has left it out, `hashlib` has another.
The standard library's `random` takes its hash in the same way.
"""

from __future__ import annotations

try:
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b

__all__ = ["blake2b"]
