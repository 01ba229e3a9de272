#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""cycles.py - where the cycles of a packet go, class by class, by click's own profile: `make bench-cycles`.

The least of many short runs, class by class: the counter also runs while another process does. What the elements
of a class take together is divided among the packets that the pipeline has.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile

from pipelines import BUILD, PIPELINES

FIRST = re.compile(r"off: (\d+) cycles, (\d+) in elements, (\d+) to measure them")
ROW = re.compile(r"\s*(\d+)\s+\S+\s+\S+\s+\d+\s+\d+\s+\d+\s+\S+ :: (\S+)")


def profile(program, pipeline, packets, burst):
    """Cycles a packet by class, and those between elements: the scheduler's, mostly."""
    with tempfile.NamedTemporaryFile("w", suffix=".click") as file:
        file.write(pipeline.configuration(packets, burst=burst))
        file.flush()
        done = subprocess.run([program, "--profile", file.name], capture_output=True, text=True, check=False)
    first = FIRST.search(done.stderr)
    if done.returncode or not first:
        sys.exit(f"{pipeline.name}: {done.stderr[-500:]}")
    cycles, in_elements, to_measure = map(int, first.groups())
    classes = {"between elements": max(0, cycles - in_elements - to_measure) / packets}
    for line in done.stderr.splitlines():
        if row := ROW.fullmatch(line):
            classes[row[2]] = classes.get(row[2], 0) + int(row[1]) / packets
    return classes


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pipelines", nargs="*", metavar="PIPELINE", default=["router", "rules-10", "nat"])
    parser.add_argument("--burst", default="0,1,32", metavar="N,...", help="of the source; 0: 1, and each packet watched (0,1,32)")
    parser.add_argument("--runs", type=int, default=60, help="of which the least counts (60)")
    parser.add_argument("--packets", type=int, default=300_000)
    parser.add_argument("--json", action="store_true", help="the same as JSON")
    options = parser.parse_args()
    bursts = [int(burst) for burst in options.burst.split(",")]
    rows = []
    for pipeline in (p for p in PIPELINES if p.name in options.pipelines):
        least = {}
        for burst in bursts:
            runs = [profile(BUILD / "click", pipeline, options.packets, burst) for _ in range(options.runs)]
            for name in sorted({name for run in runs for name in run}):
                least.setdefault(name, {})[burst] = min(run.get(name, 0) for run in runs)
        rows.append({"pipeline": pipeline.name, "cycles": least})
        if options.json:
            continue
        print(f"{pipeline.shows:<44}" + "".join(f"{f'burst {burst}':>12}{'%':>6}" for burst in bursts), flush=True)
        sums = {burst: sum(of[burst] for of in least.values()) for burst in bursts}
        for name, of in sorted(least.items(), key=lambda item: -item[1][bursts[-1]]):
            print(f"  {name:<42}" + "".join(f"{of[burst]:>12.1f}{100 * of[burst] / sums[burst]:>6.1f}" for burst in bursts))
    if options.json:
        print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
