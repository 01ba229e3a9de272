# SPDX-License-Identifier: BSD-2-Clause
"""clickos metrics on real Xen: figures are the VMs' own, a VM that hangs or goes costs the others nothing,
metrics are what Prometheus reads (by its own Python parser), and HTTP is HTTP."""

import pathlib
import re
import subprocess
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

HERE = pathlib.Path(__file__).resolve().parent
SENDER = "InfiniteSource(LENGTH 60, LIMIT -1) -> ToDevice(0); i :: Idle -> Discard; FromDevice(1) -> c :: Counter -> Discard;\n"


@pytest.fixture(scope="module")
def vms(clickos, lab, build, tmp_path_factory):
    """`sender` sends 400 frames a second, `listener` has no instance, `silent` runs and hangs."""
    image = tmp_path_factory.mktemp("silent") / "silent.elf"
    layout = "-Wl,--build-id=none,-N,-e,start,-Ttext=0x100000,--section-start=.note.Xen=0x103000,--no-warn-rwx-segments"
    subprocess.run(["gcc", "-nostdlib", "-static", "-no-pie", layout, "-o", image, HERE / "silent.S"], check=True)
    lab.put(image, "/root/silent.elf")
    try:
        clickos.must("create", "sender", "--memory", 4, "--vif", "bridge=br0,rate=200Kb/s", "--vif", "bridge=br1", "--cap", 20,
                     "--config", "-", input=SENDER)
        clickos.must("create", "listener", "--type", "pvh", "--vif", "bridge=br0")
        silent = clickos.json("create", "silent", "--memory", 4, "--kernel", "/root/silent.elf")["id"]
        # As if its control plane had come up before.
        lab.run(f"xenstore-write /local/domain/{silent}/data/clickos/version 1", check=True)
        clickos.wait_for_vifs("sender", 2)
        yield
    finally:
        clickos.run("destroy", "sender", "listener", "silent")


def samples(text):
    """{(name, {label: value}...): value}, read strictly."""
    assert text.endswith("\n")
    found = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation and family.type != "unknown", family
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, key
            found[key] = sample.value
    return found


def value(found, name, **labels):
    """Of the one sample that has these labels, and maybe others."""
    matching = [v for (n, l), v in found.items() if n == name and set(labels.items()) <= l]
    assert len(matching) == 1, (name, labels, matching)
    return matching[0]


# ---- metrics ----

def test_metrics_are_what_vms_say(clickos, vms):
    before = dict(re.findall(r"^0 (\w+) (\d+)$", clickos.must("read", "sender", "vifs"), re.M))
    began = time.monotonic()
    found = samples(clickos.must("metrics"))
    took = time.monotonic() - began
    after = dict(re.findall(r"^0 (\w+) (\d+)$", clickos.must("read", "sender", "vifs"), re.M))
    assert [value(found, "clickos_up", vm=vm) for vm in ("sender", "listener", "silent")] == [1, 1, 0]
    sent = value(found, "clickos_vif_transmit_packets_total", vm="sender", vif="0")
    assert int(before["tx_packets"]) <= sent <= int(after["tx_packets"]) and sent > 0
    # Both are counted by whole frames of 60 bytes, and in one look.
    assert value(found, "clickos_vif_transmit_bytes_total", vm="sender", vif="0") == sent * 60
    assert value(found, "clickos_vif_transmit_batch_packets_sum", vm="sender", vif="0") == sent
    count = value(found, "clickos_vif_transmit_batch_packets_count", vm="sender", vif="0")
    assert count == value(found, "clickos_vif_transmit_batch_packets_bucket", vm="sender", vif="0", le="+Inf")
    assert count == value(found, "clickos_vif_transmit_batch_packets_bucket", vm="sender", vif="0", le="64")
    # What nobody listens to is dropped for that reason.
    assert value(found, "clickos_vif_receive_drops_total", vm="listener", vif="0", reason="nobody") > 0
    assert value(found, "clickos_instance_state", vm="sender", instance="0", state="Running") == 1
    assert value(found, "clickos_instance_elements", vm="sender") == 7
    assert value(found, "clickos_domain_cpu_cap_ratio", vm="sender") == 0.2
    assert value(found, "clickos_domain_state", vm="silent", state="running") == 1
    assert value(found, "clickos_domain_memory_bytes", vm="sender") == 4 << 20
    assert value(found, "clickos_vif_up", vm="sender", vif="1") == 1
    assert value(found, "clickos_grants_free", vm="listener") > 1000
    assert not [key for key in found if key[0].startswith("clickos_vif") and ("vm", "silent") in key[1]]
    print(f"{len(found)} samples in {took:.1f} s")
    assert value(found, "clickos_scrape_duration_seconds") < took < 2 + 15, "the time-out is 2 s; the rest is a busy machine's"


def test_metrics_of_some(clickos, vms):
    found = samples(clickos.must("metrics", "listener"))
    assert {dict(labels)["vm"] for _, labels in found if dict(labels)} == {"listener"}
    assert "no VM 'nobody'; there is " in clickos.wrong("metrics", "listener", "nobody")
    assert "want ADDRESS:PORT" in clickos.wrong("metrics", "--listen", "9100", code=2)
    assert "cannot listen at 192.0.2.1:80" in clickos.wrong("metrics", "--listen", "192.0.2.1:80")


def test_metrics_over_http(clickos, lab, vms):
    lab.run("clickos metrics --listen 127.0.0.1:0 -t 1 sender nobody silent >/tmp/server.out 2>/tmp/server.err & echo $! >/tmp/server.pid\n"
            "for try in $(seq 100); do grep -q http /tmp/server.err && break; sleep 0.1; done", check=True)
    url = re.fullmatch(r"clickos: (http://127\.0\.0\.1:\d+)/metrics\n", lab.run("cat /tmp/server.err").stdout)[1]
    try:
        head, body = lab.run(f"curl -sS -i {url}/metrics", check=True).stdout.split("\n\n", 1)
        assert head.startswith("HTTP/1.1 200 OK") and "text/plain; version=0.0.4; charset=utf-8" in head
        found = samples(body)
        # A VM that is named may come later.
        assert [value(found, "clickos_up", vm=vm) for vm in ("sender", "nobody", "silent")] == [1, 0, 0]
        assert not [key for key in found if key[0] != "clickos_up" and ("vm", "nobody") in key[1]]
        # Those who ask at once get one look's answer.
        times = lab.run(f"curl -sSZ '{url}/metrics?[1-4]' -o '/tmp/scrape.#1'; grep -h ^clickos_scrape_duration /tmp/scrape.*",
                        check=True).stdout.split("\n")[:-1]
        assert len(times) == 4 and len(set(times)) <= 2, times
        code = "-o /tmp/answer -w '%{http_code} '"
        answers = lab.run(f"curl -sS -I {code} {url}/metrics --next -sS -d x {code} {url}/metrics --next -sS {code} {url}/other --next -sS {url}/",
                          check=True).stdout
        assert answers.startswith("200 405 404 <!DOCTYPE html>") and 'href="/metrics"' in answers
    finally:
        ended = lab.run("pid=$(cat /tmp/server.pid); kill $pid; for try in $(seq 50); do [ -d /proc/$pid ] || exit 0; sleep 0.1; done; exit 1")
    assert ended.returncode == 0, "SIGTERM does not end it"
    assert lab.run("cat /tmp/server.out; wc -l </tmp/server.err").stdout.strip() == "1"
