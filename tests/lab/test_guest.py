# SPDX-License-Identifier: BSD-2-Clause
"""The guest kernel on real Xen, as PV and as PVH, created by plain `xl create`: it boots in 4 MB,
passes frames unchanged, idles without CPU, ends when asked, and reports its own crashes.

    NIC 1 -- br0 -- vif 0  guest  vif 1 -- br1 -- NIC 2
"""

import random
import re
import struct
import time

import pytest

TYPES = ["pv", "pvh"]
FORWARD = """
FromDevice(0) -> there :: Counter -> Queue(1000) -> ToDevice(1);
FromDevice(1) -> back :: Counter -> Queue(1000) -> ToDevice(0);
"""
VIFS = ["bridge=br0,mac=00:16:3e:00:01:00,script=vif-plain", "bridge=br1,mac=00:16:3e:00:01:01,script=vif-plain"]
# Xen's own script takes seconds on a busy machine, and libxl gives up on it after ten.
SCRIPT = """#!/bin/sh
[ "$1" != online ] || {
    echo 32767 >"/sys/class/net/$vif/tx_queue_len"
    ip link set "$vif" master "$(xenstore-read "$XENBUS_PATH/bridge")" up
    xenstore-write "$XENBUS_PATH/hotplug-status" connected
}
"""


class Guest:
    """One domain, created by xl with everything preserved at its end, so that tests can look."""

    def __init__(self, lab, name, kind, memory=4, vifs=(), extra="", configuration=None):
        self.lab, self.name = lab, name
        lines = [f'name = "{name}"', f'type = "{kind}"', 'kernel = "/root/clickos.elf"',
                 # Without vcpus libxl leaves a small PVH guest too little for its page tables.
                 f"memory = {memory}", "vcpus = 1", f"vif = {list(vifs)!r}", f'extra = "{extra}"',
                 'on_crash = "preserve"', 'on_poweroff = "preserve"', 'on_reboot = "preserve"']
        if configuration:
            lab.run(f"cat > /root/{name}.click", input=configuration, check=True)
            lines.append(f'ramdisk = "/root/{name}.click"')
        lab.run(f"cat > /root/{name}.cfg", input="\n".join(lines) + "\n", check=True)

    def __enter__(self):
        self.lab.run(f"rm -f /var/log/xen/console/guest-{self.name}.log; xl create -q -e /root/{self.name}.cfg",
                     check=True, timeout=300)
        return self

    def __exit__(self, *_):
        self.lab.run(f"xl destroy {self.name}", timeout=300)

    def console(self):
        return self.lab.console(self.name).replace("\r", "")

    def expect(self, pattern, timeout=90):
        """Waits until the console matches."""
        end = time.monotonic() + timeout
        while not (found := re.search(pattern, text := self.console())):
            assert time.monotonic() < end, f"no {pattern!r} within {timeout} s in:\n{text}"
            time.sleep(0.5)
        return found

    def state(self):
        """Letters, from xl list."""
        return self.lab.run(f"xl list {self.name}", check=True).stdout.splitlines()[-1].split()[4]

    def expect_state(self, letters, timeout=60):
        end = time.monotonic() + timeout
        while not set(letters) <= set(state := self.state()):
            assert time.monotonic() < end, f"state {state}, want {letters}; console:\n{self.console()}"
            time.sleep(0.5)


@pytest.fixture(scope="module")
def image(lab, build):
    lab.put(build / "clickos.elf", "/root/clickos.elf")
    lab.run("cat > /etc/xen/scripts/vif-plain; chmod +x /etc/xen/scripts/vif-plain", input=SCRIPT, check=True)
    return lab


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("memory", [4, 64, 700])
def test_boots_and_ends(image, kind, memory):
    with Guest(image, "boot", kind, memory) as guest:
        guest.expect(rf"ClickOS \S+ \(Click \S+\), Xen {kind.upper()}, {memory} MB, \d+ KB free\n"
                     r"elements: \d+ classes\nvifs: 0\n")
        guest.expect_state("b")
        done = image.run("xl shutdown -w boot", timeout=120)
        assert "reason code 0" in done.stdout + done.stderr
        guest.expect("shutdown: poweroff")
        assert "crash" not in guest.console()


@pytest.mark.parametrize("kind", TYPES)
def test_reboot_is_asked_for(image, kind):
    with Guest(image, "again", kind) as guest:
        guest.expect("vifs: 0")
        done = image.run("xl reboot -w again", timeout=120)
        assert "reason code 1" in done.stdout + done.stderr


