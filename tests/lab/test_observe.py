# SPDX-License-Identifier: BSD-2-Clause
"""clickos metrics and clickos top on real Xen: figures are the VMs' own, a VM that hangs or goes costs the others nothing,
metrics are what Prometheus reads (by its own Python parser), HTTP is HTTP, and top needs no terminal and knows what
to do with one."""

import json
import os
import pathlib
import pty
import re
import select
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


# ---- top ----

def test_top_without_a_terminal(clickos, vms):
    text = clickos.must("top", "-b", "-n", 2, "-d", 1)
    looks = text.rstrip("\n").split("\n\nclickos top - ")
    assert len(looks) == 2
    print(text)
    for look in looks:
        rows = {line.split()[0]: line.split() for line in look.splitlines() if line and not line.startswith(" ")}
        assert rows["sender"][2] == "running" and 5 < float(rows["sender"][3]) < 30
        assert 100 < float(rows["sender"][8]) < 600, "frames of 60 bytes at 200 Kb/s are 417 a second"
        assert rows["silent"][6:] == ["-"] * 5
    assert re.search(r"^silent .*\n  does not answer$", text, re.M)
    assert re.search(r"^  instance 0 Running \(7 elements\)\n  vif 0 up ", text, re.M)
    assert "--batch prints instead" in clickos.wrong("top")


def test_top_for_programs(clickos, vms):
    top = clickos.json("top", "--delay", 1, "sender", "silent", "--sort", "name")
    sender, silent = top["vms"]
    assert (sender["name"], sender["answers"], sender["cap"]) == ("sender", True, 20)
    assert (silent["name"], silent["answers"], silent["vifs"]) == ("silent", False, [])
    vif = sender["vifs"][0]
    assert vif["figures"]["state"] == "up" and vif["figures"]["tx_packets"] > vif["rates"]["tx_packets"] > 50
    assert vif["rates"]["tx_bits"] == pytest.approx(vif["rates"]["tx_packets"] * 480, rel=0.01)


def on_terminal(lab, command, keys, seconds=40):
    """What a terminal gets while keys are pressed: [(text that is waited for, key to press then)]. Returns that and the exit code."""
    master, slave = pty.openpty()
    process = subprocess.Popen([os.path.join(HERE.parents[1], "lab", "run"), "--name", lab.name, "--tty", command], stdin=slave, stdout=slave,
                               stderr=slave, start_new_session=True)
    os.close(slave)
    shown, at, end = "", 0, time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            if select.select([master], [], [], 0.2)[0]:
                try:
                    shown += os.read(master, 65536).decode(errors="replace")
                except OSError:
                    break
            if keys and keys[0][0] in shown[at:]:
                at = len(shown)
                os.write(master, keys.pop(0)[1].encode())
        assert not keys, f"never saw {keys[0][0]!r} in {shown[at:]!r}"
        return shown, process.wait(timeout=10)
    finally:
        os.close(master)
        if process.poll() is None:
            process.kill()


def test_top_on_a_terminal(lab, vms):
    shown, code = on_terminal(lab, "stty rows 30 cols 100; TERM=xterm clickos top -d 1",
                              [("sorted by cpu", "N"), ("name", "h"), ("sorts by CPU", "h"), ("sender", "v"), ("\x1b[", "q")])
    assert code == 0
    assert "sender" in shown and "NAME" in shown
    assert shown.rstrip().endswith(("\x1b[?1049l", "\x1b[?1049l\x1b[23;0;0t", "\x1b[?1l\x1b>")), "the terminal is as it was before"
    shown, code = on_terminal(lab, "TERM=nonesuch clickos top", [])
    assert code == 1 and "TERM is 'nonesuch'" in shown


def test_top_when_a_vm_goes(clickos, lab, vms):
    """The last test: listener is gone afterwards."""
    done = lab.run("clickos top -b -d 1 listener sender >/tmp/top.out 2>&1 & pid=$!; sleep 1; clickos destroy listener; "
                   "for try in $(seq 200); do grep -q gone /tmp/top.out && break; sleep 0.1; done; kill $pid; wait $pid")
    shown = lab.run("cat /tmp/top.out").stdout
    assert re.search(r"^listener +- gone$", shown, re.M) and "clickos: " not in shown
    assert done.returncode == 0, "SIGTERM ends it as it should"
