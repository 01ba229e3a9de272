# SPDX-License-Identifier: BSD-2-Clause
"""
Configurations as nobody writes them: 100,000 elements in 10 MB are checked in seconds and a bounded
memory, and a million brackets end in an error, not in a deep recursion.
"""
import os
import pathlib
import resource
import subprocess

import pytest

BUILD = pathlib.Path(os.environ.get("BUILD") or pathlib.Path(__file__).resolve().parent.parent / "build")
MILLION = 1_000_000


def check(text, seconds):
    """The exit status and messages of `click -q`, in at most 600 MB and 8 MB of stack."""
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (600 << 20, 600 << 20))
        resource.setrlimit(resource.RLIMIT_STACK, (8 << 20, 8 << 20))

    run = subprocess.run([BUILD / "click", "-q", "-"], input=text.encode(), capture_output=True,
                         timeout=seconds, preexec_fn=limit)
    return run.returncode, run.stderr.decode()


def test_a_hundred_thousand_elements():
    names = [f"an_element_whose_name_is_rather_long_{i}" for i in range(50_000)]
    text = "".join(f'{name} :: Print("a label that nobody will ever read, {i}", 64, ACTIVE false);\n'
                   for i, name in enumerate(names))
    text += "Idle -> " + " -> Null\n -> ".join(names) + " -> Discard;\n"
    assert len(text) > 8_000_000
    assert check(text, 30) == (0, "")


def test_fifty_thousand_compounds():
    text = "elementclass C { $a | input -> Print($a) -> Null -> output }\nIdle"
    text += "".join(f"\n -> C({i} /* {'x' * 160} */)" for i in range(50_000)) + " -> Discard;\n"
    assert check(text, 30) == (0, "")


@pytest.mark.parametrize("opening", ["(", "[", "{", '"', "'", "Idle(", "elementclass A {", "x :: {",
                                     "Idle -> (", "Idle -> { -> ", "\\<", "/*", "([{\""])
def test_a_million_brackets(opening):
    status, messages = check(opening * MILLION, 30)
    assert status == 1
    assert ":1: " in messages, messages[:200]


@pytest.mark.parametrize("opening,closing", [("(", ")"), ("${", "}"), ("$(", ")")])
def test_a_million_brackets_in_a_configuration_string(opening, closing):
    status, messages = check(f"define($a 1); Idle({opening * MILLION}a{closing * MILLION});", 30)
    assert status == 1
    assert "too many arguments" in messages
