# SPDX-License-Identifier: BSD-2-Clause
"""What `clickos create --rate --cap` asks of Xen and netback stands where those look, and xl sees it. Whether it holds
shows test_fairness.py."""

import pytest


@pytest.fixture(scope="module")
def limited(clickos):
    """The number of a VM with limits of all kinds."""
    made = clickos.json("create", "limited", "--memory", 4, "--cap", 25, "--cpu-weight", 128, "--rate", "10Mb/s",
                        "--vif", "bridge=br0", "--vif", "bridge=br1,rate=1MB/s@20ms")
    yield made["id"]
    clickos.must("destroy", "limited")


def test_netback_reads_the_rates(lab, limited):
    rates = lab.run(f"for vif in 0 1; do xenstore-read /local/domain/0/backend/vif/{limited}/$vif/rate; done", check=True)
    assert rates.stdout.split() == ["62500,50000", "20000,20000"]


def test_the_scheduler_has_the_shares(lab, limited):
    line = lab.run("xl sched-credit2 -d limited", check=True).stdout.splitlines()[-1].split()
    assert line == ["limited", str(limited), "128", "25"]


def test_list_shows_them(clickos, limited):
    vm = clickos.json("list", "limited")
    assert (vm["cap"], vm["cpu_weight"]) == (25, 128)
    assert [(vif["vif"], vif["bridge"], vif["rate_bytes_per_second"]) for vif in vm["vifs"]] == [
        (0, "br0", 1_250_000), (1, "br1", 1_000_000)]
    text = clickos.must("list", "limited")
    assert "Cap: 25 % of a processor" in text and f"{vm['vifs'][1]['mac']}          8.000\n" in text


def test_without_limits_there_are_none(lab, clickos):
    made = clickos.json("create", "free", "--memory", 4, "--vif", "bridge=br0")
    try:
        assert lab.run(f"xenstore-exists /local/domain/0/backend/vif/{made['id']}/0/rate").returncode == 1
        vm = clickos.json("list", "free")
        assert (vm["cap"], vm["cpu_weight"]) == (0, 256)
        assert [sorted(vif) for vif in vm["vifs"]] == [["bridge", "mac", "vif"]]
    finally:
        clickos.must("destroy", "free")
