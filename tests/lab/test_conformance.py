# SPDX-License-Identifier: BSD-2-Clause
"""The conformance cases in a VM: the same configurations, over xenstore, give the same errors, the same
values of handlers and the same output as in a process. tests/README.md describes a case.

Left out is what a VM does not have: files, so FromDump and ToDump, sockets, and the options of build/click;
see why_not(). A VM runs all cases one after another, then each is compared by itself.
"""

import io
import re
import shlex
import sys
import tarfile

import pytest

from conftest import TREE

sys.path.insert(0, str(TREE / "tests"))

from conformance import Case, case_files, compare_text, line_pattern    # noqa: E402 (tests/ is not a package)

HOST_ELEMENTS = "FromDump", "ToDump", "ControlSocket"
HALF_LINES = "prints half lines, between which the console has those of the other stream"
HOST_CASES = {
    "elements/control/script_error": "a VM tells warnings when the start is over, after what Scripts say at once",
    "elements/control/script_export": "a process has an exit code",
    "elements/control/script_files_errors": "a VM has no files",
    "elements/control/script_kill_errors": HALF_LINES,
    "elements/control/script_nested_deep": HALF_LINES,
    "elements/control/script_run_errors": HALF_LINES,
    "elements/control/script_signal": "a VM has no signals",
    "elements/device/from_device_missing": "a VM has other devices",
    "tests/conformance/language/bad_library_missing": "a VM has no library files",
    "tests/conformance/timewarp": "a VM has the host's time",
}


class VmCase:
    """What a case asks of a VM: its configuration, and the handlers that are read once it has stopped."""

    def __init__(self, path):
        self.id = str(path.with_suffix(""))
        self.case = case = Case(TREE / path)
        words = shlex.split("\n".join(case.get("args") or ["config"]))
        self.quiet = "-q" in words
        self.handlers = ["flatconfig"] if "-o-" in words else \
            [words[i + 1] for i, word in enumerate(words) if word == "-h"]
        self.other_words = [word for i, word in enumerate(words)
                            if word not in ("-q", "-o-", "-h", "config") and words[i - 1] != "-h"]
        self.configuration = "\n".join(case.get("config") or []) + "\n"
        self.fails = case.value("exit", "0") != "0"

    def why_not(self):
        """Why it does not run in a VM; None when it does."""
        if self.id in HOST_CASES:
            return HOST_CASES[self.id]
        if self.case.get("config") is None or self.case.get("script"):
            return "is about the command line"
        if self.other_words:
            return f"command line: {' '.join(self.other_words)}"
        for kind in ("stdin", "input", "file", "output", "expect"):
            if self.case.all(kind):
                return f"has %{kind}"
        for name in HOST_ELEMENTS:
            if re.search(rf"\b{name}\b", self.configuration):
                return f"needs {name}"
        if any(re.search(r"[*?\[]", name) for name in self.handlers):
            return "reads by pattern"
        return None


ALL = [VmCase(path) for path in case_files()]
CASES = [case for case in ALL if not case.why_not()]

# One case, in its folder: `code` is the exit code of start, `errors` what it said, `log` what came out of
# the VM's console, and value.N the N-th handler in `handlers`. A case that has not stopped by itself after
# its time-out is a failure, which `status` shows.
RUN = r"""
vm=$1
log=/var/log/xen/console/guest-$vm.log
status=/local/domain/$(xl domid "$vm")/data/clickos/0/status
cd /root/conformance || exit
for folder in [0-9]*; do (
    cd "$folder" || exit
    size=$(stat -c %s "$log")
    clickos start "$vm" config 2>errors
    echo $? >code
    [ "$(cat code)" = 0 ] || exit
    for i in $(seq "$(cat polls)"); do
        xenstore-read "$status" >status
        [ "$(cat status)" != Stopped ] || break
        sleep 0.05
    done
    n=0
    while read -r handler; do
        clickos read "$vm" "$handler" --raw >value.$n 2>error.$n
        n=$((n + 1))
    done <handlers
    clickos stop "$vm"
    tail -c "+$((size + 1))" "$log" | tr -d '\r' >log
) done
tar -cf /root/conformance.tar .
"""


