#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
conformance.py - runs configurations through the click program and compares what comes out.

A case is one page, a file NAME.test beside the element that it shows (or under
tests/conformance/ when it shows several). tests/README.md describes the format.

    pytest -q tests/conformance.py             all cases, one pytest item a file
    pytest -q tests/conformance.py -k strip    some
    tests/conformance.py elements/standard/strip.test ...    without pytest

CLICK=path runs another program than build/click. The same cases pass with the reference
program, except those that say in %ours why they do not.

Promises: every run has a folder of its own and a time limit, output that nobody
expected is a failure, and nothing but the case decides what passes.
"""
import difflib
import os
import pathlib
import re
import shlex
import signal
import struct
import subprocess
import sys
import tempfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
TIMEOUT = 30        # seconds; a case's %timeout changes it
LINKTYPES = {"": 1, "ether": 1, "ip": 101}

# section: (takes a name, holds lines)
SECTIONS = {
    "config": (False, True), "args": (False, True), "script": (False, True),
    "stdin": (False, True), "file": (True, True), "input": (True, True),
    "stdout": (False, True), "stderr": (False, True), "exit": (True, False),
    "output": (True, True), "expect": (True, True), "timeout": (True, False),
    "ours": (True, False),
}


class BadCase(Exception):
    """The .test file itself is wrong."""


class Case:
    """A parsed .test file: `shows` says what it shows, `sections` is a list of (kind, name, lines)."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.shows = ""
        self.sections = []
        lines = None
        for number, line in enumerate(self.path.read_text().splitlines(), 1):
            header = re.match(r"%([a-z]+)(?:\s+(.*?))?\s*$", line)
            if header:
                kind, name = header.group(1), header.group(2) or ""
                if kind not in SECTIONS:
                    raise BadCase(f"{path}:{number}: no such section: %{kind}")
                if bool(name) != SECTIONS[kind][0]:
                    want = "wants" if SECTIONS[kind][0] else "takes no"
                    raise BadCase(f"{path}:{number}: %{kind} {want} argument")
                lines = [] if SECTIONS[kind][1] else None
                self.sections.append((kind, name, lines))
            elif lines is not None:
                lines.append(line[1:] if line.startswith("%%") else line)
            elif line.startswith("#") and not self.sections:
                self.shows += line.lstrip("# ") + "\n"
            elif line.strip():
                raise BadCase(f"{path}:{number}: text outside of a section")
        for _, _, held in self.sections:
            while held and not held[-1].strip():
                held.pop()
        if not self.shows.strip():
            raise BadCase(f"{path}:1: say in a comment line what the case shows")
        if not self.get("config") and not self.get("args") and not self.get("script"):
            raise BadCase(f"{path}: neither %config nor %args nor %script")

    def all(self, kind):
        return [(name, lines) for k, name, lines in self.sections if k == kind]

    def get(self, kind):
        """The lines of a section that stands at most once; None when it is missing."""
        found = self.all(kind)
        if len(found) > 1:
            raise BadCase(f"{self.path}: more than one %{kind}")
        return found[0][1] if found else None

    def value(self, kind, default):
        found = self.all(kind)
        return found[-1][0] if found else default


# ---- packets ----

def scapy_names():
    """Scapy's names, with addresses that do not depend on this machine's routes."""
    if not hasattr(scapy_names, "names"):
        import scapy.all as scapy

        def fixed(layer, **defaults):
            def make(*args, **fields):
                return layer(*args, **(fields if args else {**defaults, **fields}))
            return make

        names = {k: getattr(scapy, k) for k in dir(scapy) if not k.startswith("_")}
        mac1, mac2 = "02:00:00:00:00:01", "02:00:00:00:00:02"
        names.update(
            Ether=fixed(scapy.Ether, src=mac1, dst=mac2),
            Dot3=fixed(scapy.Dot3, src=mac1, dst=mac2),
            ARP=fixed(scapy.ARP, hwsrc=mac1, psrc="10.0.0.1", pdst="10.0.0.2"),
            IP=fixed(scapy.IP, src="10.0.0.1", dst="10.0.0.2"),
            IPv6=fixed(scapy.IPv6, src="fd00::1", dst="fd00::2"),
        )
        scapy_names.names = names
    return scapy_names.names