def cpu_seconds(clickos, name):
    """To the nanosecond, where xl shows tenths; the list of all VMs is made without asking them."""
    return next(vm["cpu_seconds"] for vm in clickos.json("list") if vm["name"] == name)


@pytest.mark.parametrize("kind", TYPES)
def test_idle_uses_no_cpu(image, clickos, kind):
    with Guest(image, "idle", kind, vifs=VIFS, configuration=FORWARD) as guest:
        for vif in range(2):
            guest.expect(f"vif {vif}: up")
        time.sleep(2)
        before = cpu_seconds(clickos, "idle")
        time.sleep(10)
        assert cpu_seconds(clickos, "idle") - before < 0.1


def frames(count, tag):
    numbers = random.Random(tag)
    sizes = [60, 61, 62, 63, 64, 65, 127, 128, 129, 590, 1000, 1500, 1513, 1514]
    head = b"\x02\0\0\0\0\x01" + b"\x02\0\0\0\0\x02" + b"\x88\xb5"
    return [(head + struct.pack(">II", tag, n) + numbers.randbytes(1492))[:numbers.choice(sizes)]
            for n in range(count)]


def ours(received):
    """Without what dom0 itself says on the bridges."""
    return [f for f in received if f[12:14] == b"\x88\xb5"]


@pytest.mark.parametrize("kind", TYPES)
def test_frames_pass_both_ways_unchanged(image, kind):
    """More than every ring and the packet pool hold, in a VM of the smallest size."""
    count = 3000
    with Guest(image, "pass", kind, vifs=VIFS, configuration=FORWARD) as guest:
        for vif in range(2):
            guest.expect(f"vif {vif}: up")
        with image.nic(1) as left, image.nic(2) as right:
            left.drain()
            right.drain()
            for tag, source, sink in ((1, left, right), (2, right, left)):
                sent = frames(count, tag)
                source.send_many(sent, window=64, out=sink)
                received = ours(sink.receive_many(count, timeout=10))
                assert len(received) == count
                assert received == sent
        assert "crash" not in guest.console()


def one_way(image, guest, tag):
    with image.nic(1) as left, image.nic(2) as right:
        right.drain()
        sent = frames(200, tag)
        left.send_many(sent, window=64, out=right)
        assert ours(right.receive_many(200, timeout=10)) == sent, guest.console()


@pytest.mark.parametrize("kind", TYPES)
def test_a_vif_is_taken_away_and_given_again(image, kind):
    """xl network-detach and -attach: the running configuration passes frames again."""
    with Guest(image, "again", kind, vifs=VIFS, configuration=FORWARD) as guest:
        for vif in range(2):
            guest.expect(f"vif {vif}: up")
        one_way(image, guest, 3)
        image.run("xl network-detach again 0", check=True)
        guest.expect("vif 0: down")
        image.run(f"xl network-attach again {VIFS[0].replace(',', ' ')} devid=0", check=True)
        guest.expect("vif 0: down\nvif 0: up")
        one_way(image, guest, 4)


CRASHES = {
    "page0": r"page fault: write at 0+8 \(page 0: a NULL pointer\), thread main",
    "text": r"page fault: write at [0-9a-f]{16} \(program text\), thread main",
    "rodata": r"page fault: write at [0-9a-f]{16} \(read-only data.*\), thread main",
    "data": r"page fault: execution at [0-9a-f]{16} \(data\), thread main",
    "stack": r"page fault: write at [0-9a-f]{16} \(guard page: stack overflow of thread overflow\), thread overflow",
    "panic": r"asked for by the boot argument, thread main",
}


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("what", CRASHES)
def test_crash_is_reported(image, kind, what):
    with Guest(image, "crash", kind, extra=f"crash={what}") as guest:
        guest.expect_state("sc")
        if (kind, what) == ("pv", "stack"):
            # Xen has no stack to hand the exception over on: it ends the domain and says so itself.
            assert "domain_crash_sync" in image.run("xl dmesg", check=True).stdout
            return
        report = guest.expect(r"\*\*\* crash: (.*)\n(?s:.*)\*\*\* end of crash report")
        assert re.fullmatch(CRASHES[what], report[1])
        domain = image.run("xl domid crash", check=True).stdout.strip()
        node = image.run(f"xenstore-read /local/domain/{domain}/data/clickos/crash", check=True)
        assert node.stdout.strip() == report[1]
        if what != "panic":
            assert re.search(r"rip [0-9a-f]{16}\s+rsp [0-9a-f]{16}", report[0])
        assert re.search(r"stack at [0-9a-f]{16}:\n  [0-9a-f]{16} ", report[0])
