# SPDX-License-Identifier: BSD-2-Clause
"""The clickos command, as far as it comes without Xen: what it finds wrong before it asks for anything."""

import os
import pathlib
import subprocess

import pytest

BUILD = pathlib.Path(os.environ.get("BUILD") or pathlib.Path(__file__).resolve().parent.parent / "build")


def create(*words):
    done = subprocess.run([BUILD / "clickos", "create", "nobody", "--kernel", BUILD / "clickos.elf", *words],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and done.stdout == ""
    return done.stderr


def test_a_bridge_that_is_not_there_is_named():
    assert "vif 0: there is no bridge 'nosuch0'" in create("--vif", "bridge=nosuch0")
    assert "vif 0: 'lo' is no Linux bridge" in create("--vif", "bridge=lo,mac=00:16:3e:00:00:01")


def test_another_script_may_know_other_bridges():
    assert "no bridge" not in create("--vif", "bridge=nosuch0,script=vif-openvswitch")


def wrong_usage(*words):
    done = subprocess.run([BUILD / "clickos", "create", "nobody", "--kernel", BUILD / "clickos.elf", *words],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and done.stdout == ""
    return done.stderr.split("\n")[0]


@pytest.mark.parametrize("rate", [
    "10", "10M", "10Mbit", "Mb/s", "-1Mb/s", "10Mb/s@", "10Mb/s@0ms", "10Mb/s@5h", "99999999999Gb/s", "0Mb/s",
    "1b/s",     # not a byte in 50 ms
])
def test_a_rate_that_is_none(rate):
    want = f"want a rate such as 10Mb/s, 500KB/s or 1MB/s@20ms, got '{rate}'"
    assert wrong_usage("--vif", "bridge=lo", "--rate", rate) == "clickos create: --rate: " + want
    assert wrong_usage("--vif", f"bridge=lo,rate={rate}") == "clickos create: --vif: rate: " + want


@pytest.mark.parametrize("rate", ["10Mb/s", "1000b/s", "1Gb/s", "500KB/s", "1MB/s@20ms", "1MB/s@500us", "1MB/s@1s", "1MB/s@5m"])
def test_rates_of_xl(rate):
    assert "'lo' is no Linux bridge" in create("--vif", f"bridge=lo,rate={rate}", "--rate", rate)


def test_limits_out_of_bounds():
    assert wrong_usage("--cap", "101") == "clickos create: --cap: want a number from 0 to 100, got '101'"
    assert wrong_usage("--cap", "20%").endswith("got '20%'")
    assert wrong_usage("--cpu-weight", "0").endswith("want a number from 1 to 65535, got '0'")
    assert wrong_usage("--rate", "10Mb/s") == "clickos create: --rate: there is no --vif to limit"
