# SPDX-License-Identifier: BSD-2-Clause
"""The clickos command and the guest's control plane, on real Xen: create, start, replace, stop, several
instances, large configurations and values, errors, and what is left behind (nothing).

Most tests share a VM, and leave it without instances."""

import json
import re
import time

import pytest

SMALL = "c :: Counter; Idle -> c -> Discard; w :: Switch(0); Idle -> w -> Discard;\n"


@pytest.fixture(scope="module", params=["pv", "pvh"])
def machine(clickos, request):
    """A VM without vifs; both kinds in turn."""
    name = f"control-{request.param}"
    clickos.must("create", name, "--type", request.param, "--memory", 8)
    yield name
    clickos.must("destroy", name)


@pytest.fixture
def vm(clickos, machine):
    yield machine
    for instance in clickos.json("list", machine)["instances"]:
        clickos.must("stop", machine, "--instance", instance["instance"])


def memory(clickos, vm):
    return clickos.json("list", vm)["memory"]


# ---- one instance ----

def test_start_read_write_stop(clickos, vm):
    assert clickos.start(vm, SMALL).returncode == 0
    assert clickos.must("read", vm, "c.count") == "0\n"
    assert clickos.must("read", vm, "w.switch") == "0\n"
    clickos.must("write", vm, "w.switch", "-1")
    assert clickos.must("read", vm, "w.switch") == "-1\n"
    assert clickos.must("read", vm, "list").split() == ["6", "c", "Idle@2", "Discard@3", "w", "Idle@5", "Discard@6"]
    assert clickos.must("read", vm, "config", "--raw") == SMALL
    elements = {e["name"]: e["class"] for e in clickos.json("handlers", vm)}
    assert elements["c"] == "Counter" and len(elements) == 6
    flags = {h["name"]: h["flags"] for h in clickos.json("handlers", vm, "c")}
    assert "r" in flags["count"] and "w" in flags["reset_counts"]
    shown = clickos.json("list", vm)
    assert shown["state"] == "running" and [i["status"] for i in shown["instances"]] == ["Running"]
    clickos.must("stop", vm)
    assert clickos.json("list", vm)["instances"] == []
    assert "no instance 0" in clickos.wrong("stop", vm)
    assert "no instance 0" in clickos.wrong("read", vm, "c.count")


def test_where_the_cycles_go(clickos, vm):
    config = "s :: InfiniteSource(BURST 8) -> c :: Counter -> q :: Queue -> u :: Unqueue -> d :: Discard"
    assert clickos.start(vm, config).returncode == 0
    assert clickos.must("read", vm, "profile") == "off: 0 cycles, 0 in elements, 0 to measure them\n"
    profile = clickos.json("profile", vm, "--seconds", 1)
    by_name = {e["element"]: e for e in profile["elements"]}
    assert set(by_name) == set("scqud")
    assert by_name["q"]["class"] == "Queue"
    assert 0 < sum(e["self"] for e in profile["elements"]) == profile["in_elements"] < profile["cycles"]
    assert by_name["c"]["packets"] == 8 * by_name["c"]["calls"] > 0
    assert by_name["s"]["total"] >= by_name["s"]["self"]
    assert clickos.must("read", vm, "profile").startswith("off: ")
    assert clickos.must("read", vm, "q.cycles").startswith("xfer ")
    table = clickos.must("profile", vm, "-s", 1)
    assert "self/packet" in table and "c :: Counter" in table
    assert "no instance 9" in clickos.wrong("profile", vm, "--instance", 9)


def test_a_picture_with_counters(clickos, vm):
    config = "s :: InfiniteSource(LIMIT 3) -> c :: Counter -> q :: Queue(4) -> Idle;\n"
    assert clickos.start(vm, config).returncode == 0
    for _ in range(20):
        if clickos.must("read", vm, "c.count") == "3\n":
            break
        time.sleep(0.1)
    dot = clickos.must("graph", "--vm", vm)
    assert dot.startswith(f'digraph "{vm}"')
    assert r"c\nCounter\ncount 3" in dot and r"q\nQueue(4)\ndrops 0\nlength 3" in dot
    assert "no instance 9" in clickos.wrong("graph", "--vm", vm, "--instance", 9)


