# SPDX-License-Identifier: BSD-2-Clause
"""The vif on real Xen: what it counts is what was sent, and the VM tells it whatever runs in it.

    NIC 1 -- br0 -- vif 0  VM  vif 1 -- br1 -- NIC 2
"""

import struct

import pytest

FORWARD = """
from0 :: FromDevice(0) -> there :: Counter -> Queue(1000) -> to1 :: ToDevice(1);
from1 :: FromDevice(1) -> back :: Counter -> Queue(1000) -> to0 :: ToDevice(0);
"""


def frames(count, tag):
    """Of many sizes, each with its number."""
    sizes = [60, 61, 64, 128, 590, 1000, 1513, 1514]
    head = b"\x02\0\0\0\0\x01" + b"\x02\0\0\0\0\x02" + b"\x88\xb5"
    return [(head + struct.pack(">II", tag, n)).ljust(sizes[(n * 7 + tag) % len(sizes)], bytes([n % 251]))
            for n in range(count)]


def ours(received):
    """Without what dom0 itself says on the bridges."""
    return [f for f in received if f[12:14] == b"\x88\xb5"]


def facts(clickos, vm, handler="vifs"):
    """{(vif, name): value}, numbers as such."""
    lines = [line.split(" ", 2) for line in clickos.must("read", vm, handler).splitlines()]
    return {(int(vif), name): int(value) if value.isdecimal() else value for vif, name, value in lines}


def resources(clickos, vm):
    return {name: int(value) for name, value in
            (line.split() for line in clickos.must("read", vm, "resources").splitlines())}


@pytest.fixture(scope="module", params=["pv", pytest.param("pvh", marks=pytest.mark.slow)])
def vm(lab, clickos, request):
    name = f"netfront-{request.param}"
    clickos.must("create", name, "--type", request.param, "--memory", 8, "--vif", "bridge=br0", "--vif", "bridge=br1")
    clickos.wait_for_vifs(name, 2)
    yield name
    clickos.must("destroy", name)


def test_told_without_an_instance(clickos, vm):
    told = facts(clickos, vm)
    for vif in range(2):
        assert told[vif, "state"] == "up" and told[vif, "mtu"] == 1500 and told[vif, "connections"] == 1
        assert told[vif, "rx_posted"] > 100 and told[vif, "tx_under_way"] == 0
    left = resources(clickos, vm)
    assert left["packets_in_use"] == told[0, "rx_posted"] + told[1, "rx_posted"]
    assert left["event_channels"] == 4 and left["grants_lingering"] == 0
    assert "no instance 0" in clickos.wrong("read", vm, "list")


def test_counters_agree_with_what_was_sent(lab, clickos, vm):
    assert clickos.start(vm, FORWARD).returncode == 0
    before, count = facts(clickos, vm), 1000
    with lab.nic(1) as left, lab.nic(2) as right:
        left.drain()
        right.drain()
        for source, sink in ((left, right), (right, left)):
            sent = frames(count, 1)
            source.send_many(sent, window=64, out=sink)
            assert ours(sink.receive_many(count, timeout=10)) == sent
    after = facts(clickos, vm)
    gone = {fact: after[fact] - before[fact] for fact in after if isinstance(after[fact], int)}
    size = sum(map(len, sent))
    for vif in range(2):
        assert gone[vif, "rx_packets"] == gone[vif, "tx_packets"] == count
        assert gone[vif, "rx_bytes"] == gone[vif, "tx_bytes"] == size
        assert not any(n for (v, name), n in gone.items() if "_drops." in name)
        # So many batches of those sizes can hold so many frames.
        for way in ("rx", "tx"):
            batches = {n: gone[vif, f"{way}_batch.{n}"] for n in (1, 2, 4, 8, 16, 32, 64)}
            assert sum((n // 2 + 1 if n > 1 else 1) * b for n, b in batches.items()) <= count
            assert sum(n * b for n, b in batches.items()) >= count
        assert gone[vif, "notifications_received"] > 0
        assert gone[vif, "notifications_sent"] == gone[vif, "notifications_sent.rx"] + gone[vif, "notifications_sent.tx"]
        assert gone[vif, "poll_rounds"] > gone[vif, "polls_empty"]
        assert after[vif, "rx_posted"] == before[vif, "rx_posted"]
    own = facts(clickos, vm, "from1.vif")
    assert {vif for vif, _ in own} == {1} and own.keys() == {fact for fact in after if fact[0] == 1}
    assert own[1, "rx_packets"] == after[1, "rx_packets"]
    assert facts(clickos, vm, "to0.vif")[0, "tx_packets"] == after[0, "tx_packets"]
    clickos.must("stop", vm)


def test_frames_for_nobody_are_counted(lab, clickos, vm):
    before = facts(clickos, vm)
    with lab.nic(1) as left:
        left.send_many(frames(50, 2))
        for _ in range(50):
            after = facts(clickos, vm)
            if after[0, "rx_drops.nobody"] == before[0, "rx_drops.nobody"] + 50:
                break
        assert after[0, "rx_drops.nobody"] == before[0, "rx_drops.nobody"] + 50
    assert after[0, "rx_packets"] == before[0, "rx_packets"]
