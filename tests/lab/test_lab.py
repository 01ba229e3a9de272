# SPDX-License-Identifier: BSD-2-Clause
"""The lab itself: commands run in dom0, frames pass it unchanged and without loss, labs do not see
each other.

    NIC 1 -- nic1 - br0 - across0 === across1 - br1 - nic2 -- NIC 2
"""

import os
import pathlib
import random
import struct
import subprocess

import pytest
from lab import Lab
from frames import FrameError, Nic


@pytest.fixture
def across(lab):
    """Connects the two bridges in dom0, for one test."""
    lab.run("ip link add across0 type veth peer name across1; "
            "ip link set across0 master br0 up; ip link set across1 master br1 up", check=True)
    yield lab
    lab.run("ip link delete across0", check=True)


def has_ended(pid):
    """No such process, or dead and only its parent has not looked yet."""
    try:
        return "State:\tZ" in pathlib.Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


def frame(number, size, source=b"\x02\0\0\0\0\x01", destination=b"\x02\0\0\0\0\x02", ethertype=0x88B5):
    """A frame that says which it is; 0x88b5 is for local experiments."""
    head = destination + source + struct.pack(">HI", ethertype, number)
    return head + random.Random(number).randbytes(size - len(head))


def test_dom0_is_a_real_xen_host(lab):
    domains = lab.run("xl list", check=True).stdout.splitlines()
    assert len(domains) >= 2 and domains[1].split()[0] == "Domain-0"
    assert "xen_major              : 4" in lab.run("xl info", check=True).stdout
    assert lab.run("xenstore-read domid", check=True).stdout.strip() == "0"


def test_run_gives_exit_code_output_and_input(lab):
    assert lab.run("exit 0").returncode == 0
    assert lab.run("exit 42").returncode == 42
    assert lab.run(["sh", "-c", "kill -9 $$"]).returncode != 0
    done = lab.run("cat; echo 'two  words'; echo oops >&2", input="in\n")
    assert (done.stdout, done.stderr) == ("in\ntwo  words\n", "oops\n")
    # Several arguments arrive as they are.
    odd = ["a  b", "$HOME", "it's", '"', "*", "", "\\"]
    assert lab.run(["printf", "%s\n", *odd]).stdout.split("\n")[:-1] == odd


def test_put_and_get(lab, tmp_path):
    content = random.Random(1).randbytes(300_000)
    program = tmp_path / "a program"
    program.write_bytes(content)
    program.chmod(0o755)
    (tmp_path / "folder" / "sub").mkdir(parents=True)
    (tmp_path / "folder" / "sub" / "file").write_text("x")
    lab.put(program, "/tmp/new name")
    lab.put(program, tmp_path / "folder", "/tmp/in/")
    assert lab.run(["stat", "-c", "%a %s", "/tmp/new name"], check=True).stdout == "755 300000\n"
    assert lab.run("cat /tmp/in/folder/sub/file", check=True).stdout == "x"
    lab.get("/tmp/in", tmp_path / "back")
    assert (tmp_path / "back" / "a program").read_bytes() == content
    lab.get("/tmp/new name", tmp_path / "one")
    assert (tmp_path / "one").read_bytes() == content
    with pytest.raises(Exception, match="no such"):
        lab.put(tmp_path / "missing", "/tmp/")


def test_frames_pass_unchanged(across):
    """Every kind of frame that Linux bridges at all: see lab/README.md for those that it does not."""
    kinds = [frame(n, size) for n, size in enumerate([18, 42, 59, 60, 61, 64, 1513, 1514])]
    kinds += [
        frame(100, 60, destination=b"\xff" * 6),                        # broadcast
        frame(101, 60, destination=b"\x01\0\x5e\0\0\x01"),              # multicast
        frame(102, 1518, ethertype=0x8100),                             # VLAN tags stay
        frame(103, 64, ethertype=0x88A8),
        frame(104, 60, ethertype=0x0003),                               # a length, not a type
        frame(105, 200, ethertype=0x0800),                              # garbage instead of IPv4,
        frame(106, 200, ethertype=0x86DD),                              # IPv6
        frame(107, 60, ethertype=0x0806),                               # and ARP
        frame(108, 60, source=b"\x02\0\0\0\0\x02", destination=b"\x02\0\0\0\0\x01"),  # and backwards
    ]
    with across.nic(1) as left, across.nic(2) as right:
        for here, there in ((left, right), (right, left)):
            here.send_many(kinds)
            assert there.receive_many(len(kinds)) == kinds
        assert left.drain() == [] and right.drain() == []               # nothing of dom0's own


@pytest.mark.parametrize("count, window", [(20_000, None), (100_000, 512)])
def test_no_frame_is_lost(across, count, window):
    before = across.drops()
    sizes = random.Random(count)
    frames = [frame(n, sizes.randint(60, 1514)) for n in range(count)]
    with across.nic(1) as left, across.nic(2) as right:
        left.send_many(frames, window=window, out=right if window else None)
        received = right.receive_many(count)
    assert len(received) == count
    assert received == frames       # and in order
    assert across.drops() == before