def test_replace_and_errors_with_lines(clickos, vm, tmp_path):
    assert clickos.start(vm, "c :: Counter; s :: InfiniteSource(LIMIT 10) -> c -> Discard").returncode == 0
    time.sleep(0.5)
    assert clickos.must("read", vm, "c.count") == "10\n"
    generation = clickos.json("list", vm)["instances"][0]["generation"]
    for config, expected in (
        ("c :: Counter;\nd :: Nonsense;\n", r"bad\.click:2: .*Nonsense"),
        ("c :: Counter(\n", r"bad\.click:1: "),
        ("c :: Counter;\nIdle -> c;\n", r"bad\.click:1: .*output"),
        ("c :: Counter;\nIdle -> c -> Discard;\ns :: Switch(a)\n Idle -> s -> Discard", r"bad\.click:3"),
        ("Idle -> Discard;\nFromClickOS(3) -> Discard;\n", r"bad\.click:2"),
    ):
        (tmp_path / "bad.click").write_text(config)
        clickos.lab.put(tmp_path / "bad.click", "/tmp/bad.click")
        error = clickos.wrong("start", vm, "/tmp/bad.click")
        assert re.search(r"/tmp/" + expected, error), error
        assert "instance 0 keeps running" in error
        report = json.loads(clickos.run("start", vm, "/tmp/bad.click", "--json").stdout)
        assert report["error"]["code"] == "config" and "bad.click:" in report["error"]["message"]
        # The old one never noticed.
        assert clickos.must("read", vm, "c.count") == "10\n"
        assert clickos.json("list", vm)["instances"][0]["generation"] == generation
    assert clickos.start(vm, SMALL).returncode == 0
    assert clickos.must("read", vm, "c.count") == "10\n"        # of its name and class: it goes on
    assert clickos.must("read", vm, "w.switch") == "0\n"
    assert clickos.json("list", vm)["instances"][0]["generation"] > generation


def test_several_instances(clickos, vm):
    for n in (0, 1, 7, 63):
        assert clickos.start(vm, f"i :: Idle; n :: Null; i -> n -> Counter -> Discard; // {n}\n",
                             "--instance", n).returncode == 0
    for n in (0, 1, 7, 63):
        assert f"// {n}\n" in clickos.must("read", vm, f"{n}:config")
    assert [i["instance"] for i in clickos.json("list", vm)["instances"]] == [0, 1, 7, 63]
    # A bad one beside them changes nothing for them.
    assert clickos.start(vm, "Nonsense -> Discard", "--instance", 5).returncode == 1
    clickos.must("stop", vm, "--instance", 7)
    assert [i["instance"] for i in clickos.json("list", vm)["instances"]] == [0, 1, 63]
    assert "there is 0, 1, 63" in clickos.wrong("read", vm, "7:config")


def test_large_configuration_and_values(clickos, vm):
    lines = "".join(f"// rule {n}: 100% of \"quotes\", tabs\t and caf\u00e9\n" for n in range(5000))
    config = lines + SMALL
    assert len(config.encode()) > 200_000
    assert clickos.start(vm, config).returncode == 0
    assert clickos.must("read", vm, "config", "--raw") == config
    assert clickos.json("read", vm, "config")["value"] == config
    error = clickos.start(vm, config + "x :: Nonsense\n")
    assert error.returncode == 1 and "5002: unknown element class 'Nonsense'" in error.stderr


def test_a_value_that_is_large(clickos, vm):
    """A write of 20 KB, through chunks: a classifier's rules."""
    rules = ", ".join(f"12/08{n % 256:02x}" for n in range(1999)) + ", -"
    outputs = "".join(f"x[{n}] -> d; " for n in range(2000))
    assert clickos.start(vm, f"d :: Discard; Idle -> x :: Classifier({rules}); {outputs}").returncode == 0
    assert len(rules) > 16_000
    assert clickos.must("read", vm, "x.config").strip() == rules


def test_concurrent_clients(clickos, vm):
    """Each gets its own answer."""
    assert clickos.start(vm, SMALL).returncode == 0
    done = clickos.lab.run(
        f"for i in $(seq 12); do clickos read {vm} c.count >/tmp/out.$i 2>&1 & done; wait; cat /tmp/out.*", check=True)
    assert done.stdout == "0\n" * 12


def test_killed_clients_leave_no_harm(clickos, vm):
    assert clickos.start(vm, SMALL).returncode == 0
    clickos.lab.run(f"for i in 1 2 3 4 5; do timeout -s KILL 0.1 clickos read {vm} c.count; done >/dev/null 2>&1")
    assert clickos.must("read", vm, "c.count") == "0\n"


def test_nothing_is_left_in_the_store(clickos, vm):
    domid = clickos.json("list", vm)["id"]
    clickos.lab.run(f"xenstore-rm /local/domain/{domid}/data/clickos/0/control", check=True)
    assert clickos.start(vm, SMALL).returncode == 0
    for _ in range(5):
        clickos.must("read", vm, "c.count")
    clickos.must("stop", vm)
    left = clickos.lab.run(f"xenstore-ls -f /local/domain/{domid}/data/clickos/0", check=True).stdout
    assert not re.search(r"(control|reply)/", left), left


