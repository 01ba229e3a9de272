#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""bench.py - what a packet costs: `make bench`.

Every pipeline (pipelines.py) runs several times in every program, the programs taking turns, and the cost
is user plus system time by the kernel's account, less that of FromDump -> Discard on the same capture file.
The table has medians. A pipeline that costs a program more than SLOW runs over fewer packets there. Pipelines
with large tables also run over a single packet: what that takes to come up is not a packet's cost but shown by
itself, and so is memory, less that of FromDump -> Discard.
"""

import argparse
import dataclasses
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

from pipelines import BUILD, PIPELINES

SLOW = 300                      # nanoseconds a packet
FEW = 8                         # times fewer packets for those


class Program:
    def __init__(self, name, path):
        self.name, self.path = name, path
        # Click's own FromDump has no BURST.
        self.has_burst = self.run_config(PIPELINES[0].configuration(1))[0]

    def run_config(self, text, limit=600):
        """(it ended well, seconds of user and system time, KB of memory at most)"""
        with tempfile.NamedTemporaryFile("w", suffix=".click") as file, open(os.devnull, "w") as null:
            file.write(text)
            file.flush()
            process = subprocess.Popen([self.path, file.name], stdout=null, stderr=null)
            end = time.monotonic() + limit
            memory = 0
            while True:
                # Not ru_maxrss: that begins with the memory of whoever started the process.
                memory = max(memory, resident_kb(process.pid))
                pid, status, usage = os.wait4(process.pid, os.WNOHANG)
                if pid:
                    process.returncode = os.waitstatus_to_exitcode(status)
                    return process.returncode == 0, usage.ru_utime + usage.ru_stime, memory
                if time.monotonic() > end:
                    process.kill()
                    os.wait4(process.pid, 0)
                    process.returncode = -9
                    return False, 0, 0
                time.sleep(0.002)


def resident_kb(pid):
    """The most that the process had so far; 0 when it has ended."""
    with open(f"/proc/{pid}/status") as file:
        return next((int(line.split()[1]) for line in file if line.startswith("VmHWM")), 0)


class Measurement:
    """One pipeline in one program, with frames of one size, at one burst."""

    def __init__(self, program, pipeline, size, burst, packets, may_shorten=True):
        self.program, self.pipeline, self.size, self.burst, self.packets = program, pipeline, size, burst, packets
        self.may_shorten = may_shorten
        self.seconds, self.memory, self.failed = [], 0, False

    def run(self):
        if self.failed:
            return
        ok, seconds, memory = self.program.run_config(self.pipeline.configuration(
            self.packets, self.size, self.burst, self.program.has_burst))
        if not ok:
            self.failed = True
            print(f"{self.program.name} does not run {self.pipeline.name}", file=sys.stderr)
            return
        if not self.seconds and self.may_shorten and seconds * 1e9 / self.packets > SLOW and \
                self.pipeline.n_flows * FEW <= self.packets:
            self.packets //= FEW
            self.may_shorten = False
            self.run()
            return
        self.seconds.append(seconds)
        self.memory = max(self.memory, memory)

    def median(self):
        return statistics.median(self.seconds) if self.seconds else None


class Result:
    """A measurement and those that are subtracted from it."""

    def __init__(self, of, others):
        self.of, self.others = of, others       # `others`: a dict that all results share

    def other(self, pipeline, packets):
        size = self.of.size if packets > 1 else 64
        key = (self.of.program.name, pipeline.name, pipeline.kind, pipeline.n_flows, size, self.of.burst, packets)
        if key not in self.others:
            self.others[key] = Measurement(self.of.program, pipeline, size, self.of.burst, packets, False)
        return self.others[key]

    def null(self, packets):
        """FromDump -> Discard on the same capture file."""
        return self.other(dataclasses.replace(PIPELINES[0], kind=self.of.pipeline.kind,
                                              n_flows=self.of.pipeline.n_flows), packets)

    def is_net(self):
        return self.of.pipeline.name != "null" and self.of.pipeline.kind != "none"

    def subtracted(self):
        """All that has to run besides."""
        made = []
        if self.is_net():
            made = [self.null(self.of.packets)]
        if self.of.pipeline.large:
            made += [self.other(self.of.pipeline, 1), self.null(1)]
        return made

    def up_seconds(self):
        """What it takes to come up: parsing, building, and going down again. None where nobody asks."""
        one = self.other(self.of.pipeline, 1).median() if self.of.pipeline.large else None
        return None if one is None else max(0, one - self.null(1).median())

    def ns(self):
        """Nanoseconds a packet; None when it does not run. "null" itself and sources of their own are gross."""
        seconds = self.of.median()
        if seconds is None:
            return None
        if self.is_net():
            seconds -= self.null(self.of.packets).median()
        return (seconds - (self.up_seconds() or 0)) * 1e9 / self.of.packets

    def memory_kb(self):
        return self.of.memory - (self.null(self.of.packets).memory if self.is_net() else 0)


def add_programs(parser):
    parser.add_argument("--click", default=os.environ.get("CLICK"), metavar="PATH", help="Click, to compare with ($CLICK)")
    parser.add_argument("--fastclick", default=os.environ.get("FASTCLICK"), metavar="PATH",
                        help="FastClick, to compare with ($FASTCLICK)")


def programs_of(options):
    return [Program(name, path) for name, path in
            (("clickos", BUILD / "click"), ("click", options.click), ("fastclick", options.fastclick)) if path]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pipelines", nargs="*", metavar="PIPELINE", help="names; without any: those of the table of record")
    parser.add_argument("--all", action="store_true", help="every pipeline")
    parser.add_argument("--runs", type=int, default=9, metavar="N", help="runs of each (9)")
    parser.add_argument("--packets", type=int, default=4_000_000, metavar="N", help="packets a run (4000000)")
    parser.add_argument("--size", default="64", metavar="BYTES,...", help="of frames (64)")
    parser.add_argument("--burst", default="32", metavar="N,...", help="of the source, where it has that (32)")
    add_programs(parser)
    parser.add_argument("--json", action="store_true", help="the same as JSON")
    options = parser.parse_args()

    programs = programs_of(options)
    wanted = [p for p in PIPELINES if (p.name in options.pipelines if options.pipelines else options.all or p.main)]
    unknown = set(options.pipelines) - {p.name for p in PIPELINES}
    if unknown:
        parser.error(f"no pipeline {', '.join(sorted(unknown))}; there are {', '.join(p.name for p in PIPELINES)}")
    bursts = [int(burst) for burst in options.burst.split(",")]
    sizes = [int(size) for size in options.size.split(",")]

    def of_program(program):
        return bursts if program.has_burst else bursts[:1]

    others = {}
    results = [Result(Measurement(program, pipeline, size, burst, options.packets), others)
               for pipeline in wanted for size in sizes for program in programs for burst in of_program(program)]
    for turn in range(options.runs):
        done = set()
        for result in results:
            result.of.run()
            for other in result.subtracted():
                if id(other) not in done:
                    done.add(id(other))
                    other.run()
        if not options.json:
            print(f"run {turn + 1} of {options.runs}", file=sys.stderr)

    rows = []
    for pipeline in wanted:
        for size in sizes:
            row = {"pipeline": pipeline.name, "shows": pipeline.shows, "size": size, "goal": pipeline.goal,
                   "ns": {}, "memory_kb": {}, "up_seconds": {}}
            for result in results:
                of = result.of
                if of.pipeline is pipeline and of.size == size and result.ns() is not None:
                    label = of.program.name + (f" burst {of.burst}" if len(of_program(of.program)) > 1 else "")
                    row["ns"][label] = result.ns()
                    row["memory_kb"][label] = result.memory_kb()
                    if pipeline.large:
                        row["up_seconds"][label] = result.up_seconds()
            rows.append(row)
    report(options, rows)


def machine():
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), platform.machine())
    return f"{model}, {os.cpu_count()} processors, Linux {platform.release()}"


def report(options, rows):
    if options.json:
        print(json.dumps({"machine": machine(), "runs": options.runs, "packets": options.packets,
                          "rows": rows}, indent=2))
        return
    labels = list(dict.fromkeys(label for row in rows for label in row["ns"]))
    ours = [label for label in labels if label.startswith("clickos")]
    print(f"{machine()}\n{options.packets} packets, medians of {options.runs} runs; "
          "ns a packet (user and system), less FromDump -> Discard")
    for size in dict.fromkeys(row["size"] for row in rows):
        print(f"{f'frames of {size} bytes':<50}" + "".join(f"{label:>18}" for label in labels)
              + ("".join(f"{'ratio':>9}" for _ in ours) + f"{'goal':>8}" if "click" in labels else ""))
        for row in rows:
            if row["size"] == size:
                print(line_of(row, labels, ours))
    large = [row for row in rows if row["up_seconds"] and row["size"] == rows[0]["size"]]
    for heading, key, unit, form in (("to come up and go down, ms", "up_seconds", 1000, ".0f"),
                                     ("memory, MB", "memory_kb", 1 / 1024, ".1f")):
        if large:
            print(heading)
        for row in large:
            print(f"{row['shows']:<50}" + "".join(
                f"{row[key][label] * unit:>18{form}}" if label in row[key] else f"{'-':>18}" for label in labels))


def line_of(row, labels, ours):
    line = f"{row['shows']:<50}" + "".join(
        f"{row['ns'][label]:>18.1f}" if label in row["ns"] else f"{'-':>18}" for label in labels)
    if "click" in labels:
        for label in ours:
            both = label in row["ns"] and "click" in row["ns"]
            line += f"{row['ns'][label] / row['ns']['click']:>9.3f}" if both else f"{'-':>9}"
        line += f"{row['goal']:>8}" if row["goal"] else f"{'':>8}"
    return line


if __name__ == "__main__":
    main()
