# SPDX-License-Identifier: BSD-2-Clause
"""
Configurations as nobody writes them: 100,000 elements in 10 MB are checked in seconds and a bounded
memory, and a million brackets end in an error, not in a deep recursion. And 10,000 rules, as somebody may.
"""
import os
import pathlib
import random
import resource
import subprocess
import sys
import time

import pytest

TREE = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("BUILD") or TREE / "build")
sys.path.insert(0, str(TREE / "bench"))

import pipelines  # noqa: E402

MILLION = 1_000_000


def check(text, seconds, megabytes=600):
    """The exit status and messages of `click -q`, in at most so much memory and 8 MB of stack."""
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
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


def random_rules(kind, count):
    """Rules that fall apart into hundreds of tests each, or need a long list of values for one."""
    rng = random.Random(count)

    def number():
        return rng.randrange(65536)

    def byte():
        return rng.randrange(256)

    one = {
        "of 512 cases": lambda: " and ".join(f"(ip[{i}] {byte()} or ip[{i + 9}] {byte()})" for i in range(9)),
        "of 8 cases": lambda: (f"(ip[12:2] {number()} or ip[16:2] {number()}) and (src port {number()} or"
                               f" dst port {number()}) and (ip len {number()} or ip id {number()})"),
        "of masks": lambda: f"ip[12:2] {number()} and ip id & {number() | 0x8001} > {number() // 2}",
    }[kind]
    return [f"deny {one()}" for _ in range(count)]


@pytest.mark.parametrize("name,rules,megabytes", [
    ("simple rules", pipelines.simple_rules(10_000), 80),
    ("an access list", pipelines.acl_rules(10_000), 80),
    ("rules of 512 cases", random_rules("of 512 cases", 10_000), 300),
    ("rules of 8 cases", random_rules("of 8 cases", 10_000), 1000),
    ("rules of masks", random_rules("of masks", 10_000), 200),
], ids=lambda value: value if isinstance(value, str) else "")
def test_ten_thousand_rules(name, rules, megabytes, capsys):
    """Within this memory, and far within the time: how long it took is printed."""
    began = time.monotonic()
    status, messages = check(f"Idle -> IPFilter({', '.join(rules)}, allow all) -> Discard", 60, megabytes)
    with capsys.disabled():
        print(f"\n10,000 {name}: {time.monotonic() - began:.2f} s, at most {megabytes} MB")
    assert status == 0, messages[:300]
