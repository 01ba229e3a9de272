# SPDX-License-Identifier: BSD-2-Clause
"""The clickos command, as far as it comes without Xen: what it finds wrong before it asks for anything."""

import os
import pathlib
import subprocess

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
