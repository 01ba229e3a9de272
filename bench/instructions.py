#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""instructions.py - instructions a packet, by valgrind: `make bench-instructions`.

The same on every machine with the same compiler, where nanoseconds are not. A pipeline runs over two
numbers of packets, and what the second takes more is divided among the packets that it has more:
starting, and making the flows, is in both.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile

from pipelines import BUILD, PIPELINES

FEW, MANY = 20_000, 60_000


def count(program, pipeline, packets, burst):
    with tempfile.NamedTemporaryFile("w", suffix=".click") as file:
        file.write(pipeline.configuration(packets, burst=burst))
        file.flush()
        done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, file.name],
                              capture_output=True, text=True, check=False)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or not found:
        sys.exit(f"{pipeline.name}: valgrind: {done.stderr[-500:]}")
    return int(found.group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pipelines", nargs="*", metavar="PIPELINE", help="names; without any: all that count")
    parser.add_argument("--burst", default="0,1,32", metavar="N,...", help="of the source; 0: 1, and each packet watched (0,1,32)")
    parser.add_argument("--json", action="store_true", help="the same as JSON")
    options = parser.parse_args()
    bursts = [int(burst) for burst in options.burst.split(",")]
    # A million flows are not made in so few packets.
    wanted = [p for p in PIPELINES if (p.name in options.pipelines if options.pipelines else p.n_flows <= FEW)]
    if not options.json:
        print(f"{'instructions a packet, all of them':<50}" + "".join(f"{f'burst {burst}':>12}" for burst in bursts))
    rows = []
    for pipeline in wanted:
        each = [(count(BUILD / "click", pipeline, MANY, burst) - count(BUILD / "click", pipeline, FEW, burst)) / (MANY - FEW)
                for burst in bursts]
        rows.append({"pipeline": pipeline.name, "instructions": dict(zip(map(str, bursts), each))})
        if not options.json:
            print(f"{pipeline.shows:<50}" + "".join(f"{n:>12.1f}" for n in each), flush=True)
    if options.json:
        print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
