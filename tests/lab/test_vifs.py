# SPDX-License-Identifier: BSD-2-Clause
"""The lives of a VM's vifs, on real Xen: backends that go and come back under traffic, vifs that are attached and
detached while a configuration runs, sixteen of them, and a lone ping after a pause.

    NIC 1 -- br0 -- vif 0 [ VM ] vif 1 -- br1 -- NIC 2
"""

import contextlib
import itertools
import struct
import threading
import time

import pytest

FORWARD = """
FromDevice(0) -> there :: Counter -> Queue(1000) -> ToDevice(1);
FromDevice(1) -> back :: Counter -> Queue(1000) -> ToDevice(0);
"""

# Shell functions for dom0; without udev nobody but us puts a vif on its bridge again.
DOM0 = """
set -e
driver=/sys/bus/xen-backend/drivers/vif
unbind() { for v; do echo vif-$id-$v >$driver/unbind; done; }
rebind() { for v; do echo vif-$id-$v >$driver/bind; done; }
wait_for() { for try in $(seq 400); do "$@" && return 0; sleep 0.05; done; echo "not within 20 s: $*" >&2; return 1; }
forwards() { local s; read s 2>/dev/null </sys/class/net/vif$id.$1/brport/state && [ "$s" = 3 ]; }
plug() {
    for v; do
        wait_for test -e /sys/class/net/vif$id.$v
        XENBUS_PATH=/local/domain/0/backend/vif/$id/$v vif=vif$id.$v clickos online
    done
    for v; do wait_for forwards $v; done
}
make_br1() {
    ip -batch - <<END
link add br1 address 52:54:00:c1:05:f1 type bridge stp_state 0 forward_delay 0 mcast_snooping 0 ageing_time 0
link set nic2 master br1
link set br1 up
END
}
"""

DISTURBANCES = {
    "netback loaded again": "unbind 0 1; rmmod xen-netback; modprobe xen-netback; plug 0 1",
    "backend unbound and rebound": "unbind 0; rebind 0; plug 0",
    "bridge deleted and recreated": "ip link del br1; make_br1; plug 1",
}


def dom0(lab, vm, script, timeout=120):
    return lab.run(f"id=$(xl domid {vm})\n{DOM0}\n{script}", check=True, timeout=timeout)


def vifs(clickos, vm):
    """{vif: {name: value}}"""
    table = {}
    for line in clickos.must("read", vm, "vifs").splitlines():
        vif, name, value = line.split(" ", 2)
        table.setdefault(int(vif), {})[name] = value
    return table


def resources(clickos, vm):
    lines = (line.split() for line in clickos.must("read", vm, "resources").splitlines())
    return {name: int(value) for name, value in lines if name != "packet_failures"}


def assert_same(now, before):
    """A request is remembered, in 48 bytes of the heap, until its client has taken the answer away."""
    assert abs(now["heap_bytes"] - before["heap_bytes"]) <= 4 * 48
    assert {**now, "heap_bytes": 0} == {**before, "heap_bytes": 0}


def value(clickos, vm, handler):
    return int(clickos.must("read", vm, handler))


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.1)


