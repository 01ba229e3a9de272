#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
click_suite.py - runs the test suite of kohler/click (its *.clicktest files) on our program.

    git clone https://github.com/kohler/click ../click
    tests/click_suite.py ../click/test/compound ../click/test/tools/lexer-01.clicktest
    tests/click_suite.py -k Script ../click/test       only files with "Script" in their path
    tests/click_suite.py --click ../click/userlevel/click ../click/test    what Click itself does

Prints `pass`, `fail` or `skip` with the reason, a line each file, and the total; the exit code
is 1 if anything failed. -v also shows what differed.

Promises: each test runs in a folder of its own, with a time limit, and nothing of it survives.
What a test needs and this program does not have (an element, a tool, root) is a skip that
names it, not a failure; a test that expects such an error itself is judged as it stands.
"""
import argparse
import base64
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
TIMEOUT = 60        # seconds, for a script

# What a section is called, and the file it speaks of when it names none.
FILES = {"file": "stdin", "stdin": "stdin", "input": "stdin"}
EXPECTED = {"expect": "stdout", "expectv": "stdout", "expectx": "stdout", "stdout": "stdout",
            "output": "stdout", "stderr": "stderr"}
IGNORED = {"ignore": "all", "ignorev": "all", "ignorex": "all"}
TEXTS = {"script", "test", "require", "info", "desc", "cut"}

# Programs of Click's that are subcommands of ours.
TOOLS = {"click-flatten": "flatten", "click-check": "check"}


class BadTest(Exception):
    """The file is not a test that we can read."""


def patterns(line, everywhere):
    """A line of an expectation as a regular expression."""
    line = re.sub(r"\s*\{\{\?.*?\}\}\s*", "", line)
    if everywhere:
        return line
    parts = re.split(r"\{\{(.*?)\}\}", line)
    return "".join(f"(?:{p})" if i % 2 else re.escape(p) for i, p in enumerate(parts))


def squeeze(line):
    """Without white space, except inside of {{ }}."""
    parts = re.split(r"(\{\{.*?\}\})", line)
    return "".join(p if i % 2 else re.sub(r"\s", "", p) for i, p in enumerate(parts))


class Expectation:
    """What a file must hold. `kind`: "" with {{regex}}, "v" verbatim, "x" lines of regex."""

    def __init__(self, kind, flags, text):
        self.kind, self.flags, self.text = kind, flags, text

    def differs(self, seen, ignored):
        """None, or the first difference."""
        if seen == self.text:
            return None
        if self.kind == "v":
            return "differs"
        want = [line.rstrip() for line in self.text.split("\n") if line.strip()]
        got = [line.rstrip() for line in seen.split("\n")]
        got = [line for line in got
               if line and not any(pattern.fullmatch(line) for pattern in ignored)]
        options = re.IGNORECASE if "i" in self.flags else 0
        for i in range(max(len(want), len(got))):
            w = want[i] if i < len(want) else None
            g = got[i] if i < len(got) else None
            if w is not None and g is not None:
                shown = g
                if "w" in self.flags:
                    w, g = squeeze(w), re.sub(r"\s", "", g)
                if re.fullmatch(patterns(w, self.kind == "x").rstrip(), g, options):
                    continue
                g = shown
            return "expected %s, got %s" % tuple("the end" if x is None else repr(x)
                                                 for x in (w, g))
        return None


class Test:
    def __init__(self):
        self.text = {kind: "" for kind in TEXTS}
        self.files = {}         # name: bytes as text
        self.expected = {}      # name: [Expectation], one of which must be met
        self.ignored = {}       # name: [pattern]

    def add(self, kind, arguments, body):
        flags, words = "", arguments.split()
        while words and re.match(r"-[a-z]|\+\d", words[0]):
            flags += words.pop(0)[1:]
        if "d" in flags:
            body = re.sub(r"(?m)^.", "", body)
        if "e" in flags:
            body = base64.b64decode(body).decode("latin-1")
        for name in words or [{**FILES, **EXPECTED, **IGNORED}[kind]]:
            if name.startswith("/") or ".." in name.split("/"):
                raise BadTest(f"file name {name} leads out of the test's folder")
            if kind in FILES:
                self.files[name] = body
            elif kind in EXPECTED:
                tail = kind[6:] if kind.startswith("expect") else ""
                self.expected.setdefault(name, []).append(
                    Expectation("v" if "e" in flags else tail, flags, body))
            else:
                options = re.IGNORECASE if "i" in flags else 0
                lines = [line.rstrip() for line in body.split("\n") if line.strip()]
                self.ignored.setdefault(name, []).extend(
                    re.compile(re.escape(line) if kind == "ignorev"
                               else patterns(line, kind == "ignorex"), options)
                    for line in lines)


def read_tests(path):
    """The tests of a file; %eot separates them."""
    text = path.read_bytes().decode("latin-1")
    tests, at = [Test()], 0
    header = re.compile(r"^%[ \t]*(\w+)[ \t]*(.*?)[ \t]*$\n?", re.MULTILINE)
    while True:
        found = header.search(text, at)
        if not found:
            break
        kind, arguments = found.group(1).lower(), found.group(2)
        start = found.end()
        length = re.search(r"(?:^|\s)\+(\d+)", arguments)
        if kind in ("eot", "eof"):
            if kind == "eof":
                break
            tests.append(Test())
            at = start
            continue
        if length and kind not in TEXTS:
            at = start + int(length.group(1))
        else:
            following = re.compile(r"^%", re.MULTILINE).search(text, start)
            at = following.start() if following else len(text)
        if kind in TEXTS:
            tests[-1].text[kind] += text[start:at]
        elif kind in FILES or kind in EXPECTED or kind in IGNORED:
            tests[-1].add(kind, arguments, text[start:at])
        else:
            raise BadTest(f"unknown section %{kind}")
    for test in tests:
        test.text["script"] += test.text["test"]
    return [test for test in tests if test.text["script"].strip()]


# ---- running ----

PRELUDE = "clicktest_subtest () { :; }\n"

# nc HOST PORT, where there is none.
NC = """\
import socket, sys
with socket.create_connection(sys.argv[-2:], 30) as peer:
    peer.sendall(sys.stdin.buffer.read())
    peer.shutdown(socket.SHUT_WR)
    while data := peer.recv(65536):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
