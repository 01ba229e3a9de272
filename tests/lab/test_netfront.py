# SPDX-License-Identifier: BSD-2-Clause
"""The vif on real Xen: what it counts is what was sent, and the VM tells it whatever runs in it; each mode moves every
frame, intact and in order, and modes change under traffic.

    NIC 1 -- br0 -- vif 0  VM  vif 1 -- br1 -- NIC 2
"""

import itertools
import struct
import threading
import time

import pytest

FORWARD = """
from0 :: FromDevice(0) -> there :: Counter -> Queue(1000) -> to1 :: ToDevice(1);
from1 :: FromDevice(1) -> back :: Counter -> Queue(1000) -> to0 :: ToDevice(0);
"""


NAMES = ["poll", "gru", "fr"]
MODES = [",".join(names) or "basic" for n in range(4) for names in itertools.combinations(NAMES, n)]


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


def pass_both_ways(lab, count, tag):
    with lab.nic(1) as left, lab.nic(2) as right:
        left.drain()
        right.drain()
        for source, sink in ((left, right), (right, left)):
            sent = frames(count, tag)
            source.send_many(sent, window=64, out=sink)
            assert ours(sink.receive_many(count, timeout=10)) == sent
    return sent


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
    sent = pass_both_ways(lab, count, 1)
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


def drops(gone):
    return {fact: n for fact, n in gone.items() if "_drops." in fact[1] and n}


@pytest.mark.parametrize("modes", [["basic", "poll,gru,fr"], pytest.param(MODES, marks=pytest.mark.slow)],
                         ids=["two", "all"])
def test_each_mode(lab, clickos, vm, modes):
    """By the handler, both vifs at once; what the mode is about shows in the counts."""
    assert clickos.start(vm, FORWARD).returncode == 0
    full, rings = facts(clickos, vm)[0, "rx_posted"], facts(clickos, vm)[0, "grants_in_use"]
    for tag, mode in enumerate(modes, 10):
        lab.run(f"clickos write {vm} from0.mode {mode} && clickos write {vm} to1.mode {mode}", check=True)
        before = facts(clickos, vm)
        assert before[0, "modes"] == before[1, "modes"] == mode
        pass_both_ways(lab, 300, tag)
        after = facts(clickos, vm)
        gone = {fact: after[fact] - before[fact] for fact in after if isinstance(after[fact], int)}
        assert not drops(gone)
        for vif in range(2):
            assert gone[vif, "connections"] == 0
            assert gone[vif, "rx_packets"] == gone[vif, "tx_packets"] == 300
            names = mode.split(",")
            if "poll" in names:
                assert gone[vif, "notifications_raised"] == 0
            else:
                assert gone[vif, "rx_batch.1"] == gone[vif, "tx_batch.1"] == 300
                assert gone[vif, "notifications_received"] >= 300
            assert after[vif, "grants_in_use"] == rings + (0 if "gru" in names else after[vif, "rx_posted"])
            assert after[vif, "rx_posted"] == full if "fr" in names else 24 < after[vif, "rx_posted"] <= full
    clickos.must("stop", vm)
    # Nobody asks for a mode any more.
    assert facts(clickos, vm)[0, "modes"] == facts(clickos, vm)[1, "modes"] == "poll,gru,fr"


def test_modes_change_under_traffic(lab, clickos, vm):
    assert clickos.start(vm, FORWARD).returncode == 0
    before, done, switches = facts(clickos, vm), threading.Event(), []
    other = list(zip(MODES, reversed(MODES)))

    def switch():
        while not done.is_set():
            for here, there in other:
                switches.append(lab.run(f"clickos write {vm} from0.mode {here} && clickos write {vm} from1.mode {there}"))
                if done.is_set():
                    return

    thread = threading.Thread(target=switch)
    thread.start()
    try:
        while len(switches) < 6:
            pass_both_ways(lab, 1000, 20)
    finally:
        done.set()
        thread.join()
    assert all(s.returncode == 0 for s in switches), [s.stderr for s in switches]
    for element in ("from0", "from1"):
        clickos.must("write", vm, f"{element}.mode", "poll,gru,fr")
    after = facts(clickos, vm)
    assert not drops({fact: after[fact] - before[fact] for fact in after if isinstance(after[fact], int)})
    # Those that were lent for one time stay posted until frames come into them.
    assert after[0, "connections"] == before[0, "connections"]
    assert after[0, "rx_posted"] == before[0, "rx_posted"]
    clickos.must("stop", vm)


def test_mode_in_the_configuration(clickos, vm):
    assert clickos.start(vm, 'f :: FromClickOS(0, MODE basic) -> t :: ToClickOS(1, MODE "poll,fr")').returncode == 0
    told = facts(clickos, vm)
    assert (told[0, "modes"], told[1, "modes"]) == ("basic", "poll,fr")
    assert clickos.must("read", vm, "f.mode") == "basic\n"
    # The same again keeps what was written meanwhile; another one counts, and so does none.
    clickos.must("write", vm, "f.mode", "gru")
    assert clickos.start(vm, "f :: FromClickOS(0, MODE basic) -> t :: ToClickOS(1, MODE gru+fr)").returncode == 0
    told = facts(clickos, vm)
    assert (told[0, "modes"], told[1, "modes"]) == ("gru", "gru,fr")
    assert clickos.start(vm, "f :: FromClickOS(0) -> t :: ToClickOS(1)").returncode == 0
    told = facts(clickos, vm)
    assert (told[0, "modes"], told[1, "modes"]) == ("poll,gru,fr", "poll,gru,fr")
    clickos.must("stop", vm)


