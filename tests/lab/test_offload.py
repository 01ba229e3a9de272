# SPDX-License-Identifier: BSD-2-Clause
"""Checksums, TCP segments and the choice of multicasts that one side leaves to the other, in a VM between hosts that do that: namespaces of
dom0 with their offloads on, as in test_middleboxes.py.

What a VM passes on stays one packet; what it looks into is cut before; and whatever leaves the machine has right
checksums: there is a card behind each bridge, where it is looked at.
"""
import struct

import pytest

from test_middleboxes import fetch, hosts, ping, serve      # noqa: F401 (hosts is a fixture)
from test_netfront import facts

WIRE = """
FromClickOS(0) -> there :: Counter -> ToClickOS(1);
FromClickOS(1) -> back :: Counter -> ToClickOS(0);
"""
# An element that wants finished packets: it has nothing to change in these.
LOOKS = WIRE.replace("Counter ->", "Counter -> MarkIPHeader(14) -> FixIPSrc(10.0.0.9) ->")


@pytest.fixture
def vm(clickos):
    made = []

    def make(name, config, *options, memory=16):
        clickos.must("create", name, "--memory", memory, "--vif", "bridge=br0", "--vif", "bridge=br1", *options)
        made.append(name)
        clickos.wait_for_vifs(name, 2)
        started = clickos.start(name, config)
        assert started.returncode == 0, started.stderr

    yield make
    for name in made:
        clickos.run("destroy", name)


def counts(clickos, vm, name):
    told = facts(clickos, vm)
    return [told[vif, name] for vif in range(2)]


