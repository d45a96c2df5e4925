"""Small servers that stand between a volunteer and a collector: SOCKS, an HTTP proxy, a busy site.

Each serves in a thread of its own, over real sockets on loopback, and remembers what it was asked.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import socketserver
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Between:
    """What stands in between: where it listens, and what it was asked for."""

    port: int = 0
    asked: list[str] = field(default_factory=list)


def _relay(one: socket.socket, other: socket.socket) -> None:
    def pump(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(1 << 16):
                target.sendall(piece)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    back = threading.Thread(target=pump, args=(other, one), daemon=True)
    back.start()
    pump(one, other)
    back.join(10)


@contextmanager
def _serving(handler: type[socketserver.BaseRequestHandler]) -> Iterator[int]:
    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join(10)


@contextmanager
def socks(names: dict[str, str]) -> Iterator[Between]:
    """A SOCKS 5 server (RFC 1928) that alone knows the address of some names."""
    between = Between()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            read = self.request.makefile("rb").read
            assert read(1) == b"\x05"
            read(read(1)[0])
            self.request.sendall(b"\x05\x00")
            _, command, _, kind = read(4)
            assert command == 1
            if kind == 3:
                host = read(read(1)[0]).decode()
            else:
                host = str(ipaddress.ip_address(read({1: 4, 4: 16}[kind])))
            port = int.from_bytes(read(2))
            between.asked.append(f"{'name' if kind == 3 else 'address'} {host}:{port}")
            with socket.create_connection((names.get(host, host), port), timeout=30) as target:
                self.request.sendall(b"\x05\x00\x00\x01" + bytes(6))
                _relay(self.request, target)

    with _serving(Handler) as between.port:
        yield between


@contextmanager
def http_proxy(names: dict[str, str]) -> Iterator[Between]:
    """An HTTP proxy that knows CONNECT, and alone the address of some names."""
    between = Between()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            method, where, _ = self.rfile.readline().decode().split(" ", 2)
            while self.rfile.readline() not in {b"\r\n", b""}:
                pass
            between.asked.append(f"{method} {where}")
            host, _, port = where.rpartition(":")
            with socket.create_connection((names.get(host, host), int(port)), 30) as target:
                self.wfile.write(b"HTTP/1.1 200 fine\r\n\r\n")
                _relay(self.request, target)

    with _serving(Handler) as between.port:
        yield between


@contextmanager
def answering(*answers: bytes) -> Iterator[Between]:
    """A site that answers each request with the next of these, the last one from then on."""
    between = Between()
    left = list(answers)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += self.rfile.readline()
            between.asked.append(head.decode())
            answer = left.pop(0) if len(left) > 1 else left[0]
            self.wfile.write(answer.replace(b"\n", b"\r\n"))

    with _serving(Handler) as between.port:
        yield between


def certificate(
    folder: Path, *names: str, addresses: Sequence[str] = ("127.0.0.1",)
) -> tuple[Path, Path]:
    """A self-signed certificate for some names and addresses, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a collector")])
    now = datetime.now(UTC)
    alternatives: list[x509.GeneralName] = [x509.DNSName(one) for one in names]
    alternatives += [x509.IPAddress(ipaddress.ip_address(one)) for one in addresses]
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        # Python from 3.13 on wants these, as the standard does.
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    cert, private = folder / "cert.pem", folder / "cert-key.pem"
    cert.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return cert, private


@contextmanager
def dripping(head: bytes) -> Iterator[Between]:
    """A site that answers with this, and then a byte every now and then for ever."""
    between = Between()
    ended = threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            between.asked.append(self.rfile.readline().decode())
            with contextlib.suppress(OSError):
                self.wfile.write(head)
                while not ended.wait(0.01):
                    self.wfile.write(b"x")

    with _serving(Handler) as between.port:
        yield between
        ended.set()
