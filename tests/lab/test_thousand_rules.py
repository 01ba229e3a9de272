# SPDX-License-Identifier: BSD-2-Clause
"""The firewall of 1,000 rules that bench/ measures, in a PV VM of 4 MB on real Xen: frames that its rules are about,
and frames just beside them, are judged one by one, by asking every rule in turn. And the image is small.

    NIC 1 -- br0 -- vif 0 [ 1,000 rules, memory=4 ] vif 1 -- br1 -- NIC 2
"""

import lzma
import pathlib
import re
import struct
import sys

import traffic

TREE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "bench"))

import pipelines  # noqa: E402

RULES, FRAMES = 1000, 6000
WINDOW = 128            # frames under way: half of a vif's ring
QUIET = 3.0             # seconds without a frame: nothing more will come


def firewall():
    """The rules' texts, and a configuration of them between two vifs."""
    rules = pipelines.simple_rules(RULES)
    text = pipelines.firewall(rules)
    for old, new in (("SOURCE", "FromDevice(0, PROMISC true)"), ("CheckIPHeader", "header :: CheckIPHeader"),
                     ("IPFilter", "rules :: IPFilter"), ("Discard", "Unstrip(14) -> Queue(1000) -> ToDevice(1)")):
        assert text.count(old) == 1
        text = text.replace(old, new)
    return rules, text


class Judge:
    """Reads the rules' texts, and asks them one after the other."""

    def __init__(self, texts):
        self.rules = []
        for text in texts:
            network, port = re.fullmatch(r"deny src net (\S+)/24 && dst port (\d+)", text).groups()
            self.rules.append((traffic.address(network)[:3], int(port)))

    def verdict(self, frame):
        ip = frame[14:]
        if not traffic.header_right(ip):
            return traffic.Verdict("header", None)
        ip = ip[:struct.unpack_from(">H", ip, 2)[0]]            # the link's padding goes
        packet = traffic.Packet(ip)
        for number, (network, port) in enumerate(self.rules):
            if packet.source[:3] == network and packet.to_port(port):
                return traffic.Verdict(number, None)
        return traffic.Verdict(len(self.rules), frame[:14] + ip)


def frames(judge, count):
    """About the rules: hit by them, or missing them by a network, a port, a protocol or a fragment."""
    mix = traffic.Mix(seed=6)
    rng = mix.random

    def other_network(network):
        return (int.from_bytes(network, "big") ^ 1 << rng.randrange(20)).to_bytes(3, "big")

    def one():
        network, port = rng.choice(judge.rules)
        source, to = network + rng.randbytes(1), mix.inside()
        with_ports = rng.choice((mix.tcp_to, mix.udp))
        return rng.choice((
            lambda: with_ports(source, to, port),
            lambda: with_ports(source, to, port, options=b"\1" * 4 * rng.randrange(1, 10)),
            lambda: with_ports(source, to, port, fragment=0x2000),
            lambda: with_ports(source, to, port, fragment=rng.randrange(1, 0x2000)),
            lambda: with_ports(source, to, rng.choice((port - 1, (port + 1) & 0xFFFF))),
            lambda: with_ports(other_network(network) + rng.randbytes(1), to, port),
            lambda: with_ports(to, source, port),
            lambda: with_ports(source, to, rng.randrange(65536), from_port=port),
            lambda: mix.ip(rng.choice((1, 47, 132)), source, to, struct.pack(">HH", port, port) + mix.payload(1000)),
            lambda: mix.ip(rng.choice((6, 17)), source, to, struct.pack(">H", port) + rng.randbytes(1)),
            lambda: with_ports(source, to, port, checksum=True),
            lambda: mix.answer(),
        ))()

    mix.tcp_to = lambda source, to, port, **more: mix.tcp(source, to, port, rng.choice((2, 16, 18, 24)), **more)
    return [frame for frame in (one() for _ in range(count)) if len(frame) <= 1514]


def test_every_frame_as_a_thousand_rules_say(lab, clickos):
    rules, text = firewall()
    judge = Judge(rules)
    sent = frames(judge, FRAMES)
    verdicts = [judge.verdict(frame) for frame in sent]
    denied = [v.reason for v in verdicts if v.reason not in ("header", RULES)]
    assert len(denied) > FRAMES / 6 and len(set(denied)) > RULES / 2
    clickos.must("create", "thousand", "--type", "pv", "--memory", 4, "--vif", "bridge=br0", "--vif", "bridge=br1",
                 "--config", "-", input=text)
    try:
        clickos.wait_for_vifs("thousand", 2)
        with lab.nic(1) as outside, lab.nic(2) as inside:
            inside.drain()
            outside.send_many(sent, window=WINDOW, out=inside, passes=[v.frame is not None for v in verdicts])
            received = []
            while (frame := inside.receive(timeout=QUIET)) is not None:
                received.append(frame)
        assert traffic.compare(verdicts, received) == []
        rows = [line.split("\t") for line in clickos("read thousand rules.rules").stdout.strip().split("\n")]
        assert [f"{action} {pattern}" for action, _, pattern in rows] == [*rules, "allow all"]
        assert [int(packets) for _, packets, _ in rows] == [sum(v.reason == n for v in verdicts)
                                                            for n in range(RULES + 1)]
        assert int(clickos("read thousand rules.drops").stdout) == len(denied)
        assert int(clickos("read thousand header.drops").stdout) == sum(v.reason == "header" for v in verdicts)
        assert "failures 0" in clickos("read thousand packets").stdout.split("\n")
        memory = clickos.json("list", "thousand")["memory"]
        print(f"{len(sent)} frames, {len(denied)} denied by {len(set(denied))} rules; of 4 MB {memory}")
        assert memory["total"] - memory["used"] > 1 << 20
    finally:
        clickos("destroy thousand")


def test_the_image_is_small(build):
    """Stripped within 1 MiB; compressed as a host would keep it, within 400 KiB."""
    image = (build / "clickos.elf").read_bytes()
    packed = len(lzma.compress(image, preset=9))
    print(f"{len(image)} bytes, {packed} by xz")
    assert len(image) <= 1 << 20 and packed <= 400 << 10
    assert b".debug_info" not in image