CASES = [           # configuration, boot line, what vif 1 gets whole, and vif 0 sends whole
    pytest.param(WIRE, None, True, True, id="passed on"),
    pytest.param(LOOKS, None, True, False, id="looked into"),
    pytest.param(WIRE, "offload=none", False, False, id="none"),
    pytest.param(WIRE, "offload=csum", False, False, id="checksums", marks=pytest.mark.slow),
    pytest.param(WIRE, "offload=sg,csum", False, False, id="pages", marks=pytest.mark.slow),
    pytest.param(WIRE, "offload=sg,csum,gso netfront=basic", True, True, id="basic", marks=pytest.mark.slow),
    pytest.param(WIRE, "offload=sg,csum,gso netfront=poll", True, True, id="poll", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("config, line, comes_whole, leaves_whole", CASES)
def test_a_download(lab, clickos, hosts, vm, config, line, comes_whole, leaves_whole):
    hosts("left", "br0", "10.0.0.1/24", offloads=True)
    hosts("right", "br1", "10.0.0.2/24", offloads=True)
    vm("offload", config, *(["--arguments", line] if line else []))
    wanted = serve(lab, "right")
    assert fetch(lab, "left", "http://10.0.0.2/file") == wanted
    assert (counts(clickos, "offload", "rx_gso")[1] > 0) == comes_whole
    assert (counts(clickos, "offload", "tx_gso")[0] > 0) == leaves_whole
    assert (counts(clickos, "offload", "rx_blank")[1] > 0) == (not line or "csum" in line)
    assert counts(clickos, "offload", "tx_drops.unfinished") == [0, 0]
    if comes_whole and leaves_whole:
        assert counts(clickos, "offload", "rx_gso")[1] == counts(clickos, "offload", "tx_gso")[0]


def test_nat_of_hosts_that_offload(lab, clickos, hosts, vm, examples):
    hosts("left", "br0", "10.0.0.2/24", "10.0.0.1", offloads=True)
    hosts("right", "br1", "192.0.2.254/24", offloads=True)
    vm("offload", lab.run(f"cat {examples}/nat.click", check=True).stdout)
    assert ping(lab, "left", "192.0.2.254").returncode == 0
    wanted = serve(lab, "right")
    assert fetch(lab, "left", "http://192.0.2.254/file") == wanted
    assert counts(clickos, "offload", "rx_gso")[1] > 0


def test_ipv6(lab, clickos, hosts, vm):
    for name, bridge, last in (("left", "br0", 1), ("right", "br1", 2)):
        hosts(name, bridge, f"10.0.0.{last}/24", offloads=True)
        lab.run(f"ip -n {name} address add fd00::{last}/64 dev eth0 nodad", check=True)
    vm("offload", WIRE)
    wanted = serve(lab, "right")
    lab.run("sed -i 's/listen 80;/listen 80; listen [::]:80;/' /tmp/nginx.conf; ip netns exec right nginx -c /tmp/nginx.conf"
            " -s reload", check=True)
    assert fetch(lab, "left", "http://[fd00::2]/file") == wanted
    assert counts(clickos, "offload", "rx_gso")[1] == counts(clickos, "offload", "tx_gso")[0] > 0


def sum16(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[:len(data) & ~1])) + (data[-1] << 8 if len(data) % 2 else 0)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


@pytest.mark.parametrize("config", [WIRE, LOOKS], ids=["passed on", "looked into"])
def test_checksums_on_a_wire(lab, clickos, hosts, vm, config):
    """From a host that leaves them blank, through the VM, to a card."""
    hosts("left", "br0", "10.0.0.1/24", offloads=True)
    vm("offload", config)
    lab.run("ip -n left neigh add 10.0.0.7 lladdr 02:00:00:00:00:07 dev eth0", check=True)
    with lab.nic(2) as card:
        card.drain()
        lab.run("ip netns exec left bash -c 'for n in 1 2 3 4 5; do echo $n$n$n >/dev/udp/10.0.0.7/53; done;"
                " nc -w 1 10.0.0.7 80 </dev/null'", timeout=60)
        seen = {6: 0, 17: 0}
        for frame in card.receive_many(200, timeout=1):
            if frame[12:14] != b"\x08\0" or frame[30:34] != bytes((10, 0, 0, 7)):
                continue
            length, protocol = struct.unpack("!H", frame[16:18])[0], frame[23]
            segment = frame[34:14 + length]
            assert sum16(frame[14:34]) == 0xFFFF
            assert sum16(frame[26:34] + struct.pack("!HH", protocol, len(segment)) + segment) == 0xFFFF, frame.hex()
            seen[protocol] += 1
    assert seen[17] >= 5 and seen[6] >= 1
    assert counts(clickos, "offload", "rx_blank")[0] >= 6


def test_multicasts_that_are_wanted(lab, clickos, vm):
    """dom0's netback hands over those to groups that it was told of; to another backend they are told again."""
    count = "FromDevice(0) -> k :: Classifier(12/88b5, -) -> c :: Counter -> Discard; k[1] -> Discard; Idle -> ToDevice(1);"

    def arrive(groups):
        clickos.must("write", "offload", "c.reset_counts", "")
        with lab.nic(1) as card:
            card.send_many([b"\x01\0\x5e\0\0" + bytes([n]) + b"\x02\0\0\0\0\x02\x88\xb5" + bytes(46) for n in range(8)]
                           + [b"\xff" * 6 + b"\x02\0\0\0\0\x02\x88\xb5" + bytes(46)])
        lab.run(f"for n in $(seq 50); do [ $(clickos read offload c.count) -ge {groups + 1} ] && break; sleep 0.1; done; sleep 0.5")
        return int(clickos.must("read", "offload", "c.count")) - 1

    def settled(value):
        lab.run("id=$(xl domid offload); for n in $(seq 50); do [ \"$(xenstore-read "
                f"/local/domain/$id/device/vif/0/request-multicast-control)\" = {value} ] && exit 0; sleep 0.1; done; exit 1",
                check=True)

    vm("offload", count)
    source = "FromDevice@1"
    assert arrive(8) == 8
    assert "got 'x'" in clickos.wrong("write", "offload", f"{source}.multicast", "x")
    clickos.must("write", "offload", f"{source}.multicast", "01:00:5e:00:00:03 01:00:5e:00:00:05")
    settled(1)
    assert arrive(2) == 2
    clickos.must("write", "offload", f"{source}.multicast", "01:00:5e:00:00:03")
    lab.run("sleep 1")
    assert arrive(1) == 1
    assert facts(clickos, "offload")[0, "multicast"] == "01:00:5e:00:00:03"
    clickos.must("write", "offload", f"{source}.multicast", "all")
    settled(0)
    assert arrive(8) == 8
