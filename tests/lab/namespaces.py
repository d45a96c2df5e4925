"""Networks of real kernels: Linux network namespaces joined by veth pairs, for the lab's tests.

A `Fabric` collects nodes, links, addresses and routes as data and then builds them in one go,
because a lab that takes a minute to stand is a lab nobody runs. Whatever happens it takes all
of it down again, and on the way in it removes what a killed run of ours left. `chain` is the
network most tests want: a vantage point, some routers in a row, a host. This module knows
nothing of traceroute, BGP or countries.
"""

from __future__ import annotations

import functools
import itertools
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, Self

import pytest

from tests.lab.settled import usable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

User = Literal["root", "nobody", "net_raw"]

NOBODY = 65534

HOST_NAME = "laptop-of-sokha"
"""What every machine of a lab is called: long enough not to stand in a file by chance."""

_BECOME: dict[User, str] = {
    "root": "",
    "nobody": f"setpriv --reuid {NOBODY} --clear-groups --inh-caps=-all --bounding-set=-all "
    "--no-new-privs --",
    "net_raw": f"setpriv --reuid {NOBODY} --clear-groups --inh-caps=-all,+net_raw "
    "--ambient-caps=-all,+net_raw --bounding-set=-all,+net_raw --",
}

_PROJECT = Path(__file__).resolve().parents[2]
_NETNS = Path("/run/netns")
_DISTANCE = "distance"
_OURS = re.compile(r"gwlab(\d+)n(\d+)-")
_counter = itertools.count()

# Set before any link exists, so that new interfaces inherit them. Without the ICMP ones the
# kernel's default limits hide most hops; icmp_errors_use_inbound_ifaddr makes a router answer
# from the interface the probe came in by, as real routers do. Kernels differ in which of these
# a namespace has of its own: a missing one is passed over.
_SETTINGS = {
    "ipv4/conf/all/rp_filter": "0",
    "ipv4/conf/default/rp_filter": "0",
    "ipv4/icmp_ratelimit": "0",
    "ipv4/icmp_ratemask": "0",
    "ipv4/icmp_msgs_per_sec": "1000000",
    "ipv4/icmp_msgs_burst": "100000",
    "ipv4/icmp_errors_use_inbound_ifaddr": "1",
    "ipv6/icmp/ratelimit": "0",
    "ipv6/conf/all/accept_dad": "0",
    "ipv6/conf/default/accept_dad": "0",
    "ipv6/conf/all/accept_ra": "0",
    "ipv6/conf/default/accept_ra": "0",
}
_FORWARDING = {"ipv4/ip_forward": "1", "ipv6/conf/all/forwarding": "1"}
_PING_SOCKETS = {True: "0 2147483647", False: "1 0"}


class LabError(RuntimeError):
    """The lab could not be built; the message holds what the system's tool said."""


@functools.cache
def missing_for_lab(*tools: str) -> str | None:
    """Why no lab can stand here, or None when one can. ``tools`` are needed besides the usual."""
    if sys.platform != "linux":
        return "the lab needs Linux network namespaces"
    if os.geteuid() != 0:
        return "the lab needs root"
    for tool in ("ip", "nft", "setpriv", "nsenter", "unshare", *tools):
        if shutil.which(tool) is None:
            return f"the lab needs {tool}, which is not installed"
    name = f"gwlab{os.getpid()}n{next(_counter)}-try"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        return f"network namespaces cannot be made here ({made.stderr.strip()})"
    subprocess.run(["ip", "netns", "del", name], check=True)
    return None


def needs(*tools: str) -> pytest.MarkDecorator:
    """A mark that skips a test, with the reason, where no lab with these tools can stand."""
    reason = missing_for_lab(*tools)
    return pytest.mark.skipif(reason is not None, reason=reason or "")


requires_lab = needs()


