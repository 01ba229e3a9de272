#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""netfront.py - frames a second in and out of a VM on Xen: `make bench-netfront`, after the ClickOS paper's Figure 3.

In one lab, taking turns: ClickOS with netfront's mechanisms off (basic), each alone, in pairs and all of them, and Linux with its
own netfront. A sender in dom0 (netfront_send.c) or in the guest goes as fast as it is let; dom0 counts what passes
the vif (netfront_watch.c), and the guest's own count has to agree. vifs are taken off their bridges, so frames end
where they leave the guest. Medians; a table, and bar charts (SVG, PNG, numbers) in build/bench/netfront.

One processor is shared by the sender, netback and the guest. What is left to the guest's side is shown by two more
figures: what the sender takes alone, into an interface that throws frames away; and the bound, which is the rate that would be reached if
the guest took no time, from the guest's share of the time by Xen's account: rate / (1 - share).

Seconds are those of QEMU's processor time, so that who else is on the machine matters little; JSON has those of the clock, too.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import sys

from bench import machine
from netfront_instructions import MODES, add_choices, chosen
from pipelines import BUILD

TREE = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TREE / "lab"))
from lab import Lab     # noqa: E402 (lab/ is not a package)

FOLDER = BUILD / "bench" / "netfront"
PAPER = "basic to all: 45 times in the paper"


@dataclasses.dataclass
class Scenario:
    name: str
    shows: str
    interface: int              # of the guest's vifs: where dom0 counts, and what
    counter: str
    clickos: str                # a configuration; MODE is filled in
    count: str                  # the handler that counts all frames
    linux: str                  # what a Linux guest does before
    linux_count: str            # below /sys/class/net
    frames: int = 40_000        # a run

    def command(self, vm_id, frames, size):
        """The sender in dom0; None: the guest sends."""
        return None if self.name == "send" else f"netfront_send vif{vm_id}.0 {frames} {size}"


SCENARIOS = (
    Scenario("receive", "dom0 to guest", 0, "tx_packets", "FromClickOS(0, MODE MODES) -> c :: Counter -> Discard", "c.count",
             "ip link set eth0 up", "eth0/statistics/rx_packets"),
    Scenario("send", "guest to dom0", 0, "rx_packets",
             "s :: InfiniteSource(LENGTH BYTES, LIMIT 0, BURST 32) -> Queue(1024) -> ToClickOS(0, MODE MODES)", "s.count",
             "ip link set eth0 up", "eth0/statistics/tx_packets", 60_000),
    Scenario("forward", "vif 0 to vif 1", 1, "rx_packets",
             "FromClickOS(0, MODE MODES) -> c :: Counter -> Queue(1024) -> ToClickOS(1, MODE MODES)", "c.count",
             "ip link set eth0 up; ip link set eth1 up; ip link add br0 type bridge ageing_time 0 mcast_snooping 0; "
             "ip link set eth0 master br0; ip link set eth1 master br0; ip link set br0 up",
             "eth1/statistics/tx_packets"),
)


class System:
    """Something that frames go into and out of; rates by (scenario, bytes)."""

    def __init__(self, host, name):
        self.host, self.name = host, name
        self.runs = {}

    def measure(self, scenario, size):
        self.runs.setdefault((scenario.name, size), []).append(self.run(scenario, size, scenario.frames))

    def median(self, scenario, size, what="rate"):
        values = [run[what] for run in self.runs.get((scenario.name, size), []) if run[what] is not None]
        return statistics.median(values) if values else None

    def run(self, scenario, size, frames):
        """One run, all of it one script in dom0: {rate, frames, lost, guest_us (a frame), bound}."""
        command = scenario.command(self.id, frames, size) or self.sends(frames, size)
        script = (f"{self.prepare(scenario, size)}; usleep 300000; {self.counted(scenario)}; {self.cpu_seconds()}; "
                  f"netfront_watch vif{self.id}.{scenario.interface} {scenario.counter} {frames} & watch=$!; "
                  f"usleep 20000; {command} >/dev/null; wait $watch; {self.cpu_seconds()}; {self.counted(scenario)}")
        lines, processor = listen(self.host, script)
        if len(lines) != 6:
            raise RuntimeError(f"{self.name}, {scenario.name}: {lines}")
        count, busy, _, watched, busy_after, count_after = lines
        timed, ns, seen = map(int, watched.split()[1:])
        guest = (float(busy_after) - float(busy)) / seen        # seconds a frame
        share = min(guest / (ns / 1e9 / timed), 0.99)
        rate = timed / processor
        return {"rate": rate, "rate_by_clock": timed / ns * 1e9, "frames": seen,
                "lost": frames - min(seen, int(count_after) - int(count)), "guest_us": share / rate * 1e6, "bound": rate / (1 - share)}


