# SPDX-License-Identifier: BSD-2-Clause
"""
test_threads.py - `click -j N`: counts, order, wake-ups, handlers, configurations and stops with several threads.

Each test runs in build/click and, with fewer packets, in build/tsan/click, the program under ThreadSanitizer, whose
first report fails it. A wake-up that is lost shows as a run that does not end.
"""
import os
import pathlib
import signal
import subprocess
import textwrap

import pytest

import test_control_socket as control
from test_control_socket import connect, hotconfig, until

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build")).absolute()
SECONDS = 60
# Addresses where ThreadSanitizer of gcc 12 wants them, whatever the kernel's taste.
TSAN = ["setarch", "-R", str(BUILD / "tsan" / "click")]
ENVIRONMENT = {**os.environ, "TSAN_OPTIONS": "halt_on_error=1 exitcode=66"}


class Program:
    def __init__(self, name, command, packets):
        self.name, self.command, self.packets = name, command, packets

    def run(self, config, *handlers, threads=2, status=0, options=()):
        """What the handlers say at the end, as text, by name; or what it prints on standard error."""
        asked = [word for handler in handlers for word in ("-h", handler)]
        done = subprocess.run([*self.command, "-j", str(threads), *options, "-e", textwrap.dedent(config), *asked],
                              capture_output=True, text=True, timeout=SECONDS, env=ENVIRONMENT, check=False)
        assert done.returncode == status, done.stderr
        if not handlers:
            return done.stderr
        if len(handlers) == 1:
            return {handlers[0]: done.stdout.strip()}
        texts = {}
        for block in done.stdout.split("\n\n"):
            name, _, value = block.partition(":\n")
            texts[name.strip()] = value.strip()
        return {handler: texts[handler] for handler in handlers}

    def numbers(self, config, *handlers, **options):
        return {name: int(value) for name, value in self.run(config, *handlers, **options).items()}


@pytest.fixture(params=["plain", "tsan"])
def program(request):
    if request.param == "plain":
        return Program("plain", [str(control.CLICK)], 400_000)
    assert (BUILD / "tsan" / "click").exists(), "make build/tsan/click"
    return Program("tsan", TSAN, 20_000)


SOURCE = "InfiniteSource(DATA \\<{data}>, LIMIT {n}, BURST {burst}, STOP true)"
# To 10.0.0.5, TCP; the checksum is right.
FRAME = ("0200000000010200000000020800" "4500002800010000400666cd" "0a000001" "0a000005"
         "0400005000000000000000005000000000000000")


def source(n, burst=32, data=FRAME):
    return SOURCE.format(data=data, n=n, burst=burst)


# ---- counts ----

ROUTER = """
    k :: Classifier(12/0800, -) -> Strip(14) -> check :: CheckIPHeader(CHECKSUM false)
      -> f :: IPFilter(deny udp, allow tcp, allow all) -> r :: RadixIPLookup(10.0.0.0/8 0, 0/0 1)
      -> t :: DecIPTTL -> EtherEncap(0x0800, 1:1:1:1:1:1, 2:2:2:2:2:2) -> two :: Tee -> c :: Counter -> d :: Discard;
    two[1] -> Paint(1) -> p :: PaintTee(1) -> Discard;
    p[1] -> Discard;
    k[1] -> Discard;
    r[1] -> Discard;
"""


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_what_two_threads_share_counts_exactly(program, threads):
    n = program.packets
    said = program.run(f"{ROUTER} DriverManager(wait_stop 3); {source(n)} -> k; {source(n, 1)} -> k;"
                       f"{source(n // 2, 7)} -> k", "c.count", "c.byte_count", "d.count", "f.rules", "k.ports", "check.drops",
                       "two.ports", threads=threads)
    total = 2 * n + n // 2
    assert (said["c.count"], said["d.count"], said["check.drops"]) == (str(total), str(total), "0")
    assert said["c.byte_count"] == str(54 * total)
    assert f"allow\t{total}\ttcp" in said["f.rules"] and "deny\t0\tudp" in said["f.rules"]
    assert f"push\t{total}\t" in said["k.ports"]
    assert said["two.ports"].count(f"push\t{total}\t") == 2


