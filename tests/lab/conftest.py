# SPDX-License-Identifier: BSD-2-Clause
"""The lab for the tests in this folder: one Xen host, started once a session and ended with it.

`pytest --lab NAME` takes a lab that stays up (and starts it when needed): quicker while writing
tests."""

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


@pytest.fixture(scope="session")
def build():
    """The build folder."""
    return pathlib.Path(os.environ.get("BUILD") or TREE / "build").resolve()