def processor_seconds(host):
    """What QEMU has had so far."""
    pid = pathlib.Path(host.state, "pid").read_text().strip()
    return sum(int(path.read_text().split()[0]) for path in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def listen(host, script):
    """Runs a script in dom0: the lines that it prints, and QEMU's processor time between those that begin with "begin" and "end"."""
    lines, at = [], {}
    with subprocess.Popen([TREE / "lab/run", "--name", host.name, "--", script], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            at[line.split(" ")[0].strip()] = processor_seconds(host)
            if line.strip():
                lines.append(line.strip())
    if process.returncode or not {"begin", "end"} <= set(at):
        raise RuntimeError(f"exit code {process.returncode}: {lines}\n{script}")
    return lines, at["end"] - at["begin"]


class ClickOS(System):
    def __init__(self, host, vm, vm_id, mode):
        super().__init__(host, mode)
        self.vm, self.id, self.modes = vm, vm_id, MODES[mode].replace(",", "+")

    def prepare(self, scenario, size):
        config = scenario.clickos.replace("MODES", self.modes).replace("BYTES", str(size))
        return f"clickos start {self.vm} - >/dev/null <<< '{config}' || exit"

    def sends(self, frames, size):
        return f"clickos write {self.vm} s.limit {frames}"

    def counted(self, scenario):
        return f"echo $(clickos read {self.vm} {scenario.count})"

    def cpu_seconds(self):
        return "clickos list --json | sed -n 's/.*\"cpu_seconds\": \\([0-9.]*\\).*/\\1/p'"       # the lab's only one


class Linux(System):
    """Debian's kernel as a guest; one for all scenarios, as it is slow to start, so settings are undone."""

    def __init__(self, host, guest):
        super().__init__(host, "Linux")
        self.tell, self.id, self.now = f"bash /etc/lab/guest run {guest.name}", guest.id, None
        self.name_of_guest = guest.name

    def prepare(self, scenario, size):
        if scenario is self.now:
            return "true"
        self.now = scenario
        return f"{self.tell} 'ip link del br0 2>/dev/null; {scenario.linux}' >/dev/null || exit"

    def sends(self, frames, size):
        return f"{self.tell} 'netfront_send eth0 {frames} {size}'"

    def counted(self, scenario):
        return f"{self.tell} 'cat /sys/class/net/{scenario.linux_count}'"

    def cpu_seconds(self):
        """In tenths, as xl has it."""
        return f"xl list {self.name_of_guest} | awk 'END {{ print $6 }}'"


def sender_alone(host, size, frames=50_000):
    """Frames a second of QEMU's processor time into an interface that throws them away."""
    return frames / listen(host, f"echo begin; netfront_send dummy0 {frames} {size} >/dev/null; echo end")[1]


def install(host):
    host.run("mkdir -p /usr/local/lib/clickos; modprobe dummy; ip link set dummy0 up", check=True)
    host.put(BUILD / "clickos.elf", "/usr/local/lib/clickos/")
    host.put(BUILD / "clickos", BUILD / "bench/netfront_send", BUILD / "bench/netfront_watch", "/usr/bin/")


def off_bridges(host, vm_id):
    """When the hotplug scripts have put them there."""
    host.wait_for_vifs(vm_id, 2)
    for vif in (f"vif{vm_id}.0", f"vif{vm_id}.1"):
        host.run(f"ip link set {vif} nomaster && ip link set {vif} up", check=True)


def report(systems, scenarios, sizes, alone, runs):
    print(f"{machine()}; all in one QEMU with one processor\nmedians of {runs} runs, thousand frames a second of QEMU's processor time")
    linux = next((s for s in systems if isinstance(s, Linux)), None)
    best = next((s for s in systems if s.name == "all"), None)
    basic = next((s for s in systems if s.name == "basic"), None)
    print(f"{'':<10}" + "".join(f"{f'{s.name}, {size} B':>18}" for s in scenarios for size in sizes))
    for system in systems:
        print(f"{system.name:<10}" + "".join(f"{(system.median(s, size) or 0) / 1e3:>18.2f}" for s in scenarios for size in sizes))
    for scenario in scenarios:
        for size in sizes:
            rate = best and best.median(scenario, size)
            if not rate:
                continue
            bound = best.median(scenario, size, "bound")
            line = [f"{scenario.name} ({scenario.shows}), {size} B, all: guest {best.median(scenario, size, 'guest_us'):.1f} us a frame"]
            if scenario.name != "send":
                line.append(f"sender alone {alone[size] / 1e3:.1f}")
            if bound:
                line.append(f"bound {bound / 1e3:.2f}, reached {rate / bound:.2f}")
            if linux:
                line.append(f"{rate / linux.median(scenario, size):.2f} of Linux, whose guest takes "
                            f"{linux.median(scenario, size, 'guest_us'):.1f} us")
            if basic:
                line.append(f"{rate / basic.median(scenario, size):.2f} of basic")
            print("; ".join(line))
    print(f"({PAPER})")
    for system in systems:
        for (name, size), results in system.runs.items():
            if lost := sum(run["lost"] for run in results):
                print(f"{system.name}, {name}, {size} B: {lost} of {sum(run['frames'] for run in results)} frames were lost")


def draw(systems, scenarios, sizes):
    FOLDER.mkdir(parents=True, exist_ok=True)
    for size in sizes:
        name = f"netfront-{size}"
        with open(FOLDER / f"{name}.dat", "w") as file:
            print(f"# thousand frames of {size} bytes a second. {machine()}", file=file)
            print("system", *(f'"{s.name} ({s.shows})"' for s in scenarios), file=file)
            for system in systems:
                print(f'"{system.name}"', *(f"{(system.median(s, size) or 0) / 1e3:.3f}" for s in scenarios), file=file)
        bars = ", ".join(f"'{name}.dat' using {i + 2}:xtic(1) title columnheader({i + 2})" for i in range(len(scenarios)))
        looks = (f"set title 'Frames of {size} bytes: mechanisms of netfront, and a Linux guest'", "set style data histogram",
                 "set style histogram cluster gap 1", "set style fill solid 0.8", "set ylabel 'thousand frames a second (of the processor)'",
                 "set yrange [0:]", "set grid ytics", "set key above", "set xtics rotate by -30")
        for terminal, ending in (("svg size 720,440 font 'sans,12' background 'white'", "svg"), ("png size 1080,660", "png")):
            script = "; ".join((f"set terminal {terminal}", f"set output '{name}.{ending}'", *looks, f"plot {bars}"))
            subprocess.run(["gnuplot", "-e", script], cwd=FOLDER, check=True)
        print(FOLDER / f"{name}.svg", FOLDER / f"{name}.png")


def measure(host, options, modes, scenarios, sizes):
    install(host)
    host.run(["clickos", "create", "clickos", "--type", options.type, "--memory", "32", "--vif", "bridge=br0",
              "--vif", "bridge=br1"], check=True)
    vm_id = int(host.run("xl domid clickos", check=True).stdout)
    off_bridges(host, vm_id)
    systems = [ClickOS(host, "clickos", vm_id, mode) for mode in modes]
    if not options.no_linux:
        guest = host.linux("linux", "br0", "br1", type=options.type, programs=[BUILD / "bench/netfront_send"])
        off_bridges(host, guest.id)
        systems.append(Linux(host, guest))
    alone = {size: [] for size in sizes}
    for turn in range(options.runs):
        for size in sizes:
            alone[size].append(sender_alone(host, size))
            for scenario in scenarios:
                for system in systems:
                    system.measure(scenario, size)
                    last = system.runs[scenario.name, size][-1]
                    print(f"run {turn + 1}, {scenario.name}, {size} B, {system.name}: {last['rate']:.0f}/s", file=sys.stderr)
    return systems, {size: statistics.median(rates) for size, rates in alone.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_choices(parser, SCENARIOS)
    parser.add_argument("--size", default="64,1514", metavar="BYTES,...", help="of frames (64,1514)")
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="of each, taking turns (5)")
    parser.add_argument("--type", default="pv", choices=("pv", "pvh"), help="of both VMs (pv)")
    parser.add_argument("--no-linux", action="store_true", help="without the Linux guest")
    parser.add_argument("--lab", metavar="NAME", help="use this lab, and leave it up afterwards")
    parser.add_argument("--json", action="store_true", help="every run, as JSON")
    options = parser.parse_args()
    modes, scenarios = chosen(parser, options, SCENARIOS)
    sizes = [int(size) for size in options.size.split(",")]

    host = Lab(options.lab or f"netfront-{os.getpid()}")
    host.up()
    try:
        systems, alone = measure(host, options, modes, scenarios, sizes)
    finally:
        host.run("clickos destroy clickos; xl destroy linux", timeout=300)
        if not options.lab:
            host.down()
    if options.json:
        print(json.dumps({"machine": machine(), "sender_alone": alone,
                          "runs": {system.name: {f"{name} {size}": runs for (name, size), runs in system.runs.items()}
                                   for system in systems}}, indent=2))
    else:
        report(systems, scenarios, sizes, alone, options.runs)
    draw(systems, scenarios, sizes)


if __name__ == "__main__":
    main()
