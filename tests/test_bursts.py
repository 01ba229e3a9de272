# SPDX-License-Identifier: BSD-2-Clause
"""
What leaves a pipeline does not depend on how many packets its source hands on at a time: every pipeline of
bench/pipelines.py, each Discard in it a ToDump instead, writes the same bytes at BURST 1 and at others, times
included. BURST 1 is run with somebody who sees when each packet passes, and without: then it may be more at a time; and with a Queue
behind the source, which another task empties. The traffic is that of the benchmark, and among it frames that take the other ways: cut
short, damaged, with options, fragments, too large, expired, to everybody.
"""
import os
import pathlib
import random
import re
import struct
import subprocess
import sys

import pytest

TREE = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("BUILD") or TREE / "build")
sys.path.insert(0, str(TREE / "bench"))

import captures  # noqa: E402
import pipelines  # noqa: E402

PACKETS, FLOWS = 4000, 900
FILE_HEADER, RECORD_HEADER = 24, 16

# These make packets of their own and stamp them with the time: only the frames are compared.
MAKERS = {"queue", "arp"}


def with_header(frame, change, options=b""):
    """The frame with its IP header changed by `change(bytearray)`, checksum right again."""
    header = bytearray(frame[14:34]) + options
    header[0] = 0x40 | len(header) // 4
    header[2:4] = struct.pack(">H", len(frame) - 14 + len(options))
    change(header)
    header[10:12] = b"\0\0"
    header[10:12] = struct.pack(">H", captures.checksum(header))
    return frame[:14] + bytes(header) + frame[34:]


def setting(at, value):
    return lambda header: header.__setitem__(slice(at, at + len(value)), value)


# What may become of a frame on its way to us.
MISHAPS = [
    lambda frame, rng: frame,
    lambda frame, rng: frame[:rng.randrange(14, len(frame))],
    lambda frame, rng: frame[:24] + bytes([rng.randrange(256)]) + frame[25:],
    lambda frame, rng: b"\xff" * 6 + frame[6:],
    lambda frame, rng: frame[:12] + rng.choice((b"\x08\x06", b"\x86\xdd", b"\x08\x00")) + frame[14:],
    lambda frame, rng: with_header(frame, setting(8, bytes([rng.choice((0, 1, 2, 255))]))),
    lambda frame, rng: with_header(frame, setting(6, rng.choice((b"\x20\0", b"\0\5", b"\x20\5", b"\x1f\xff")))),
    lambda frame, rng: with_header(frame, setting(9, bytes([rng.choice((1, 2, 6, 17, 47))]))),
    lambda frame, rng: with_header(frame, setting(12, rng.choice((b"\xff" * 4, bytes(4), b"\x0a\x09\1\1")))),
    lambda frame, rng: with_header(frame, lambda h: None, rng.choice((b"\1" * 4, b"\x07\x07\4\0\0\0\0\0",
                                                                     b"\x44\x08\5\0\0\0\0\0", b"\x94\4\0\0"))),
    lambda frame, rng: with_header(frame + bytes(1700), setting(6, rng.choice((b"\0\0", b"\x40\0")))),
]


def frames(kind):
    """The benchmark's frames, and between them others."""
    rng = random.Random(kind)
    made = captures.FRAMES[kind](FLOWS, 64)
    for _ in range(PACKETS - len(made)):
        frame = rng.choice(made[:FLOWS])
        made.append(rng.choice(MISHAPS)(frame, rng) if rng.random() < 0.5 and len(frame) == 64 else frame)
    rng.shuffle(made)
    return made


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A capture file of each kind; no two time stamps in it are alike."""
    folder = tmp_path_factory.mktemp("captures")
    for kind in captures.FRAMES:
        with open(folder / kind, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
            for n, frame in enumerate(frames(kind)):
                file.write(struct.pack("<IIII", 1 + n // 1000, n % 1000 * 1000 + 7, len(frame), len(frame)) + frame)
    return folder


def without_times(capture):
    found, at = b"", FILE_HEADER
    while at < len(capture):
        length, = struct.unpack_from("<I", capture, at + 8)
        found += capture[at + 8:at + RECORD_HEADER + length]
        at += RECORD_HEADER + length
    return found


def run(pipeline, files, burst, folder, then=""):
    """
    What came out at each Discard, with `then` behind the source. Simulated time: the IP option of that name gets the same
    second in every run.
    """
    numbers = iter(range(1000))
    folder.mkdir()
    text = (pipeline.text().replace("PACKETS", str(PACKETS)).replace("BYTES", "64")
            .replace("BURST_OF_SOURCE", str(burst))
            .replace("SOURCE", f"FromDump({files / pipeline.kind}, STOP true, BURST {burst}){then}"))
    text = re.sub(r"\bDiscard\b", lambda _: f"ToDump({next(numbers)}, SNAPLEN 0)", text)
    subprocess.run([BUILD / "click", "--simtime", "-"], input=text.encode(), cwd=folder, check=True, timeout=60,
                   stderr=subprocess.PIPE)
    made = {file.name: file.read_bytes() for file in folder.iterdir()}
    return {name: without_times(made[name]) for name in made} if pipeline.name in MAKERS else made


@pytest.mark.parametrize("pipeline", pipelines.PIPELINES, ids=lambda pipeline: pipeline.name)
def test_output_is_the_same_at_every_burst(pipeline, files, tmp_path):
    alone = run(pipeline, files, 1, tmp_path / "alone", f" -> {pipelines.WATCHED}")
    assert sum(map(len, alone.values())) > FILE_HEADER * len(alone) + PACKETS / 4
    for burst, then in ((1, ""), (32, ""), (5, ""), (64, ""), (1, " -> Queue -> Unqueue"), (5, " -> Queue -> Unqueue(5)")):
        together = run(pipeline, files, burst, tmp_path / f"{burst}{then.replace(' ', '')}", then)
        assert together.keys() == alone.keys()
        assert [name for name in alone if together[name] != alone[name]] == [], f"BURST {burst}{then}"


@pytest.mark.parametrize("capacity", (1, 20, 40, 1000))
@pytest.mark.parametrize("source", ("InfiniteSource(LIMIT 1000, STOP true)", "FromDump(FILE, STOP true)"))
def test_a_queue_loses_nothing(source, capacity, files):
    """One in, one out: at the end all have passed, however small the Queue is."""
    text = f"{source} -> q :: Queue({capacity}) -> Unqueue -> c :: Counter -> Discard".replace("FILE", str(files / "ip"))
    done = subprocess.run([BUILD / "click", "-e", text, "-h", "c.count", "-h", "q.drops"], check=True, timeout=60,
                          capture_output=True, text=True)
    count = 1000 if source.startswith("I") else PACKETS
    assert done.stdout.split() == ["c.count:", str(count), "q.drops:", "0"]
