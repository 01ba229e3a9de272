// router.click - an IP router between two networks, with all that RFC 1812 asks of the path.
//
//      left, 10.0.1.0/24                          right, 10.0.2.0/24
//     -------------------- vif 0 [ router ] vif 1 --------------------
//                       10.0.1.1          10.0.2.1
//
// Hosts use 10.0.1.1 or 10.0.2.1 as their router. It answers ARP and pings for both,
// decrements the time to live, handles IP options, fragments what is too long, and reports
// what it cannot forward: time exceeded, fragmentation needed, no route, a bad option, and
// "use the other router" (redirect). What is sent to itself and is no ping is refused.
//
//     clickos read VM right/arp.table          neighbours
//     clickos read VM routes.table             routes
//     clickos write VM routes.add "10.9.0.0/16 10.0.2.7 2"
//     clickos read VM left/ttl.drops           packets whose time ran out
//
// Other devices and addresses: click LEFT=eth1 RIGHT=eth2 LEFT_IP=... router.click

define($LEFT 0, $LEFT_IP 10.0.1.1, $LEFT_NET 10.0.1.0/24, $LEFT_MAC 02:00:00:00:01:01,
       $RIGHT 1, $RIGHT_IP 10.0.2.1, $RIGHT_NET 10.0.2.0/24, $RIGHT_MAC 02:00:00:00:02:01,
       $MTU 1500);

// A port. Input: IP packets to send, their next hop annotated. Output 0: IP packets received.
// Output 1: ICMP errors about packets that could not be sent; they have to find their own way.
elementclass Port { $device, $ip, $mac, $color |
  FromDevice($device, PROMISC true) -> own :: HostEtherFilter($mac)
    -> kind :: Classifier(12/0806 20/0001, 12/0806 20/0002, 12/0800, -);
  send :: Queue(1000) -> ToDevice($device);
  arp :: ARPQuerier($ip, $mac) -> send;

  kind[0] -> ARPResponder($ip $mac) -> send;
  kind[1] -> [1]arp;
  kind[2] -> Paint($color) -> Strip(14)
    -> header :: CheckIPHeader(INTERFACES $LEFT_IP/24 $RIGHT_IP/24, VERBOSE false)
    -> received :: Counter -> [0]output;
  kind[3] -> other :: Counter -> Discard;

  input -> not_broadcast :: DropBroadcasts
    -> back :: PaintTee($color)             // leaves where it came in: tell the sender
    -> options :: IPGWOptions($ip)
    -> FixIPSrc($ip)                        // errors made here take this port's address
    -> ttl :: DecIPTTL
    -> fragment :: IPFragmenter($MTU)
    -> forwarded :: Counter
    -> [0]arp;
  back[1] -> ICMPError($ip, redirect, host) -> [1]output;
  options[1] -> ICMPError($ip, parameterproblem) -> [1]output;
  ttl[1] -> ICMPError($ip, timeexceeded) -> [1]output;
  fragment[1] -> ICMPError($ip, unreachable, needfrag) -> [1]output;
}

left :: Port($LEFT, $LEFT_IP, $LEFT_MAC, 1);
right :: Port($RIGHT, $RIGHT_IP, $RIGHT_MAC, 2);

// 0: for the router itself, 1: left, 2: right, 3: nowhere.
routes :: RadixIPLookup($LEFT_IP/32 0, $RIGHT_IP/32 0, $LEFT_NET 1, $RIGHT_NET 2, 0.0.0.0/0 3);

left, right -> to_route :: GetIPAddress(16) -> routes;
left[1], right[1] -> routes;
routes[1] -> left;
routes[2] -> right;
routes[3] -> no_route :: Counter -> ICMPError($LEFT_IP, unreachable, net) -> routes;

routes[0] -> local :: IPClassifier(icmp type echo, udp or tcp, -);
local[0] -> pings :: Counter -> ICMPPingResponder -> routes;
local[1] -> ICMPError($LEFT_IP, unreachable, port) -> routes;
local[2] -> Discard;
