# SPDX-License-Identifier: BSD-2-Clause
"""pipelines.py - what is measured: a table of configurations, each a function of a source.

SOURCE stands for FromDump of the capture file, PACKETS, BYTES and BURST_OF_SOURCE for what a run is
about. Costs are net: less those of the pipeline "null" on the same capture file.

A BURST of 1 lets the program read more at a time where nobody sees the difference (router/order.h); 0 stands
for 1 and somebody who would.
"""

import dataclasses
import os
import random
from pathlib import Path

from captures import DESTINATIONS, SOURCES, capture, dotted, rules_of

TREE = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("BUILD") or TREE / "build")


# Behind a source: it lets a call see when each packet passes.
WATCHED = "Counter(COUNT_CALL 1000000000000 stop)"


@dataclasses.dataclass
class Pipeline:
    name: str
    shows: str                  # for the table
    text: callable              # () -> configuration with SOURCE
    goal: float = 0             # of Click's cost in the same run
    n_flows: int = 10_000
    kind: str = "ip"            # of capture file: see captures.py; "none": it has a source of its own
    main: bool = True           # part of the table of record
    large: bool = False         # what it takes to come up, and its memory, are of interest

    def configuration(self, packets, size=64, burst=32, has_burst=True):
        """Ready to run, its capture file made. `has_burst`: the program's FromDump has that argument."""
        text = (self.text().replace("PACKETS", str(packets)).replace("BYTES", str(size))
                .replace("BURST_OF_SOURCE", str(burst or 1)))
        if self.kind == "none":
            return text.replace(" -> Discard", f" -> {WATCHED} -> Discard") if burst == 0 else text
        path = capture(BUILD / "bench", packets, self.kind, size, self.n_flows)
        return text.replace("SOURCE", f"FromDump({path}, STOP true{f', BURST {burst or 1}' if has_burst else ''})"
                            + (f" -> {WATCHED}" if burst == 0 else ""))


IP = "SOURCE -> Strip(14) -> CheckIPHeader"


def router():
    port = ("DropBroadcasts -> p{n} :: PaintTee({n}) -> o{n} :: IPGWOptions(10.9.{n}.1) -> FixIPSrc(10.9.{n}.1)"
            " -> t{n} :: DecIPTTL -> f{n} :: IPFragmenter(1500) -> EtherEncap(0x0800, 2:0:0:0:0:{n}, 2:0:0:0:1:{n})"
            " -> c{n} :: Counter -> Discard;\n"
            "p{n}[1] -> Discard; o{n}[1] -> Discard; t{n}[1] -> Discard; f{n}[1] -> Discard;\n")
    routes = ", ".join(f"{dotted(DESTINATIONS + (n << 21))}/11 {n}" for n in range(4))
    return ("SOURCE -> k :: Classifier(12/0800, -); k[1] -> Discard;\n"
            f"k[0] -> Strip(14) -> CheckIPHeader -> r :: RadixIPLookup({routes});\n"
            + "".join(f"r[{n}] -> {port.format(n=n + 1)}" for n in range(4)))


def firewall(rules):
    return f"{IP} -> IPFilter({', '.join([*rules, 'allow all'])}) -> Discard"


def simple_rules(count):
    return [f"deny src net {dotted(net)}/24 && dst port {port}" for net, port in rules_of(count)]


def acl_rules(count):
    """An access list as people write them: prefixes of mixed lengths, port ranges, protocols, flags, negations."""
    rng = random.Random(count)

    def prefix(base):
        length = rng.choice((9, 12, 16, 16, 20, 24, 24, 24, 28, 32))
        address = base + (rng.randrange(1 << 23) & -(1 << (32 - length)) & 0x7FFFFF)
        return f"{dotted(address)}/{length}"

    def ports(side):
        low = rng.randrange(1, 60000)
        return rng.choice((f"{side} port {low}",
                           f"{side} port >= {low} && {side} port <= {low + rng.randrange(1, 3000)}",
                           f"{side} port > {low}", f"not {side} port {low}",
                           f"{side} port {low} or {low + 7}"))

    texts = []
    for _ in range(count):
        parts = [f"src net {prefix(SOURCES)}", f"dst net {prefix(DESTINATIONS)}"]
        rng.shuffle(parts)
        parts = parts[:rng.choice((1, 2, 2, 2))]
        protocol = rng.choice(("tcp", "udp", "icmp", "tcp", ""))
        if protocol:
            parts.append(protocol)
        if protocol != "icmp":
            parts += [ports(side) for side in ("src", "dst") if rng.random() < 0.5]
        if protocol == "tcp" and rng.random() < 0.3:
            parts.append(rng.choice(("tcp opt syn", "tcp opt ack", "not tcp opt rst")))
        texts.append(f"{rng.choice(('allow', 'deny', 'deny'))} {' && '.join(parts)}")
    return texts


