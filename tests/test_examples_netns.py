# SPDX-License-Identifier: BSD-2-Clause
"""
test_examples_netns.py - the examples with real hosts, in network namespaces.

Each test makes three namespaces and joins them with veth pairs:

      left host  eth0 ---- a [ build/click ] b ---- eth0  right host

The process in the middle sees the frames of real Linux TCP/IP stacks, which check what it
sends: a wrong checksum, a lost ARP reply or a broken ICMP error show as a transfer that does not
finish. Everything is bounded in time, and the namespaces go when the test ends.

Needs root (namespaces and packet sockets), iproute2 and curl; without them the tests are
skipped and say why.
"""
import contextlib
import hashlib
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build"))
CLICK = pathlib.Path(os.environ.get("CLICK", BUILD / "click"))
SECONDS = 30                # that any one command may take


def why_not():
    """The reason why these tests cannot run here, or None."""
    if os.geteuid() != 0:
        return "needs root for network namespaces"
    for tool in ("ip", "curl"):
        if not shutil.which(tool):
            return f"needs the program {tool}"
    probe = subprocess.run(["ip", "netns", "add", f"probe{os.getpid()}"], capture_output=True,
                           text=True)
    if not probe.returncode:        # in some chroots they can be made, but not entered
        probe = subprocess.run(["ip", "-n", f"probe{os.getpid()}", "link", "set", "lo", "up"],
                               capture_output=True, text=True)
    subprocess.run(["ip", "netns", "del", f"probe{os.getpid()}"], capture_output=True, check=False)
    if probe.returncode:
        return f"no network namespaces here: {probe.stderr.strip()}"
    if not CLICK.exists():
        return f"{CLICK} is not built"
    return None


@pytest.fixture(scope="module", autouse=True)
def possible():
    reason = why_not()
    if reason:
        pytest.skip(reason)


# ---- hosts ----

# Without hardware that fills in checksums, a frame taken from a veth must have them already.
CHECKSUMS = """
    import array, fcntl, socket, struct, sys
    for command in (0x17, 0x1F, 0x2C):      # ETHTOOL_STXCSUM, _STSO, _SGRO
        value = array.array("B", struct.pack("II", command, 0))
        request = struct.pack("16sP", sys.argv[1].encode(), value.buffer_info()[0])
        try:
            fcntl.ioctl(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 0x8946, request)
        except OSError as e:
            print(command, e)
"""

# Three echo requests; exits 0 when each was answered. PING target [size [ttl]]
PING = """
    import os, select, socket, struct, sys, time
    target, size = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 56
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    ident = os.getpid() & 0xFFFF
    def checksum(data):
        total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
        total = (total & 0xFFFF) + (total >> 16)
        return ~(total + (total >> 16)) & 0xFFFF
    for seq in range(3):
        body = bytes(i & 255 for i in range(size & ~1))
        head = struct.pack("!BBHHH", 8, 0, 0, ident, seq)
        s.sendto(struct.pack("!BBHHH", 8, 0, checksum(head + body), ident, seq) + body, (target, 0))
        end = time.time() + 3
        while True:
            if not select.select([s], [], [], max(0, end - time.time()))[0]:
                sys.exit("no answer to %d" % seq)
            data, (source, _) = s.recvfrom(65536)
            icmp = data[(data[0] & 15) * 4:]
            if source == target and icmp[0] == 0 and icmp[4:8] == struct.pack("!HH", ident, seq):
                assert icmp[8:] == body, "other bytes came back"
                break
"""

# Sends a datagram; prints the answer, or the ICMP error and who sent it. ASK host port [ttl]
ASK = """
    import errno, socket, struct, sys
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(3)
    s.setsockopt(socket.IPPROTO_IP, 11, 1)      # IP_RECVERR: all ICMP errors reach the program
    if len(sys.argv) > 3:
        s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, int(sys.argv[3]))
    s.connect((sys.argv[1], int(sys.argv[2])))
    s.send(b"question")
    try:
        print(s.recv(2000).decode())
    except socket.timeout:
        print("nothing")
    except OSError as e:
        _, ancillary, _, _ = s.recvmsg(2000, 2000, 0x2000)      # MSG_ERRQUEUE
        who = ".".join(str(b) for b in ancillary[0][2][20:24])
        print(errno.errorcode[e.errno], who)
"""

ANSWER = """
    import socket, sys
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((sys.argv[2], int(sys.argv[1])))
    while True:
        data, who = s.recvfrom(2000)
        s.sendto(b"answer to " + who[0].encode(), who)
"""