def test_errors(clickos, vm):
    done = clickos.start(vm, "f :: FromDevice(0, MODE fast) -> Discard")
    assert done.returncode == 1
    assert "unknown mode 'fast'; there is basic, all, or any of poll, gru, fr" in done.stderr
    assert clickos.start(vm, "f :: FromDevice(0) -> Discard").returncode == 0
    for mode, text in (("pol", "unknown mode 'pol'; there is basic, all, or any of poll, gru, fr"),
                       ("basic,fr", "basic is none of the others"), (" ,", "no mode")):
        assert text in clickos.wrong("write", vm, "f.mode", mode)
    for rounds in ("many", "1000001"):
        assert "number of rounds, 0 to 1000000" in clickos.wrong("write", vm, "f.poll_rounds_before_blocking", rounds)
    assert facts(clickos, vm)[0, "modes"] == "poll,gru,fr"
    clickos.must("stop", vm)


def test_looking_on_before_waiting(lab, clickos, vm):
    assert clickos.start(vm, FORWARD).returncode == 0
    clickos.must("write", vm, "from0.poll_rounds_before_blocking", "50")
    assert clickos.must("read", vm, "from0.poll_rounds_before_blocking") == "50\n"
    before = facts(clickos, vm)
    pass_both_ways(lab, 300, 30)
    after = facts(clickos, vm)
    assert after[0, "polls_empty"] - before[0, "polls_empty"] >= 50
    # And then it does wait.
    quiet = facts(clickos, vm)[0, "poll_rounds"]
    time.sleep(1)
    assert facts(clickos, vm)[0, "poll_rounds"] == quiet
    clickos.must("write", vm, "from0.poll_rounds_before_blocking", "0")
    clickos.must("stop", vm)


@pytest.mark.parametrize("line, modes", [
    ("netfront=basic", "basic"), pytest.param("netfront=gru,fr", "gru,fr", marks=pytest.mark.slow),
    pytest.param("netfront=quick", "poll,gru,fr", marks=pytest.mark.slow)])
def test_boot_line(lab, clickos, line, modes):
    lab.run("rm -f /var/log/xen/console/guest-line.log")
    clickos.must("create", "line", "--arguments", line, "--vif", "bridge=br0")
    try:
        clickos.wait_for_vifs("line", 1)
        assert facts(clickos, "line")[0, "modes"] == modes
        assert ("netfront=quick: unknown mode 'quick'" in lab.console("line")) == (line == "netfront=quick")
    finally:
        clickos.must("destroy", "line")


DRIVER_DOMAIN = """
name = "two"
type = "pv"
kernel = "/usr/local/lib/clickos/clickos.elf"
memory = 8
ramdisk = "/root/two.click"
vif = ["backend=driver,bridge=none", "bridge=br1"]
"""

# In dom0, while xl creates the VM; the driver domain has no toolstack that would say that the vif stands where it shall.
CONNECT = """
driver=$(xl domid driver)
for try in $(seq 100); do
    id=$(xl domid two 2>/dev/null) && xenstore-exists /local/domain/$driver/backend/vif/$id/0/hotplug-status && break
    sleep 0.2
done
xenstore-write /local/domain/$driver/backend/vif/$id/0/hotplug-status connected
echo $id
"""


@pytest.mark.slow
def test_backends_in_two_domains(lab, clickos, build):
    """Frames go from a driver domain's netback to dom0's, and back, in the pages in which they came.

        NIC 1 -- br0 -- eth0  driver domain  vif x.0 -- vif 0  VM  vif 1 -- br1 -- NIC 2
    """
    netback, = (build / "dom0/tree").glob("usr/lib/modules/*/kernel/drivers/net/xen-netback/xen-netback.ko")
    lab.run("cat >/root/two.cfg", input=DRIVER_DOMAIN, check=True)
    lab.run("cat >/root/two.click", input=FORWARD, check=True)
    with lab.linux("driver", "br0", programs=[netback]) as driver:
        # A page that its netback has mapped cannot be granted once more, so frames have to be copied for its eth0.
        driver.run("insmod /usr/bin/xen-netback.ko && ip link add br type bridge ageing_time 0 && ethtool -K eth0 sg off")
        try:
            lab.run("xl create -q -e /root/two.cfg >/tmp/two.log 2>&1 &", check=True)
            number = lab.run(CONNECT, check=True).stdout.strip()
            driver.run(f"for i in eth0 vif{number}.0; do ip link set $i master br && ip link set $i up; done; ip link set br up")
            lab.run(f"for try in $(seq 300); do [ $(cat /sys/class/net/vif{number}.1/brport/state) = 3 ] && exit;"
                    " sleep 0.1; done; exit 1", check=True)
            rings = facts(clickos, "two")[0, "grants_in_use"]
            for tag, mode in enumerate(("poll,gru,fr", "basic", "poll,gru,fr"), 40):
                lab.run(f"clickos write two from0.mode {mode} && clickos write two from1.mode {mode}", check=True)
                before = facts(clickos, "two")
                pass_both_ways(lab, 300, tag)
                after = facts(clickos, "two")
                gone = {fact: after[fact] - before[fact] for fact in after if isinstance(after[fact], int)}
                assert not drops(gone)
                assert gone[0, "rx_packets"] == gone[1, "tx_packets"] == gone[1, "rx_packets"] == gone[0, "tx_packets"] == 300
                if "gru" in mode:               # no grant but for the rings, to either domain
                    assert after[0, "grants_in_use"] == after[1, "grants_in_use"] == rings
        finally:
            lab.run("xl destroy two")