def lookup(element, count):
    rng = random.Random(count)
    routes = {}
    while len(routes) < count:
        length = rng.choice((16, 18, 19, 20, 21, 22, 22, 23, 23, 24, 24, 24, 24, 24, 24))
        routes[rng.randrange(1 << 32) & -(1 << (32 - length)), length] = rng.randrange(4)
    table = ", ".join(f"{dotted(address)}/{length} {port}" for (address, length), port in routes.items())
    outputs = " ".join(f"r[{n}] -> Discard;" for n in range(4))
    return f"{IP} -> r :: {element}({table}, 0/0 0); {outputs}"


def classifier(count):
    patterns = ", ".join(f"12/0800 30/{DESTINATIONS + (n << 17):08x}%ffff0000" for n in range(count - 1))
    outputs = " ".join(f"k[{n}] -> Discard;" for n in range(count))
    return f"SOURCE -> k :: Classifier({patterns}, -); {outputs}"


PIPELINES = [
    Pipeline("null", "FromDump -> Discard", lambda: "SOURCE -> Discard", 0.40),
    Pipeline("router", "IP router, 4 routes", router, 0.20),
    Pipeline("rules-10", "IPFilter, 10 rules, then allow", lambda: firewall(simple_rules(10)), 0.21),
    Pipeline("rules-100", "IPFilter, 100 rules", lambda: firewall(simple_rules(100)), 0.085),
    Pipeline("rules-1000", "IPFilter, 1,000 rules", lambda: firewall(simple_rules(1000)), 0.015),
    Pipeline("matched-1000", "IPFilter, 1,000 rules, half of the packets match",
             lambda: firewall(simple_rules(1000)), kind="matched"),
    Pipeline("acl-1000", "IPFilter, access list of 1,000", lambda: firewall(acl_rules(1000))),
    Pipeline("acl-10000", "IPFilter, access list of 10,000", lambda: firewall(acl_rules(10000))),
    Pipeline("nat", "IPRewriter, 10,000 flows",
             lambda: f"{IP} -> IPRewriter(pattern 192.0.2.1 - - - 0 0) -> Discard", 0.22),
    Pipeline("nat-1000000", "IPRewriter, 1,000,000 flows",
             lambda: f"{IP} -> IPRewriter(pattern 192.0.2.1 - - - 0 0, MAPPING_CAPACITY 2000000) -> Discard",
             n_flows=1_000_000, large=True),
    Pipeline("nat-changing", "IPRewriter, 1,000,000 flows coming and going",
             lambda: f"{IP} -> IPRewriter(pattern 192.0.2.1 - - - 0 0, MAPPING_CAPACITY 1000000) -> Discard",
             n_flows=1_000_000, kind="changing", main=False, large=True),
    Pipeline("queue", "InfiniteSource -> Queue -> Unqueue -> Discard",
             lambda: "InfiniteSource(LENGTH BYTES, LIMIT PACKETS, BURST BURST_OF_SOURCE, STOP true) -> Queue"
                     " -> Unqueue(BURST BURST_OF_SOURCE) -> Discard",
             main=False, kind="none"),
    Pipeline("radix-500000", "RadixIPLookup, 500,000 prefixes", lambda: lookup("RadixIPLookup", 500_000), main=False,
             kind="spread", large=True),
    Pipeline("direct-500000", "DirectIPLookup, 500,000 prefixes", lambda: lookup("DirectIPLookup", 500_000), main=False,
             kind="spread", large=True),
    Pipeline("classifier-64", "Classifier, 64 patterns", lambda: classifier(64), main=False),
    Pipeline("hash-switch", "HashSwitch over 8 outputs",
             lambda: f"{IP} -> h :: HashSwitch(12, 8); " + " ".join(f"h[{n}] -> Discard;" for n in range(8)),
             main=False),
    Pipeline("arp", "ARPResponder", lambda: "SOURCE -> k :: Classifier(12/0806 20/0001, -); k[1] -> Discard;"
             f" k[0] -> ARPResponder({dotted(DESTINATIONS)}/9 2:0:0:0:0:9) -> Discard", main=False, kind="arp"),
]
