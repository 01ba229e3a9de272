# SPDX-License-Identifier: BSD-2-Clause
"""traffic.py - mixed frames by seed, and what examples/firewall.click should make of them.

    frames = mixed(20000, seed=1)
    verdicts = [Firewall().verdict(frame) for frame in frames]

The judge here shares nothing with the router: it reads headers with struct and the rules as
Python. `Firewall.texts` says the rules in the router's words, in order, so that a test can
check that the judge and the configuration are about the same rules.
"""

import collections
import random
import struct

Verdict = collections.namedtuple("Verdict", "reason frame")
Verdict.__doc__ = """What should happen to a frame: `reason` is the number of the rule that decides, or 'arp',
'other' (neither ARP nor IPv4), 'header' (IP header wrong); `frame` is what comes out, None: nothing."""

SERVER, RESOLVER = "10.1.0.80", "10.1.0.53"


def address(text):
    return bytes(int(part) for part in text.split("."))


def checksum(data):
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


# ---- the judge ----

class Packet:
    """The fields of an IPv4 packet that rules look at."""

    def __init__(self, ip):
        header = (ip[0] & 15) * 4
        self.protocol = ip[9]
        self.source, self.destination = ip[12:16], ip[16:20]
        fragment = struct.unpack_from(">H", ip, 6)[0]
        # Later fragments have no transport header; a short packet has not all of it.
        self.transport = ip[header:] if fragment & 0x1FFF == 0 else b""

    def tcp(self):
        return self.protocol == 6

    def udp(self):
        return self.protocol == 17

    def port(self, offset, *ports):
        return (self.protocol in (6, 17) and len(self.transport) >= offset + 2
                and struct.unpack_from(">H", self.transport, offset)[0] in ports)

    def to_port(self, *ports):
        return self.port(2, *ports)

    def from_port(self, *ports):
        return self.port(0, *ports)

    def to_high_port(self):
        return (self.protocol in (6, 17) and len(self.transport) >= 4
                and struct.unpack_from(">H", self.transport, 2)[0] > 1023)

    def acknowledges(self):
        return self.tcp() and len(self.transport) >= 14 and bool(self.transport[13] & 16)

    def icmp_type(self, *types):
        return self.protocol == 1 and len(self.transport) >= 1 and self.transport[0] in types


class Firewall:
    """The rules of `from_outside` in examples/firewall.click: (action, text, condition)."""

    RULES = [
        ("deny", "src net 10.1.0.0/16", lambda p: p.source[:2] == b"\x0a\x01"),
        ("deny", "src net 127.0.0.0/8 or src net 224.0.0.0/4",
         lambda p: p.source[0] == 127 or 224 <= p.source[0] <= 239),
        ("allow", "tcp && dst host 10.1.0.80 && dst port 80 or 443",
         lambda p: p.tcp() and p.destination == address(SERVER) and p.to_port(80, 443)),
        ("allow", "udp && dst host 10.1.0.53 && dst port 53",
         lambda p: p.udp() and p.destination == address(RESOLVER) and p.to_port(53)),
        ("allow", "tcp && dst port 22 && src net 192.0.2.0/24",
         lambda p: p.tcp() and p.to_port(22) and p.source[:3] == b"\xc0\x00\x02"),
        ("deny", "tcp && dst port 22", lambda p: p.tcp() and p.to_port(22)),
        ("allow", "tcp opt ack && dst port > 1023", lambda p: p.acknowledges() and p.to_high_port()),
        ("allow", "udp && src port 53 && dst port > 1023",
         lambda p: p.udp() and p.from_port(53) and p.to_high_port()),
        ("allow", "icmp type echo or echo-reply or unreachable or timeexceeded",
         lambda p: p.icmp_type(8, 0, 3, 11)),
        ("deny", "all", lambda p: True),
    ]

    def __init__(self, rules=None):
        self.rules = list(rules or self.RULES)

    def texts(self):
        return [f"{action} {text}" for action, text, _ in self.rules]

    def with_action(self, text, action):
        """The same rules, but the one of this text with another action."""
        assert text in (rule[1] for rule in self.rules)
        return Firewall([(action if rule[1] == text else rule[0], *rule[1:]) for rule in self.rules])

    def verdict(self, frame):
        kind = frame[12:14]
        if kind == b"\x08\x06":
            return Verdict("arp", frame)
        if kind != b"\x08\x00":
            return Verdict("other", None)
        ip = frame[14:]
        if not header_right(ip):
            return Verdict("header", None)
        ip = ip[:struct.unpack_from(">H", ip, 2)[0]]            # the link's padding goes
        packet = Packet(ip)
        for number, (action, _, matches) in enumerate(self.rules):
            if matches(packet):
                return Verdict(number, frame[:14] + ip if action == "allow" else None)
        raise AssertionError("the last rule matches everything")