# Serves a folder, without asking name servers what its own address is called.
WWW = """
    import functools, http.server, socketserver, sys
    class Server(http.server.ThreadingHTTPServer):
        def server_bind(self):
            socketserver.TCPServer.server_bind(self)
            self.server_name, self.server_port = self.server_address
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[3])
    Server((sys.argv[2], int(sys.argv[1])), handler).serve_forever()
"""


class Host:
    """A namespace; `run` and `start` run commands in it."""

    def __init__(self, stack, name):
        self.name = f"{name}{os.getpid()}"
        self.stack = stack
        ip("netns", "add", self.name)
        stack.callback(subprocess.run, ["ip", "netns", "del", self.name], check=False)
        self.ip("link", "set", "dev", "lo", "up")
        self.run("sh", "-c", "for f in all default; do "
                 "echo 1 > /proc/sys/net/ipv6/conf/$f/disable_ipv6; done 2>/dev/null || true")

    def ip(self, *words):
        ip("-n", self.name, *words)

    def run(self, *words, check=True, timeout=SECONDS, **more):
        return subprocess.run(["ip", "netns", "exec", self.name, *words], check=check,
                              timeout=timeout, text=True, **more)

    def python(self, code, *words, check=True):
        done = self.run(sys.executable, "-c", textwrap.dedent(code), *map(str, words), check=False,
                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert not check or done.returncode == 0, done.stdout
        return done.stdout.strip() if check else done.returncode

    def start(self, *words, **more):
        process = subprocess.Popen(["ip", "netns", "exec", self.name, *words], text=True, **more)
        self.stack.callback(stop, process)
        return process

    def address(self, *addresses, routes=()):
        """eth0's addresses, and the routes beyond."""
        for address in addresses:
            self.ip("address", "add", address, "dev", "eth0")
        for route in routes:
            self.ip("route", "add", *route.split())

    def serve(self, folder, port, address="0.0.0.0"):
        self.start(sys.executable, "-c", textwrap.dedent(WWW), str(port), address, str(folder),
                   stderr=subprocess.DEVNULL)
        self.wait_for(port, "tcp", address)

    def answer(self, port, address="0.0.0.0"):
        self.start(sys.executable, "-c", textwrap.dedent(ANSWER), str(port), address)
        self.wait_for(port, "udp", address)

    def wait_for(self, port, protocol, address):
        """Until somebody in this namespace listens at the port."""
        number = int.from_bytes(socket.inet_aton(address), "little")
        for _ in range(100):
            table = self.run("cat", f"/proc/net/{protocol}", stdout=subprocess.PIPE).stdout
            # With nobody at the other end.
            if f"{number:08X}:{port:04X} 00000000:0000" in table:
                return
            time.sleep(0.1)
        raise AssertionError(f"nobody listens at {port}")

    def fetch(self, url, seconds=SECONDS - 5):
        """The bytes, or None when the transfer fails."""
        done = subprocess.run(["ip", "netns", "exec", self.name, "curl", "-sS", "--noproxy", "*",
                               "--max-time", str(seconds), url],
                              capture_output=True, timeout=SECONDS)
        return done.stdout if done.returncode == 0 else None


def ip(*words):
    subprocess.run(["ip", *words], check=True, timeout=SECONDS)


def stop(process, how=signal.SIGTERM):
    """Ends a process that we started; kills it when it does not listen."""
    if process.poll() is None:
        process.send_signal(how)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)
        raise


class Wire:
    """left -- click -- right"""

    def __init__(self, stack):
        self.left, self.middle, self.right = (Host(stack, n) for n in ("left", "mid", "right"))
        for host, end in ((self.left, "a"), (self.right, "b")):
            ip("link", "add", "eth0", "netns", host.name, "type", "veth", "peer", "name", end,
               "netns", self.middle.name)
            host.ip("link", "set", "dev", "eth0", "up")
            self.middle.ip("link", "set", "dev", end, "up")
            host.python(CHECKSUMS, "eth0")

    def click(self, example, *words, handlers=()):
        """Starts the example; it reads at its end `handlers` and those that its header names."""
        file = ROOT / "examples" / example
        named = re.findall(r"clickos read VM ([\w./]+)", file.read_text())
        assert named
        self.handlers = list(dict.fromkeys([*named, *handlers]))
        reads = [w for h in self.handlers for w in ("-h", h)]
        self.process = self.middle.start(str(CLICK), *reads, *words, str(file),
                                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(0.5)
        assert self.process.poll() is None, self.process.stderr.read()

    def finish(self):
        """Ends the process; the handlers' values."""
        assert self.process.poll() is None, self.process.stderr.read()
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=10)
        assert self.process.returncode == 0, err
        assert "ERROR" not in err, err
        values, name = {}, None
        for line in out.splitlines():
            if line.rstrip(":") in self.handlers:
                name = line.rstrip(":")
                values[name] = []
            else:
                values[name].append(line)
        return {name: "\n".join(lines).strip() for name, lines in values.items()}