def test_the_router_stops_itself(clickos, vm):
    assert clickos.start(vm, "InfiniteSource(LIMIT 5, STOP true) -> c :: Counter -> Discard").returncode == 0
    for _ in range(20):
        if clickos.json("list", vm)["instances"][0]["status"] == "Stopped":
            break
        time.sleep(0.2)
    else:
        pytest.fail("it does not stop")
    assert clickos.must("read", vm, "c.count") == "5\n"      # handlers stay
    assert clickos.start(vm, SMALL).returncode == 0
    assert clickos.json("list", vm)["instances"][0]["status"] == "Running"


def test_clickos_control_can_refuse_writes(clickos, vm):
    assert clickos.start(vm, SMALL + "k :: ClickOSControl(READONLY true)").returncode == 0
    assert "READONLY" in clickos.wrong("write", vm, "c.reset_counts")
    assert clickos.must("read", vm, "k.failures") == "1\n"


# ---- errors ----

def test_what_is_not_there_is_named(clickos, vm):
    assert clickos.start(vm, SMALL).returncode == 0
    assert "no VM 'nobody'" in (error := clickos.wrong("read", "nobody", "c.count")) and vm in error
    assert "no instance 9" in (error := clickos.wrong("read", vm, "9:c.count")) and "there is 0" in error
    assert "no element 'cc'" in (error := clickos.wrong("read", vm, "cc.count")) and "c, Idle@2" in error
    assert "no read handler 'counts'" in (error := clickos.wrong("read", vm, "c.counts")) and "byte_count" in error
    assert "no write handler 'count'" in (error := clickos.wrong("write", vm, "c.count", 1)) and "reset" in error
    assert "nofile.click" in clickos.wrong("start", vm, "/tmp/nofile.click")


@pytest.mark.parametrize("words", [
    [], ["nonsense"], ["create"], ["create", "x", "--memory", "much"], ["create", "x", "--type", "hvm"],
    ["create", "x", "--vif", "bridge"], ["create", "7"], ["start", "x"], ["read", "x"], ["read", "x", "y:c.count"],
    ["list", "--nonsense"], ["stop", "x", "--instance", "64"], ["stop", "x", "--timeout", "0"],
])
def test_wrong_usage_exits_2(clickos, words):
    assert "clickos" in clickos.wrong(*words, code=2)


@pytest.mark.parametrize("command", ["create", "start", "stop", "list", "read", "write", "handlers", "console", "destroy"])
def test_help_everywhere(clickos, command):
    assert clickos.must(command, "--help").startswith(f"usage: clickos {command}")


# ---- VMs ----

@pytest.mark.parametrize("kind", ["pv", "pvh"])
def test_create_with_configuration_and_vifs(clickos, kind):
    made = clickos.json("create", "made", "--type", kind, "--memory", 4, "--vif", "bridge=br0",
                        "--vif", "bridge=br1,mac=00:16:3e:11:22:33", "--config", "-",
                        input="FromClickOS(0) -> ToClickOS(1); FromClickOS(1) -> ToClickOS(0);\n"
                        .replace("->", "-> Queue ->"), timeout=180)
    try:
        assert made["status"] == "Running" and made["type"] == kind and made["vifs"] == 2
        domid = made["id"]
        bridged = clickos.lab.run("ls /sys/class/net/br1/brif", check=True).stdout.split()
        assert f"vif{domid}.1" in bridged
        path = f"/local/domain/0/backend/vif/{domid}/1"
        assert clickos.lab.run(f"xenstore-read {path}/mac", check=True).stdout.strip() == "00:16:3e:11:22:33"
        listed = {v["name"]: v for v in clickos.json("list")}
        assert listed["made"]["memory_mb"] <= 4.1 and listed["made"]["type"] == kind
        assert "there is a VM 'made' already" in clickos.wrong("create", "made")
        error = clickos.start("made", "FromClickOS(3) -> Discard")
        assert error.returncode == 1 and re.search(r"2", error.stderr), error.stderr
    finally:
        clickos.must("destroy", "made")
    assert clickos.lab.run(f"xenstore-exists /local/domain/{domid}").returncode == 1
    assert not re.search(rf"vif{domid}\.", clickos.lab.run("ls /sys/class/net").stdout)


@pytest.mark.parametrize("kind", ["pv", "pvh"])
def test_a_vm_without_memory_lives(clickos, kind):
    """3 MB of configuration for a VM of 4 MB: refused, and what runs keeps running."""
    clickos.must("create", "small", "--type", kind, "--memory", 4, "--config", "-", input=SMALL)
    try:
        before = memory(clickos, "small")
        # A thousand chunks: on a busy machine that takes longer than the usual half minute.
        error = clickos.start("small", "// nothing but words\n" * 150_000 + SMALL, "--timeout", 120)
        assert error.returncode == 1 and "out of memory" in error.stderr, error.stderr
        assert clickos.start("small", "Idle -> Discard;\n" * 20_000).returncode == 1
        assert clickos.must("read", "small", "c.count") == "0\n"
        # A request is remembered, in 48 bytes, until its client has taken the answer away.
        assert abs(memory(clickos, "small")["heap"] - before["heap"]) <= 4 * 48
    finally:
        clickos.must("destroy", "small")


