#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""demo.py - a ClickOS firewall VM on real Xen filters real frames: `make demo`.

Starts a lab, creates a VM with two interfaces on two bridges, gives it examples/firewall.click,
sends 20,000 frames of mixed flows from a capture file into one NIC and compares, frame by
frame, what leaves the other with what the rules say. Then one rule changes while the VM runs, and the
difference shows. Ends with exit code 1 if anything was not as it should be.
"""

import argparse
import collections
import json
import lzma
import os
import sys
import time

from lab import Lab, LabError
import traffic

TREE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("BUILD") or os.path.join(TREE, "build")
CHANGED = "tcp && dst port 22"          # the rule that changes: deny, then allow
QUIET = 2.0                             # seconds without a frame: nothing more will come


def say(text):
    print(f"{time.monotonic() - say.start:6.1f} s  {text}", flush=True)


say.start = time.monotonic()


class Demo:
    def __init__(self, lab, vm_type):
        self.lab, self.type = lab, vm_type
        self.failures = []

    def expect(self, holds, complaint):
        if not holds:
            self.failures.append(complaint)
            say(f"WRONG: {complaint}")
        return holds

    def clickos(self, line, **options):
        return self.lab.run(f"clickos {line}", check=True, **options).stdout

    def read(self, handler):
        return self.clickos(f"read fw {handler}").strip()

    def timed(self, line):
        """Milliseconds that a command takes, by the clock of dom0's bash, without ssh."""
        script = (f"a=${{EPOCHREALTIME/./}}; clickos {line} >/dev/null || exit; b=${{EPOCHREALTIME/./}}; "
                  "echo $(((b - a) / 1000))")
        return int(self.lab.run(script, check=True).stdout)

    def rules(self):
        """(action, packets, pattern) of each rule, as the VM tells."""
        rows = [line.split("\t") for line in self.read("from_outside.rules").split("\n")]
        return [(action, int(packets), pattern) for action, packets, pattern in rows]

    # ---- the steps ----

    def install(self):
        self.lab.put(os.path.join(BUILD, "clickos"), "/usr/bin/clickos")
        self.lab.run("mkdir -p /usr/local/lib/clickos", check=True)
        self.lab.put(os.path.join(BUILD, "clickos.elf"), "/usr/local/lib/clickos/clickos.elf")
        self.lab.put(os.path.join(TREE, "examples", "firewall.click"), "/root/firewall.click")

    def create(self):
        self.create_ms = self.timed(f"create fw --type {self.type} --memory {MEMORY} --vif bridge=br0 "
                                    "--vif bridge=br1 --config /root/firewall.click")
        say(f"VM fw is Running after {self.create_ms} ms")
        self.clickos("stop fw")
        self.start_ms = self.timed("start fw /root/firewall.click")
        say(f"the configuration, stopped and started again in the running VM, is Running after {self.start_ms} ms")
        memory = json.loads(self.clickos("list fw --json"))["memory"]
        say(f"the VM says: {memory['used'] // 1024} of {memory['total'] // 1024} KiB in use, "
            f"{memory['packets']} packet buffers")

    def filter(self, frames, firewall, left, right):
        """Sends frames outside, gathers what comes out inside; returns the verdicts and the differences."""
        verdicts = [firewall.verdict(frame) for frame in frames]
        right.drain()
        left.send_many(frames, window=WINDOW, out=right, passes=[v.frame is not None for v in verdicts])
        received = []
        while True:
            frame = right.receive(timeout=QUIET)
            if frame is None:
                break
            received.append(frame)
        differences = traffic.compare(verdicts, received)
        for difference in differences[:10]:
            say(f"WRONG: {difference}")
        return verdicts, received, differences

    def table(self, frames, firewall, verdicts, received, differences):
        by_reason = collections.Counter(v.reason for v in verdicts)
        allowed = sum(v.frame is not None for v in verdicts)
        rules = self.rules()
        self.expect([f"{a} {p}" for a, _, p in rules] == firewall.texts(),
                    f"the VM's rules are not the ones that the demo judges by: {rules}")
        print()
        print(f"  {'sent into NIC 1':<66}{len(frames):>8}")
        print(f"  {'came out of NIC 2':<66}{len(received):>8}  should be {allowed}")
        print(f"  {'rule':<66}{'VM says':>8}{'should be':>11}")
        for number, (action, packets, pattern) in enumerate(rules):
            wanted = by_reason[number]
            print(f"  {action + ' ' + pattern:<66}{packets:>8}{wanted:>11}")
            self.expect(packets == wanted, f"rule {number} counted {packets} packets, not {wanted}")
        for label, handler, reason in (("ARP, passed", "outside_arp.count", "arp"),
                                       ("neither IP nor ARP, dropped", "outside_other.count", "other"),
                                       ("IP header wrong, dropped", "outside_header.drops", "header")):
            count = int(self.read(handler))
            print(f"  {label:<66}{count:>8}{by_reason[reason]:>11}")
            self.expect(count == by_reason[reason], f"{handler} is {count}, not {by_reason[reason]}")
        print(f"  {'mismatches, frame by frame':<66}{len(differences):>8}{0:>11}")
        print()
        self.expect(not differences, f"{len(differences)} frames differ")

    def change_rule(self, firewall):
        changed = firewall.with_action(CHANGED, "allow")
        self.lab.run("cat >/root/rules", check=True, input=",\n".join(changed.texts()))
        self.clickos("write fw from_outside.config --file /root/rules")
        say(f"changed while it runs: 'deny {CHANGED}' is now 'allow {CHANGED}'")
        return changed

    def figures(self):
        with open(os.path.join(BUILD, "clickos.elf"), "rb") as file:
            image = file.read()
        memory = self.lab.run("xl list fw | awk 'NR == 2 {print $3}'", check=True).stdout.strip()
        print(f"  {'image, stripped / compressed (xz)':<50}{len(image) / 1024:>7.0f} KiB / "
              f"{len(lzma.compress(image)) / 1024:.0f} KiB")
        print(f"  {'memory of the VM (' + self.type + ')':<50}{memory:>7} MB")
        print(f"  {'create to Running (dom0 under emulation)':<50}{self.create_ms:>7} ms")
        print(f"  {'start to Running in a running VM':<50}{self.start_ms:>7} ms")
        print()

    def show_console(self):
        print(self.lab.console("fw"), file=sys.stderr)

    def run(self, count):
        say("puts the clickos command and the image into dom0")
        self.install()
        self.create()
        capture = os.path.join(BUILD, "demo.pcap")
        traffic.write_pcap(capture, traffic.mixed(count, seed=20121015))
        frames = traffic.read_pcap(capture)
        firewall = traffic.Firewall()
        with self.lab.nic(1) as left, self.lab.nic(2) as right:
            say(f"sends {count} frames of {capture} into NIC 1, outside")
            self.table(frames, firewall, *self.filter(frames, firewall, left, right))
            changed = self.change_rule(firewall)
            self.clickos("write fw outside_arp.reset_counts")
            self.clickos("write fw outside_other.reset_counts")
            before = int(self.read("outside_header.drops"))
            again = frames[:count // 10]
            say(f"sends the first {len(again)} frames once more")
            verdicts, received, differences = self.filter(again, changed, left, right)
            newly = sum(v.frame is not None for v in verdicts) - sum(
                firewall.verdict(frame).frame is not None for frame in again)
            say(f"{len(received)} came out, {newly} of them because of the change; mismatches: {len(differences)}")
            self.expect(not differences, f"{len(differences)} frames differ after the change")
            self.expect(newly > 0, "the change made no difference")
            self.expect(dict((p, n) for _, n, p in self.rules())[CHANGED] ==
                        sum(v.reason == 5 for v in verdicts), "the changed rule's count is wrong")
            self.expect(int(self.read("outside_header.drops")) - before ==
                        sum(v.reason == "header" for v in verdicts), "header drops are wrong")
        self.figures()
        self.clickos("destroy fw")
        say("VM destroyed")


MEMORY = 4              # MB
WINDOW = 128            # frames under way: half of a vif's ring


def main():
    parser = argparse.ArgumentParser(description="A ClickOS firewall VM on real Xen filters real frames.")
    parser.add_argument("--frames", type=int, default=20000, help="how many (default %(default)s)")
    parser.add_argument("--type", choices=("pv", "pvh"), default="pv", help="how Xen runs the VM")
    parser.add_argument("--name", default="demo", help="the lab's name (default %(default)s)")
    parser.add_argument("--keep", action="store_true", help="leave lab and VM running at the end")
    options = parser.parse_args()
    lab = Lab(options.name)
    say("starts a Xen host in QEMU")
    lab.up()
    demo = Demo(lab, options.type)
    try:
        demo.run(options.frames)
    except LabError as error:
        demo.failures.append(str(error))
        print(error, file=sys.stderr)
        demo.show_console()
    finally:
        if not options.keep:
            lab.down()
            say("lab is down")
    if demo.failures:
        print(f"FAILED: {len(demo.failures)} things were wrong", file=sys.stderr)
        return 1
    print("All as the rules say: 0 mismatches.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
