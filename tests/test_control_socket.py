# SPDX-License-Identifier: BSD-2-Clause
"""
test_control_socket.py - ControlSocket with real sockets: every command, every way to open one, hostile clients.

Each test starts build/click (CLICK=path: another program, such as the one under sanitizers) in a folder of its own
and talks to it over loopback, a Unix socket or a socket pair. Time is bounded; a process that does not end
by itself, or not with the status that it should, is a failure.
"""
import contextlib
import os
import pathlib
import resource
import signal
import socket
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build"))
CLICK = pathlib.Path(os.environ.get("CLICK", BUILD / "click")).absolute()
SECONDS = 20                # that any one step may take
GREETING = b"Click::ControlSocket/1.3\r\n"

CONFIG = """
Idle -> c :: Counter -> s :: Switch(0) -> Discard; s[1] -> Discard;
Idle -> q :: Queue(10) -> Idle;
echo :: Script(TYPE PASSIVE, return $args);
"""


class Process:
    """A program in a folder of its own; `said()` is what it has printed on standard error until now."""

    def __init__(self, folder, command, **popen):
        # Read through another open file than the program writes to: they would share one position.
        self.errors = folder / "stderr"
        with open(self.errors, "wb") as stderr:
            self.process = subprocess.Popen(command, cwd=folder, stderr=stderr, stdout=subprocess.PIPE, **popen)

    def said(self):
        return self.errors.read_text(encoding="utf-8", errors="replace")

    def wait(self):
        out, _ = self.process.communicate(timeout=SECONDS)
        assert self.process.returncode == 0, self.said()
        return out.decode()

    def stop(self):
        assert self.process.poll() is None, f"ended too early: {self.said()}"
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def resident(self):
        """Bytes of memory that it has now."""
        pages = int(pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * resource.getpagesize()


@contextlib.contextmanager
def processes(folder):
    """A function that starts a Process in folder; whatever is done with them, none is left behind."""
    started = []

    def begin(command, **popen):
        started.append(Process(folder, command, **popen))
        return started[-1]

    yield begin
    for process in started:
        if process.process.poll() is None:
            process.process.kill()
            process.process.communicate()


@pytest.fixture
def start(tmp_path):
    with processes(tmp_path) as begin:
        yield lambda config=CONFIG, *options, **popen: begin([CLICK, "-e", config, *options], **popen)


def until(condition):
    """Waits for it, not too long."""
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


class Client:
    """A connection whose answers are read as the protocol says."""

    def __init__(self, address, greeting=True):
        if isinstance(address, socket.socket):
            self.socket = address
        else:
            self.socket = socket.socket(socket.AF_INET if isinstance(address, tuple)
                                        else socket.AF_UNIX)
            self.socket.settimeout(SECONDS)
            self.socket.connect(address if isinstance(address, tuple) else str(address))
        self.socket.settimeout(SECONDS)
        self.file = self.socket.makefile("rb")
        if greeting:
            assert self.file.readline() == GREETING

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def answer(self):
        """(code, [lines]) of one reply."""
        lines = []
        while True:
            line = self.file.readline()
            assert line.endswith(b"\r\n"), f"cut off: {line!r}"
            lines.append(line[4:-2].decode())
            if line[3:4] == b" ":
                return int(line[:3]), lines
            assert line[3:4] == b"-", line

    def data(self):
        word, length = self.file.readline().split()
        assert word == b"DATA"
        return self.file.read(int(length))

    def ask(self, command):
        self.send(command)
        return self.answer()

    def read(self, command):
        code, lines = self.ask(command)
        assert code == 200, lines
        return self.data()


def connect(path, **options):
    """A Unix socket's client, as soon as somebody listens."""
    def listening():
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))
            return True
        return False
    until(listening)
    return Client(path, **options)


@pytest.fixture
def unix(start, tmp_path):
    """(process, path) of click with a Unix socket."""
    path = tmp_path / "control"
    process = start(CONFIG, "-u", "control")
    with connect(path):
        pass
    return process, path


# ---- commands ----