def packets_of(case, lines):
    """[(seconds as written or None, bytes)] from lines of hex digits or scapy expressions."""
    joined = []
    for line in lines:
        if line[:1].isspace() and joined:
            joined[-1] += " " + line.strip()
        elif line.strip() and not line.startswith("#"):
            joined.append(line)
    packets = []
    for line in joined:
        time = re.match(r"@(\d+(?:\.\d{1,9})?)\s+", line)
        text = line[time.end():] if time else line
        if re.fullmatch(r"[0-9a-fA-F\s]+", text):
            made = [bytes.fromhex(text)]
        else:
            try:
                made = eval(text, dict(scapy_names()))
            except Exception as error:
                raise BadCase(f"{case.path}: {text}: {error!r}") from error
            made = made if isinstance(made, list) else [made]
        packets += [(time.group(1) if time else None, bytes(packet)) for packet in made]
    return packets


def nanoseconds(text):
    whole, _, part = text.partition(".")
    return int(whole) * 10**9 + int((part + "0" * 9)[:9])


def write_pcap(path, packets, linktype):
    """Packets without a time get 1 s, 2 s, ... after 1970."""
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, linktype)]
    for i, (time, data) in enumerate(packets, 1):
        ns = nanoseconds(time) if time else i * 10**9
        out.append(struct.pack("<IIII", ns // 10**9, ns % 10**9 // 1000, len(data), len(data)))
        out.append(data)
    path.write_bytes(b"".join(out))


def read_pcap(path):
    """[(nanoseconds, bytes)]; ValueError when it is not a whole capture file."""
    raw = path.read_bytes()
    order, unit = {b"\xd4\xc3\xb2\xa1": ("<", 1000), b"\xa1\xb2\xc3\xd4": (">", 1000),
                   b"\x4d\x3c\xb2\xa1": ("<", 1), b"\xa1\xb2\x3c\x4d": (">", 1)}.get(
                       raw[:4], (None, 0))
    if not order or len(raw) < 24:
        raise ValueError("not a capture file")
    packets, at = [], 24
    while at < len(raw):
        if at + 16 > len(raw):
            raise ValueError("ends within a packet's header")
        seconds, part, length, _ = struct.unpack(order + "IIII", raw[at:at + 16])
        at += 16
        if at + length > len(raw):
            raise ValueError("ends within a packet")
        packets.append((seconds * 10**9 + part * unit, raw[at:at + length]))
        at += length
    return packets


def describe_packets(packets, with_time):
    """Lines for a diff: what scapy makes of each packet, then its bytes."""
    names = scapy_names()
    from scapy.layers.l2 import Ether
    lines = []
    for i, (ns, data) in enumerate(packets):
        first = data[0] >> 4 if data else 0
        layer = names["IP"] if first == 4 and len(data) >= 20 else Ether
        time = f" @{ns // 10**9}.{ns % 10**9:09d}" if with_time[i:i + 1] == [True] else ""
        lines.append(f"packet {i + 1}:{time} {len(data)} bytes, {layer(data).summary()}")
        for at in range(0, len(data), 16):
            lines.append(f"  {at:04x}  {data[at:at + 16].hex(' ', 2)}")
    return lines


def compare_packets(case, name, path, lines):
    if not path.exists():
        return f"%output {name}: the file was not written"
    try:
        got = read_pcap(path)
    except ValueError as error:
        return f"%output {name}: {error}"
    want = packets_of(case, lines)
    with_time = [time is not None for time, _ in want]
    want = [(nanoseconds(time) if time else 0, data) for time, data in want]
    seen = [(ns if with_time[i:i + 1] == [True] else 0, data) for i, (ns, data) in enumerate(got)]
    if seen == want:
        return None
    diff = difflib.unified_diff(describe_packets(want, with_time), describe_packets(got, with_time),
                                "expected", "got", lineterm="", n=100)
    return f"%output {name}: {len(got)} packets, expected {len(want)}\n" + "\n".join(diff)


# ---- text ----

def line_pattern(line):
    """Literal text, with regular expressions in {{ }}."""
    parts = re.split(r"\{\{(.*?)\}\}(?!\})", line)
    return "".join(re.escape(p) if i % 2 == 0 else f"(?:{p})" for i, p in enumerate(parts))


def compare_text(what, lines, got):
    """None when got is what the lines say: {{regex}} within a line, `...` for any lines."""
    seen = got.split("\n")
    while seen and not seen[-1].strip():
        seen.pop()
    pattern = "".join(r"(?:.*\n)*?" if line == "..." else line_pattern(line) + r"\n"
                      for line in lines)
    if re.fullmatch(pattern, "".join(line + "\n" for line in seen)):
        return None
    # For the diff, let wildcard lines look like the line that they match.
    free, shown = list(seen), []
    for line in lines:
        match = next((s for s in free if re.fullmatch(line_pattern(line), s)), None)
        if match is not None and line != "...":
            free.remove(match)
            line = match
        if line != "...":
            shown.append(line)
    diff = difflib.unified_diff(shown, seen, "expected", "got", lineterm="", n=100)
    return f"{what} differs:\n" + "\n".join(diff)


# ---- running ----

def click_program():
    program = os.path.abspath(os.environ.get("CLICK") or
                              pathlib.Path(os.environ.get("BUILD") or ROOT / "build") / "click")
    if not os.access(program, os.X_OK):
        sys.exit(f"{program}: no such program (make process builds build/click)")
    return program


def is_ours():
    """Whether the program is ClickOS's: that of others is asked only what both should do."""
    if not hasattr(is_ours, "answer"):
        said = subprocess.run([click_program(), "--version"], capture_output=True, text=True,
                              timeout=TIMEOUT).stdout
        is_ours.answer = "ClickOS" in said
    return is_ours.answer


def run_case(case):
    """The list of what went wrong; empty: passed."""
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        folder = pathlib.Path(folder)
        program = click_program()
        if case.get("config") is not None:
            (folder / "config").write_text("\n".join(case.get("config")) + "\n")
        for name, lines in case.all("file"):
            (folder / name).write_text("\n".join(lines) + "\n")
        for spec, lines in case.all("input"):
            name, _, encap = spec.partition(" ")
            if encap not in LINKTYPES:
                raise BadCase(f"{case.path}: %input {spec}: no such encapsulation")
            write_pcap(folder / name, packets_of(case, lines), LINKTYPES[encap])
        if case.get("script") is not None:
            (folder / "bin").mkdir()
            (folder / "bin" / "click").symlink_to(program)
            command = ["/bin/sh", "-ec", "\n".join(case.get("script"))]
        else:
            args = case.get("args")
            command = [program] + (shlex.split("\n".join(args)) if args else ["config"])
        environment = dict(os.environ, PATH=f"{folder}/bin:{os.environ['PATH']}", TZ="UTC", LC_ALL="C")
        limit = float(case.value("timeout", TIMEOUT))
        stdin = "\n".join(case.get("stdin") or []) + "\n" if case.get("stdin") else ""
        process = subprocess.Popen(command, cwd=folder, env=environment, text=True, errors="replace",
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, start_new_session=True)
        failures = []
        try:
            out, err = process.communicate(stdin, timeout=limit)
        except subprocess.TimeoutExpired:
            failures.append(f"still running after {limit:g} s")
        finally:
            # A script may have left somebody in the background.
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if failures:
            out, err = process.communicate()
        want_exit = int(case.value("exit", "0"))
        if not failures and process.returncode != want_exit:
            code = process.returncode
            ended = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
            failures.append(f"{ended}, expected {want_exit}")
        failures.append(compare_text("%stdout", case.get("stdout") or [], out))
        failures.append(compare_text("%stderr", case.get("stderr") or [], err))
        for name, lines in case.all("expect"):
            path = folder / name
            text = path.read_text(errors="replace") if path.exists() else None
            failures.append(f"%expect {name}: the file was not written" if text is None
                            else compare_text(f"%expect {name}", lines, text))
        for name, lines in case.all("output"):
            failures.append(compare_packets(case, name, folder / name, lines))
        return [failure for failure in failures if failure]


def check(path):
    """Runs one file: ("pass", ""), ("fail", all that is wrong) or ("skip", the reason)."""
    case = Case(path)
    if case.all("ours") and not is_ours():
        return "skip", case.value("ours", "")
    failures = run_case(case)
    if not failures:
        return "pass", ""
    return "fail", f"{path}: {case.shows.strip()}\n\n" + "\n\n".join(failures)


def case_files():
    found = list(ROOT.glob("elements/*/*.test")) + list(ROOT.glob("tests/conformance/**/*.test"))
    return sorted(path.relative_to(ROOT) for path in found)


@pytest.mark.parametrize("path", case_files(), ids=lambda path: str(path.with_suffix("")))
def test_case(path):
    verdict, text = check(ROOT / path)
    if verdict == "skip":
        pytest.skip(text)
    if verdict == "fail":
        pytest.fail(text, pytrace=False)


def main(arguments):
    count = {"pass": 0, "fail": 0, "skip": 0}
    for path in [pathlib.Path(a) for a in arguments] or [ROOT / p for p in case_files()]:
        try:
            verdict, text = check(path)
        except BadCase as error:
            verdict, text = "fail", str(error)
        count[verdict] += 1
        if verdict != "pass":
            print(f"{verdict.upper()} {path}: {text}" if verdict == "skip" else f"FAIL {text}\n")
    print(", ".join(f"{n} {word}" for n, word in
                    ((count["fail"], "failed"), (count["pass"], "passed"), (count["skip"], "skipped"))
                    if n or word == "passed"))
    return 1 if count["fail"] or not count["pass"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
