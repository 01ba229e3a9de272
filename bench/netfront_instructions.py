#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""netfront_instructions.py - instructions a packet in the guest: `make bench-netfront-instructions`.

A lab whose time passes with its instructions (lab/up --icount) runs a job by itself, so every run gives the same numbers,
but for one in a thousand. A plugin of QEMU's (netfront_count.c) counts what ClickOS executes, one by one, and what
Xen and Linux do. In each mode of netfront, each scenario runs over two numbers of frames, and what the second takes more is
divided among the frames that it has more: what starting and asking take is in both.
"""

import argparse
import bisect
import collections
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

from pipelines import BUILD

TREE = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TREE / "lab"))
from lab import Lab     # noqa: E402 (lab/ is not a package)

# What is switched on, as the boot line names it.
MODES = {"basic": "basic", "poll": "poll", "gru": "gru", "fr": "fr", "poll+gru": "poll,gru", "poll+fr": "poll,fr",
         "gru+fr": "gru,fr", "all": "poll,gru,fr"}
WARM, FEW, MANY = 1000, 2000, 10_000    # frames
PLACES = ("guest", "xen", "linux", "programs")


@dataclasses.dataclass
class Scenario:
    name: str
    shows: str
    goal: int
    config: str
    send: str               # a shell line that makes $1 frames go
    interface: str          # of which dom0 counts what went, and where:
    counter: str
    total: str              # handler of all frames


SEND = "netfront_send vif$id.0 $1 64 >/dev/null"
SCENARIOS = [
    Scenario("receive", "FromClickOS -> Discard", 300, "from :: FromClickOS(0) -> Discard",
             SEND, "0", "tx_packets", "from.count"),
    Scenario("send", "InfiniteSource -> Queue -> ToClickOS", 300,
             "s :: InfiniteSource(LENGTH 64, LIMIT 0, BURST 32) -> Queue(1024) -> ToClickOS(0)",
             "clickos write $vm s.limit $((total + $1))", "0", "rx_packets", "s.count"),
    Scenario("forward", "FromClickOS -> Counter -> ToClickOS", 600,
             "FromClickOS(0) -> c :: Counter -> ToClickOS(1)", SEND, "1", "rx_packets", "c.count"),
]

# Runs in dom0. Prints "mark NAME" for each mark, in their order, and what the guest and dom0 counted. vifs leave
# their bridges, so that frames end where they leave the guest.
JOB = r"""#!/bin/bash
PATH=/root:$PATH
sent() { cat /sys/class/net/vif$id.$interface/statistics/$counter; }
mark() { netfront_mark; echo "mark $1"; }
frames() {                  # NAME NUMBER
    mark start
    send "$2"
    total=$((total + $2))
    before=
    while now=$(sent) && [ $now -lt $((first + total)) ] && [ "$now" != "$before" ]; do before=$now; usleep 100000; done
    usleep 50000            # what the guest does about the last frame
    mark "$1"
}
scenario() {                # MODE SCENARIO
    echo "$config" | clickos start $vm - >/dev/null || echo "failed $1 $2"
    first=$(sent) total=0
    frames warm WARM
    frames "$1 $2 few" FEW
    frames "$1 $2 many" MANY
    echo "counted $1 $2 $(clickos read $vm $handler) $(($(sent) - first)) of $total"
}
create() {                  # MODE
    clickos create $vm --memory 64 --type TYPE --kernel /root/clickos.elf --arguments "netfront=$1" \
        --vif bridge=br0 --vif bridge=br1 >/dev/null || echo "failed to create"
    echo 'Idle' | clickos start $vm - >/dev/null
    id=$(xl domid $vm)
    for vif in vif$id.0 vif$id.1; do
        for try in $(seq 100); do [ "$(cat /sys/class/net/$vif/brport/state)" = 3 ] && break; usleep 50000; done
        ip link set $vif nomaster
        ip link set $vif up
    done
}
PART
echo 'job is done'
"""

MODE = """
vm=counted
create BOOT
CASES
clickos destroy $vm
"""

CASE = """
send() { SEND; }
config='CONFIG' interface=INTERFACE counter=COUNTER handler=HANDLER
scenario MODE NAME
"""


def replaced(text, **values):
    for name, value in values.items():
        text = text.replace(name, str(value))
    return text


def job(modes, scenarios, vm_type, few, many):
    parts = []
    for mode in modes:
        cases = "".join(replaced(CASE, SEND=s.send, CONFIG=s.config, INTERFACE=s.interface, COUNTER=s.counter,
                                 HANDLER=s.total, MODE=mode, NAME=s.name) for s in scenarios)
        parts.append(replaced(MODE, CASES=cases, BOOT=MODES[mode]))
    return replaced(JOB, WARM=WARM, FEW=few, MANY=many, TYPE=vm_type, PART="".join(parts))


class Symbols:
    """The functions of the guest, by address."""

    def __init__(self, image):
        lines = subprocess.run(["nm", "-n", image], capture_output=True, text=True, check=True).stdout.split("\n")
        named = [(int(line.split()[0], 16), line.split()[2]) for line in lines if len(line.split()) == 3]
        self.base, = (at for at, name in named if name == "image_start")
        self.end, = (at for at, name in named if name == "rodata_start")
        functions = [(at, name) for at, name in named if self.base <= at < self.end and name != "image_start"]
        self.starts = [at for at, _ in functions]
        self.names = [name for _, name in functions]

    def function(self, address):
        return self.names[bisect.bisect(self.starts, address) - 1]


def run_job(text, symbols, timeout):
    """What the job printed, and the plugin's account."""
    name = f"netfront-{os.getpid()}"
    folder = BUILD / "bench" / name
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "etc/lab").mkdir(parents=True)
    (folder / "root").mkdir()
    (folder / "usr/bin").mkdir(parents=True)
    (folder / "etc/lab/job").write_text(text)
    (folder / "etc/lab/job").chmod(0o755)
    for source, target in (("clickos", "usr/bin/clickos"), ("clickos-counted.elf", "root/clickos.elf"),
                           ("bench/netfront_mark", "usr/bin/netfront_mark"),
                           ("bench/netfront_send", "usr/bin/netfront_send")):
        shutil.copy(BUILD / source, folder / target)
    account = folder / "account"
    lab = Lab(name, "--icount", "--memory", "768", "--dom0-memory", "448", "--add", str(folder), "--timeout", str(timeout), "--qemu",
              f"-plugin {BUILD}/bench/netfront_count.so,out={account},base={symbols.base},size={symbols.end - symbols.base}")
    try:
        lab.up()
        serial = pathlib.Path(lab.state) / "serial.log"
        end = time.monotonic() + timeout
        while "job is done" not in (log := serial.read_text(errors="replace")):
            if time.monotonic() > end:
                raise RuntimeError(f"the job in the lab does not end; what it printed: {serial}")
            time.sleep(0.5)
        text = account.read_text()
    finally:
        lab.down()
    shutil.rmtree(folder)
    shutil.rmtree(lab.state)
    return log.replace("\r", "").split("\n"), text


