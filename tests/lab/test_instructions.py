# SPDX-License-Identifier: BSD-2-Clause
"""What a frame costs in the guest, in instructions: limits that hold on any machine, because they are counted and
not timed. In a lab of its own, whose time passes with its instructions. `make bench-netfront-instructions` has all modes."""

import subprocess
import sys

import pytest
from conftest import TREE

sys.path.insert(0, str(TREE / "bench"))
import netfront_instructions as bench   # noqa: E402 (bench/ is not a package)

FEW, MANY = 500, 2500


def test_instructions_a_packet(build):
    needed = [build / "clickos-counted.debug", build / "bench/netfront_count.so", build / "bench/netfront_send"]
    missing = [str(path) for path in needed if not path.exists()]
    if missing:
        pytest.skip(f"not built: {', '.join(missing)}; make netfront-instructions-needs")
    if b"-plugin" not in subprocess.run(["qemu-system-x86_64", "--help"], capture_output=True, check=False).stdout:
        pytest.skip("this QEMU has no plugins")
    symbols = bench.Symbols(build / "clickos-counted.debug")
    for row in bench.count(("all",), bench.SCENARIOS, symbols, few=FEW, many=MANY, timeout=300):
        in_guest, xen = row["instructions"]["guest"], row["instructions"]["xen"]
        print(f"{row['scenario']}: {in_guest:.1f} in the guest (at most {row['goal']}), {xen:.0f} in Xen")
        assert 50 < in_guest <= row["goal"], row["functions"]
        # What the plugin saw was our driver, and not somebody else at its address.
        assert row["functions"]["netfront_transmit" if row["scenario"] == "send" else "netfront_receive"] > 10
        assert row["lost"] == 0 or row["scenario"] == "forward"
