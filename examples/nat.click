// nat.click - hides a network behind one address (NAPT).
//
//      inside, 10.0.0.0/24                        outside, 192.0.2.0/24
//     ---------------------- vif 0 [ NAT ] vif 1 ------------------------- gateway 192.0.2.254
//      10.0.0.2, 10.0.0.3 ...  10.0.0.1  192.0.2.1                              ... the world
//
// Hosts inside use 10.0.0.1 as their router. Their TCP, UDP and pings leave with the address
// 192.0.2.1 and, if it is free, with their own port; answers find their way back, and so do
// ICMP errors, so that traceroute and path MTU discovery work. Nobody outside can begin
// anything. The NAT answers ARP and pings for both of its addresses.
//
// Limits: later fragments of a packet are dropped (they have no ports), as is IP other than
// TCP, UDP and ICMP.
//
//     clickos read VM nat.tcp_table            flows, also nat.udp_table, pings.table
//     clickos read VM nat.table_size           how many
//     clickos read VM nat.drops                packets that belong to no flow and may begin none
//     clickos write VM nat.clear               forget all flows
//
// Other addresses: click INSIDE=eth1 OUTSIDE=eth2 OUTSIDE_IP=198.51.100.7 ... nat.click

define($INSIDE 0, $INSIDE_IP 10.0.0.1, $INSIDE_NET 10.0.0.0/24, $INSIDE_MAC 02:00:00:00:0a:01,
       $OUTSIDE 1, $OUTSIDE_IP 192.0.2.1, $OUTSIDE_NET 192.0.2.0/24, $OUTSIDE_MAC 02:00:00:00:0b:01,
       $GATEWAY 192.0.2.254);

// A network with ARP: takes IP packets to send, gives those received.
elementclass Network { $device, $ip, $mac |
  FromDevice($device, PROMISC true) -> own :: HostEtherFilter($mac)
    -> kind :: Classifier(12/0806 20/0001, 12/0806 20/0002, 12/0800, -);
  send :: Queue(1000) -> ToDevice($device);
  arp :: ARPQuerier($ip, $mac) -> send;

  kind[0] -> ARPResponder($ip $mac) -> send;
  kind[1] -> [1]arp;
  kind[2] -> Strip(14) -> header :: CheckIPHeader(VERBOSE false) -> output;
  kind[3] -> other :: Counter -> Discard;
  input -> [0]arp;
}

inside :: Network($INSIDE, $INSIDE_IP, $INSIDE_MAC);
outside :: Network($OUTSIDE, $OUTSIDE_IP, $OUTSIDE_MAC);

// Where packets for outside go next: to a neighbour, or to the gateway.
to_outside :: LinearIPLookup($OUTSIDE_NET 0, 0.0.0.0/0 $GATEWAY 0) -> outside;
to_inside :: Null -> inside;

// What a flow looks like outside. Flows of both kinds share the room for 65,536.
nat :: IPRewriter(pattern $OUTSIDE_IP 1024-65535 - - 0 1, drop,
                  MAPPING_CAPACITY 65536, REAP_INTERVAL 60);
pings :: ICMPPingRewriter(pattern $OUTSIDE_IP 0-65535 - - 0 1, drop, MAPPING_CAPACITY nat);
nat[0], pings[0] -> sent :: Counter -> to_outside;
nat[1], pings[1] -> answered :: Counter -> to_inside;

// ---- from inside ----

inside -> from_inside :: IPClassifier(
    icmp type echo and (dst host $INSIDE_IP or dst host $OUTSIDE_IP),
    src net $INSIDE_NET and not dst net $INSIDE_NET and not dst host $OUTSIDE_IP,
    -);
from_inside[0] -> ICMPPingResponder -> to_inside;
from_inside[1] -> DropBroadcasts -> inside_ttl :: DecIPTTL
  -> leaving :: IPClassifier(tcp or udp, icmp type echo, icmp, -);
from_inside[2] -> not_forwarded :: Counter -> Discard;

inside_ttl[1] -> ICMPError($INSIDE_IP, timeexceeded) -> to_inside;
leaving[0] -> [0]nat;
leaving[1] -> [0]pings;
leaving[2] -> ICMPRewriter(nat pings) -> to_outside;
leaving[3] -> unsupported :: Counter -> ICMPError($INSIDE_IP, unreachable, protocol) -> to_inside;

// ---- from outside ----

outside -> from_outside :: IPClassifier(
    dst host $OUTSIDE_IP and icmp type echo,
    dst host $OUTSIDE_IP,
    -);
from_outside[0] -> ICMPPingResponder -> to_outside;
from_outside[1] -> DropBroadcasts -> outside_ttl :: DecIPTTL
  -> arriving :: IPClassifier(tcp or udp, icmp type echo-reply, icmp, -);
from_outside[2] -> stray :: Counter -> Discard;

outside_ttl[1] -> ICMPError($OUTSIDE_IP, timeexceeded) -> to_outside;
arriving[0] -> [1]nat;
arriving[1] -> [1]pings;
arriving[2] -> ICMPRewriter(nat pings) -> to_inside;
arriving[3] -> Discard;