# command, code, the first line's text
ANSWERS = [
    ("READ c.count\n", 200, "Read handler 'c.count' OK"),
    ("read c.count\r\n", 200, "Read handler 'c.count' OK"),
    ("GET version\r", 200, "Read handler 'version' OK"),
    ("READ 1.name\n", 200, "Read handler '1.name' OK"),
    ("READ .version\n", 200, "Read handler '.version' OK"),
    ("READ 0.version\n", 200, "Read handler '0.version' OK"),
    ("READDATA echo.run 3\na\nb", 200, "Read handler 'echo.run' OK"),
    ("READUNTIL echo.run end\na\nend\n", 200, "Read handler 'echo.run' OK"),
    ("READ c.reset\n", 530, "Handler 'c.reset' write-only"),
    ("READ c.count 5\n", 590, "Read handler 'c.count' error:"),
    ("READ nobody.count\n", 510, "No element named 'nobody'"),
    ("READ 99.count\n", 510, "No element named '99'"),
    ("READ c.nothing\n", 511, "No handler named 'c.nothing'"),
    ("READ nothing\n", 511, "No handler named 'nothing'"),
    ("READ c.\n", 511, "No handler named 'c.'"),
    ("WRITE s.switch 1\n", 200, "Write handler 's.switch' OK"),
    ("SET s.switch 0\n", 200, "Write handler 's.switch' OK"),
    ("WRITEDATA s.switch 1\n1", 200, "Write handler 's.switch' OK"),
    ("WRITEUNTIL c.reset\nx\n\n", 200, "Write handler 'c.reset' OK"),
    ("WRITE s.switch up\n", 520, "Write handler 's.switch' error:"),
    ("WRITE c.count 1\n", 530, "Handler 'c.count' read-only"),
    ("WRITE nobody.x 1\n", 510, "No element named 'nobody'"),
    ("WRITEDATA c.nothing 2\nab", 511, "No handler named 'c.nothing'"),
    ("CHECKREAD c.count\n", 200, "Read handler 'c.count' OK"),
    ("CHECKREAD c.reset\n", 511, "Handler 'c.reset' not readable"),
    ("CHECKREAD nobody.x\n", 510, "No element named 'nobody'"),
    ("CHECKWRITE c.reset\n", 200, "Write handler 'c.reset' OK"),
    ("CHECKWRITE c.count\n", 511, "Handler 'c.count' not writable"),
    ("CHECKWRITE c.nothing\n", 511, "No handler named 'c.nothing'"),
    ("LLRPC s#0\n", 501, "Cannot call LLRPC 's#0' remotely"),
    ("LLRPC s#up\n", 500, "Syntax error in LLRPC name 's#up'"),
    ("LLRPC nobody#0 2\nab", 510, "No element named 'nobody'"),
    ("READ\n", 500, "Wrong number of arguments"),
    ("WRITEDATA s.switch\n", 500, "Wrong number of arguments"),
    ("WRITEDATA s.switch much\n", 500, "Syntax error in 'WRITEDATA'"),
    ("CHECKREAD c.count 1\n", 500, "Wrong number of arguments"),
    ("JUMP high\n", 501, "Command 'JUMP' unimplemented"),
]


def test_every_command(unix):
    process, path = unix
    with connect(path) as client:
        for command, code, text in ANSWERS:
            client.send(command)
            got, lines = client.answer()
            assert (got, lines[0]) == (code, text), command
            if code == 200 and lines[0].startswith("Read") and not command.startswith("CHECK"):
                client.data()
        assert client.read("READDATA echo.run 3\na\nb") == b"a\nb"
        assert client.read("READUNTIL echo.run end\na\r\nb\r\nend \r\n").split() == [b"a", b"b"]
        assert client.read("READ list\n").split()[:2] == [b"10", b"Idle@1"]
        client.send("WRITE s.switch 1\nREAD s.switch\n")
        assert client.answer()[0] == 200
        assert client.answer()[0] == 200
        assert client.data() == b"1"
        code, lines = client.ask("HELP\n")
        assert code == 200 and any(line.startswith("WRITEUNTIL ") for line in lines)
        assert client.ask("QUIT\nREAD c.count\n") == (200, ["Goodbye!"])
        assert client.file.read() == b""
    assert process.stop() == ""


def test_read_only(start, tmp_path):
    process = start(CONFIG + "ControlSocket(UNIX, control, READONLY true);")
    with connect(tmp_path / "control") as client:
        assert client.read("READ s.switch\n") == b"0"
        for command, text in (("WRITE s.switch 1\n", "Permission denied for 's.switch'"),
                              ("WRITEDATA s.switch 1\n1", "Permission denied for 's.switch'"),
                              ("WRITEUNTIL stop\n\n", "Permission denied for 'stop'"),
                              ("CHECKWRITE s.switch\n", "Permission denied for 's.switch'")):
            assert client.ask(command) == (530, [text])
        assert client.ask("WRITE nobody.x\n")[0] == 510
        assert client.read("READ s.switch\n") == b"0"
    process.stop()


