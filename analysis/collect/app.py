"""What a collector says over HTTP: takes a bundle in, tells what became of it, shows its key.

``PUT /v1/bundles/{sha256}`` may be repeated without harm, ``GET`` of the same address gives the
receipt, ``GET /v1/key`` the key that receipts are signed with. The size is looked at before a
byte is read, what is read goes to the disk and not into memory, and one bundle is checked at a
time. Where nothing can be kept, senders are told to come back, and whoever keeps the collector is
told why. No address of anybody is looked at, logged or kept.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import re
import sqlite3
from collections.abc import Callable
from datetime import datetime
from typing import IO

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from analysis.collect.look import ROOM
from analysis.collect.store import MEND_CLOCK, ClockBehind, Store, public_key
from probe.sharing.bundle import LARGEST_FILE
from probe.sharing.receipt import Receipt
from probe.words.failure import in_words

SCHEMA = "gatewatch.collector/1"

# Seconds in which a bundle has to be here; a slow line carries one of 200 kB in half of it.
PATIENCE = 300.0

# Seconds after which a disk may have room again, or be mended.
LATER = 3600

_NAME = re.compile("[0-9a-f]{64}")
_STATUS = {"quarantined": 202, "accepted": 200, "refused": 422}


class _No(Exception):
    """Not taken, whatever is in it: nothing is signed, since nothing was looked at."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def application(
    store: Store, clock: Callable[[], datetime], tell: Callable[[str], None]
) -> Starlette:
    """The collector that keeps its bundles in a store.

    ``tell`` gets a sentence for whoever keeps it once nothing can be kept any more, and again when
    that comes back after a bundle was kept.
    """
    collector = _Collector(store, clock, tell)
    return Starlette(
        routes=[
            Route("/v1/bundles/{sha256}", collector.put, methods=["PUT"]),
            Route("/v1/bundles/{sha256}", collector.get, methods=["GET"]),
            Route("/v1/key", collector.tell_key, methods=["GET"]),
        ],
        exception_handlers={
            _No: _refuse,
            ClockBehind: collector.put_off,
            OSError: collector.put_off,
            sqlite3.DatabaseError: collector.put_off,
        },
    )


class _Collector:
    def __init__(
        self, store: Store, clock: Callable[[], datetime], tell: Callable[[str], None]
    ) -> None:
        self.store = store
        self.clock = clock
        self.tell = tell
        self.told = False
        # Unpacking takes memory: one bundle at a time.
        self.desk = asyncio.Semaphore(1)

    async def tell_key(self, request: Request) -> Response:  # noqa: ARG002 - Starlette's signature
        return _json(200, {"schema": SCHEMA, "key": public_key(self.store)})

    async def get(self, request: Request) -> Response:
        sha256 = _name(request)
        receipt = await asyncio.to_thread(self.store.receipt, sha256)
        if receipt is None:
            raise _No(404, "no such bundle is held")
        return self.answer(receipt)

    async def put(self, request: Request) -> Response:
        sha256 = _name(request)
        length = request.headers.get("content-length", "")
        if not re.fullmatch("[0-9]{1,12}", length):
            raise _No(411, "say how long the bundle is (Content-Length)")
        if int(length) > LARGEST_FILE:
            raise _No(413, f"a bundle has {LARGEST_FILE} bytes at most")
        if not self.store.has_room():
            raise OSError(errno.ENOSPC, f"less than {ROOM >> 20} MiB are free")
        with self.store.incoming() as file:
            if await _received(request, file) != sha256:
                raise _No(400, "what came is not the bundle that the address names")
            async with self.desk:
                receipt = await asyncio.to_thread(self.store.take_in, file, sha256, self.clock())
        self.told = False
        return self.answer(receipt)

    async def put_off(self, request: Request, problem: Exception) -> Response:
        """What keeps all from being taken is said once here, and to senders each time."""
        if not self.told:
            why, remedy = _trouble(problem, self.store)
            self.tell(f"warning: {why}, so that whoever sends is told to come back later; {remedy}")
        self.told = True
        no = _No(503, "the collector can keep nothing just now; try again later")
        return _refuse(request, no)

    def answer(self, receipt: Receipt) -> Response:
        return Response(
            receipt.signed(self.store.key), _STATUS[receipt.status], media_type="application/json"
        )


def _trouble(problem: Exception, store: Store) -> tuple[str, str]:
    """What is wrong, and what mends it."""
    if isinstance(problem, ClockBehind):
        return str(problem), MEND_CLOCK
    return (
        f"{store.folder} cannot be used ({in_words(problem)})",
        "see that its disk is whole and has room, also in this user's quota and for one more file, "
        "that it may be written, and that no other command holds collector.db",
    )


async def _received(request: Request, file: IO[bytes]) -> str:
    """Write what comes to a file; its sha256."""
    size, digest = 0, hashlib.sha256()
    try:
        async with asyncio.timeout(PATIENCE):
            async for piece in request.stream():
                size += len(piece)
                if size > LARGEST_FILE:
                    raise _No(413, f"a bundle has {LARGEST_FILE} bytes at most")
                digest.update(piece)
                file.write(piece)
    except ClientDisconnect:
        raise _No(400, "the bundle broke off") from None
    except TimeoutError:
        raise _No(408, f"the bundle did not come within {PATIENCE:.0f} seconds") from None
    return digest.hexdigest()


def _name(request: Request) -> str:
    sha256 = str(request.path_params["sha256"])
    if not _NAME.fullmatch(sha256):
        raise _No(404, "a bundle is named by its sha256, 64 hexadecimal digits in small letters")
    return sha256


def _refuse(_: Request, problem: Exception) -> Response:
    assert isinstance(problem, _No)
    answer = _json(problem.status, {"error": str(problem)})
    if problem.status == 503:
        answer.headers["Retry-After"] = str(LATER)
    return answer


def _json(status: int, said: dict[str, str]) -> Response:
    return Response(json.dumps(said).encode() + b"\n", status, media_type="application/json")