def _sh(script: str) -> None:
    done = subprocess.run(
        ["/bin/sh", "-e"], input=script, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise LabError(f"{done.stderr.strip() or done.stdout.strip()}")


def _batch(lines: Iterable[str], *options: str, force: bool = False) -> None:
    text = "\n".join(lines)
    if not text:
        return
    command = ["ip", *options, *(["-force"] if force else []), "-batch", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0 and not force:
        raise LabError(f"{' '.join(command)}: {done.stderr.strip()}")


def _open_to_nobody(path: Path) -> bool:
    """Whether user 65534 with group 0 (what ``setpriv --reuid`` leaves) may enter this folder."""
    status = path.stat()
    return bool(status.st_mode & (0o010 if status.st_gid == 0 else 0o001))


def uncover(needed: Sequence[Path], *, emptied: Sequence[Path] = ()) -> str:
    """Shell lines that make these folders reachable for nobody, in a mount namespace of its own.

    Where an ancestor is closed (``/root`` is 0700, and so is what ``mktemp -d`` makes), an empty
    folder with mode 0755 is mounted over it and only the needed folders are bound back into it.
    So it is with what is to be ``emptied``, temporary folders that anybody may write to.
    Nothing changes outside the mount namespace, which ``ip netns exec`` makes anyway.
    """
    closed: dict[Path, list[Path]] = {folder: [] for folder in emptied}
    for path in dict.fromkeys(path.resolve() for path in needed):
        line = [*reversed(path.parents), path]
        for folder in line:
            if folder in closed or (folder.is_dir() and not _open_to_nobody(folder)):
                closed.setdefault(folder, []).append(path)
                break
    lines = []
    for folder, paths in closed.items():
        kept = [
            inner
            for path in paths
            for inner in (sorted(path.iterdir()) if path == folder else [path])
        ]
        lines.append(f"exec 9< {shlex.quote(str(folder))}")
        mode = "1777" if folder in emptied else "0755"
        lines.append(f"mount -t tmpfs -o mode={mode} gatewatch-lab {shlex.quote(str(folder))}")
        for path in dict.fromkeys(kept):
            place = shlex.quote(str(path))
            make = f"mkdir -p {place}" if path.is_dir() else f": > {place}"
            source = shlex.quote(f"/proc/self/fd/9/{path.relative_to(folder)}")
            lines.append(f"{make}; mount --no-canonicalize --bind {source} {place}")
        lines.append("exec 9<&-")
    return "\n".join(lines)


@dataclass(frozen=True)
class Namespace:
    """One node of a fabric. ``name`` is what ``ip netns`` calls it."""

    name: str
    fabric: Fabric

    @property
    def entered(self) -> tuple[str, ...]:
        """The words to put before a command so that it runs inside, as root."""
        named = f'echo {HOST_NAME} >/proc/sys/kernel/hostname && exec "$@"'
        inside = ("ip", "netns", "exec", self.name)
        return (*inside, "unshare", "--uts", "/bin/sh", "-c", named, "sh")

    def _command(self, command: Sequence[str], user: User, *, uncovered: bool) -> list[str]:
        if user == "root" and not uncovered:
            return [*self.entered, *command]
        script = "\n".join(
            (
                "set -e",
                uncover([Path(sys.base_prefix), Path(sys.prefix), _PROJECT, self.fabric.folder]),
                f'exec {_BECOME[user]} "$@"',
            )
        )
        return [*self.entered, "/bin/sh", "-c", script, "sh", *command]

    def _environment(self, user: User, more: Mapping[str, str] | None) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}"
        home = {"HOME": str(self.fabric.homes[user]), "PYTHONDONTWRITEBYTECODE": "1"}
        outside = {name: said for name, said in os.environ.items() if name != "GATEWATCH_HOME"}
        return {**outside, "PATH": path, **home, **(more or {})}

    def run(
        self,
        command: Sequence[object],
        *,
        user: User = "root",
        uncovered: bool = False,
        check: bool = True,
        env: Mapping[str, str] | None = None,
        timeout: float = 60.0,
        stdin: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside, to its end, and give back what it printed. Paths are words too.

        The project's own commands are found (``gatewatch``, ``python``). ``user="nobody"`` is
        user 65534 without groups and without any capability, group 0: ``setpriv --reuid`` and
        an empty bounding set; ``"net_raw"`` is the same user with CAP_NET_RAW alone, as a systemd
        unit may have it. Where interpreter, project or the fabric's folder lie below a
        folder closed to nobody (this happens: pyenv below /root), they are bound into a mount
        namespace of the command's own, so the same works on a laptop and in CI; for root as well
        with ``uncovered``. The working directory is ``/``; files for another user than root belong
        into `Fabric.home`.

        Raises `LabError` when ``check`` and the exit code is not 0, `subprocess.TimeoutExpired`
        after ``timeout`` seconds.
        """
        words = [str(word) for word in command]
        pipe = subprocess.DEVNULL if stdin is None else subprocess.PIPE
        with self.start(words, user=user, uncovered=uncovered, env=env, stdin=pipe) as process:
            try:
                out, err = process.communicate(stdin, timeout=timeout)
            except BaseException:
                process.kill()
                process.wait()
                raise
        done = subprocess.CompletedProcess(words, process.returncode, out, err)
        if check and done.returncode != 0:
            raise LabError(
                f"{shlex.join(words)} in {self.name} as {user} ended with {done.returncode}:\n"
                f"{done.stderr}{done.stdout}"
            )
        return done

    def start(
        self,
        command: Sequence[object],
        *,
        user: User = "root",
        uncovered: bool = False,
        env: Mapping[str, str] | None = None,
        stdin: int = subprocess.DEVNULL,
    ) -> subprocess.Popen[str]:
        """Start a command inside and return at once; the fabric kills it when it is taken down."""
        return self.fabric.started(
            subprocess.Popen(
                self._command([str(word) for word in command], user, uncovered=uncovered),
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                cwd="/",
                env=self._environment(user, env),
            )
        )


@dataclass(frozen=True)
class _Node:
    namespace: Namespace
    settings: dict[str, str]
    lines: list[str]
    rules: list[str]


class Fabric:
    """Namespaces, links, addresses and routes: collected as data, built at once, always removed.

    Within ``with Fabric() as fabric:`` come `node`, `link`, `route`, `filter` in any order of
    need (a link's nodes first), then `build`; after it ``fabric["name"]`` runs commands.
    """

    def __init__(self) -> None:
        self.prefix = f"gwlab{os.getpid()}n{next(_counter)}"
        self._nodes: dict[str, _Node] = {}
        self._links: list[str] = []
        self._ends: dict[str, int] = {}
        self._cables: list[str] = []
        self._programs: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        _remove([path.name for path in _leftovers(_NETNS, self.prefix)])
        for folder in _leftovers(Path(tempfile.gettempdir()), self.prefix):
            shutil.rmtree(folder, ignore_errors=True)
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self.prefix}-"))
        self.folder.chmod(0o755)
        self.homes: dict[User, Path] = {
            user: self.home(f"home-of-{user}", user) for user in _BECOME
        }
        return self

    def __exit__(self, *_: object) -> None:
        try:
            for program in self._programs:
                program.kill()
                program.communicate()
            _remove([node.namespace.name for node in self._nodes.values()])
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def started(self, program: subprocess.Popen[str]) -> subprocess.Popen[str]:
        """Note a program, so that it is killed when the fabric is taken down."""
        self._programs.append(program)
        return program

    def __getitem__(self, node: str) -> Namespace:
        return self._nodes[node].namespace

    def node(
        self,
        name: str,
        *,
        router: bool = False,
        ping_sockets: bool = False,
        silent: bool = False,
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> Namespace:
        """Add a node. A silent one drops the Time Exceeded that it would send.

        ``settings`` are the kernel's, below ``net``, such as ``{"ipv4/ip_default_ttl": "255"}``.
        """
        settings = {**_SETTINGS, **(_FORWARDING if router else {}), **settings}
        settings["ipv4/ping_group_range"] = _PING_SOCKETS[ping_sockets]
        namespace = Namespace(f"{self.prefix}-{name}", self)
        self._nodes[name] = _Node(namespace, settings, ["link set dev lo up"], [])
        if silent:
            self.filter(
                name,
                "table inet silence { chain out { type filter hook output priority 0;\n"
                "icmp type time-exceeded drop; icmpv6 type time-exceeded drop;\n}\n}",
            )
        return namespace

    def link(
        self,
        near: str,
        far: str,
        near_addresses: Sequence[str] = (),
        far_addresses: Sequence[str] = (),
        *,
        near_device: str | None = None,
        far_device: str | None = None,
        delay_ms: float = 0.0,
        hop_ms: float = 0.0,
        jitter_ms: float = 0.0,
    ) -> None:
        """Join two nodes. Addresses carry their prefix length; a device is named for its peer.

        ``delay_ms`` is how long a packet takes, one way: twice of it adds to a round trip.
        ``hop_ms`` is added, on their way to ``near``, to packets from the next router, twice of
        it to those from the router behind that, and so on. Up to ``jitter_ms`` is added to any,
        so that packets overtake each other.
        """
        near_device, far_device = near_device or far, far_device or near
        if delay_ms or hop_ms:
            self._cable((near, near_device), (far, far_device), delay_ms, hop_ms, jitter_ms)
        else:
            self._veth((near, near_device), (far, far_device))
        for node, device, addresses in (
            (near, near_device, near_addresses),
            (far, far_device, far_addresses),
        ):
            self._ends[node] = self._ends.get(node, 0) + 1
            self.configure(node, f"link set dev {device} up")
            for address in addresses:
                nodad = " nodad" if ":" in address else ""
                self.configure(node, f"addr add {address} dev {device}{nodad}")

    def _veth(self, near: tuple[str, str], far: tuple[str, str]) -> None:
        self._links.append(
            f"link add name {near[1]} netns {self[near[0]].name} type veth "
            f"peer name {far[1]} netns {self[far[0]].name}"
        )

    def _cable(
        self,
        near: tuple[str, str],
        far: tuple[str, str],
        delay_ms: float,
        hop_ms: float,
        jitter_ms: float,
    ) -> None:
        if _DISTANCE not in self._nodes:
            self.node(_DISTANCE)
            self._nodes[_DISTANCE].settings["ipv6/conf/default/disable_ipv6"] = "1"
        number = len(self._cables)
        ends = f"a{number}", f"b{number}"
        self._cables.append(f"{ends[0]} {ends[1]} {delay_ms} {hop_ms} {jitter_ms}")
        if not delay_ms and not jitter_ms:
            # The relay leaves to the kernel what it does not delay: the way to ``far``.
            self.filter(
                _DISTANCE,
                f"table netdev {ends[0]} {{ chain in {{\n"
                f'type filter hook ingress device "{ends[0]}" priority 0; policy accept;\n'
                f'fwd to "{ends[1]}"\n}}\n}}',
            )
        for router, end in zip((near, far), ends, strict=True):
            self._veth(router, (_DISTANCE, end))
            self.configure(_DISTANCE, f"link set dev {end} up")

    def configure(self, node: str, *lines: str) -> None:
        """Add lines of ``ip -batch`` for a node: addresses, routes, bridges."""
        self._nodes[node].lines.extend(lines)

    def route(self, node: str, prefix: str, via: str) -> None:
        """Add a static route of either family."""
        self.configure(node, f"route add {prefix} via {via}")

    def filter(self, node: str, rules: str) -> None:
        """Add nftables rules to a node."""
        self._nodes[node].rules.append(rules)

    def build(self, timeout: float = 30.0) -> None:
        """Make everything that was collected; returns when IPv6 may be used on every link.

        Raises `LabError` with what a tool said, or when links are not up after ``timeout``
        seconds.
        """
        nodes = list(self._nodes.values())
        _batch(f"netns add {node.namespace.name}" for node in nodes)
        _sh(
            "\n".join(
                f"nsenter --net={_NETNS / node.namespace.name} /bin/sh -c "
                + shlex.quote(
                    "cd /proc/sys/net\n"
                    + "\n".join(
                        f"! [ -e {key} ] || echo '{value}' > {key}"
                        for key, value in node.settings.items()
                    )
                )
                for node in nodes
            )
        )
        _batch(self._links)
        for node in nodes:
            _batch(_in_order(node.lines), "-n", node.namespace.name)
            if node.rules:
                node.namespace.run(["nft", "-f", "-"], stdin="\n".join(node.rules) + "\n")
        if self._cables:
            self._start_relay()
        self._await_links(timeout)

    def _start_relay(self) -> None:
        relay = self[_DISTANCE].start(
            [sys.executable, Path(__file__).with_name("relay.py")], stdin=subprocess.PIPE
        )
        assert relay.stdin is not None  # both are pipes
        assert relay.stdout is not None
        relay.stdin.write("\n".join(self._cables))
        relay.stdin.close()
        relay.stdin = None
        if relay.stdout.readline() != "ready\n":
            raise LabError(f"the delay of the long links did not start: {relay.communicate()[1]}")

    def _await_links(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        waiting = [(self[node].name, ends) for node, ends in self._ends.items()]
        while waiting:
            tell = "'cat /proc/net/if_inet6; echo --; cat /proc/net/ipv6_route; echo --'"
            script = "; ".join(
                f"nsenter --net={_NETNS / name} /bin/sh -c {tell}" for name, _ in waiting
            )
            said = subprocess.run(
                ["/bin/sh", "-c", script], capture_output=True, text=True, check=True
            ).stdout.split("--\n")
            waiting = [
                (name, links)
                for (name, links), addresses, routes in zip(
                    waiting, said[::2], said[1::2], strict=False
                )
                if not usable(addresses, routes, links)
            ]
            if waiting and time.monotonic() > deadline:
                raise LabError(f"links of {', '.join(name for name, _ in waiting)} are not up")

    def home(self, name: str, user: User) -> Path:
        """A fresh folder of this user's own, for ``GATEWATCH_HOME``; removed with the fabric."""
        folder = self.folder / name
        folder.mkdir(mode=0o700)
        if user != "root":
            os.chown(folder, NOBODY, 0)
        return folder

    def file(self, name: str, text: str) -> Path:
        """A file that every node and every user can read; removed with the fabric."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)
        return path


def _in_order(lines: list[str]) -> list[str]:
    """Routes last: they need the addresses of links that were named after them."""
    return sorted(lines, key=lambda line: "route add" in line)


def _leftovers(folder: Path, prefix: str) -> list[Path]:
    """What a run of ours left here that is no more, or one that had the same prefix."""
    return [
        entry
        for entry in (folder.iterdir() if folder.is_dir() else ())
        if (match := _OURS.match(entry.name))
        and (entry.name.startswith(f"{prefix}-") or not _alive(int(match[1])))
    ]


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _inhabitants(names: Iterable[str]) -> list[int]:
    """The processes that live in these namespaces."""
    wanted = set()
    for name in names:
        with suppress(OSError):
            wanted.add((_NETNS / name).stat().st_ino)
    pids = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with suppress(OSError):
                if (process / "ns/net").stat().st_ino in wanted:
                    pids.append(int(process.name))
    return pids


def _remove(names: Sequence[str]) -> None:
    """Kill what still runs in these namespaces, then delete them."""
    if not names:
        return
    deadline = time.monotonic() + 5.0
    while (pids := _inhabitants(names)) and time.monotonic() < deadline:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    _batch((f"netns del {name}" for name in names), force=True)


@dataclass(frozen=True)
class Chain:
    """A row of routers between a vantage point and a host.

    ``hops`` are the addresses that a complete traceroute to ``host`` shows, nearest first, the
    host's own last, so 6 routers make 7 of them; keys are 4 and 6, the IP version.
    """

    fabric: Fabric
    vantage: Namespace
    routers: tuple[Namespace, ...]
    target: Namespace
    source: dict[int, str]
    host: dict[int, str]
    hops: dict[int, tuple[str, ...]]


@contextmanager
def chain(
    routers: int,
    *,
    ping_sockets: bool = True,
    silent: Sequence[int] = (),
    nat: bool = False,
    local: Sequence[str] = (),
    delay_ms: float = 0.0,
    hop_ms: float = 0.0,
    jitter_ms: float = 0.0,
    domestic: int | None = None,
) -> Iterator[Chain]:
    """Build a row of routers, in IPv4 and IPv6, and take it down at the end.

    The near half, or the first ``domestic`` routers, are numbered from Viettel (Cambodia), AS38623,
    the others and the host from the RIPE NCC, AS3333 (the host is 193.0.6.139), so that the shipped
    address table finds a border between them. ``silent`` are hop numbers (1 is the first router)
    that send no Time Exceeded. With ``nat`` the vantage point has 192.168.1.10 and the first
    router hides it behind its own address (IPv4 only). ``local`` are further prefixes, such as
    ``198.18.0.0/22``, all addresses of which the host answers for. ``delay_ms`` is added to the
    round trip where the row crosses the border, as a cable abroad would; ``hop_ms`` to that of
    each hop once more than to that of the hop before. Up to ``jitter_ms`` is added where the row
    crosses the border, so that packets overtake each other.
    """
    border = (routers + 1) // 2 if domestic is None else domestic

    def addresses(link: int) -> tuple[list[str], list[str]]:
        if link == routers + 1:
            return (
                ["193.0.6.137/29", "2001:67c:2e8:22::1/64"],
                ["193.0.6.139/29", "2001:67c:2e8:22::c100:68b/64"],
            )
        if link <= border:
            near, far = f"36.37.{128 + link}.1/30", f"36.37.{128 + link}.2/30"
            if link == 1 and nat:
                near, far = "192.168.1.10/24", "192.168.1.1/24"
            return (
                [near, f"2405:8380:0:{link:x}::1/64"],
                [far, f"2405:8380:0:{link:x}::2/64"],
            )
        return (
            [f"193.0.0.{4 * (link - border) + 1}/30", f"2001:67c:2e8:1{link:02x}::1/64"],
            [f"193.0.0.{4 * (link - border) + 2}/30", f"2001:67c:2e8:1{link:02x}::2/64"],
        )

    with Fabric() as fabric:
        vantage = fabric.node("vantage", ping_sockets=ping_sockets)
        row = [
            fabric.node(f"r{hop}", router=True, silent=hop in silent)
            for hop in range(1, routers + 1)
        ]
        target = fabric.node("host")
        nodes = ["vantage", *(f"r{hop}" for hop in range(1, routers + 1)), "host"]
        hops: dict[int, list[str]] = {4: [], 6: []}
        source: dict[int, str] = {}
        for link, (near, far) in enumerate(itertools.pairwise(nodes), start=1):
            at_near, at_far = addresses(link)
            fabric.link(
                near,
                far,
                at_near,
                at_far,
                near_device="east",
                far_device="west",
                delay_ms=delay_ms / 2 if link == border + 1 else 0.0,
                hop_ms=hop_ms if link == 1 else 0.0,
                jitter_ms=jitter_ms / 2 if link == border + 1 else 0.0,
            )
            for version, index in ((4, 0), (6, 1)):
                before, after = (side[index].partition("/")[0] for side in (at_near, at_far))
                hops[version].append(after)
                source.setdefault(version, before)
                fabric.route(near, "default", after)
                for prefix in ("36.37.0.0/16", "2405:8380::/32"):
                    if (":" in prefix) == (version == 6) and link > 1:
                        fabric.route(far, prefix, before)
        if nat:
            fabric.filter(
                "r1",
                "table ip home { chain out { type nat hook postrouting priority 100;\n"
                'oifname "east" masquerade\n}\n}',
            )
        for prefix in local:
            fabric.configure("host", f"route add local {prefix} dev lo")
        fabric.build()
        yield Chain(
            fabric,
            vantage,
            tuple(row),
            target,
            source,
            {version: found[-1] for version, found in hops.items()},
            {version: tuple(found) for version, found in hops.items()},
        )
