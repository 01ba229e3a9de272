# SPDX-License-Identifier: BSD-2-Clause
"""The process that takes away VMs which end: it ends with the last VM. In a file of its own, where no other
test's VM is there."""

import time

import pytest


def reaps(clickos):
    return "clickos reap" in clickos.lab.run("ps -ef || ps").stdout


def until(condition):
    for _ in range(40):
        if condition():
            return True
        time.sleep(0.25)
    return False


def test_the_reaper_ends_with_the_last_vm(clickos, request):
    if names := clickos.must("list", "--names").split():
        assert request.config.getoption("--lab"), f"tests left {names} behind"
        pytest.skip("somebody's VMs are in this lab: " + " ".join(names))
    clickos.must("create", "first")
    clickos.must("create", "last")
    try:
        assert until(lambda: reaps(clickos)), "nobody watches"
        clickos.must("destroy", "first")
        time.sleep(2)
        assert reaps(clickos), "it left a VM alone"
    finally:
        clickos.run("destroy", "first")
        clickos.must("destroy", "last")
    assert until(lambda: not reaps(clickos)), "it is still there"