@pytest.fixture
def wire():
    with contextlib.ExitStack() as stack:
        yield Wire(stack)


@pytest.fixture(scope="module")
def big_file(tmp_path_factory):
    """A folder with 10 MB that no two packets of which are alike, and their hash."""
    folder = tmp_path_factory.mktemp("www")
    data = random.Random(1).randbytes(10_000_000)
    (folder / "big").write_bytes(data)
    (folder / "small").write_bytes(data[:1000])
    return folder, hashlib.sha256(data).hexdigest()


def sha(data):
    return None if data is None else hashlib.sha256(data).hexdigest()


# ---- the examples ----

def test_nat(wire, big_file):
    """TCP, UDP, pings and ICMP errors from inside; nothing that outside begins."""
    folder, digest = big_file
    wire.left.address("10.0.0.2/24", "10.0.0.3/24", routes=["default via 10.0.0.1"])
    wire.right.address("192.0.2.254/24", "198.51.100.1/32")
    wire.right.serve(folder, 80)
    wire.right.answer(5353)
    wire.left.serve(folder, 80)
    wire.click("nat.click", "INSIDE=a", "OUTSIDE=b",
               handlers=("nat.table_size", "pings.table_size", "sent.count", "answered.count",
                         "nat.mapping_failures"))

    assert sha(wire.left.fetch("http://192.0.2.254/big")) == digest
    # Beyond the gateway, and with the address of the NAT as seen there.
    assert sha(wire.left.fetch("http://198.51.100.1/big")) == digest
    assert wire.left.python(ASK, "192.0.2.254", 5353) == "answer to 192.0.2.1"
    wire.left.python(PING, "192.0.2.254")
    wire.left.python(PING, "198.51.100.1", 1000)
    wire.left.python(PING, "10.0.0.1")
    wire.left.python(PING, "192.0.2.1")
    wire.right.python(PING, "192.0.2.1")
    # Errors: from the host outside, which nobody serves, and from the NAT itself.
    assert wire.left.python(ASK, "192.0.2.254", 9) == "ECONNREFUSED 192.0.2.254"
    assert wire.left.python(ASK, "192.0.2.254", 5353, 1) == "EHOSTUNREACH 10.0.0.1"
    # From outside nobody gets in, neither through the NAT's address nor around it.
    wire.right.ip("route", "add", "10.0.0.0/24", "via", "192.0.2.1")
    assert wire.right.fetch("http://192.0.2.1/small", 2) is None
    assert wire.right.fetch("http://10.0.0.2/small", 2) is None

    values = wire.finish()
    assert int(values["nat.table_size"]) >= 4
    assert int(values["pings.table_size"]) == 2
    assert int(values["sent.count"]) > 1000 and int(values["answered.count"]) > 10000
    assert values["nat.mapping_failures"] == "0"


def test_router(wire, big_file):
    """Two subnets: transfers both ways, its own addresses, and each error that it reports."""
    folder, digest = big_file
    wire.left.address("10.0.1.2/24", routes=["default via 10.0.1.1"])
    wire.right.address("10.0.2.2/24", routes=["default via 10.0.2.1"])
    wire.right.serve(folder, 80)
    wire.left.serve(folder, 80)
    wire.right.answer(5353)
    wire.click("router.click", "LEFT=a", "RIGHT=b",
               handlers=("left/forwarded.count", "right/forwarded.count", "no_route.count"))

    assert sha(wire.left.fetch("http://10.0.2.2/big")) == digest
    assert sha(wire.right.fetch("http://10.0.1.2/big")) == digest
    wire.left.python(PING, "10.0.2.2")
    wire.left.python(PING, "10.0.2.2", 5000)        # in fragments that the sender made
    wire.left.python(PING, "10.0.1.1")
    wire.left.python(PING, "10.0.2.1")
    wire.right.python(PING, "10.0.2.1")
    assert wire.left.python(ASK, "10.0.2.2", 5353) == "answer to 10.0.1.2"
    assert wire.left.python(ASK, "10.0.2.2", 9) == "ECONNREFUSED 10.0.2.2"
    assert wire.left.python(ASK, "10.0.2.2", 5353, 1) == "EHOSTUNREACH 10.0.1.1"
    assert wire.left.python(ASK, "172.16.0.1", 5353) == "ENETUNREACH 10.0.1.1"
    assert wire.left.python(ASK, "10.0.1.1", 9) == "ECONNREFUSED 10.0.1.1"

    values = wire.finish()
    assert int(values["right/forwarded.count"]) > 1000
    assert int(values["left/forwarded.count"]) > 1000
    assert values["no_route.count"] == "1"