def test_drops_are_counted_once(program):
    n = program.packets
    said = program.run("check :: CheckIPHeader -> Discard; DriverManager(wait_stop 2);"
                       f"{source(n, data='01')} -> check; {source(n, data='02')} -> check", "check.drops", "check.drop_details")
    assert said["check.drops"] == str(2 * n)
    assert f"{2 * n}\ttiny packet" in said["check.drop_details"]


@pytest.mark.parametrize("lookup", ["RadixIPLookup", "DirectIPLookup"])
def test_routes_change_while_packets_flow(program, lookup):
    n = program.packets
    said = program.numbers(f"""
        r :: {lookup}(10.0.0.0/8 0, 0.0.0.0/0 1);
        {source(n, data='0a010203')} -> GetIPAddress(0) -> r; {source(n, 1, data='0a0102ff')} -> GetIPAddress(0) -> r;
        r[0] -> short :: Counter -> Discard; r[1] -> none :: Counter -> Discard; r[2] -> long :: Counter -> Discard;
        Script(TYPE ACTIVE, label again, write r.add 10.1.2.0/24 2, write r.set 10.1.2.3 9.9.9.9 2, wait 0.0001,
               write r.remove 10.1.2.3, write r.remove 10.1.2.0/24, wait 0.0001, goto again);
        DriverManager(wait_stop 2)
    """, "short.count", "none.count", "long.count", "r.drops")
    assert said["short.count"] + said["long.count"] == 2 * n and said["long.count"] > 0
    assert said["none.count"] == said["r.drops"] == 0


# ---- who runs where ----

def test_tasks_that_meet_in_one_element_share_a_thread(program):
    config = """
        a :: InfiniteSource(LIMIT 1000, STOP true) -> m :: %s -> Discard;
        b :: InfiniteSource(LIMIT 1000, STOP true) -> m;
        DriverManager(wait_stop 2)
    """
    apart = program.numbers(config % "Counter", "a.home_thread", "b.home_thread")
    assert apart == {"a.home_thread": 0, "b.home_thread": 1}
    together = program.numbers(config % "AverageCounter", "a.home_thread", "b.home_thread", "m.count")
    assert together == {"a.home_thread": 0, "b.home_thread": 0, "m.count": 2000}
    assert program.numbers(config % "Counter(COUNT_CALL 10 stop)", "b.home_thread") == {"b.home_thread": 0}


def test_a_queue_is_a_border(program):
    homes = program.numbers("""
        a :: RatedSource(LIMIT 5, RATE 1000, STOP true) -> q :: Queue -> u :: Unqueue -> q2 :: Queue -> d :: Discard
    """, "a.home_thread", "u.home_thread", "d.home_thread", threads=3)
    assert sorted(homes.values()) == [0, 1, 2]


def test_static_thread_sched(program):
    config = """
        StaticThreadSched(a %d, c/b %d);
        a :: InfiniteSource(LIMIT 1000, STOP true) -> m :: %s -> Discard;
        c :: { b :: InfiniteSource(LIMIT 1000, STOP true) -> output } -> m;
    """
    assert program.numbers(config % (1, 1, "Counter"), "a.home_thread", "c/b.home_thread") == {
        "a.home_thread": 1, "c/b.home_thread": 1}
    said = program.run(config % (1, 0, "AverageCounter"), status=1)
    assert all(text in said for text in (
        "'a :: InfiniteSource' cannot run on thread 1", "'c/b :: InfiniteSource' on thread 0",
        "both reach 'm :: AverageCounter'")), said
    assert "thread preference 7 out of range" in program.run(config % (7, 0, "Counter"))
    assert "no element named 'x'" in program.run("StaticThreadSched(x 0)", status=1)


# ---- queues: nothing is lost, order is kept, nobody sleeps on ----

DONE = "Script(TYPE ACTIVE, wait 0.01, goto begin $(lt $(add $(c.count) $(q.drops)) {n}), stop)"


@pytest.mark.parametrize("burst, capacity", [(1, 1), (1, 3), (1, 1000), (32, 1000)])
def test_no_wake_up_is_lost(program, burst, capacity):
    n = program.packets if capacity > 3 else program.packets // 10
    said = program.numbers(
        f"{source(n, burst).replace(', STOP true', '')} -> q :: Queue({capacity}) -> Unqueue(BURST {burst})"
        f" -> c :: Counter -> Discard; {DONE.format(n=n)}", "c.count", "q.drops", "q.length")
    assert said["c.count"] + said["q.drops"] == n and said["q.length"] == 0
    if burst == 1:          # the source looks for room before each packet
        assert said["q.drops"] == 0


