# SPDX-License-Identifier: BSD-2-Clause
"""frames.py - raw Ethernet frames in and out of a lab's two NICs, for tests and the demo.

    with Nic("lab", 1) as left, Nic("lab", 2) as right:
        left.send(frame)
        assert right.receive(timeout=5) == frame

- A frame is bytes: destination, source, type, payload; no preamble, no checksum.
- The far end of each NIC is a stream socket of QEMU's: four bytes of length, big endian, then the
  frame. A full stream holds the sender back; nothing is lost between here and the NIC.
- Every Nic has a thread which empties the socket at once, into memory, whether or not somebody
  calls receive(): otherwise QEMU would stop taking frames from dom0, and dom0 would drop.
- One user a NIC: QEMU takes one connection, a second one is refused here.
- Beyond the NIC is Linux: a bridge drops what its queue cannot hold, and Xen: a guest may be slower
  than we are. send_many() with `window` never has more frames than that under way.
"""

import collections
import fcntl
import os
import socket
import struct
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
CHUNK = 64              # frames a write: enough to make system calls cheap
MAX_FRAME = 65535 + 14


class FrameError(Exception):
    """The lab went away, or frames did not get where they should in time."""


def state_folder(lab):
    """The folder of a lab: `lab` is its name, its folder, or an object with a `state`."""
    lab = getattr(lab, "state", lab)
    if os.sep in str(lab):
        return str(lab)
    build = os.environ.get("BUILD") or os.path.join(HERE, "..", "build")
    return os.path.join(build, "lab", str(lab))


class Nic:
    """One of the lab's NICs, 1 (behind it: br0) or 2 (br1)."""

    def __init__(self, lab, number):
        folder = state_folder(lab)
        self.number = number
        self.sent = 0           # frames handed to QEMU
        self.received = 0       # frames that came out of QEMU since opened
        self._frames = collections.deque()
        self._news = threading.Condition()
        self._sending = threading.Lock()
        self._error = None
        # A socket's path has at most 107 characters, a folder's may have more.
        where = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._lock = os.open(f"nic{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600, dir_fd=where)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(self._lock)
                raise FrameError(f"NIC {number} of {folder} is in use by another program") from None
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                self._socket.connect(f"/proc/self/fd/{where}/nic{number}.sock")
            except OSError as error:
                self._socket.close()
                os.close(self._lock)
                raise FrameError(f"NIC {number} of {folder}: {error.strerror}; is the lab up?") from None
        finally:
            os.close(where)
        self._reader = threading.Thread(target=self._read, name=f"nic{number}", daemon=True)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends the connection; the lab and its NIC stay."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._reader.join()
        self._socket.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _read(self):
        data = bytearray()
        error = "the lab closed the connection"
        while True:
            try:
                more = self._socket.recv(1 << 20)
            except OSError as problem:
                more, error = b"", str(problem)
            if not more:
                break
            data += more
            frames, at = [], 0
            while len(data) - at >= 4:
                (length,) = struct.unpack_from(">I", data, at)
                if length > MAX_FRAME:
                    error, more = f"a frame of {length} bytes: out of step", b""
                    break
                if len(data) - at - 4 < length:
                    break
                frames.append(bytes(data[at + 4:at + 4 + length]))
                at += 4 + length
            del data[:at]
            with self._news:
                self._frames.extend(frames)
                self.received += len(frames)
                self._news.notify_all()
            if not more:
                break
        with self._news:
            self._error = error
            self._news.notify_all()

    def send(self, frame):
        """Sends one frame; waits while QEMU cannot take it."""
        self._write([frame])

    def _write(self, frames):
        for frame in frames:
            if not 14 <= len(frame) <= MAX_FRAME:
                raise ValueError(f"a frame of {len(frame)} bytes")
        data = b"".join(part for frame in frames for part in (struct.pack(">I", len(frame)), frame))
        with self._sending:
            try:
                self._socket.sendall(data)
            except OSError as error:
                raise FrameError(f"NIC {self.number}: {error.strerror}") from None
            self.sent += len(frames)

    def send_many(self, frames, window=None, out=None, passes=None, timeout=60):
        """Sends all of `frames`, a sequence, and returns how many.

        With `window` and `out`, the Nic where they come out, at most `window` frames are under way
        at any time. Where some are filtered, `passes` says for each frame whether it should come
        out: then the frames before the next one missing at `out` count as arrived. FrameError when
        nothing arrives for `timeout` seconds; a filter that loses frames shows so, too."""
        if (window is None) != (out is None):
            raise ValueError("window and out go together")
        if window is None:
            for at in range(0, len(frames), CHUNK):
                self._write(frames[at:at + CHUNK])
            return len(frames)
        expected = None if passes is None else [i for i, through in enumerate(passes) if through]
        before = out.received

        def arrived():
            count = out.received - before
            if expected is None:
                return count
            return expected[count] if count < len(expected) else len(frames)

        step = max(1, min(CHUNK, window // 4))
        for at in range(0, len(frames), step):
            chunk = frames[at:at + step]
            with out._news:
                least = at + len(chunk) - window
                while arrived() < least:
                    seen = out.received
                    if not out._news.wait_for(lambda: out.received != seen or out._error, timeout):
                        raise FrameError(f"NIC {self.number}: of {at} frames sent {arrived()} got through to "
                                         f"NIC {out.number}, and none for {timeout} s")
                    if out._error:
                        raise FrameError(f"NIC {out.number}: {out._error}")
            self._write(chunk)
        return len(frames)

    def receive(self, timeout=5.0):
        """The next frame, or None when none comes within `timeout` seconds."""
        with self._news:
            if not self._news.wait_for(lambda: self._frames or self._error, timeout):
                return None
            if self._frames:
                return self._frames.popleft()
            raise FrameError(f"NIC {self.number}: {self._error}")

    def receive_many(self, count, timeout=30.0):
        """`count` frames, or fewer when none comes for `timeout` seconds."""
        frames = []
        while len(frames) < count:
            frame = self.receive(timeout)
            if frame is None:
                break
            frames.append(frame)
        return frames

    def drain(self, quiet=0.5):
        """Everything that came, until nothing has come for `quiet` seconds."""
        return self.receive_many(1 << 62, quiet)
