# SPDX-License-Identifier: BSD-2-Clause
"""The lab for the tests in this folder: one Xen host, started once a session and ended with it.

`pytest --lab NAME` takes a lab that stays up (and starts it when needed): quicker while writing
tests."""

import json
import os
import pathlib
import sys

import pytest

TREE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "lab"))

from lab import Lab     # noqa: E402 (lab/ is not a package)


def pytest_addoption(parser):
    parser.addoption("--lab", metavar="NAME", help="use this lab, and leave it up afterwards")


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes more than half a minute")


@pytest.fixture(scope="session")
def lab(request):
    """A lab.Lab: run(), put(), get(), nic(1), nic(2), console(), drops()."""
    name = request.config.getoption("--lab")
    host = Lab(name or f"test-{os.getpid()}")
    host.up()
    yield host
    if not name:
        # The logs of a session without failures are of no use to anybody.
        host.down(*([] if request.session.testsfailed else ["--remove"]))


AFTERMATH = r"""
xl list
for log in /var/log/xen/console/guest-*.log; do echo "--- $log"; tail -n 40 "$log" | tr -d '\r'; done
echo '--- xl dmesg'; xl dmesg | tail -n 30
echo '--- dmesg'; dmesg | tail -n 20
"""


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """What dom0, Xen and the guests said goes into the report of a test that failed: the lab is gone
    by the time somebody reads it."""
    report = (yield).get_result()
    if report.failed and (host := getattr(item, "funcargs", {}).get("lab")):
        try:
            report.sections.append(("lab", host.run(AFTERMATH, timeout=60).stdout))
        except Exception as error:      # the lab itself may be what failed
            report.sections.append(("lab", f"does not answer: {error}"))


@pytest.fixture(scope="session")
def build():
    """The build folder."""
    return pathlib.Path(os.environ.get("BUILD") or TREE / "build").resolve()


class Clickos:
    """Our command in dom0: clickos("list fw") is a line of shell and fails the test when the command
    fails; clickos.run("list", vm) takes words, and gives the CompletedProcess whatever happened."""

    def __init__(self, lab):
        self.lab = lab

    def __call__(self, line, check=True, **options):
        return self.lab.run(f"clickos {line}", check=check, **options)

    def run(self, *words, input=None, timeout=120):
        return self.lab.run(["clickos", *map(str, words)], input=input, timeout=timeout)

    def must(self, *words, input=None, timeout=120):
        """What it prints; the command must not fail."""
        done = self.run(*words, input=input, timeout=timeout)
        assert done.returncode == 0, f"clickos {words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def json(self, *words, **options):
        return json.loads(self.must(*words, "--json", **options))

    def start(self, vm, config, *options):
        """From standard input, so the file's name in errors is "-"."""
        return self.run("start", vm, "-", *options, input=config)

    def wait_for_vifs(self, vm, count):
        self.lab.wait_for_vifs(vm, count)

    def wrong(self, *words, code=1, input=None):
        """The error's text; nothing may be on standard output."""
        done = self.run(*words, input=input)
        assert done.returncode == code, f"clickos {words}: {done.returncode}\n{done.stdout}{done.stderr}"
        assert done.stdout == ""
        return done.stderr


@pytest.fixture(scope="session")
def clickos(lab, build):
    """A Clickos, with the image under test installed."""
    lab.run("mkdir -p /usr/local/lib/clickos", check=True)
    lab.put(build / "clickos", "/usr/bin/clickos")
    lab.put(build / "clickos.elf", "/usr/local/lib/clickos/clickos.elf")
    return Clickos(lab)


@pytest.fixture(scope="session")
def examples(lab):
    """The folder in dom0 where examples/ is."""
    lab.run("mkdir -p /root/examples", check=True)
    lab.put(*sorted((TREE / "examples").glob("*.click")), "/root/examples/")
    return "/root/examples"