def test_many_push_and_pull(program):
    n = program.packets
    sources = "".join(f"{source(n, burst).replace(', STOP true', '')} -> q;" for burst in (1, 5, 32))
    pulls = "".join(f"q -> Unqueue(BURST {burst}) -> c;" for burst in (1, 16, 32))
    said = program.numbers(f"q :: ThreadSafeQueue(500); c :: Counter -> Discard; {sources} {pulls}"
                           + DONE.format(n=3 * n), "c.count", "q.drops", "q.length", threads=4)
    assert said["c.count"] + said["q.drops"] == 3 * n and said["q.length"] == 0


def test_two_sources_wait_for_room(program):
    """Both sleep while it is full; whichever finds room first must not leave the other asleep."""
    n = program.packets // 40
    sources = "".join(f"{source(n, burst).replace(', STOP true', '')} -> q;" for burst in (1, 1, 1))
    for queue in ("Queue(1)", "Queue(3)", "ThreadSafeQueue(3)"):
        said = program.numbers(f"q :: {queue}; {sources} q -> Unqueue -> c :: Counter -> Discard;"
                               + DONE.format(n=3 * n), "c.count", "q.drops", threads=4)
        assert said["c.count"] + said["q.drops"] == 3 * n


def pcap(path, n, flows):
    """Frames that hold a flow's number and their own."""
    header = bytes.fromhex("d4c3b2a1 02000400 00000000 00000000 ffff0000 01000000")
    frames = (i.to_bytes(8, "little") + bytes([60, 0, 0, 0] * 2) + bytes([i % flows]) + i.to_bytes(4, "big") + bytes(55)
              for i in range(n))
    path.write_bytes(header + b"".join(frames))


def read_pcap(path):
    data = path.read_bytes()
    return [(data[at + 16], int.from_bytes(data[at + 17:at + 21], "big")) for at in range(24, len(data), 76)]


def test_a_flow_keeps_its_order(program, tmp_path):
    """Through a queue, a switch, and more queues, on four threads."""
    n = program.packets // 4
    pcap(tmp_path / "in.pcap", n, 3)
    said = program.numbers(f"""
        FromDump({tmp_path}/in.pcap, BURST 32) -> q :: Queue({n}) -> Unqueue(BURST 8)
          -> k :: Classifier(0/00, 0/01, -);
        out :: ThreadSafeQueue({n}) -> Unqueue(BURST 16) -> c :: Counter -> ToDump({tmp_path}/out.pcap);
        k[0] -> Queue({n}) -> Unqueue -> out; k[1] -> Queue({n}) -> Unqueue(BURST 4) -> out; k[2] -> out;
        {DONE.format(n=n)}""", "c.count", "q.drops", threads=4)
    assert said == {"c.count": n, "q.drops": 0}
    frames = read_pcap(tmp_path / "out.pcap")
    assert len(frames) == n
    for flow in range(3):
        assert [i for f, i in frames if f == flow] == list(range(flow, n, 3))


def test_clones_on_several_threads(program):
    """What one writes to the others do not see; every packet returns to the pool, or click says so."""
    n = program.packets // 8
    q = f"Queue({n}) -> Unqueue(BURST 32)"
    said = program.numbers(f"""
        x :: Null -> c :: Counter -> Discard; w :: Counter -> Discard;
        {source(n).replace(', STOP true', '')} -> Queue({n}) -> Unqueue(BURST 16) -> t :: Tee(3);
        t[0] -> {q} -> Strip(14) -> EtherEncap(0x0900, 1:1:1:1:1:1, 2:2:2:2:2:2) -> k0 :: Classifier(12/0900, -) -> x;
        t[1] -> {q} -> EtherMirror -> k1 :: Classifier(0/020000000002, -) -> x;
        t[2] -> {q} -> k2 :: Classifier(0/{FRAME[:28]}, -) -> x;
        k0[1] -> w; k1[1] -> w; k2[1] -> w;
        Script(TYPE ACTIVE, wait 0.01, goto begin $(lt $(c.count) {3 * n}), stop)""", "c.count", "w.count", threads=4)
    assert said == {"c.count": 3 * n, "w.count": 0}