"""


def write_tools(folder, click):
    """A folder for PATH: click, and thin names for the tools that we have."""
    def program(name, text):
        path = folder / name
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)

    quoted = shlex.quote(str(click))
    program("click", f'exec {quoted} "$@"\n')
    # The program itself knows best which elements it has.
    program("click-buildtool", f"""\
[ "$1" = provides ] || exit 1
shift
for class; do
    ! {quoted} -q -e "x :: $class" 2>&1 | grep -q "unknown element class '$class'" || exit 1
done
""")
    if not shutil.which("nc"):
        program("nc", f'exec {shlex.quote(sys.executable)} -c {shlex.quote(NC)} "$@"\n')
    command = click.parent / "clickos"
    if command.exists():
        for name, sub in TOOLS.items():
            if f"{sub} " in subprocess.run([command, "--help"], capture_output=True, text=True,
                                           timeout=TIMEOUT).stdout:
                program(name, f'exec {shlex.quote(str(command))} {sub} "$@"\n')
    for name in TOOLS:
        theirs = click.parent.parent / "tools" / name / name
        if theirs.exists():
            program(name, f'exec {shlex.quote(str(theirs))} "$@"\n')


def run_shell(script, folder, path, stdin):
    """(exit status or None after the time limit, stdout, stderr)"""
    environment = dict(os.environ, PATH=f"{path}:{os.environ['PATH']}", LC_ALL="C",
                       rundir=os.getcwd())
    # Into files: what a test leaves running must not keep us waiting for the end of a pipe.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(["/bin/sh", "-e", "-c", PRELUDE + script], cwd=folder,
                                   env=environment, stdin=subprocess.PIPE if stdin
                                   else subprocess.DEVNULL, stdout=out, stderr=err,
                                   start_new_session=True)
        try:
            if stdin:
                process.communicate(stdin.encode("latin-1"), timeout=TIMEOUT)
            status = process.wait(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
        out.seek(0)
        err.seek(0)
        return status, out.read().decode("latin-1"), err.read().decode("latin-1")


def missing(test, texts):
    """What the program said it does not have, when the test does not want to hear that."""
    for pattern, kind in ((r"(?:unknown element class|undeclared element) '([A-Z]\w*)'", "elements"),
                          (r"(?m)([\w-]+): (?:command )?not found$", "programs")):
        found = sorted({m for text in texts for m in re.findall(pattern, text)})
        wanted = any(re.search(pattern, e.text) for es in test.expected.values() for e in es)
        if found and not wanted:
            return f"the {kind} {', '.join(found)}"
    return None


def run_test(test, path):
    """("pass" | "fail" | "skip", reason)"""
    with tempfile.TemporaryDirectory(prefix="click-suite-") as name:
        folder = pathlib.Path(name)
        if test.text["require"].strip():
            status, _, _ = run_shell(test.text["require"], folder, path, "")
            if status != 0:
                lines = [line.strip() for line in test.text["require"].splitlines() if line.strip()]
                return "skip", "requires: " + "; ".join(lines)
        for file in [*test.files, *test.expected]:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
        for file, body in test.files.items():
            if file != "stdin":
                (folder / file).write_bytes(body.encode("latin-1"))
        status, out, err = run_shell(test.text["script"], folder, path, test.files.get("stdin", ""))
        seen, wrong = {"stdout": out, "stderr": err}, []
        if status is None:
            wrong.append(f"still running after {TIMEOUT} s")
        elif status:
            wrong.append(f"exit status {status}" + ": " * bool(err.strip()) +
                         err.strip().split("\n")[-1])
        for file, expectations in test.expected.items():
            if file not in seen:
                there = (folder / file).exists()
                seen[file] = (folder / file).read_bytes().decode("latin-1") if there else ""
            ignored = test.ignored.get(file, []) + test.ignored.get("all", [])
            differences = [e.differs(seen[file], ignored) for e in expectations]
            if all(differences):
                wrong.append(f"{file}: {differences[0]}")
        if not wrong:
            return "pass", ""
        needs = missing(test, seen.values())
        if needs:
            return "skip", "needs " + needs
        return "fail", "; ".join(wrong)


def check(file, path):
    """The verdict on a file: the worst of its tests."""
    worst = ("pass", "")
    for test in read_tests(file):
        verdict = run_test(test, path)
        if verdict[0] == "fail" or worst[0] == "pass":
            worst = verdict
    return worst


def main():
    parser = argparse.ArgumentParser(description="Runs .clicktest files.")
    parser.add_argument("paths", nargs="+", metavar="FOLDER|FILE")
    parser.add_argument("-k", metavar="TEXT", default="", help="only files with TEXT in their path")
    parser.add_argument("-v", action="store_true", help="show long reasons in full")
    parser.add_argument("--click", type=pathlib.Path, default=ROOT / "build" / "click",
                        help="the program to test")
    options = parser.parse_args()
    click = options.click.absolute()
    if not os.access(click, os.X_OK):
        sys.exit(f"{click}: no such program (make process builds build/click)")
    files = []
    for path in map(pathlib.Path, options.paths):
        files += sorted(path.rglob("*.clicktest")) if path.is_dir() else [path]
    count = {"pass": 0, "fail": 0, "skip": 0}
    with tempfile.TemporaryDirectory(prefix="click-suite-bin-") as tools:
        write_tools(pathlib.Path(tools), click)
        for file in files:
            if options.k not in str(file):
                continue
            try:
                verdict, reason = check(file, tools)
            except (BadTest, OSError, re.error) as error:
                verdict, reason = "fail", str(error)
            count[verdict] += 1
            if not options.v:
                reason = reason if len(reason) <= 200 else reason[:200] + "..."
            print(f"{verdict} {file.parent.name}/{file.stem}{': ' * bool(reason)}{reason}",
                  flush=True)
    print(f"{count['pass']} passed, {count['fail']} failed, {count['skip']} skipped")
    return 1 if count["fail"] or not count["pass"] else 0


if __name__ == "__main__":
    sys.exit(main())
