#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""plots.py - throughput over the number of rules, of flows, of elements: `make bench-plots`.

A point is a pipeline, FromDump included, in one process on one core. It runs over two numbers of packets, and
what the second takes more, the least of several runs each, is divided among the packets that it has more: starting, and
making the flows, is in both. Pictures (SVG and PNG) and their numbers go into build/bench/plots.
"""

import argparse
import dataclasses
import subprocess
import sys

from bench import add_programs, machine, programs_of
from pipelines import BUILD, IP, Pipeline, firewall, simple_rules

FOLDER = BUILD / "bench" / "plots"
MOST, TIMES = 1_000_000, 3      # packets of the first run, at most; how many times more the second has
LONG = 4                        # seconds that a first run should not take


@dataclasses.dataclass
class Plot:
    name: str
    title: str
    x: str
    values: tuple
    lines: dict                 # what is varied: number -> Pipeline, by a name to be added to the program's
    look: str                   # more for gnuplot


def chain(element):
    return lambda n: Pipeline("chain", "", lambda: "SOURCE -> " + f"{element} -> " * n + "Discard")


PLOTS = [
    Plot("rules", "IPFilter: rules that no packet matches, then allow", "rules",
         (10, 30, 100, 300, 1000, 3000, 10_000),
         {"": lambda n: Pipeline("rules", "", lambda: firewall(simple_rules(n)))},
         "set logscale xy; set yrange [0.01:1000]"),
    Plot("flows", "IPRewriter: one pattern, packets of flows that exist", "flows",
         (10, 100, 1000, 10_000, 100_000, 1_000_000),
         {"": lambda n: Pipeline("flows", "", lambda: f"{IP} -> IPRewriter(pattern 192.0.2.1 - - - 0 0, "
                                 "MAPPING_CAPACITY 2000000) -> Discard", n_flows=n)},
         "set logscale xy; set yrange [0.1:100]"),
    Plot("chain", "A chain of elements", "elements", (1, 2, 4, 8, 16, 32, 64),
         {" Null": chain("Null"), " Counter": chain("Counter")},
         "set logscale x 2; set logscale y; set yrange [0.1:1000]"),
]


class Point:
    def __init__(self, program, pipeline):
        self.program, self.pipeline = program, pipeline
        self.seconds = {}       # by number of packets: the least
        self.few = self.find_few()

    def run(self, packets):
        """Seconds; None when it does not run."""
        ok, seconds, _ = self.program.run_config(
            self.pipeline.configuration(packets, has_burst=self.program.has_burst), limit=120)
        if not ok:
            return None
        self.seconds[packets] = min(seconds, self.seconds.get(packets, seconds))
        return seconds

    def find_few(self):
        """As many packets as are quick enough; 0 when it does not run at all."""
        for less in (64, 8, 1):
            few = MOST // less
            if few < self.pipeline.n_flows:
                continue
            seconds = self.run(few)
            if seconds is None:
                return 0
            if 8 * seconds > LONG or less == 1:
                return few

    def run_both(self):
        if self.few and self.run(self.few) is not None:
            self.run(TIMES * self.few)

    def millions_a_second(self):
        if TIMES * self.few not in self.seconds:
            return None
        more = self.seconds[TIMES * self.few] - self.seconds[self.few]
        return (TIMES - 1) * self.few / more / 1e6 if more > 0 else None


def measure(plot, programs, runs):
    """{line: [value or None]}"""
    points = {program.name + suffix: [Point(program, pipeline(n)) for n in plot.values]
              for program in programs for suffix, pipeline in plot.lines.items()}
    for turn in range(runs):
        for line in points.values():
            for point in line:
                point.run_both()
        print(f"{plot.name}: run {turn + 1} of {runs}", file=sys.stderr)
    return {name: [point.millions_a_second() for point in line] for name, line in points.items()}


def write_numbers(plot, lines):
    """As gnuplot reads them: a block a line, with its name."""
    with open(FOLDER / f"{plot.name}.dat", "w") as file:
        print(f"# {plot.title}: {plot.x}, million packets a second. {machine()}", file=file)
        for name, rates in lines.items():
            print(f'"{name}"', file=file)
            for n, rate in zip(plot.values, rates):
                if rate is not None:
                    print(n, f"{rate:.3f}", file=file)
            print("\n", file=file)


def draw(plot, lines):
    curves = ", ".join(f"'{plot.name}.dat' index {i} title columnheader with linespoints linewidth 2 pointtype 7"
                       for i, rates in enumerate(lines.values()) if any(rates))
    ticks = ", ".join(f"'{n:,}' {n}" for n in plot.values)
    looks = (f'set title "{plot.title}"', f"set xlabel '{plot.x}'", "set ylabel 'million packets a second'", "set grid",
             "set key above", f"set xtics ({ticks})", f"set xrange [{plot.values[0]} / 1.2:{plot.values[-1]} * 1.2]", plot.look)
    for terminal, ending in (("svg size 640,440 font 'sans,12' background 'white'", "svg"), ("png size 960,660", "png")):
        script = "; ".join((f"set terminal {terminal}", f"set output '{plot.name}.{ending}'", *looks, f"plot {curves}"))
        subprocess.run(["gnuplot", "-e", script], cwd=FOLDER, check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("plots", nargs="*", metavar="PLOT", help=f"of {', '.join(p.name for p in PLOTS)}; without any: all")
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="of which the least counts (3)")
    add_programs(parser)
    options = parser.parse_args()
    unknown = set(options.plots) - {p.name for p in PLOTS}
    if unknown:
        parser.error(f"no plot {', '.join(sorted(unknown))}")
    programs = programs_of(options)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for plot in PLOTS:
        if plot.name in options.plots or not options.plots:
            lines = measure(plot, programs, options.runs)
            write_numbers(plot, lines)
            draw(plot, lines)
            print(FOLDER / f"{plot.name}.svg", FOLDER / f"{plot.name}.png", flush=True)


if __name__ == "__main__":
    main()