def read_account(text):
    """A list of {place: count, "at": {address: count}}, one a mark."""
    marks = []
    for line in text.split("\n"):
        words = line.split()
        if words[:1] == ["mark"]:
            marks.append({words[i]: int(words[i + 1]) for i in range(2, len(words), 2)} | {"at": {}})
        elif words:
            marks[-1]["at"][int(words[0], 16)] = int(words[1])
    return marks


def count(modes, scenarios, symbols, vm_type="pv", few=FEW, many=MANY, timeout=1200):
    """Rows of {mode, scenario, goal, lost: frames, instructions: {place: a packet}, functions: {name: a packet}}."""
    log, account = run_job(job(modes, scenarios, vm_type, few, many), symbols, timeout)
    wrong = [line for line in log if line.startswith("failed")]
    if wrong:
        raise RuntimeError("\n".join(wrong))
    names = [line[5:] for line in log if line.startswith("mark ")]
    by_name = {name: mark for name, mark in zip(names, read_account(account)) if name not in ("start", "warm")}
    counted = {tuple(line.split()[1:3]): line.split()[3:] for line in log if line.startswith("counted ")}
    rows = []
    for mode in modes:
        for scenario in scenarios:
            less, more = (by_name[f"{mode} {scenario.name} {which}"] for which in ("few", "many"))
            in_guest, in_dom0, _, total = map(lambda w: int(w) if w.isdigit() else w, counted[mode, scenario.name])
            functions = collections.Counter()
            for address, n in more["at"].items():
                functions[symbols.function(address)] += n
            for address, n in less["at"].items():
                functions[symbols.function(address)] -= n
            rows.append({
                "mode": mode, "scenario": scenario.name, "goal": scenario.goal,
                "lost": total - min(in_guest, in_dom0),
                "instructions": {place: (more[place] - less[place]) / (many - few) for place in PLACES},
                "functions": {name: n / (many - few) for name, n in functions.most_common() if n}})
    return rows


def report(rows, modes, scenarios, functions):
    print(f"instructions a packet, {MANY - FEW} frames of 64 bytes")
    print(f"{'in the guest':<12}" + "".join(f"{s.shows:>38}" for s in scenarios))
    for mode in modes:
        print(f"{mode:<12}" + "".join(f"{row['instructions']['guest']:>38.1f}" for row in rows if row["mode"] == mode))
    print(f"{'goal':<12}" + "".join(f"{s.goal:>38}" for s in scenarios))
    print("elsewhere: Xen, Linux in dom0, programs there")
    for mode in modes:
        print(f"{mode:<12}" + "".join(
            ", ".join(f"{row['instructions'][place]:.0f}" for place in PLACES[1:]).rjust(38)
            for row in rows if row["mode"] == mode))
    for row in rows:
        if row["lost"]:
            print(f"{row['mode']}, {row['scenario']}: {row['lost']} frames were lost")
        if functions:
            print(f"{row['mode']}, {row['scenario']}: by function")
            for name, n in row["functions"].items():
                if abs(n) >= 0.05:
                    print(f"{n:>10.1f}  {name}")


def add_choices(parser, scenarios):
    parser.add_argument("--modes", default=" ".join(MODES), metavar="'MODE ...'", help=f"of netfront ({' '.join(MODES)})")
    parser.add_argument("--scenarios", default=",".join(s.name for s in scenarios), metavar="NAME,...", help="(all)")


def chosen(parser, options, scenarios):
    """What these options name: modes, scenarios."""
    modes = options.modes.split()
    if unknown := set(modes) - set(MODES):
        parser.error(f"no mode {', '.join(unknown)}; there are {' '.join(MODES)}")
    return modes, [s for s in scenarios if s.name in options.scenarios.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_choices(parser, SCENARIOS)
    parser.add_argument("--type", default="pv", choices=("pv", "pvh"), help="of the VM (pv)")
    parser.add_argument("--functions", action="store_true", help="also what each function takes")
    parser.add_argument("--json", action="store_true", help="the same as JSON, with functions")
    options = parser.parse_args()
    modes, scenarios = chosen(parser, options, SCENARIOS)
    symbols = Symbols(BUILD / "clickos-counted.debug")
    rows = count(modes, scenarios, symbols, options.type)
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        report(rows, modes, scenarios, options.functions)


if __name__ == "__main__":
    main()
