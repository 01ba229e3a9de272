#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""threads.py - what a second thread brings: `make bench-threads`.

A pipeline gets its packets from two sources, which share all its elements, and runs with -j 1 and with -j 2, which
take turns. What counts is the time that passes; where others use the machine the ratio of the shortest runs, which
they disturbed least, is nearer to the truth than that of medians, and neither holds when there are never two processors
free: "processor" is twice the ratio of the processor times, what -j 2 brings to who has both.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

from bench import machine
from pipelines import BUILD, PIPELINES

ENTRY = "entry :: Null; SOURCE -> entry; SOURCE -> entry; entry"


def two_sources(text):
    """Both feed the same elements; the driver ends when both have ended."""
    assert text.startswith("SOURCE ->")
    return f"DriverManager(wait_stop 2);\n{ENTRY}{text.removeprefix('SOURCE')}"


def by_name(name):
    return next(p for p in PIPELINES if p.name == name)


def run(text, threads):
    """Seconds that passed, and of processors."""
    with tempfile.NamedTemporaryFile("w", suffix=".click") as file:
        file.write(text)
        file.flush()
        begin = time.monotonic()
        process = subprocess.Popen([BUILD / "click", "-j", str(threads), file.name], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        passed = time.monotonic() - begin
        if status:
            sys.exit(f"click failed: {status}")
        return passed, usage.ru_utime + usage.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pipelines", nargs="*", metavar="PIPELINE", default=["null", "router", "rules-100"],
                        help="names (null router rules-100)")
    parser.add_argument("--runs", type=int, default=9, metavar="N", help="runs of each (9)")
    parser.add_argument("--packets", type=int, default=4_000_000, metavar="N", help="packets of each source (4000000)")
    options = parser.parse_args()

    print(f"{machine()}\n{options.packets} packets a source, {options.runs} runs of each: ms with -j 1 and -j 2 (medians), "
          "and their ratio")
    print(f"{'':<52}{'-j 1':>8}{'-j 2':>8}{'ratio':>8}{'shortest':>10}{'processor':>11}")
    for pipeline in (by_name(name) for name in options.pipelines):
        changed = type(pipeline)(pipeline.name, "", lambda p=pipeline: two_sources(p.text()), n_flows=pipeline.n_flows)
        text, empty = changed.configuration(options.packets), changed.configuration(1)
        start = min(run(empty, 2)[0] for _ in range(5))
        seconds = {1: [], 2: []}
        for _ in range(options.runs):
            for threads in seconds:
                passed, busy = run(text, threads)
                seconds[threads].append((passed - start, busy))
        passed = {n: [s[0] for s in seconds[n]] for n in seconds}
        busy = {n: min(s[1] for s in seconds[n]) for n in seconds}
        median = {n: statistics.median(passed[n]) for n in seconds}
        print(f"{pipeline.shows:<52}{1000 * median[1]:>8.0f}{1000 * median[2]:>8.0f}{median[1] / median[2]:>8.2f}"
              f"{min(passed[1]) / min(passed[2]):>10.2f}{2 * busy[1] / busy[2]:>11.2f}", flush=True)


if __name__ == "__main__":
    main()
