# SPDX-License-Identifier: BSD-2-Clause
"""A configuration in a VM is replaced a hundred times while frames flow through it, PV and PVH: every frame comes
out once and in its order, counters go on, and a configuration with an error changes nothing.

    NIC 1 -- br0 -- vif 0 [ Counter, Queue, memory=8 ] vif 1 -- br1 -- NIC 2
"""

import struct
import threading
import time

import pytest

SWAPS = 100
CHUNK = 256             # frames that one send_many() sends
WINDOW = 128            # frames under way: half of a vif's ring
QUIET = 3.0             # seconds without a frame: nothing more will come

# They take turns; the Queue's packets move from one ring to another of a different size.
ONE = """from :: FromClickOS(0) -> came :: Counter -> q :: Queue(1000) -> went :: Counter -> to :: ToClickOS(1);
one :: Script(TYPE PASSIVE);
"""
TWO = """from :: FromClickOS(0) -> Null -> came :: Counter -> q :: Queue(700) -> went :: Counter -> to :: ToClickOS(1);
two :: Script(TYPE PASSIVE);
"""
BAD = [
    ("from :: FromClickOS(0) -> came :: Counter -> ", "-:1"),                                       # syntax
    ("from :: FromClickOS(0) -> came :: Counter -> q :: Nonsense -> ToClickOS(1)", "'Nonsense'"),
    ("from :: FromClickOS(0) -> came :: Counter -> q :: Queue(many) -> ToClickOS(1)", "CAPACITY"),
    (ONE + "FromClickOS(9) -> Discard;", "no virtual interface '9'"),                               # initialize
]


def frame(number):
    """A frame that says which it is; 0x88b5 is for local experiments."""
    return b"\x02\0\0\0\0\x02" + b"\x02\0\0\0\0\x01" + struct.pack(">HI", 0x88B5, number) + bytes(42 + number % 1400)


class Flow:
    """Numbered frames from one NIC to the other, from __enter__() to __exit__()."""

    def __init__(self, outside, inside):
        self.outside, self.inside = outside, inside
        self.sent = 0
        self.error = None
        self.enough = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        before = self.inside.received
        try:
            while not self.enough.is_set():
                frames = [frame(n) for n in range(self.sent, self.sent + CHUNK)]
                self.sent += self.outside.send_many(frames, window=WINDOW, out=self.inside)
                # All of them, so that the window holds across chunks too.
                end = time.monotonic() + 60
                while self.inside.received < before + self.sent:
                    assert time.monotonic() < end, f"{self.inside.received - before} of {self.sent} came out"
                    time.sleep(0.001)
        except Exception as error:      # noqa: BLE001 (it is raised where somebody sees it)
            self.error = error

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.enough.set()
        self.thread.join()              # bounded by what it waits for
        if self.error:
            raise self.error


def heap(clickos):
    """Bytes of heap, without what the packet pool has for each of its buffers: that grows with the traffic."""
    memory = clickos.json("list", "swap")["memory"]
    return memory["heap"] - memory["packets"] * (128 + 8)


def count(clickos, handler):
    return int(clickos.must("read", "swap", handler))


@pytest.mark.parametrize("vm_type", ["pv", pytest.param("pvh", marks=pytest.mark.slow)])
def test_every_frame_comes_out_once(lab, clickos, tmp_path, vm_type):
    for name, text in (("one.click", ONE), ("two.click", TWO)):
        (tmp_path / name).write_text(text)
        lab.put(tmp_path / name, f"/tmp/swap-{name}")
    (tmp_path / "turns").write_text("start swap /tmp/swap-two.click\nstart swap /tmp/swap-one.click\n" * (SWAPS // 2))
    lab.put(tmp_path / "turns", "/tmp/swap-turns")
    clickos.must("create", "swap", "--type", vm_type, "--memory", 8, "--vif", "bridge=br0", "--vif", "bridge=br1",
                 "--config", "-", input=ONE, timeout=180)
    try:
        with lab.nic(1) as outside, lab.nic(2) as inside:
            inside.drain()
            dropped = count(clickos, "from.kernel_drops")       # before anybody listened
            with Flow(outside, inside) as flow:
                while flow.sent < CHUNK and flow.thread.is_alive():
                    time.sleep(0.01)
                before = count(clickos, "came.count")
                generation = clickos.json("list", "swap")["instances"][0]["generation"]
                begin = time.monotonic()
                clickos.must("batch", "/tmp/swap-turns", timeout=1200)
                took = time.monotonic() - begin
                assert clickos.json("list", "swap")["instances"][0]["generation"] == generation + SWAPS
                after = count(clickos, "came.count")
                assert after > before               # it went on, and frames did flow
                heap_before = heap(clickos)
                clickos.must("batch", "/tmp/swap-turns", timeout=1200)
                # What is wrong is said, and the one that runs goes on.
                for config, expected in BAD:
                    seen = count(clickos, "came.count")
                    error = clickos.start("swap", config)
                    assert error.returncode == 1 and expected in error.stderr, error.stderr
                    assert "instance 0 keeps running" in error.stderr
                    end = time.monotonic() + 60
                    while count(clickos, "came.count") <= seen:
                        assert time.monotonic() < end, "no frame came after the error"
                assert clickos.json("list", "swap")["instances"][0]["generation"] == generation + 2 * SWAPS
                assert "one\n" in clickos.must("read", "swap", "list")
            received = []
            while (got := inside.receive(timeout=QUIET)) is not None:
                received.append(got)
        print(f"{vm_type}: {SWAPS} swaps in {took:.1f} s, {flow.sent} frames")
        numbers = [struct.unpack_from(">I", got, 14)[0] for got in received]
        assert numbers == list(range(flow.sent))
        assert all(got == frame(n) for n, got in zip(numbers, received))
        assert [count(clickos, h) for h in ("came.count", "went.count", "from.count", "to.count")] == 4 * [flow.sent]
        assert [count(clickos, h) for h in ("q.length", "q.drops", "to.drops")] == 3 * [0]
        assert count(clickos, "from.kernel_drops") == dropped
        assert "failures 0" in clickos.must("read", "swap", "packets").split("\n")
        # After another hundred swaps; requests that are answered but not yet fetched are small.
        assert heap(clickos) <= heap_before + 4096
    finally:
        clickos.must("destroy", "swap")


@pytest.mark.parametrize("vm_type", ["pv", "pvh"])
def test_the_firewall_is_replaced_in_4_mb(clickos, examples, vm_type):
    """Both configurations are there for a moment."""
    clickos.must("create", "swap", "--type", vm_type, "--memory", 4, "--vif", "bridge=br0", "--vif", "bridge=br1",
                 "--config", f"{examples}/firewall.click", timeout=180)
    try:
        for _ in range(5):
            clickos.must("start", "swap", f"{examples}/firewall.click")
        assert clickos.json("list", "swap")["instances"][0]["status"] == "Running"
        assert "failures 0" in clickos.must("read", "swap", "packets").split("\n")
    finally:
        clickos.must("destroy", "swap")
