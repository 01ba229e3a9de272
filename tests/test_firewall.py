# SPDX-License-Identifier: BSD-2-Clause
"""examples/firewall.click in the process: mixed frames, judged frame by frame.

The example itself runs: FromDevice and ToDevice are compounds here that read and write capture
files, and the queues between them pass packets at once, so that none is left when the input
ends. The same traffic and judge meet the VM in tests/lab/test_firewall.py.
"""

import os
import subprocess
import sys

import pytest

TREE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TREE, "lab"))

import traffic  # noqa: E402

BUILD = os.environ.get("BUILD") or os.path.join(TREE, "build")
CLICK = os.environ.get("CLICK") or os.path.join(BUILD, "click")

DEVICES = """
elementclass FromDevice { $file, PROMISC $promiscuous | FromDump($file, STOP true, BURST %d) -> output }
elementclass ToDevice { $file | input -> ToDump($file.out, SNAPLEN 0) -> Discard }
elementclass Queue { $capacity | input -> output }
"""


@pytest.mark.parametrize("burst", [1, 32])
def test_every_frame_as_the_rules_say(tmp_path, burst):
    frames = traffic.mixed(50000, seed=burst)
    firewall = traffic.Firewall()
    verdicts = [firewall.verdict(frame) for frame in frames]
    with open(os.path.join(TREE, "examples", "firewall.click")) as file:
        config = DEVICES % burst + file.read()
    # One side only: the other side's file would end, and stop the driver, at once.
    config = config.replace("FromDevice($INSIDE, PROMISC true)", "Idle")
    (tmp_path / "firewall.click").write_text(config)
    traffic.write_pcap(tmp_path / "outside", frames)
    done = subprocess.run([CLICK, f"OUTSIDE={tmp_path}/outside", f"INSIDE={tmp_path}/inside",
                           "-h", "from_outside.rules", "-h", "outside_header.drops",
                           str(tmp_path / "firewall.click")],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0
    # CheckIPHeader mentions the first bad packet, and only that.
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("outside_header: IP header check failed")
    rules, drops = done.stdout.split("from_outside.rules:\n")[1].split("\n\noutside_header.drops:\n")
    rows = [line.split("\t") for line in rules.strip().split("\n")]
    assert [f"{action} {pattern}" for action, _, pattern in rows] == firewall.texts()
    assert [int(count) for _, count, _ in rows] == [sum(v.reason == n for v in verdicts)
                                                    for n in range(len(rows))]
    assert int(drops) == sum(v.reason == "header" for v in verdicts)
    received = traffic.read_pcap(tmp_path / "inside.out")
    assert len(received) == sum(v.frame is not None for v in verdicts) > len(frames) / 2
    assert traffic.compare(verdicts, received) == []
