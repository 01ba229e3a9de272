# SPDX-License-Identifier: BSD-2-Clause
"""FromDump gives the same packets whether the file is mapped, read or a pipe: one larger than what is mapped at a time."""

import hashlib
import os
import random
import struct
import subprocess

import pytest

TREE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CLICK = os.path.join(os.environ.get("BUILD") or os.path.join(TREE, "build"), "click")
WINDOW = 16 << 20


@pytest.fixture(scope="module")
def dump(tmp_path_factory):
    """(path, how many): frames of all sizes, so that they stand across every border; a time of 0 would be none."""
    path = tmp_path_factory.mktemp("dump") / "large.pcap"
    rng = random.Random(1)
    records = [struct.pack("<IIII", n, n, size, size) + rng.randbytes(size)
               for n in range(1, 1001) for size in [rng.choice((60, 64, 127, 129, 590, 1514, 9000))]]
    count = 0
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        while file.tell() < WINDOW + (8 << 20):
            rng.shuffle(records)
            file.write(b"".join(records))
            count += len(records)
    return path, count


def run(source, out, burst, **kwargs):
    done = subprocess.run([CLICK, "-h", "c.count", "-e", f"FromDump({source}, STOP true, BURST {burst}) -> c :: Counter"
                           f" -> ToDump({out}, SNAPLEN 0)"], check=True, capture_output=True, text=True, timeout=60, **kwargs)
    with open(out, "rb") as file:
        return int(done.stdout.split()[-1]), hashlib.file_digest(file, "sha256").hexdigest()


def test_mapped_read_and_piped_are_the_same(dump, tmp_path):
    path, count = dump
    original = run(path, tmp_path / "out", 1)
    assert original[0] == count
    assert (tmp_path / "out").stat().st_size == path.stat().st_size
    assert run(path, tmp_path / "out", 32) == original
    assert run(f"{path}, MMAP false", tmp_path / "out", 32) == original
    with open(path, "rb") as file:
        cat = subprocess.Popen(["cat"], stdin=file, stdout=subprocess.PIPE)
        assert run("-", tmp_path / "out", 1, stdin=cat.stdout) == original
        cat.stdout.close()
        assert cat.wait() == 0


@pytest.mark.parametrize("map", ["true", "false"])
def test_what_is_appended_meanwhile_is_read(map, dump, tmp_path):
    """The end of a file is where it is when it is reached; a position behind it is the end as well."""
    whole = dump[0].read_bytes()[:1 << 16]
    path = tmp_path / "grows.pcap"
    path.write_bytes(whole[:24])
    script = subprocess.Popen([CLICK, "-e", f"""
        f :: FromDump({path}, ACTIVE false, MMAP {map}) -> c :: Counter -> Discard;
        Script(print "ready", wait 1s, write f.filepos 24, write f.active true, wait 0.1s, print c.count,
               write f.filepos 1000000000, wait 0.1s, print c.count, stop)"""], stdout=subprocess.PIPE, text=True)
    assert script.stdout.readline() == "ready\n"
    with open(path, "ab") as file:
        file.write(whole[24:])
    complete, at = 0, 24
    while at + 16 <= len(whole) and (at := at + 16 + struct.unpack_from("<I", whole, at + 8)[0]) <= len(whole):
        complete += 1
    out, _ = script.communicate(timeout=20)
    assert out.split() == [str(complete)] * 2
    assert script.returncode == 0