def test_proxy(start, tmp_path):
    process = start(CONFIG + "ControlSocket(UNIX, control, PROXY c);")
    with connect(tmp_path / "control") as client:
        assert client.read("READ count\n") == b"0"
        assert client.read("READ .count\n") == b"0"
        assert client.ask("READ s.switch\n") == (511, ["No proxied handler named 's.switch'"])
        assert client.ask("WRITE reset\n")[0] == 200
        assert client.ask("CHECKWRITE count\n")[0] == 511
        assert client.ask("LLRPC #0\n")[0] == 501
    process.stop()


def test_stop_is_answered(unix):
    process, path = unix
    with connect(path) as client:
        assert client.ask("WRITE stop\n")[0] == 200
        assert client.file.read() == b""
    process.wait()
    assert not path.exists()


def test_the_last_line_needs_no_end(unix):
    process, path = unix
    with connect(path) as client:
        client.send("WRITE s.switch 1\nREAD s.switch")
        client.socket.shutdown(socket.SHUT_WR)
        assert client.answer()[0] == 200
        assert client.answer()[0] == 200
        assert client.data() == b"1"
        assert client.file.read() == b""
    process.stop()


# ---- ways to open one ----

def tcp_port(process_output):
    return int(process_output.strip())


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def tcp(port, address="127.0.0.1"):
    def listening():
        with contextlib.suppress(OSError), socket.create_connection((address, port), 1):
            return True
        return False
    until(listening)
    return Client((address, port))


@pytest.mark.parametrize("option", ["{port}", "127.0.0.1:{port}", "{port}+"])
def test_option_port(start, option):
    port = free_port()
    process = start("Idle -> Discard", "--port", option.format(port=port))
    with tcp(port) as client:
        assert client.read("READ click_driver@@ControlSocket.port\n") == str(port).encode()
    process.stop()


def listens_on(port):
    """Local addresses, as the kernel lists them, on which somebody listens."""
    lines = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
    return {line.split()[1].split(":")[0] for line in lines
            if line.split()[3] == "0A" and int(line.split()[1].split(":")[1], 16) == port}


@pytest.mark.parametrize("config, addresses", [
    ("ControlSocket(TCP, {port})", {"00000000"}),
    ("ControlSocket(TCP, {port}, LOCALHOST true)", {"0100007F"}),
    ("ControlSocket(TCP, 127.0.0.1:{port})", {"0100007F"}),
])
def test_who_can_connect(start, config, addresses):
    port = free_port()
    process = start(config.format(port=port))
    with tcp(port):
        assert listens_on(port) == addresses
    process.stop()


def test_the_next_port_is_taken(start):
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        process = start(f"cs :: ControlSocket(TCP, {port}+, LOCALHOST true);"
                        "Script(print cs.port, stop)")
        assert port < tcp_port(process.wait()) <= port + 11


def test_port_zero_is_any_port(start):
    process = start("cs :: ControlSocket(TCP, 0); Script(print cs.port, stop)")
    assert 0 < tcp_port(process.wait()) < 65536


def test_several_at_once(start, tmp_path):
    port = free_port()
    ours, theirs = socket.socketpair()
    process = start("Idle -> Discard", "--socket", str(theirs.fileno()), "-u", "one", "-p",
                    f"127.0.0.1:{port}", "--unix-socket=two", pass_fds=[theirs.fileno()])
    theirs.close()
    names = ["click_driver@@ControlSocket" + end for end in ("", "@1", "@2", "@3")]
    with Client(ours) as pair, connect(tmp_path / "one") as one, connect(tmp_path / "two") as two, \
            tcp(port) as four:
        assert pair.read(f"READ {names[1]}.filename\n") == b"one"
        assert one.read(f"READ {names[2]}.filename\n") == b"two"
        assert two.read(f"READ {names[0]}.port\n") == str(port).encode()
        assert four.read(f"READ {names[3]}.config\n").startswith(b"SOCKET, ")
        assert pair.ask("QUIT\n")[0] == 200
        assert pair.file.read() == b""
        assert one.read(f"READ {names[3]}.class\n") == b"ControlSocket"
    process.stop()
    assert not (tmp_path / "one").exists() and not (tmp_path / "two").exists()


def test_somebody_elses_file_stays(start, tmp_path):
    (tmp_path / "control").write_text("mine")
    process = start("ControlSocket(UNIX, control)")
    process.process.wait(SECONDS)
    assert process.process.returncode == 1
    assert "bind: Address already in use" in process.said()
    assert (tmp_path / "control").read_text() == "mine"


