# SPDX-License-Identifier: BSD-2-Clause
"""A process knows the ports and protocols of its system, besides the well-known ones that a guest knows too."""
import os
import pathlib
import subprocess

import pytest

CLICK = pathlib.Path(os.environ.get("BUILD", pathlib.Path(__file__).parent.parent / "build")) / "click"


# Of these Click knows better: ipip is 4, whatever a system says.
WELL_KNOWN = ("ip", "icmp", "tcp", "udp", "ipip")


def lines(file):
    try:
        text = pathlib.Path(file).read_text(errors="replace")
    except FileNotFoundError:
        pytest.skip(f"there is no {file} here")
    return [words for line in text.splitlines() if len(words := line.split("#")[0].split()) >= 2]


def goes(expression, protocol, port):
    """Whether a packet of this protocol, to this port, fits the expression."""
    data = f"45000028 00000000 40{protocol:02x}0000 0a000001 0a000002 0000{port:04x} 00000000 0000000050000000 00000000"
    config = (f"InfiniteSource(DATA \\<{data}>, LIMIT 1, STOP true) -> MarkIPHeader -> c :: IPClassifier({expression}, -)"
              " -> n :: Counter -> d :: Discard; c [1] -> d")
    result = subprocess.run([CLICK, "-e", config, "-h", "n.count"], capture_output=True, text=True, timeout=30)
    assert (result.stderr, result.returncode) == ("", 0)
    return result.stdout == "1\n"


def test_services():
    ports = {}      # the first of a name counts
    for name, where, *aliases in lines("/etc/services"):
        port, _, protocol = where.partition("/")
        if protocol in ("tcp", "udp"):
            for each in [name, *aliases]:
                ports.setdefault((protocol, each), int(port))
    chosen = [(protocol, name, port) for (protocol, name), port in ports.items()
              if (protocol, port) not in (("tcp", 0), ("udp", 0)) and name.replace("-", "").isalnum()
              and not name.isdigit()][::len(ports) // 30 + 1]
    assert len(chosen) > 5
    for protocol, name, port in chosen:
        number = {"tcp": 6, "udp": 17}[protocol]
        assert (name, goes(f"{protocol} dst port {name}", number, port)) == (name, True)
        assert (name, goes(f"{protocol} dst port {name}", number, port ^ 1)) == (name, False)


def test_protocols():
    chosen = [(name, int(number)) for name, number, *_ in lines("/etc/protocols")
              if name.isalnum() and name not in WELL_KNOWN and int(number) < 256][::4]
    assert len(chosen) > 5
    for name, number in chosen:
        assert (name, goes(f"ip proto {name}", number, 0)) == (name, True)
        assert (name, goes(f"ip proto {name}", number ^ 1, 0)) == (name, False)