def header_right(ip):
    """What CheckIPHeader checks (RFC 1812, 5.2.2), with the bad sources that firewall.click names."""
    if len(ip) < 20 or ip[0] >> 4 != 4:
        return False
    header, total = (ip[0] & 15) * 4, struct.unpack_from(">H", ip, 2)[0]
    return (header >= 20 and header <= total <= len(ip) and checksum(ip[:header]) == 0
            and ip[12:16] not in (b"\0\0\0\0", b"\xff\xff\xff\xff"))


# ---- the frames ----

class Mix:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.serial = 0

    def mac(self):
        return bytes([2]) + self.random.randbytes(5)

    def ethernet(self, ethertype, payload):
        frame = self.mac() + self.mac() + struct.pack(">H", ethertype) + payload
        return frame.ljust(60, b"\0")           # what a real interface does to short frames

    def payload(self, most):
        """A serial number, so that no two frames are alike, and random bytes behind it."""
        self.serial += 1
        size = self.random.choice((4, 4, 64, 512, self.random.randint(4, most), most))
        return struct.pack(">I", self.serial) + self.random.randbytes(max(0, min(size, most) - 4))

    def host(self):
        return bytes([self.random.choice((8, 45, 93, 185, 203))]) + self.random.randbytes(3)

    def inside(self):
        return b"\x0a\x01" + self.random.randbytes(2)

    def ip(self, protocol, source, destination, payload, fragment=0, options=b"", **damage):
        length = 20 + len(options) + len(payload)
        header = bytearray(struct.pack(
            ">BBHHHBBH4s4s", 0x40 | (5 + len(options) // 4), 0, length, self.random.randrange(65536),
            fragment, self.random.randint(2, 255), protocol, 0, source, destination) + options)
        if "version" in damage:
            header[0] = damage["version"] << 4 | header[0] & 15
        if "words" in damage:
            header[0] = header[0] & 0xF0 | damage["words"]
        if "length" in damage:
            struct.pack_into(">H", header, 2, damage["length"])
        struct.pack_into(">H", header, 10, checksum(bytes(header)))
        if damage.get("checksum"):
            header[10] ^= self.random.randint(1, 255)
        return self.ethernet(0x0800, bytes(header) + payload)

    def tcp(self, source, destination, to_port, flags, from_port=None, **more):
        from_port = from_port or self.random.randint(1024, 65535)
        header = struct.pack(">HHIIBBHHH", from_port, to_port, self.random.getrandbits(32),
                             self.random.getrandbits(32), 0x50, flags, 65535, 0, 0)
        return self.ip(6, source, destination, header + self.payload(1456), **more)

    def udp(self, source, destination, to_port, from_port=None, **more):
        data = self.payload(1468)
        header = struct.pack(">HHHH", from_port or self.random.randint(1024, 65535), to_port,
                             8 + len(data), 0)
        return self.ip(17, source, destination, header + data, **more)

    def icmp(self, kind):
        body = struct.pack(">BBHHH", kind, 0, 0, self.random.randrange(65536), 1) + self.payload(1472)
        body = body[:2] + struct.pack(">H", checksum(body)) + body[4:]
        return self.ip(1, self.host(), self.inside(), body)

    # Each kind of traffic and how often it comes.

    def web(self):
        return self.tcp(self.host(), address(SERVER), self.random.choice((80, 443)),
                        self.random.choice((2, 16, 24)))

    def dns(self):
        return self.udp(self.host(), address(RESOLVER), 53)

    def admin(self):
        return self.tcp(b"\xc0\x00\x02" + self.random.randbytes(1), self.inside(), 22, 24)

    def ssh_guess(self):
        return self.tcp(self.host(), self.inside(), 22, 2)

    def spoofed(self):
        return self.udp(self.inside(), self.inside(), 53)

    def martian(self):
        return self.tcp(self.random.choice((b"\x7f\x00\x00\x01", b"\xe0\x00\x00\x05")), self.inside(), 80, 2)

    def answer(self):
        return self.tcp(self.host(), self.inside(), self.random.randint(1000, 65535),
                        self.random.choice((16, 18, 24, 2)), from_port=443)

    def dns_answer(self):
        return self.udp(self.host(), self.inside(), self.random.randint(1000, 65535), from_port=53)

    def ping(self):
        return self.icmp(self.random.choice((0, 3, 5, 8, 11, 13)))

    def anything(self):
        kind = self.random.choice((self.tcp_any, self.udp_any, self.other_protocol))
        return kind()

    def tcp_any(self):
        return self.tcp(self.host(), self.inside(), self.random.randrange(1, 65536), self.random.randrange(64))

    def udp_any(self):
        return self.udp(self.host(), self.random.choice((self.inside(), address(RESOLVER))),
                        self.random.randrange(1, 65536))

    def other_protocol(self):
        return self.ip(self.random.choice((2, 47, 50, 89, 132)), self.host(), self.inside(), self.payload(1480))

    def fragment(self):
        more = self.random.choice((0x2000, 0x2000 | 185, 185))
        return self.tcp(self.host(), address(SERVER), 80, 16, fragment=more)

    def with_options(self):
        return self.udp(self.host(), address(RESOLVER), 53, options=b"\x01\x01\x01\x00") \
            if self.random.random() < 0.5 else self.tcp(self.host(), address(SERVER), 80, 16,
                                                        options=b"\x94\x04\x00\x00")

    def short_transport(self):
        """A first fragment that ends within its TCP or UDP header."""
        data = struct.pack(">HHI", 1024, 80, self.serial)[:self.random.randint(0, 8)]
        return self.ip(self.random.choice((6, 17)), self.host(), address(SERVER), data)

    def damaged(self):
        return self.udp(self.host(), address(RESOLVER), 53, **self.random.choice((
            {"version": 5}, {"words": 4}, {"words": 15}, {"length": 19}, {"length": 1500 + 60},
            {"checksum": True})))

    def bad_source(self):
        return self.udp(self.random.choice((b"\0\0\0\0", b"\xff\xff\xff\xff")), address(RESOLVER), 53)

    def arp(self):
        self.serial += 1
        sender = self.mac()
        body = struct.pack(">HHBBH6s4s6s4s", 1, 0x0800, 6, 4, self.random.choice((1, 2)), sender, self.host(),
                           bytes(6), self.inside()) + struct.pack(">I", self.serial)
        return self.ethernet(0x0806, body)

    def ipv6(self):
        data = self.payload(1400)
        return self.ethernet(0x86DD, struct.pack(">IHBB", 6 << 28, len(data), 17, 64)
                             + self.random.randbytes(32) + data)

    def garbage(self):
        kind = self.random.choice((0x0800, 0x0800, self.random.randrange(0x0600, 0xFFFF)))
        if kind in (0x0806, 0x8100, 0x88A8):
            kind = 0x0801
        return self.ethernet(kind, self.random.randbytes(self.random.randint(1, 1500)))

    KINDS = {
        "web": 25, "dns": 12, "admin": 5, "ssh_guess": 6, "spoofed": 4, "martian": 3, "answer": 14,
        "dns_answer": 5, "ping": 8, "anything": 6, "fragment": 2, "with_options": 2, "short_transport": 1,
        "damaged": 2, "bad_source": 1, "arp": 2, "ipv6": 1, "garbage": 1,
    }

    def frames(self, count):
        names, weights = list(self.KINDS), list(self.KINDS.values())
        return [getattr(self, name)() for name in self.random.choices(names, weights, k=count)]


def mixed(count, seed):
    """`count` frames of 60 to 1,514 bytes, the same for the same seed."""
    return Mix(seed).frames(count)


# ---- capture files (draft-ietf-opsawg-pcap) ----

def write_pcap(path, frames):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for number, frame in enumerate(frames):
            file.write(struct.pack("<IIII", number // 10000, number % 10000 * 100, len(frame), len(frame)))
            file.write(frame)


def read_pcap(path):
    with open(path, "rb") as file:
        data = file.read()
    frames, at = [], 24
    while at < len(data):
        captured = struct.unpack_from("<I", data, at + 8)[0]
        frames.append(data[at + 16:at + 16 + captured])
        at += 16 + captured
    return frames


# ---- comparing ----

def compare(verdicts, received):
    """Frame by frame, in order, ARP apart from IP (a router may let one kind overtake the other).
    Returns the differences as text, at most one a place."""
    differences = []
    for name, wanted_kind in (("ARP", b"\x08\x06"), ("IP", b"\x08\x00"), ("other", None)):
        def of_kind(frame):
            kind = frame[12:14]
            return kind == wanted_kind if wanted_kind else kind not in (b"\x08\x06", b"\x08\x00")
        wanted = [v.frame for v in verdicts if v.frame is not None and of_kind(v.frame)]
        got = [frame for frame in received if of_kind(frame)]
        if wanted == got:
            continue
        missing = collections.Counter(wanted) - collections.Counter(got)
        extra = collections.Counter(got) - collections.Counter(wanted)
        differences += [f"{name}: missing {frame[:64].hex()}" for frame in missing.elements()]
        differences += [f"{name}: not expected {frame[:64].hex()}" for frame in extra.elements()]
        if not missing and not extra:
            differences += [f"{name}: out of order at {number}" for number, (a, b) in
                            enumerate(zip(wanted, got)) if a != b]
    return differences