def frame(number, size=60):
    return (b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x88\xb5" + struct.pack(">Q", number)).ljust(size, b"\0")


def ours(frames):
    return [f for f in frames if f[12:14] == b"\x88\xb5"]


@contextlib.contextmanager
def vm(clickos, name, config=FORWARD, n=2, memory=4, kind="pv"):
    """A VM whose vifs are on br0 and br1 in turn; frames pass when it is there."""
    vif_options = itertools.chain.from_iterable(("--vif", f"bridge=br{i % 2}") for i in range(n))
    clickos.must("create", name, "--type", kind, "--memory", memory, *vif_options, "--config", "-", input=config,
                 timeout=300)
    try:
        clickos.wait_for_vifs(name, n)
        yield name
    finally:
        clickos.run("destroy", name)


class Traffic:
    """Frames into both NICs all the time, but while paused."""

    def __init__(self, left, right, a_second=50):
        self.nics, self.pause_s = (left, right), 1 / a_second
        self.running, self.on = threading.Event(), True
        self.sent = 0
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.running.set()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.on = False
        self.running.set()
        self.thread.join()

    def _run(self):
        while self.on:
            for nic in self.nics:
                nic.send(frame(self.sent, 60 + self.sent % 1400))
                self.sent += 1
            time.sleep(self.pause_s)
            self.running.wait()

    @contextlib.contextmanager
    def paused(self):
        self.running.clear()
        time.sleep(self.pause_s)
        yield
        self.running.set()


def all_pass(left, right, count=100):
    """Frames both ways; what is still under way from before is let through first."""
    for source, sink in ((left, right), (right, left)):
        sink.drain(0.3)
        sent = [frame(1 << 32 | n) for n in range(count)]
        source.send_many(sent)
        assert ours(sink.receive_many(count, timeout=10)) == sent


# ---- backends that go and come back ----

def agreed(clickos, name):
    """Linux' netback has a control ring, and answers that it keeps no buffers mapped; of several queues it is asked for
    one; an MTU that the toolstack changes counts from the next connection on."""
    lab = clickos.lab
    frontend = f"/local/domain/$(xl domid {name})/device/vif/0"
    wait_for(lambda: vifs(clickos, name)[0]["gref_mapping"] == "unsupported")
    before = resources(clickos, name)
    nodes = lab.run(f"for node in ctrl-ring-ref event-channel-ctrl multi-queue-num-queues; do "
                    f"xenstore-read {frontend}/$node; done", check=True).stdout.split()
    assert len(nodes) == 3 and nodes[2] == "1"
    assert before["event_channels"] == 2 + 2                # console, xenstore, vifs: the control rings' are closed again
    assert vifs(clickos, name)[0]["mtu"] == "1500"
    lab.run(f"xenstore-write {frontend}/mtu 1400", check=True)
    dom0(lab, name, "unbind 0; rebind 0; plug 0")
    wait_for(lambda: (vif := vifs(clickos, name)[0])["mtu"] == "1400" and vif["gref_mapping"] == "unsupported")
    assert_same(resources(clickos, name), before)
    lab.run(f"xenstore-write {frontend}/mtu 1500", check=True)


def freeze(clickos, name, left, right):
    """Vif 1's backend goes away and does not say so: its ring and the queue before it fill up, until there is no packet
    left, and the VM can still be asked. When the backend is there again, all that waited goes on."""
    dom0(clickos.lab, name, "unbind 1")
    left.send_many([frame(n, 1000) for n in range(1500)])
    for _ in range(50):
        if int(vifs(clickos, name)[0]["rx_drops.no_buffer"]) > 0:
            break
        time.sleep(0.2)
    frozen = vifs(clickos, name)
    assert int(frozen[0]["rx_drops.no_buffer"]) > 0 and int(frozen[1]["tx_under_way"]) > 0
    assert clickos.must("read", name, "back.count").strip().isdigit()
    dom0(clickos.lab, name, "rebind 1; plug 1")
    all_pass(left, right)


def disturb(clickos, name, times, step):
    """Each disturbance `times` times, under traffic; after each `step` of them frames pass, and what the VM has is what it
    had before. That is after a frozen backend: the packet pool, which grows when it has to, is as large then as it can be."""
    with clickos.lab.nic(1) as left, clickos.lab.nic(2) as right:
        freeze(clickos, name, left, right)
        before = resources(clickos, name)
        disturb_under_traffic(clickos, name, times, step, left, right, before)


def disturb_under_traffic(clickos, name, times, step, left, right, before):
    lab, turns, connections = clickos.lab, 0, int(vifs(clickos, name)[0]["connections"])
    with Traffic(left, right) as traffic:
        try:
            for what, script in DISTURBANCES.items():
                for begin in range(0, times, step):
                    n = min(step, times - begin)
                    began = time.monotonic()
                    dom0(lab, name, f"for turn in $(seq {n}); do {script}; done", timeout=60 * n)
                    turns += n
                    with traffic.paused():
                        try:
                            all_pass(left, right)
                        except AssertionError:
                            print(clickos.must("read", name, "vifs"))
                            raise
                        states, now = vifs(clickos, name), resources(clickos, name)
                        came_up = int(states[0]["connections"]) - connections
                        connections += came_up
                        print(f"{what}, {begin + n}: {(time.monotonic() - began) / n:.1f} s each, "
                              f"vif 0 came up {came_up} times, {now}")
                        assert all(v["state"] == "up" and v["breaks"] == "0" for v in states.values()), states
                        assert (came_up > 0) == ("unbind" in script)
                        assert_same(now, before)
        finally:
            lab.run(f"{DOM0}\n[ -e /sys/class/net/br1 ] || make_br1; modprobe xen-netback", check=True)
    print(f"{turns} disturbances under {traffic.sent} frames: nothing missing")


def test_backends_come_back(clickos):
    with vm(clickos, "lives") as name:
        agreed(clickos, name)
        disturb(clickos, name, times=3, step=3)


@pytest.mark.slow
@pytest.mark.parametrize("kind, times", [("pv", 60), ("pvh", 7)])
def test_backends_come_back_200_times(clickos, kind, times):
    """3 x 60 in PV, 3 x 7 in PVH: 201."""
    with vm(clickos, "lives", kind=kind) as name:
        disturb(clickos, name, times, step=10)


# ---- a vif is taken away and given again, while a configuration runs ----

@pytest.mark.parametrize("kind", ["pv", pytest.param("pvh", marks=pytest.mark.slow)])
def test_hot_plug(clickos, kind):
    """Elements of a vif that is detached are quiet, and go on when it is attached again; a new vif is there for the next
    configuration, and one that is not is named in its errors."""
    lab, mac = clickos.lab, "00:16:3e:77:00:0"
    with vm(clickos, "plug", kind=kind, memory=8) as name, lab.nic(1) as left, lab.nic(2) as right:
        plug = f"xl network-attach {name} bridge=br1 script=/usr/bin/clickos mac={mac}"
        all_pass(left, right, 20)
        lab.run(f"xl network-detach {name} 1", check=True)
        wait_for(lambda: vifs(clickos, name)[1]["state"] == "gone")
        right.drain(0.1)
        left.send_many([frame(n) for n in range(20)])
        wait_for(lambda: value(clickos, name, "there.count") == 40)
        assert right.drain(0.3) == [] and value(clickos, name, "back.count") == 20
        error = clickos.start(name, FORWARD)                    # its namesakes have the vif, and keep it
        assert error.returncode == 0, error.stderr
        error = clickos.start(name, "FromDevice(1) -> Discard")
        assert error.returncode == 1 and "no virtual interface '1': this VM has 1 (0)" in error.stderr

        lab.run(f"{plug}1 devid=1", check=True)
        clickos.wait_for_vifs(name, 2)
        wait_for(lambda: vifs(clickos, name)[1]["state"] == "up")
        assert len(right.receive_many(20)) == 20                # what waited for it
        all_pass(left, right, 20)

        error = clickos.start(name, "FromDevice(2) -> Discard")
        assert error.returncode == 1 and "no virtual interface '2': this VM has 2 (0, 1)" in error.stderr
        lab.run(f"{plug}2 devid=2", check=True)
        clickos.wait_for_vifs(name, 3)
        assert clickos.start(name, FORWARD.replace("(1)", "(2)")).returncode == 0
        all_pass(left, right, 20)
        lab.run(f"xl network-detach {name} 1", check=True)      # nobody uses it
        all_pass(left, right, 20)
        states = {vif: values["state"] for vif, values in vifs(clickos, name).items()}
        assert states == {0: "up", 1: "gone", 2: "up"}


# ---- many vifs ----

@contextlib.contextmanager
def chain(lab, n):
    """The bridges of n vifs, so that a frame from NIC 1 to NIC 2 enters the VM n/2 times:
    br0 - vif 0 [] vif 1 - pair1 - vif 2 [] vif 3 - pair2 - ... [] vif n-1 - br1"""
    middle = [f"pair{i}" for i in range(1, n // 2)]
    how = "type bridge stp_state 0 forward_delay 0 mcast_snooping 0 ageing_time 0"
    lab.run("ip -batch -", input="".join(f"link add {b} {how}\nlink set {b} up\n" for b in middle), check=True)
    try:
        yield ["br0"] + [b for b in middle for _ in range(2)] + ["br1"]
    finally:
        lab.run("ip -batch -", input="".join(f"link del {b}\n" for b in middle))


def cpu_seconds(clickos, name):
    return next(vm["cpu_seconds"] for vm in clickos.json("list") if vm["name"] == name)


@pytest.mark.parametrize("kind, n", [("pv", 16), pytest.param("pvh", 16, marks=pytest.mark.slow),
                                     pytest.param("pv", 4, marks=pytest.mark.slow)])
def test_many_vifs(clickos, kind, n):
    """A VM of 8 MB with n vifs, all in use: every frame passes each of them, both ways, and idle it uses no processor."""
    lab, name = clickos.lab, "many"
    config = "".join(f"FromDevice({i}) -> Queue(200) -> ToDevice({i ^ 1});\n" for i in range(n))
    with chain(lab, n) as bridges:
        options = itertools.chain.from_iterable(("--vif", f"bridge={bridge}") for bridge in bridges)
        clickos.must("create", name, "--type", kind, "--memory", 8, *options, "--config", "-", input=config, timeout=300)
        try:
            clickos.wait_for_vifs(name, n)
            with lab.nic(1) as left, lab.nic(2) as right:
                left.drain(0.2)
                right.drain(0.2)
                for source, sink in ((left, right), (right, left)):
                    sent = [frame(i, 60 + 97 * i % 1455) for i in range(200)]
                    source.send_many(sent, window=50, out=sink)
                    assert ours(sink.receive_many(200, timeout=10)) == sent
            states, have = vifs(clickos, name), resources(clickos, name)
            assert [(v["state"], v["rx_packets"], v["tx_packets"]) for v in states.values()] == [("up", "200", "200")] * n
            assert have["event_channels"] == 2 + n and have["grants_in_use"] < have["grants_free"]
            time.sleep(1)
            before = cpu_seconds(clickos, name)
            time.sleep(10)
            used = cpu_seconds(clickos, name) - before
            print(f"{kind}, {n} vifs, idle for 10 s: {used:.4f} s of processor; {have}")
            assert used < 0.1
        finally:
            clickos.run("destroy", name)


# ---- a ping after a pause ----

ANSWER = """
FromDevice(0) -> Classifier(12/0800) -> CheckIPHeader(14) -> ICMPPingResponder -> EtherMirror -> Queue -> ToDevice(0);
"""

# VM k is 10.9.0.k behind a switch of its own that knows all addresses, as dom0 does: nobody hears what is for another.
PING = """
net=10.9.0; vms={vms}; rounds={rounds}; pause={pause}; gap={gap}
sleep $pause
for round in $(seq $rounds); do
    begin=$(cut -d. -f1 /proc/uptime)
    for vm in $(seq $vms); do
        ping -c 1 -W 5 $net.$vm | grep -o 'time=[0-9.]*' || echo "lost: VM $vm, round $round"
        sleep $gap
    done
    # The first VM's next ping is more than `pause` seconds after its last one, and so is everybody's.
    left=$((begin + pause + 1 - $(cut -d. -f1 /proc/uptime))); [ $round = $rounds ] || [ $left -le 0 ] || sleep $left
done
"""


def lone_pings(clickos, vms, rounds, pause, gap):
    """Each VM is left alone for at least `pause` seconds, then pinged once; `rounds` times. The round trips, ms."""
    lab, names = clickos.lab, [f"alone{k}" for k in range(1, vms + 1)]
    lab.run("ip link add alone type bridge stp_state 0 forward_delay 0 mcast_snooping 0 && ip link set alone up && "
            "ip addr add 10.9.0.254/24 dev alone", check=True)
    try:
        lab.run("cat >/tmp/alone.click", input=ANSWER, check=True)
        clickos.must("batch", "-", timeout=60 + 20 * vms, input="".join(
            f"create {name} --type {'pv' if k % 2 else 'pvh'} --memory 4 --config /tmp/alone.click "
            f"--vif bridge=alone,mac=00:16:3e:99:00:{k:02x}\n" for k, name in enumerate(names, 1)))
        lab.run("set -e; k=0; for name in " + " ".join(names) + "; do k=$((k + 1)); mac=00:16:3e:99:00:$(printf %02x $k);"
                "vif=vif$(xl domid $name).0; bridge fdb replace $mac dev $vif master static;"
                'while read state </sys/class/net/$vif/brport/state && [ "$state" != 3 ]; do sleep 0.1; done;'
                "ip neigh replace 10.9.0.$k lladdr $mac dev alone nud permanent; done", check=True, timeout=60 + 5 * vms)
        lab.run("cat >/tmp/ping.sh", input=PING.format(vms=vms, rounds=rounds, pause=pause, gap=gap), check=True)
        lines = lab.run("sh /tmp/ping.sh", check=True, timeout=rounds * (pause + 6 * vms) + 60).stdout.splitlines()
        assert len(lines) == vms * rounds
        assert not [line for line in lines if not line.startswith("time=")]
        return sorted(float(line.split("=")[1]) for line in lines)
    finally:
        lab.run(["clickos", "destroy", *names], timeout=600)
        lab.run("ip link del alone")


def show(times, what):
    print(f"{what}: {len(times)} of {len(times)} answered, median {times[len(times) // 2]:.1f} ms, longest {times[-1]:.1f} ms")


def test_lone_pings(clickos):
    show(lone_pings(clickos, vms=2, rounds=10, pause=1, gap=0), "20 pings, each after 1 to 2 s idle, 2 VMs")


@pytest.mark.slow
def test_lone_pings_after_a_minute(clickos):
    """1,000 pings one after the other would take 16 hours: 100 VMs take turns."""
    show(lone_pings(clickos, vms=100, rounds=10, pause=60, gap=0.2), "1,000 pings, each after 60 s idle, 100 VMs")
