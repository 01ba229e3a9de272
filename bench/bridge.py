#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""bridge.py - TCP through a VM that bridges two vifs: `make bench-bridge`.

    namespace a - bench0 - vif 0 [ VM ] vif 1 - bench1 - namespace b       iperf3 from a to b, in dom0

In one lab, taking turns: ClickOS, with all offloads and with less of them, a Linux guest that bridges, and a cable (a veth
pair) between the bridges, which is what dom0 does by itself. One processor runs all of it. Medians.
"""

import argparse
import json
import os
import statistics
import sys

from bench import machine
from netfront import Lab, install

GOAL = 0.8                      # of the Linux guest's, with offloads

# What a VM lets its backend leave to it, by the name of the row: docs/netfront.md.
OFFLOADS = {"ClickOS": "all", "no gso": "sg,csum,csum6", "none": "none"}

CLICKOS = """
FromClickOS(0) -> Queue(1024) -> ToClickOS(1);
FromClickOS(1) -> Queue(1024) -> ToClickOS(0);
"""

NETWORK = """
set -e
side() {                        # NAMESPACE BRIDGE ADDRESS
    ip link add $2 type bridge stp_state 0 forward_delay 0 mcast_snooping 0
    ip netns add $1
    ip link add $1-out type veth peer name eth0 netns $1
    ip link set $1-out master $2
    ip link set $1-out up
    ip link set $2 up
    ip -n $1 address add $3/24 dev eth0
    ip -n $1 link set eth0 up
}
side a bench0 10.9.0.1
side b bench1 10.9.0.2
ip link add cable0 type veth peer name cable1
ip netns exec b iperf3 -s -D >/dev/null 2>&1
"""


class Path:
    """What lies between the bridges: two interfaces of dom0, on the bridges only while it is this one's turn."""

    def __init__(self, host, name, interfaces):
        self.host, self.name, self.interfaces, self.rates = host, name, interfaces, []
        self.plug("nomaster")

    def plug(self, *masters):
        for interface, master in zip(self.interfaces, masters * (2 // len(masters))):
            self.host.run(f"ip link set {interface} {master} && ip link set {interface} up", check=True)

    def run(self, seconds):
        self.plug("master bench0", "master bench1")
        done = self.host.run("ip netns exec a ping -q -c 3 -w 10 10.9.0.2 >/dev/null; "
                             f"ip netns exec a iperf3 -c 10.9.0.2 -t {seconds} -J", timeout=seconds + 120)
        self.plug("nomaster")
        try:
            self.rates.append(json.loads(done.stdout)["end"]["sum_received"]["bits_per_second"])
        except (ValueError, KeyError):
            raise RuntimeError(f"iperf3 through {self.name}: {done.stdout[-500:]}{done.stderr}") from None


def measure(host, options):
    install(host)
    host.run(NETWORK, check=True)
    paths = [Path(host, "cable", ("cable0", "cable1"))]
    for number, (name, offload) in enumerate(OFFLOADS.items()):
        vm = f"clickos{number}"
        host.run(["clickos", "create", vm, "--type", options.type, "--memory", "32", "--vif", "bridge=bench0",
                  "--vif", "bridge=bench1", "--arguments", f"offload={offload}", "--config", "-"], input=CLICKOS, check=True)
        vm_id = int(host.run(f"xl domid {vm}", check=True).stdout)
        host.wait_for_vifs(vm_id, 2)
        paths.append(Path(host, name, (f"vif{vm_id}.0", f"vif{vm_id}.1")))
        paths[-1].plug("nomaster")
    guest = host.linux("linux", "bench0", "bench1", type=options.type)
    host.wait_for_vifs(guest.id, 2)
    paths.append(Path(host, "Linux", (f"vif{guest.id}.0", f"vif{guest.id}.1")))
    guest.run("ip link add br0 type bridge mcast_snooping 0 forward_delay 0; for i in eth0 eth1; do "
              "ip link set $i master br0; ip link set $i up; done; ip link set br0 up")
    for turn in range(options.runs):
        for path in paths:
            path.run(options.seconds)
            print(f"run {turn + 1}, {path.name}: {path.rates[-1] / 1e6:.1f} Mbit/s", file=sys.stderr)
    return {path.name: path.rates for path in paths}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="of each, taking turns (5)")
    parser.add_argument("--seconds", type=int, default=10, metavar="N", help="a run (10)")
    parser.add_argument("--type", default="pv", choices=("pv", "pvh"), help="of both VMs (pv)")
    parser.add_argument("--json", action="store_true", help="every run, as JSON")
    options = parser.parse_args()
    with Lab(f"bridge-{os.getpid()}") as host:
        rates = measure(host, options)
    if options.json:
        print(json.dumps({"machine": machine(), "bits_per_second": rates}, indent=2))
        return
    median = {name: statistics.median(values) for name, values in rates.items()}
    print(f"{machine()}; all in one QEMU with one processor\nTCP, medians of {options.runs} runs of {options.seconds} s")
    for name, rate in median.items():
        print(f"{name:<10}{rate / 1e6:>10.1f} Mbit/s{rate / median['Linux']:>8.2f} of Linux")
    print(f"goal, with offloads: {GOAL} of Linux")


if __name__ == "__main__":
    main()
