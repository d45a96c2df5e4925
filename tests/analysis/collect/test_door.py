"""Who connects to a collector and says nothing, or half of it, holds no place for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from analysis.collect.door import PATIENCE, Door

ASK = b"GET /v1/key HTTP/1.1\r\nHost: c\r\n\r\n"
PUT = b"PUT /v1/bundles/0 HTTP/1.1\r\nHost: c\r\nContent-Length: 9\r\n\r\n"


class Loop(asyncio.SelectorEventLoop):
    """A loop whose time passes when it is told."""

    now = 0.0

    def time(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        """Let so much time go by, and all be done that is due then."""
        self.now += seconds
        for _ in range(10):
            self.call_soon(self.stop)
            self.run_forever()


class Line(asyncio.Transport):
    """The other end of a connection: whether it was hung up, and what was said."""

    def __init__(self) -> None:
        super().__init__()
        self.said = b""
        self.closed = False

    def write(self, data: Any) -> None:
        self.said += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


async def answer(_: object, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
    """Whatever is asked, once all of it is here."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def connected() -> Any:
    loop = Loop()
    config = uvicorn.Config(answer, lifespan="off", http=Door, log_config=None)
    door = Door(config=config, server_state=ServerState(), app_state={}, _loop=loop)
    line = Line()
    door.connection_made(line)
    yield door, line, loop
    loop.close()


@pytest.mark.parametrize("said", [0, 20], ids=["nothing", "half a head"])
def test_whoever_does_not_say_what_they_want_is_hung_up_on(connected: Any, said: int) -> None:
    """64 of them, dead lines or scanners, would keep everybody else out for years."""
    door, line, loop = connected
    for at in range(said):
        door.data_received(ASK[at : at + 1])
    loop.pass_by(PATIENCE - 1)
    assert not line.closed
    loop.pass_by(1)
    assert line.closed


def test_a_head_that_drips_behind_an_answer_has_no_more_time(connected: Any) -> None:
    """The server itself waits without end once a byte of the next request is there."""
    door, line, loop = connected
    door.data_received(ASK)
    loop.pass_by(1)
    assert line.said.startswith(b"HTTP/1.1 200")
    door.data_received(ASK[:20])
    loop.pass_by(PATIENCE - 1)
    assert not line.closed
    loop.pass_by(1)
    assert line.closed


def test_a_body_has_its_own_time(connected: Any) -> None:
    """A slow line is not cut off while a bundle comes."""
    door, line, loop = connected
    door.data_received(PUT)
    loop.pass_by(2 * PATIENCE)
    assert not line.closed
    door.data_received(b"nine byte")
    loop.pass_by(1)
    assert line.said.startswith(b"HTTP/1.1 200")


def test_nobody_is_waited_for_who_has_gone(connected: Any) -> None:
    """A line that was closed is not closed again."""
    door, line, loop = connected
    door.connection_lost(None)
    line.closed = False
    loop.pass_by(2 * PATIENCE)
    assert not line.closed