def test_create_with_bad_configuration_leaves_nothing(clickos):
    error = clickos.wrong("create", "bad", "--config", "-", input="Idle -> Discard;\nx :: Nonsense\n")
    assert "-:2: unknown element class 'Nonsense'" in error
    assert "bad" not in clickos.must("list", "--names").split()
    assert "bad" not in clickos.lab.run("xl list", check=True).stdout.split()


def test_create_errors(clickos):
    error = clickos.wrong("create", "bad", "--vif", "bridge=br0", "--vif", "bridge=br9")
    assert re.search(r"vif 1: there is no bridge 'br9'; there is .*\bbr0\b", error), error
    # By libxl and the hotplug script, when it is given as another one.
    error = clickos.wrong("create", "bad", "--vif", "bridge=br9,script=/usr/bin/clickos")
    assert "there is no bridge 'br9'" in error
    assert clickos.run("list", "bad").returncode == 1
    assert "/nowhere.elf" in clickos.wrong("create", "bad", "--kernel", "/nowhere.elf")
    assert "MAC address" in clickos.wrong("create", "bad", "--vif", "bridge=br0,mac=12")


def test_ramdisk_configuration_by_plain_xl(clickos, tmp_path):
    (tmp_path / "boot.click").write_text(SMALL)
    (tmp_path / "plain.cfg").write_text('name="plain"\nkernel="/usr/local/lib/clickos/clickos.elf"\n'
                                        'ramdisk="/tmp/boot.click"\nmemory=8\n')
    clickos.lab.put(tmp_path / "boot.click", tmp_path / "plain.cfg", "/tmp/")
    clickos.lab.run("xl create -q /tmp/plain.cfg", check=True)
    try:
        assert clickos.must("read", "plain", "c.count") == "0\n"
        assert "plain" in clickos.must("list", "--names").split()
    finally:
        clickos.must("destroy", "plain")


@pytest.mark.parametrize("ending", ["poweroff", "crash"])
def test_vms_that_end_are_taken_away(clickos, ending):
    if ending == "poweroff":
        clickos.must("create", "ends", "--config", "-", input=SMALL)
        clickos.lab.run("xl shutdown ends", check=True)
    else:
        clickos.must("create", "ends", "--arguments", "crash=panic")
    for _ in range(40):
        if "ends" not in clickos.lab.run("xl list", check=True).stdout.split():
            break
        time.sleep(0.25)
    else:
        pytest.fail("it is still there")


# ---- a thousand times ----

@pytest.mark.slow
def test_a_thousand_starts_and_stops(clickos, vm, tmp_path):
    """Start, replace, sometimes with a configuration that fails, stop: 1,002 in all (in PVH a tenth), and
    memory is where it was."""
    (tmp_path / "one.click").write_text(SMALL)
    (tmp_path / "two.click").write_text("q :: Queue(100); InfiniteSource(LIMIT 50) -> q; Idle -> Counter -> Discard;"
                                        "q -> Unqueue -> Discard;\n")
    (tmp_path / "bad.click").write_text("q :: Queue(100) -> Nonsense;\n")
    clickos.lab.put(tmp_path / "one.click", tmp_path / "two.click", tmp_path / "bad.click", "/tmp/")
    good = f"start {vm} /tmp/one.click\nstart {vm} /tmp/two.click\nstop {vm}\n"
    bad = f"start {vm} /tmp/one.click\nstart {vm} /tmp/bad.click\nstop {vm}\n"

    def turns(n):
        (tmp_path / "turns").write_text("".join(bad if i % 25 == 24 else good for i in range(n)))
        clickos.lab.put(tmp_path / "turns", "/tmp/turns")
        done = clickos.run("batch", "--force", "/tmp/turns", timeout=1200)
        assert done.returncode == (1 if n >= 25 else 0)
        assert done.stderr.count("'Nonsense'") == done.stderr.count(" failed") == n // 25, done.stderr[-2000:]

    turns(10)
    before = memory(clickos, vm)
    turns(334 if vm.endswith("-pv") else 34)    # each starts, replaces and stops
    after = memory(clickos, vm)
    assert after["packets_in_use"] == before["packets_in_use"] == 0
    # A request is remembered, in 48 bytes, until its client has taken the answer away.
    assert abs(after["heap"] - before["heap"]) <= 4 * 48 and after["used"] == before["used"]