def test_router_small_mtu(wire, big_file):
    """A router that fragments, and whose errors let TCP find the path's MTU."""
    folder, digest = big_file
    wire.left.address("10.0.1.2/24", routes=["default via 10.0.1.1"])
    wire.right.address("10.0.2.2/24", routes=["default via 10.0.2.1"])
    wire.right.serve(folder, 80)
    wire.click("router.click", "LEFT=a", "RIGHT=b", "MTU=1000",
               handlers=("right/fragment.fragments",))

    wire.left.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_no_pmtu_disc")    # ping without DF
    wire.left.python(PING, "10.0.2.2", 1400)
    assert sha(wire.left.fetch("http://10.0.2.2/big")) == digest
    assert int(wire.finish()["right/fragment.fragments"]) >= 6


def test_firewall(wire, big_file):
    """In the wire, between hosts that do not know of it."""
    folder, digest = big_file
    outside, inside = wire.left, wire.right
    outside.address("203.0.113.5/32", "192.0.2.7/32", "10.1.0.99/32",
                    routes=["10.1.0.0/16 dev eth0 src 203.0.113.5"])
    inside.address("10.1.0.80/16", "10.1.0.53/16",
                   routes=["203.0.113.5 dev eth0", "192.0.2.7 dev eth0"])
    for port in (80, 22, 8080):
        inside.serve(folder, port)
    inside.answer(53, "10.1.0.53")
    outside.serve(folder, 80)
    wire.click("firewall.click", "OUTSIDE=a", "INSIDE=b",
               handlers=("outside_allowed.count", "inside_allowed.count"))

    assert sha(outside.fetch("http://10.1.0.80/big")) == digest
    assert sha(inside.fetch("http://203.0.113.5/big")) == digest
    assert outside.python(ASK, "10.1.0.53", 53).startswith("answer to")
    outside.python(PING, "10.1.0.80")
    inside.python(PING, "203.0.113.5")
    # Not served to all, but to the administrators' network.
    assert outside.fetch("http://10.1.0.80:8080/small", 2) is None
    assert outside.fetch("http://10.1.0.80:22/small", 2) is None
    outside.ip("route", "replace", "10.1.0.0/16", "dev", "eth0", "src", "192.0.2.7")
    assert outside.fetch("http://10.1.0.80:22/small") == (folder / "small").read_bytes()
    # Somebody outside who claims to be inside.
    outside.ip("route", "replace", "10.1.0.0/16", "dev", "eth0", "src", "10.1.0.99")
    assert outside.fetch("http://10.1.0.80/small", 2) is None

    values = wire.finish()
    assert int(values["outside_allowed.count"]) > 1000
    assert int(values["inside_allowed.count"]) > 1000


def test_loadbalancer(wire, tmp_path):
    """Three servers in turn behind one address; each connection whole."""
    wire.left.address("192.0.2.9/24")
    wire.right.address("10.0.0.11/24", "10.0.0.12/24", "10.0.0.13/24",
                       routes=["default via 10.0.0.1"])
    for number in (11, 12, 13):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "name").write_text(f"{number} " * 100_000)
        wire.right.serve(folder, 80, f"10.0.0.{number}")
    wire.click("loadbalancer.click", "CLIENTS=a", "SERVERS=b",
               handlers=("balancer.table_size", "balancer.patterns", "refused.count"))

    names = [wire.left.fetch("http://192.0.2.1/name") for _ in range(6)]
    assert names == [f"{n} ".encode() * 100_000 for n in (11, 12, 13, 11, 12, 13)]
    wire.left.python(PING, "192.0.2.1")
    wire.right.python(PING, "10.0.0.1")
    assert wire.left.fetch("http://192.0.2.1:8080/name", 2) is None

    values = wire.finish()
    assert values["balancer.table_size"] == "6"
    assert values["balancer.patterns"] == "<mapper> [6]\n<drop>"
    assert int(values["refused.count"]) >= 1
