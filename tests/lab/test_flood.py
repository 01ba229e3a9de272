# SPDX-License-Identifier: BSD-2-Clause
"""A NAT in a PV VM of 4 MB, without a bound on its flows, gets packets of far more flows than there is memory for: it goes
on, gives up old flows for new ones, counts them, and can still be asked and given another configuration.

    NIC 1 -- br0 -- vif 0 [ IPRewriter, memory=4 ] vif 1 -- br1 -- NIC 2
"""

import struct

import traffic

FLOWS, WINDOW = 40_000, 128

NAT = """
FromDevice(0, PROMISC true) -> Strip(14) -> CheckIPHeader
  -> nat :: IPRewriter(pattern 192.0.2.1 - - - 0 1, UDP_GUARANTEE 0, GUARANTEE 0)
  -> Unstrip(14) -> Queue(200) -> ToDevice(1);
nat[1] -> Discard;
"""


def frame(flow):
    """UDP, 60 bytes; each flow has an address of its own."""
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 32, flow & 0xFFFF, 0, 64, 17, 0, struct.pack(">I", 0x0A000000 + flow),
                     traffic.address("198.51.100.7"))
    ip = ip[:10] + struct.pack(">H", traffic.checksum(ip)) + ip[12:]
    return (bytes.fromhex("020000000002" "020000000001" "0800") + ip
            + struct.pack(">HHHHI", 1024 + flow % 60000, 53, 12, 0, flow)).ljust(60, b"\0")


def test_more_flows_than_memory(lab, clickos):
    clickos.must("create", "flood", "--type", "pv", "--memory", 4, "--vif", "bridge=br0", "--vif", "bridge=br1",
                 "--config", "-", input=NAT)
    try:
        clickos.wait_for_vifs("flood", 2)
        with lab.nic(1) as outside, lab.nic(2) as inside:
            inside.drain()
            outside.send_many([frame(flow) for flow in range(FLOWS)], window=WINDOW, out=inside)
        size, evictions, failures = (int(clickos(f"read flood nat.{handler}").stdout)
                                     for handler in ("size", "evictions", "mapping_failures"))
        memory = clickos.json("list", "flood")["memory"]
        print(f"{FLOWS} flows: {size} kept, {evictions} given up, {failures} refused; {memory}")
        assert (size + evictions, failures) == (FLOWS, 0)
        assert size > 5000 and evictions > 5000
        assert memory["packet_failures"] == 0 and memory["total"] - memory["used"] > 128 << 10
        assert clickos.start("flood", NAT.replace("192.0.2.1", "192.0.2.2")).returncode == 0
        assert clickos("read flood nat.patterns").stdout.startswith("192.0.2.2")
    finally:
        clickos("destroy flood")