@pytest.fixture(scope="module", params=["pv", pytest.param("pvh", marks=pytest.mark.slow)])
def ran(request, lab, clickos, tmp_path_factory):
    """{case: {file of its folder: text}} after all have run in one VM, which is as it was before."""
    folder = tmp_path_factory.mktemp("conformance")
    bundle = io.BytesIO()
    with tarfile.open(fileobj=bundle, mode="w") as archive:
        for number, case in enumerate(CASES):
            for name, text in (("config", case.configuration),
                               ("handlers", "".join(f"{handler}\n" for handler in case.handlers)),
                               ("polls", "0" if case.quiet else "200")):
                entry = tarfile.TarInfo(f"{number}/{name}")
                entry.size = len(text.encode())
                archive.addfile(entry, io.BytesIO(text.encode()))
    vm = f"conformance-{request.param}"
    lab.run("rm -rf /root/conformance && mkdir /root/conformance && tar -xC /root/conformance", check=True,
            input=bundle.getvalue())
    clickos.must("create", vm, "--type", request.param, "--memory", 8)
    try:
        before = clickos.json("list", vm)["memory"]
        lab.run(["bash", "-s", vm], input=RUN, check=True, timeout=900)
        after = clickos.json("list", vm)["memory"]
    finally:
        clickos.must("destroy", vm)
    lab.get("/root/conformance.tar", folder / "conformance.tar")
    results = {}
    with tarfile.open(folder / "conformance.tar") as archive:
        for entry in archive:
            if entry.isfile():
                number, name = entry.name.removeprefix("./").split("/")
                text = archive.extractfile(entry).read().decode(errors="replace")
                results.setdefault(CASES[int(number)].id, {})[name] = text
    results["memory"] = before, after
    return results


def printed_values(case, got):
    """What build/click prints for the options -h: names only where there are several."""
    text = ""
    for n, handler in enumerate(case.handlers):
        value = got[f"value.{n}"]
        value += "\n" if value and not value.endswith("\n") else ""
        text += f"{handler}:\n{value}\n" if len(case.handlers) > 1 else value
    return text


def compare_mixed(out, err, seen):
    """A console has both streams in one: its lines must be those of both, each in its order."""
    out, err = ([line for line in lines if line.strip()] for lines in (out, err))

    def after(lines, at, line):
        """The places in `lines` where one may be after the console's line."""
        while at < len(lines) and lines[at] == "...":
            yield at
            at += 1
        if at < len(lines) and re.fullmatch(line_pattern(lines[at]), line):
            yield at + 1

    def over(lines, at):
        return all(line == "..." for line in lines[at:])

    # Where one may be in both streams, for a line may fit either.
    places = {(0, 0)}
    for line in seen.splitlines():
        if not line.strip():
            continue
        before = places
        places = {(i, j) for at, j in before for i in after(out, at, line)} | \
                 {(i, j) for i, at in before for j in after(err, at, line)}
        if not places:
            expected = sorted({line for i, j in before for line in out[i:i + 1] + err[j:j + 1]})
            return f"the console says {line!r}, expected one of {expected}; all:\n{seen}"
    if not any(over(out, i) and over(err, j) for i, j in places):
        i, j = max(places)
        return f"the console does not say {out[i:] + err[j:]}; all:\n{seen}"
    return None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_case(ran, case):
    got = ran[case.id]
    out, err = case.case.get("stdout") or [], case.case.get("stderr") or []
    if case.fails:
        # What becomes of the process, and of the instance, is no part of the errors.
        said = re.sub(r"\d+ errors?; instance 0 does not run\n$", "", got["errors"])
        expected = [line for line in err if line != "Router could not be initialized!"]
        assert got["code"] == "1\n"
        failure = compare_text("what clickos start says", expected, said)
    else:
        assert (got["code"], got["errors"]) == ("0\n", "")
        assert not [name for name in got if name.startswith("error.") and got[name]], got
        log = "".join(line + "\n" for line in got["log"].splitlines() if not line.startswith("clickos: instance 0: "))
        assert case.quiet or got["status"] == "Stopped\n", log
        failure = compare_mixed(out, err, log + printed_values(case, got)) if err else \
            compare_text("the console, and handlers", out, log + printed_values(case, got))
    assert not failure, failure


def test_enough_of_them():
    assert len(CASES) >= 150, {case.id: case.why_not() for case in ALL if case.why_not()}
    assert len([case for case in CASES if case.fails]) >= 50


def test_memory_is_where_it_was(ran):
    before, after = ran["memory"]
    assert after["used"] - before["used"] < 256 * 1024, (before, after)
