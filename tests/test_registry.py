# SPDX-License-Identifier: BSD-2-Clause
"""
test_registry.py - every element class that a source file declares is in the program.

Classes register through a linker section, so one that is not linked vanishes without a
word; here the program's list is held against the source files. Both directions count, names too.
"""
import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
CLICK = os.path.abspath(os.environ.get("CLICK") or
                        pathlib.Path(os.environ.get("BUILD") or ROOT / "build") / "click")
FOLDERS = ("elements/*/*.c", "platform/linux/elements/*.c")


def sources():
    for pattern in FOLDERS:
        for path in sorted(ROOT.glob(pattern)):
            if not path.name.endswith("_test.c"):
                yield path


def declared():
    """How often ELEMENT_CLASS is used, by file."""
    uses = {}
    for path in sources():
        n = len(re.findall(r"^ELEMENT_CLASS\(", path.read_text(), re.MULTILINE))
        if n:
            uses[str(path.relative_to(ROOT))] = n
    return uses


def registered():
    """The names that the program itself tells."""
    run = subprocess.run([CLICK, "-q", "-e", "Idle -> Idle", "-h", "classes"], timeout=30,
                         capture_output=True, text=True, check=True)
    return [line for line in run.stdout.splitlines() if line.strip()]


def test_every_class_of_the_sources_is_registered():
    names, uses = registered(), declared()
    text = "\n".join(path.read_text() for path in sources())
    unknown = [name for name in names if f'"{name}"' not in text]
    assert not unknown, f"the program has classes that no source file names: {unknown}"
    assert len(names) == sum(uses.values()), (
        f"{len(names)} classes in the program, {sum(uses.values())} in the sources: {uses}")


def test_no_class_is_there_twice():
    names = registered()
    assert len(set(names)) == len(names), sorted(n for n in names if names.count(n) > 1)
