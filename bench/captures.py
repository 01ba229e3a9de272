# SPDX-License-Identifier: BSD-2-Clause
"""captures.py - the frames that benchmarks send: always the same ones for the same parameters.

A flow is (source, destination, source port, destination port) and is UDP or, every other one, TCP.
Its frames are alike, so that a capture file of millions is a matter of seconds. Files are kept in the
build folder and made once.
"""

import itertools
import random
import struct
from pathlib import Path

SEED = 2013
ETHERNET = bytes.fromhex("020000000002" "020000000001" "0800")
SOURCES, DESTINATIONS = 0x0A000000, 0x0A800000      # 10.0.0.0/9 talks to 10.128.0.0/9


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def frame(flow, size):
    """An Ethernet frame of `size` bytes, checksums right."""
    source, destination, sport, dport, protocol = flow
    length = size - len(ETHERNET)
    payload = bytes(length - 20 - (8 if protocol == 17 else 20))
    ip = struct.pack(">BBHHHBBHII", 0x45, 0, length, 0, 0x4000, 64, protocol, 0, source, destination)
    ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
    pseudo = struct.pack(">IIHH", source, destination, protocol, length - 20)
    if protocol == 17:
        head = struct.pack(">HHHH", sport, dport, length - 20, 0)
        head = head[:6] + struct.pack(">H", checksum(pseudo + head + payload + b"\0" * (size % 2)))
    else:
        head = struct.pack(">HHIIBBHHH", sport, dport, 1, 1, 0x50, 0x10, 8192, 0, 0)
        head = head[:16] + struct.pack(">H", checksum(pseudo + head + payload + b"\0" * (size % 2))) + head[18:]
    return ETHERNET + ip + head + payload


def flows(count, seed=SEED):
    """`count` flows, each with a source port of its own where there are enough."""
    rng = random.Random(seed)
    return [(SOURCES + rng.randrange(1 << 23), DESTINATIONS + rng.randrange(1 << 23),
             1024 + n % 60000, rng.choice((53, 80, 443, 8080, 1024 + rng.randrange(60000))), (17, 6)[n % 2])
            for n in range(count)]


def dotted(address):
    return ".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0))


def rules_of(count):
    """(network of 24 bits, destination port), for rules that none of flows() fits."""
    rng = random.Random(count)
    return [(0xAC100000 + (rng.randrange(1 << 12) << 8), rng.randrange(1, 65536)) for _ in range(count)]


def matched_flows(count):
    """flows(), but every other one fits one of the rules_of(1000)."""
    rng = random.Random(SEED)
    rules = rules_of(1000)
    made = flows(count)
    for n in range(0, count, 2):
        network, port = rng.choice(rules)
        source, destination, sport, _, protocol = made[n]
        made[n] = network + (source & 255), destination, sport, port, protocol
    rng.shuffle(made)
    return made


def spread_flows(count):
    """flows(), but to anywhere, as a large route table has it."""
    rng = random.Random(SEED)
    return [(source, rng.randrange(0x01000000, 0xE0000000), *ports) for source, _, *ports in flows(count)]


def arp_request(number):
    target = struct.pack(">I", DESTINATIONS + number)
    return (b"\xff" * 6 + bytes.fromhex("020000000001" "0806" "0001" "0800" "0604" "0001" "020000000001")
            + struct.pack(">I", SOURCES + 1) + bytes(6) + target + bytes(18))


def record(data):
    """A packet of a capture file."""
    return struct.pack("<IIII", 1, 0, len(data), len(data)) + data


def draw(frames, left):
    """`left` packets after the first of each flow: of any of them."""
    rng = random.Random(SEED)
    records = [record(f) for f in frames]
    while left:
        some = min(left, 1 << 18)
        yield rng.choices(records, k=some)
        left -= some


def draw_changing(frames, left):
    """The same, but every fourth is the first of a new flow, which takes the place of the oldest."""
    rng = random.Random(SEED)
    records = [record(f) for f in frames]
    oldest, size = 0, len(frames[0])
    coming = iter(flows(left // 4, SEED + 1))
    while left:
        some = min(left, 1 << 14)
        fresh = [record(frame(flow, size)) for flow in itertools.islice(coming, some // 4)]
        for made in fresh:
            records[oldest] = made
            oldest = (oldest + 1) % len(records)
        packets = fresh + rng.choices(records, k=some - len(fresh))
        rng.shuffle(packets)
        yield packets
        left -= some


def write_capture(path, frames, packets, drawn):
    """`packets` frames; the first ones are all of `frames`, once, so that every flow exists."""
    temporary = path.with_suffix(".part")
    with open(temporary, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        file.write(b"".join(record(f) for f in frames[:packets]))
        for some in drawn(frames, packets - min(packets, len(frames))):
            file.write(b"".join(some))
    temporary.rename(path)


def ip_frames(count, size):
    return [frame(flow, size) for flow in flows(count)]


FRAMES = {
    "ip": ip_frames,
    "changing": ip_frames,      # see draw_changing()
    "spread": lambda count, size: [frame(flow, size) for flow in spread_flows(count)],
    "matched": lambda count, size: [frame(flow, size) for flow in matched_flows(count)],
    "arp": lambda count, _: [arp_request(n) for n in range(count)],
}


def capture(folder, packets, kind="ip", size=64, n_flows=10_000):
    """The path of a capture file, made when it is not there."""
    path = Path(folder) / f"{kind}-{packets}-{size}-{n_flows}.pcap"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_capture(path, FRAMES[kind](n_flows, size), packets, draw_changing if kind == "changing" else draw)
    return path