# ---- while packets flow ----

@pytest.fixture
def serve(program, tmp_path):
    """Starts the program with -j 2 and a control socket."""
    with control.processes(tmp_path) as begin:
        yield lambda config, *options: begin([*program.command, "-j", "2", "-R", "-u", "control",
                                              "-e", textwrap.dedent(config), *options], env=ENVIRONMENT)


WORK = f"""
    m :: MarkIPHeader(14) -> before :: Counter -> k :: IPClassifier(tcp, -);
    k[0] -> s :: Switch(0) -> c0 :: Counter -> f :: IPFilter(allow all) -> Discard; s[1] -> c1 :: Counter -> Discard;
    k[1] -> c2 :: Counter -> Discard;
    a :: InfiniteSource(DATA \\<{FRAME}>, BURST 32) -> m;
    b :: RatedSource(DATA \\<{FRAME}>, RATE 50000) -> q :: Queue -> Unqueue(BURST 8) -> m;
    look :: Script(TYPE PASSIVE, return $(before.count) $(c0.count) $(c1.count) $(c2.count));
"""


def test_handlers_under_load(serve, tmp_path, program):
    """A script's handler has the router to itself: what it sees adds up, whatever is written meanwhile."""
    process = serve(WORK)
    last = 0
    with connect(tmp_path / "control") as client, connect(tmp_path / "control") as other:
        until(lambda: int(client.read("READ before.count\n")) > 1000)
        for turn in range(200 if program.name == "plain" else 60):
            client.ask(f"WRITE s.switch {turn % 2}\n")
            if turn % 7 == 0:
                client.ask(f"WRITE k.config {'udp, -' if turn % 2 else 'tcp, -'}\n")
            if turn % 5 == 0:
                client.ask(f"WRITE f.config allow tcp, deny {'all' if turn % 2 else 'udp'}\n")
            if turn == 30:
                client.ask("WRITE profile on\n")
            if turn == 50:
                client.ask("WRITE profile off\n")
            seen, *parts = map(int, other.read("READ look.run\n").split())
            assert seen == sum(parts) and seen >= last
            last = seen
        assert b"MarkIPHeader" in client.read("READ profile\n")
        assert int(client.read("READ c1.count\n")) > 0 and int(client.read("READ c2.count\n")) > 0
    process.stop()


# In the midst of its task the second source waits for others to rest, who may replace it meanwhile.
SWAP = """
    RatedSource(RATE 50000, LENGTH 60) -> sent :: Counter -> q :: Queue(60000)
      -> u :: Unqueue(ACTIVE %s) -> received :: Counter -> Discard;
    InfiniteSource -> calls :: Counter(COUNT_CALL 3 calls.reset) -> Discard;    // handlers from within a task
    look :: Script(TYPE PASSIVE, return $(sent.count) $(received.count) $(q.length) $(q.drops));
"""


def test_configurations_take_turns(serve, tmp_path, program):
    process = serve(SWAP % "false")
    with connect(tmp_path / "control") as client:
        for turn in range(200 if program.name == "plain" else 40):
            assert hotconfig(client, SWAP % ("false" if turn % 2 else "true"))[0] == 200
            sent, received, queued, drops = map(int, client.read("READ look.run\n").split())
            assert (sent, drops) == (received + queued, 0)
        assert hotconfig(client, "sent :: Counter ->")[0] == 520
        before = int(client.read("READ sent.count\n"))
        until(lambda: int(client.read("READ sent.count\n")) > before)
    process.stop()


@pytest.mark.parametrize("end", ["Script(wait 0.05, stop)", "DriverManager(wait 0.05, stop)"])
def test_it_stops(program, end):
    said = program.numbers(f"c :: Counter -> d :: Discard; {end}; {source(-1)} -> c; {source(-1)} -> c;", "c.count", "d.count")
    assert said["c.count"] == said["d.count"] > 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_it_is_interrupted(serve, tmp_path, number):
    for _ in range(5):
        process = serve(WORK + "Script(TYPE SIGNAL USR1, stop)")
        with connect(tmp_path / "control") as client:
            until(lambda: int(client.read("READ before.count\n")) > 1000)
        process.process.send_signal(number)
        process.wait()
