# SPDX-License-Identifier: BSD-2-Clause
"""Random configurations (random_configurations.py): all are accepted, and what is printed of one means the same."""
import os
import pathlib
import re
import subprocess

import pytest

import random_configurations

CLICK = pathlib.Path(os.environ.get("BUILD", pathlib.Path(__file__).parent.parent / "build")) / "click"
A_TEST = 50


def flat(folder, text):
    """The flat configuration and the names of the elements."""
    (folder / "config").write_text(text)
    result = subprocess.run([CLICK, "-q", "-w", "-o", "flat", "-h", "list", "config"], cwd=folder,
                            capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stderr) == (0, "")
    return (folder / "flat").read_text(), result.stdout.split("\n")[1:-1]


def wires(text):
    """Its connections one by one, in order of their names: (from, port, to, port)."""
    found = []
    for statement in re.sub(r"(?s).*?\n\n", "", text, count=1).split(";"):
        ends = [re.fullmatch(r"\s*(?:\[(\d+)\] )?(\S+)(?: \[(\d+)\])?\s*", end)
                for end in statement.split("->") if end.strip()]
        found += [(a[2], int(a[3] or 0), b[2], int(b[1] or 0)) for a, b in zip(ends, ends[1:])]
    return sorted(found)


@pytest.mark.parametrize("first", range(0, 300, A_TEST))
def test_random_configurations(first, tmp_path):
    for seed in range(first, first + A_TEST):
        text = random_configurations.configuration(seed)
        once, names = flat(tmp_path, text)
        # Printed and read again: the same elements in the same order, the same text.
        again, names_again = flat(tmp_path, once)
        assert (seed, again, names_again) == (seed, once, names)
        # Within a compound: the same under longer names.
        inside, inner = flat(tmp_path, f"x :: {{ {text} }}")
        assert (seed, inner) == (seed, [f"x/{name}" for name in names])
        assert wires(once)
        assert (seed, wires(inside)) == (seed, sorted((f"x/{a}", p, f"x/{b}", q)
                                                      for a, p, b, q in wires(once)))