def test_window_tells_when_nothing_arrives(lab):
    """The bridges are not connected: the first window goes out, then an error says so."""
    with lab.nic(1) as left, lab.nic(2) as right:
        with pytest.raises(FrameError, match="of 16 frames sent 0 got through to NIC 2"):
            left.send_many([frame(n, 60) for n in range(100)], window=16, out=right, timeout=1)
        # Frames known to be filtered do not hold the others up.
        assert left.send_many([frame(n, 60) for n in range(100)], window=16, out=right, passes=[False] * 100) == 100
        assert right.drain() == []


def test_a_nic_has_one_user(lab):
    with lab.nic(1):
        with pytest.raises(FrameError, match="in use"):
            lab.nic(1)
    lab.nic(1).close()


@pytest.mark.slow
def test_network_namespaces_with_real_tcp(lab, tmp_path):
    """What tests through a VM are made of: a server on br0, a client on br1, here on the same bridge."""
    script = tmp_path / "tcp.sh"
    script.write_text("""
        set -e
        for n in 1 2; do
            ip netns add t$n
            ip link add t$n type veth peer name eth0 netns t$n
            ip link set t$n master br0 up
            ip -n t$n address add 192.0.2.$n/24 dev eth0
            ip -n t$n link set eth0 up
        done
        mkdir -p /tmp/www
        head -c 10000000 /dev/urandom >/tmp/www/file
        printf 'user root; events {} http { server { listen 80; root /tmp/www; } }' >/tmp/nginx.conf
        ip netns exec t1 nginx -c /tmp/nginx.conf >/dev/null 2>&1
        ip netns exec t2 ping -c 1 192.0.2.1 >/dev/null
        ip netns exec t2 curl -sS http://192.0.2.1/file | cmp - /tmp/www/file
    """)
    lab.put(script, "/tmp/tcp.sh")
    try:
        lab.run("bash /tmp/tcp.sh", check=True)
    finally:
        lab.run("kill $(cat /run/nginx.pid); ip netns delete t1; ip netns delete t2; rm -r /tmp/www")


def test_up_again_is_no_harm(lab):
    uptime = float(lab.run("cut -d' ' -f1 /proc/uptime").stdout)
    lab.up()
    assert float(lab.run("cut -d' ' -f1 /proc/uptime").stdout) >= uptime


@pytest.mark.slow
def test_a_linux_guest_does_what_it_is_told(lab):
    """Its output and exit codes come back; frames of NIC 1 reach its interface."""
    with lab.linux("peer", "br0") as peer, lab.nic(1) as left:
        assert peer.run("printf 'a b\\nc'; exit 3", check=False).stdout == "a b\nc"
        assert peer.run("exit 3", check=False).returncode == 3
        count = "cat /sys/class/net/eth0/statistics/rx_packets"
        before = int(peer.run(f"ip link set eth0 up; {count}").stdout)
        for _ in range(10):
            left.send(bytes.fromhex("020000000002" "020000000001" "88b5") + bytes(46))
        assert int(peer.run(f"sleep 0.5; {count}").stdout) - before == 10


@pytest.mark.slow
def test_two_labs_side_by_side(lab):
    with Lab(lab.name + "-b", "--memory", "1536", "--dom0-memory", "512") as other:
        for host in (lab, other):
            host.run(["sh", "-c", "echo $0 >/tmp/name", host.name], check=True)
        for host in (lab, other):
            assert host.run("cat /tmp/name").stdout.strip() == host.name
        with lab.nic(1) as mine, other.nic(1) as others:
            mine.send(frame(1, 60))
            assert others.drain() == []
        pid = pathlib.Path(other.state, "pid").read_text().strip()
    assert has_ended(pid)
    assert lab.run("true").returncode == 0
    assert other.run("true").returncode == 255
    with pytest.raises(FrameError):
        other.nic(1)
    other.down("--remove")


@pytest.mark.slow
def test_a_dead_qemu_is_noticed(lab):
    """A lab that lost its QEMU says that it is not up, and comes up again."""
    with Lab(lab.name + "-c", "--memory", "1536", "--dom0-memory", "512") as other:
        pid = int(pathlib.Path(other.state, "pid").read_text())
        os.kill(pid, 9)
        assert other.run("true", timeout=30).returncode == 255
        other.up()
        assert other.run("true").returncode == 0
    other.down("--remove")


@pytest.mark.parametrize("command", ["up", "run", "put", "get", "down", "build"])
def test_help_and_unknown_options(command):
    program = pathlib.Path(__file__).resolve().parents[2] / "lab" / command
    shown = subprocess.run([program, "--help"], capture_output=True, text=True)
    assert shown.returncode == 0 and shown.stdout.startswith(f"usage: lab/{command}")
    wrong = subprocess.run([program, "--nonsense"], capture_output=True, text=True)
    assert wrong.returncode == 2 and "--nonsense" in wrong.stderr
