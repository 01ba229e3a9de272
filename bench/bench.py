#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""bench.py - what a packet costs: `make bench`.

Every pipeline (pipelines.py) runs several times in every program, the programs taking turns, and the cost
is user plus system time by the kernel's account, less that of FromDump -> Discard on the same capture file.
The table has medians. A pipeline that costs a program more than SLOW runs over fewer packets there.
"""

import argparse
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
            while True:
                pid, status, usage = os.wait4(process.pid, os.WNOHANG)
                if pid:
                    process.returncode = os.waitstatus_to_exitcode(status)
                    return process.returncode == 0, usage.ru_utime + usage.ru_stime, usage.ru_maxrss
                if time.monotonic() > end:
                    process.kill()
                    os.wait4(process.pid, 0)
                    process.returncode = -9
                    return False, 0, 0
                time.sleep(0.002)


class Measurement:
    """One pipeline in one program at one burst."""

    def __init__(self, options, program, pipeline, burst):
        self.options, self.program, self.pipeline, self.burst = options, program, pipeline, burst
        self.packets = options.packets
        self.seconds, self.memory, self.failed = [], 0, False

    def run(self):
        if self.failed:
            return
        ok, seconds, memory = self.program.run_config(self.pipeline.configuration(
            self.packets, self.options.size, self.burst, self.program.has_burst))
        if not ok:
            self.failed = True
            print(f"{self.program.name} does not run {self.pipeline.name}", file=sys.stderr)
            return
        if not self.seconds and self.packets == self.options.packets and \
                seconds * 1e9 / self.packets > SLOW and self.pipeline.n_flows * FEW <= self.packets:
            self.packets //= FEW
            self.run()
            return
        self.seconds.append(seconds)
        self.memory = max(self.memory, memory)

    def ns(self):
        """Gross nanoseconds a packet, median; None when it does not run."""
        return statistics.median(self.seconds) * 1e9 / self.packets if self.seconds else None


def net(measurement, nulls):
    """Less the cost of reading; "null" itself and sources of their own are gross."""
    gross = measurement.ns()
    pipeline = measurement.pipeline
    if gross is None or pipeline.name == "null" or pipeline.kind == "none":
        return gross
    null = nulls[measurement.program.name, measurement.burst, measurement.packets, pipeline.kind, pipeline.n_flows]
    return gross - null.ns()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pipelines", nargs="*", metavar="PIPELINE", help="names; without any: those of the table of record")
    parser.add_argument("--all", action="store_true", help="every pipeline")
    parser.add_argument("--runs", type=int, default=9, metavar="N", help="runs of each (9)")
    parser.add_argument("--packets", type=int, default=4_000_000, metavar="N", help="packets a run (4000000)")
    parser.add_argument("--size", type=int, default=64, metavar="BYTES", help="of frames (64)")
    parser.add_argument("--burst", default="32", metavar="N,...", help="of the source, where it has that (32)")
    parser.add_argument("--click", default=os.environ.get("CLICK"), metavar="PATH", help="Click, to compare with ($CLICK)")
    parser.add_argument("--fastclick", default=os.environ.get("FASTCLICK"), metavar="PATH",
                        help="FastClick, to compare with ($FASTCLICK)")
    parser.add_argument("--json", action="store_true", help="the same as JSON")
    options = parser.parse_args()

    programs = [Program(name, path) for name, path in
                (("clickos", BUILD / "click"), ("click", options.click), ("fastclick", options.fastclick)) if path]
    wanted = [p for p in PIPELINES if (p.name in options.pipelines if options.pipelines else options.all or p.main)]
    unknown = set(options.pipelines) - {p.name for p in PIPELINES}
    if unknown:
        parser.error(f"no pipeline {', '.join(sorted(unknown))}; there are {', '.join(p.name for p in PIPELINES)}")
    bursts = [int(burst) for burst in options.burst.split(",")]
    null = PIPELINES[0]

    def of_program(program):
        return bursts if program.has_burst else bursts[:1]

    measured = [Measurement(options, program, pipeline, burst) for pipeline in wanted for program in programs
                for burst in of_program(program)]
    nulls = {}

    def null_of(measurement):
        pipeline = measurement.pipeline
        if pipeline.kind == "none":
            return None
        key = (measurement.program.name, measurement.burst, measurement.packets, pipeline.kind, pipeline.n_flows)
        if key not in nulls:
            twin = Measurement(options, measurement.program,
                               type(null)("null of " + pipeline.name, "", null.text, kind=pipeline.kind,
                                          n_flows=pipeline.n_flows), measurement.burst)
            twin.packets = measurement.packets
            nulls[key] = twin
        return nulls[key]

    for turn in range(options.runs):
        done = set()
        for measurement in measured:
            measurement.run()
            twin = null_of(measurement)
            if twin and id(twin) not in done:
                done.add(id(twin))
                twin.run()
        if not options.json:
            print(f"run {turn + 1} of {options.runs}", file=sys.stderr)

    rows = []
    for pipeline in wanted:
        row = {"pipeline": pipeline.name, "shows": pipeline.shows, "goal": pipeline.goal, "ns": {}, "memory_kb": {}}
        for m in measured:
            if m.pipeline is pipeline and m.ns() is not None:
                label = m.program.name + (f" burst {m.burst}" if len(of_program(m.program)) > 1 else "")
                row["ns"][label] = net(m, nulls)
                row["memory_kb"][label] = m.memory
        rows.append(row)
    report(options, rows)


def machine():
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), platform.machine())
    return f"{model}, {os.cpu_count()} processors, Linux {platform.release()}"


def report(options, rows):
    if options.json:
        print(json.dumps({"machine": machine(), "runs": options.runs, "packets": options.packets,
                          "size": options.size, "rows": rows}, indent=2))
        return
    labels = list(dict.fromkeys(label for row in rows for label in row["ns"]))
    ours = [label for label in labels if label.startswith("clickos")]
    print(f"{machine()}\nframes of {options.size} bytes, {options.packets} packets, medians of {options.runs} runs; "
          "ns a packet (user and system), less FromDump -> Discard")
    print(f"{'':<50}" + "".join(f"{label:>18}" for label in labels)
          + ("".join(f"{'ratio':>9}" for _ in ours) + f"{'goal':>8}" if "click" in labels else ""))
    for row in rows:
        line = f"{row['shows']:<50}" + "".join(
            f"{row['ns'][label]:>18.1f}" if label in row["ns"] else f"{'-':>18}" for label in labels)
        if "click" in labels:
            for label in ours:
                both = label in row["ns"] and "click" in row["ns"]
                line += f"{row['ns'][label] / row['ns']['click']:>9.3f}" if both else f"{'-':>9}"
            line += f"{row['goal']:>8}" if row["goal"] else f"{'':>8}"
        print(line)


if __name__ == "__main__":
    main()