def test_retries_until_the_port_is_free(start):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        process = start(f"ControlSocket(TCP, 127.0.0.1:{port}, RETRIES 10)")
        until(lambda: "(10 tries left)" in process.said())
    with tcp(port) as client:
        assert client.read("READ 1.class\n") == b"ControlSocket"
    process.stop()


def test_gives_up_after_retries(start):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        process = start(f"Idle -> Discard; ControlSocket(TCP, 127.0.0.1:{port}, RETRIES 1, "
                        "RETRY_WARNINGS false)")
        process.wait()
        assert process.said() == "bind: Address already in use\n"


def test_verbose(start, tmp_path):
    process = start("cs :: ControlSocket(UNIX, control, VERBOSE true)")
    with connect(tmp_path / "control"):
        pass
    until(lambda: process.said().count("closed connection") == 2)
    assert process.said().startswith("cs :: ControlSocket: opened connection ")
    process.stop()


# ---- clients that misbehave ----

def busy(path):
    """The server still works."""
    with connect(path) as client:
        assert client.read("READ c.count\n") == b"0"


def test_clients_that_vanish(unix):
    process, path = unix
    for i in range(200):
        client = connect(path, greeting=i % 2 == 0)
        client.send(["READ c.count\n" * 50, "READ c.co", "WRITEDATA s.switch 9\n1", ""][i % 4])
        client.file.close()
        client.socket.close()
    busy(path)
    process.stop()


def test_a_client_that_resets(start):
    port = free_port()
    process = start(CONFIG, "-p", f"127.0.0.1:{port}")
    for _ in range(50):
        with tcp(port) as client:
            client.send("READ list\n" * 100)
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    with tcp(port) as client:
        assert client.read("READ c.count\n") == b"0"
    process.stop()


def test_half_a_line_waits(unix):
    process, path = unix
    with connect(path) as slow:
        for piece in ("RE", "AD c.c", "ount", "\r"):
            slow.send(piece)
            busy(path)
        assert slow.answer()[0] == 200
        assert slow.data() == b"0"
        slow.send("\nREADDATA echo.run 4\r")
        busy(path)
        slow.send("\nab")
        busy(path)
        slow.send("cd")
        assert slow.answer()[0] == 200
        assert slow.data() == b"abcd"
    process.stop()


def test_a_client_that_never_reads_loses_nothing(unix):
    process, path = unix
    commands, sent = b"READ list\n" * 200000, 0
    before = process.resident()
    with connect(path) as mute:
        mute.socket.settimeout(0.5)
        with contextlib.suppress(TimeoutError):
            while sent < len(commands):
                sent += mute.socket.send(commands[sent:])
        assert sent < len(commands), "the server reads on and on"
        assert process.resident() - before < 8 << 20
        busy(path)
        # Nothing is lost: when it reads after all, every command that was sent has been answered.
        mute.socket.settimeout(SECONDS)
        mute.socket.shutdown(socket.SHUT_WR)
        answers = mute.file.read()
    assert answers.count(b"200 Read handler 'list' OK\r\n") == (sent + 1) // 10
    process.stop()


def test_a_hundred_megabytes(unix):
    process, path = unix
    block = b"x" * (1 << 20)
    before = process.resident()
    with connect(path) as client:
        for _ in range(100):
            client.send(block)
        assert process.resident() - before < 24 << 20
        assert client.ask("\n") == (521, ["Command too long"])
        client.send(f"WRITEDATA echo.run {100 << 20}\n")
        for _ in range(100):
            client.send(block)
        assert client.answer() == (521, ["Data too large for handler 'echo.run'"])
        assert process.resident() - before < 24 << 20
        assert client.read("READ c.count\n") == b"0"
    process.stop()


def test_many_clients(unix):
    process, path = unix
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(path)) for _ in range(200)]
        for client in clients:
            client.send("READ c.class\n")
        for client in reversed(clients):
            assert client.answer()[0] == 200
            assert client.data() == b"Counter"
    busy(path)
    process.stop()


def test_more_clients_than_there_is_room_for(start, tmp_path):
    """The process may open 40 files: the others wait, and come when there is room."""
    process = start(CONFIG, "-u", "control",
                    preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40)))
    with connect(tmp_path / "control"):
        pass
    waiting = []
    for _ in range(60):
        client = Client(tmp_path / "control", greeting=False)
        client.send("READ c.class\nQUIT\n")
        waiting.append(client)
    for client in waiting:
        assert client.file.read().endswith(b"DATA 7\r\nCounter200 Goodbye!\r\n")
        client.file.close()
        client.socket.close()
    process.stop()


