# SPDX-License-Identifier: BSD-2-Clause
"""
test_hot_swap.py - one configuration in the place of another while packets flow: `click -R`, the handler hotconfig.

A source fills a Queue that one configuration empties and the next does not, and they take turns a thousand times.
What was sent must be what was received and what stands in the queue, whenever one looks; time and memory are
looked at as well.
"""
import contextlib
import subprocess
import sys
import textwrap
import time

import pytest

from test_control_socket import CLICK, connect, hotconfig, start, until     # noqa: F401 (start is a fixture)
from test_examples_netns import Wire, stop, why_not

SWAPS = 1000
GROWTH = 2 << 20            # bytes that a thousand swaps may leave: less than a router, or a packet, each

# The script reads all four between two tasks.
CONFIG = """
RatedSource(RATE 20000, LENGTH 60) -> sent :: Counter -> q :: Queue(60000)
    -> u :: Unqueue(ACTIVE %s) -> received :: Counter -> Discard;
look :: Script(TYPE PASSIVE, return $(sent.count) $(received.count) $(q.length) $(q.drops));
turn :: Script(TYPE PASSIVE, return %d);
"""


def config(turn):
    return CONFIG % ("true" if turn % 2 else "false", turn)


def look(client):
    """How many packets were sent; none of them is lost."""
    sent, received, queued, drops = map(int, client.read("READ look.run\n").split())
    assert (sent, drops) == (received + queued, 0)
    return sent


def test_a_thousand_swaps_lose_nothing(start, tmp_path):            # noqa: F811
    process = start(config(0), "-R", "-u", "control")
    took = []
    with connect(tmp_path / "control") as client, connect(tmp_path / "control") as other:
        other.send("READ turn")                 # half a command waits for its other half all the time
        until(lambda: int(client.read("READ q.length\n")) > 3000)
        last = 0
        for turn in range(1, SWAPS + 1):
            begin = time.monotonic()
            assert hotconfig(client, config(turn))[0] == 200
            assert int(client.read("READ turn.run\n")) == turn
            took.append(time.monotonic() - begin)
            sent = look(client)
            assert sent >= last
            last = sent
            if turn == 100:
                before = process.resident()
        grown = process.resident() - before
        start_of_rest = look(client)
        until(lambda: look(client) > start_of_rest)
        other.send(".run\n")
        assert other.answer()[0] == 200
        assert other.data() == b"%d" % SWAPS
    took.sort()
    print(f"{SWAPS} swaps of {last} packets: {1000 * took[SWAPS // 2]:.2f} ms each, at most {1000 * took[-1]:.2f} ms; "
          f"resident memory {grown >> 10:+d} KB")
    assert grown < GROWTH
    process.stop()


@pytest.mark.parametrize("what, complaint", [
    ("sent :: Counter ->", "config:1:"),                                                    # syntax
    ("sent :: Counter -> q :: Nothing(3)", "unknown element class 'Nothing'"),
    ("Idle -> sent :: Counter -> q :: Queue(many) -> Discard", "CAPACITY"),                 # an argument
    ("Idle -> q :: Queue -> Discard; Script(TYPE PASSIVE, jump)", "Script"),
    ("Idle -> sent :: Counter -> q :: Queue -> received :: Counter -> Discard; z :: ControlSocket(UNIX, no/where)",
     "No such file or directory"),                                                          # initialize
    ("Idle -> q :: Queue -> ToDevice(nosuchdevice)", "nosuchdevice"),
])
def test_a_bad_configuration_loses_nothing(start, tmp_path, what, complaint):      # noqa: F811
    process = start(config(1), "-R", "-u", "control")
    with connect(tmp_path / "control") as client:
        until(lambda: look(client) > 0)
        for _ in range(20):
            before = look(client)
            code, lines = hotconfig(client, what)
            assert code == 520 and any(complaint in line for line in lines), lines
            assert client.read("READ turn.run\n") == b"1"
            until(lambda: look(client) > before)        # noqa: B023 (asked at once)
        assert hotconfig(client, config(2))[0] == 200
        assert look(client) >= before
        assert client.read("READ turn.run\n") == b"2"
    process.stop()


# ---- devices ----

FRAMES = 30000

# Numbered frames, some 20,000 a second: SEND FRAMES.
SEND = """
    import socket, sys, time
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind(("eth0", 0))
    begin = time.monotonic()
    for n in range(int(sys.argv[1])):
        s.send(bytes(5) + b"\\x02" + bytes(5) + b"\\x01" + b"\\x88\\xb5" + n.to_bytes(4, "big") + bytes(46))
        while n > 20000 * (time.monotonic() - begin):
            time.sleep(0.001)
"""

# Prints the numbers of those that come, until no more do.
RECEIVE = """
    import socket
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88b5))
    s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)       # SO_RCVBUFFORCE
    s.bind(("eth0", 0x88b5))
    print("ready", flush=True)
    numbers = []
    s.settimeout(20)
    try:
        while True:
            numbers.append(int.from_bytes(s.recv(2000)[14:18], "big"))
            s.settimeout(3)
    except TimeoutError:
        print(*numbers)
"""

DEVICES = """
from :: %s -> sent :: Counter -> q :: Queue(60000) -> %s received :: Counter -> to :: ToDevice(b);
look :: Script(TYPE PASSIVE, return $(sent.count) $(received.count) $(q.length) $(q.drops));
"""


@pytest.mark.parametrize("source", ["FromDevice(a, PROMISC true)", "FromDevice(tap:tap0)"])
def test_every_frame_of_a_device_comes_out_once(tmp_path, source):
    """Over real interfaces: none is lost between two configurations, and none is seen by both."""
    if reason := why_not():
        pytest.skip(reason)
    with contextlib.ExitStack() as stack:
        wire = Wire(stack)
        configs = [DEVICES % (source, middle) for middle in ("", "Null -> ")]
        bad = configs[0] + "Idle -> ToDevice(nosuch);"
        click = wire.middle.start(str(CLICK), "-R", "-u", str(tmp_path / "control"), "-e", configs[0],
                                  stderr=subprocess.PIPE)
        sender = wire.left
        with connect(tmp_path / "control") as client:
            if "tap" in source:
                sender = wire.middle
                sender.ip("link", "set", "dev", "tap0", "down")
                sender.ip("link", "set", "dev", "tap0", "name", "eth0")
                sender.ip("link", "set", "dev", "eth0", "up")
            receiver = wire.right.start(sys.executable, "-c", textwrap.dedent(RECEIVE), stdout=subprocess.PIPE)
            assert receiver.stdout.readline() == "ready\n"
            sending = sender.start(sys.executable, "-c", textwrap.dedent(SEND), str(FRAMES))
            swaps = 0
            while sending.poll() is None:
                swaps += 1
                assert hotconfig(client, configs[swaps % 2])[0] == 200
                if swaps % 10 == 0:
                    assert hotconfig(client, bad)[0] == 520
                look(client)
                time.sleep(0.005)
            assert sending.returncode == 0
            out, _ = receiver.communicate(timeout=60)
            assert look(client) == FRAMES
            assert client.read("READ from.count\n") == client.read("READ to.count\n") == b"%d" % FRAMES
        stop(click)
    assert [int(n) for n in out.split()] == list(range(FRAMES))
    assert swaps > 50
