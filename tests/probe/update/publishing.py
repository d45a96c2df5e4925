"""A web site on loopback that publishes tables, and what the tests of updates ask of it."""

from __future__ import annotations

import gzip
import ssl
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self

from click.testing import CliRunner, Result

from probe.cli import main
from probe.update.tables import fetch_tables, install_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from probe.origin.snapshot import SnapshotManifest

# In the form of iptoasn.com: tabs, gaps as AS 0, country None, names that are handles.
V4 = """\
0.0.0.0\t0.255.255.255\t0\tNone\tNot routed
8.8.4.0\t8.8.4.255\t15169\tUS\tGOOGLE
8.8.8.0\t8.8.8.255\t15169\tUS\tGOOGLE
36.37.128.0\t36.37.255.255\t38623\tKH\tVIETTELCAMBODIA-AS-AP VIETTEL CAMBODIA PTE., LTD.
36.37.200.0\t36.37.200.255\t65001\tNone\tCUSTOMER "quoted"
202.57.208.0\t202.57.208.255\t38235\tKH\tANGKOR
255.0.0.0\t255.255.255.255\t0\tNone\tNot routed
"""
V6 = """\
::\t1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\t0\tNone\tNot routed
2001:4860::\t2001:4860:ffff:ffff:ffff:ffff:ffff:ffff\t15169\tUS\tGOOGLE
2405:8380::\t2405:8380:ffff:ffff:ffff:ffff:ffff:ffff\t38623\tKH\tVIETTEL
"""
MADE = "Tue, 24 Nov 2026 05:00:00 GMT"


class Site:
    """A web site of a few files, on loopback."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.moved: dict[str, str] = {}
        self.cut = False
        # With ranges: so many bytes come over a connection before it breaks off.
        self.breath: int | None = None
        self.sent = 0
        # By so much the parts lie elsewhere than was asked for.
        self.off = 0
        self.headers: dict[str, str] = {"Last-Modified": MADE}
        self.agents: list[str | None] = []
        self.asked: Callable[[], None] = lambda: None
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.agents.append(self.headers["User-Agent"])
                site.asked()
                if self.path in site.moved:
                    self.send_response(302)
                    self.send_header("Location", site.moved[self.path])
                    self.end_headers()
                    return
                content = site.files.get(self.path)
                if content is None:
                    self.send_error(404)
                    return
                whole, begin = len(content), 0
                wanted = self.headers["Range"]
                same = self.headers["If-Range"] in (site.headers.get("ETag"), MADE)
                if wanted and site.breath and same:
                    begin = int(wanted.removeprefix("bytes=").removesuffix("-"))
                    self.send_response(206)
                    given = begin + site.off
                    self.send_header("Content-Range", f"bytes {given}-{whole - 1}/{whole}")
                else:
                    self.send_response(200)
                self.send_header("Content-Length", str(whole - begin))
                for name, value in site.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                end = whole // 2 if site.cut else min(whole, begin + (site.breath or whole))
                site.sent += len(content[begin:end])
                with suppress(ConnectionError):  # who asked may turn it down midway
                    self.wfile.write(content[begin:end])

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_address[1]}/"

    def encrypt(self, certificate: Path, key: Path) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.base = self.base.replace("http:", "https:")

    @contextmanager
    def served(self) -> Iterator[Self]:
        thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield self
        self.server.shutdown()
        thread.join()
        self.server.server_close()

    def publish(self, v4: str = V4, v6: str = V6) -> None:
        self.files["/ip2asn-v4.tsv.gz"] = gzip.compress(v4.encode())
        self.files["/ip2asn-v6.tsv.gz"] = gzip.compress(v6.encode())


def update_tables(folder: Path, base: str) -> SnapshotManifest:
    return install_tables(folder, fetch_tables(base, None))


def command(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["data", *arguments])


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
