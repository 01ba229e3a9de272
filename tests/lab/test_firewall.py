# SPDX-License-Identifier: BSD-2-Clause
"""examples/firewall.click in a VM on real Xen: 100,000 mixed frames, PV and PVH, judged frame by frame.

    NIC 1 -- br0 -- vif 0 [ firewall, memory=4 ] vif 1 -- br1 -- NIC 2
"""

import pytest

import traffic

FRAMES = 100_000
WINDOW = 128            # frames under way: half of a vif's ring
QUIET = 3.0             # seconds without a frame: nothing more will come


def count(clickos, handler):
    return int(clickos(f"read fw {handler}").stdout)


@pytest.mark.parametrize("vm_type", ["pv", "pvh"])
def test_every_frame_as_the_rules_say(lab, clickos, examples, vm_type):
    frames = traffic.mixed(FRAMES, seed=4 if vm_type == "pv" else 5)
    assert {60, 1514} <= {len(frame) for frame in frames} and max(map(len, frames)) == 1514
    firewall = traffic.Firewall()
    verdicts = [firewall.verdict(frame) for frame in frames]
    clickos(f"create fw --type {vm_type} --memory 4 --vif bridge=br0 --vif bridge=br1 "
            f"--config {examples}/firewall.click")
    try:
        with lab.nic(1) as outside, lab.nic(2) as inside:
            inside.drain()
            outside.send_many(frames, window=WINDOW, out=inside,
                              passes=[v.frame is not None for v in verdicts])
            received = []
            while (frame := inside.receive(timeout=QUIET)) is not None:
                received.append(frame)
        assert traffic.compare(verdicts, received) == []
        rows = [line.split("\t") for line in clickos("read fw from_outside.rules").stdout.strip().split("\n")]
        assert [f"{action} {pattern}" for action, _, pattern in rows] == firewall.texts()
        assert [int(packets) for _, packets, _ in rows] == [sum(v.reason == n for v in verdicts)
                                                            for n in range(len(rows))]
        assert count(clickos, "outside_header.drops") == sum(v.reason == "header" for v in verdicts)
        assert count(clickos, "outside_other.count") == sum(v.reason == "other" for v in verdicts)
        assert count(clickos, "outside.count") == FRAMES
        assert count(clickos, "to_inside.drops") == 0
        # Memory enough, and every packet back in the pool but those that lie in the receive rings.
        assert "failures 0" in clickos("read fw packets").stdout.split("\n")
    finally:
        clickos("destroy fw")