def test_packets_move_while_clients_ask(start, tmp_path):
    process = start("InfiniteSource -> c :: Counter -> Discard", "-u", "control")
    with connect(tmp_path / "control") as client:
        counts = [int(client.read("READ c.count\n")) for _ in range(20)]
    assert counts == sorted(counts) and counts[-1] > counts[0]
    process.stop()


# ---- another configuration ----

def hotconfig(client, config):
    return client.ask(f"WRITEDATA hotconfig {len(config)}\n{config}")


def test_clients_outlive_the_configuration(start, tmp_path):
    process = start(CONFIG, "-R", "-u", "control", "-h", "list")
    with connect(tmp_path / "control") as writer, connect(tmp_path / "control") as other:
        other.send("READDATA late.run 4\nab")       # half a command is not lost either
        until(lambda: writer.read("READ version\n") != b"")
        assert hotconfig(writer, "late :: Script(TYPE PASSIVE, return $args)")[0] == 200
        assert writer.read("READ list\n").split()[1:] == [b"late", b"click_driver@@ControlSocket"]
        other.send("cd")
        assert other.answer()[0] == 200
        assert other.data() == b"abcd"
        for i in range(50):
            assert hotconfig(writer, f"e{i} :: Idle -> Discard")[0] == 200
            assert writer.read(f"READ e{i}.class\n") == b"Idle"
    with connect(tmp_path / "control") as client:
        assert client.read("READ 1.name\n") == b"e49"
        assert client.read("READ config\n") == b"e49 :: Idle -> Discard"
    assert process.stop().split() == ["3", "e49", "Discard@2", "click_driver@@ControlSocket"]
    assert process.said() == ""
    assert not (tmp_path / "control").exists()


@pytest.mark.parametrize("config, complaint", [
    ("Idle -> ", "config:1:"),
    ("Idle -> Nothing(1)", "unknown element class 'Nothing'"),
    ("Idle -> Print(1, 2, 3) -> Discard", "While configuring"),
    ("ControlSocket(UNIX, nowhere/control)", "bind: No such file or directory"),
])
def test_a_bad_configuration_changes_nothing(start, tmp_path, config, complaint):
    process = start(CONFIG, "--allow-reconfigure", "-u", "control")
    with connect(tmp_path / "control") as client:
        assert client.ask("WRITE s.switch 1\n")[0] == 200
        code, lines = hotconfig(client, config)
        assert code == 520 and any(complaint in line for line in lines), lines
        assert client.read("READ s.switch\n") == b"1"
        assert client.read("READ config\n").decode() == CONFIG
    process.stop()


def test_the_last_of_two_configurations_counts(start, tmp_path):
    process = start(CONFIG, "-R", "-u", "control")
    configs = ["one :: Idle -> Discard", "two :: Idle -> Discard"]
    with connect(tmp_path / "control") as client:
        client.send("".join(f"WRITEDATA hotconfig {len(c)}\n{c}" for c in configs) + "READ 1.name\n")
        for _ in range(3):
            assert client.answer()[0] == 200
        assert client.data() == b"two"
    process.stop()


def test_only_who_may_replaces_the_configuration(start, tmp_path):
    process = start(CONFIG, "-R", "--no-allow-reconfigure", "-u", "control")
    with connect(tmp_path / "control") as client:
        assert hotconfig(client, "Idle -> Discard") == (511, ["No handler named 'hotconfig'"])
        assert b"hotconfig" not in client.read("READ handlers\n")
    process.stop()
    process = start(CONFIG + "ControlSocket(UNIX, other, READONLY true)", "-R")
    with connect(tmp_path / "other") as client:
        assert b"hotconfig\tw%\n" in client.read("READ handlers\n")
        assert hotconfig(client, "Idle -> Discard")[0] == 530
        assert client.read("READ s.class\n") == b"Switch"
    process.stop()


def test_the_port_stays_the_same(start):
    port = free_port()
    process = start("cs :: ControlSocket(TCP, 127.0.0.1:%d)" % port, "-R")
    with tcp(port) as client:
        assert hotconfig(client, "cs :: ControlSocket(TCP, 127.0.0.1:%d); Idle -> d :: Discard" % port)[0] == 200
        assert client.read("READ d.class\n") == b"Discard"
        # Without a successor of its name the socket goes, and its clients with it.
        assert hotconfig(client, "Idle -> Discard")[0] == 200
        assert client.file.read() == b""
    with pytest.raises(OSError):
        Client(("127.0.0.1", port))
    process.stop()
