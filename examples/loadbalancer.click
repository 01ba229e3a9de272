// loadbalancer.click - one web address, three servers behind it.
//
//      clients                                        servers, 10.0.0.0/24
//     ------------------ vif 0 [ balancer ] vif 1 -------------------------
//      192.0.2.0/24    192.0.2.1        10.0.0.1      10.0.0.11, .12, .13
//
// Who connects to port 80 of 192.0.2.1 gets one of the servers, in turn; a connection stays
// with its server. Servers see the clients' own addresses and use 10.0.0.1 as their router;
// their answers leave with 192.0.2.1 as the source. The balancer answers ARP and pings for its
// addresses; everything else is dropped and counted.
//
//     clickos read VM balancer.tcp_table       connections and their servers
//     clickos read VM balancer.table_size      how many
//     clickos write VM balancer.pattern0 "pattern - - 10.0.0.12 80 0 1"
//                                              only that one from now; connections are cut
//
// Other addresses: click CLIENTS=eth1 SERVERS=eth2 PUBLIC_IP=... loadbalancer.click

define($CLIENTS 0, $PUBLIC_IP 192.0.2.1, $PUBLIC_NET 192.0.2.0/24, $PUBLIC_MAC 02:00:00:00:0c:01,
       $SERVERS 1, $SERVER_GW 10.0.0.1, $SERVER_NET 10.0.0.0/24, $SERVER_MAC 02:00:00:00:0d:01,
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

clients :: Network($CLIENTS, $PUBLIC_IP, $PUBLIC_MAC);
servers :: Network($SERVERS, $SERVER_GW, $SERVER_MAC);
to_clients :: LinearIPLookup($PUBLIC_NET 0, 0.0.0.0/0 $GATEWAY 0) -> clients;

// The servers. One that must rest is taken out here, or by writing balancer.pattern0.
turns :: RoundRobinIPMapper(- - 10.0.0.11 80 0 1, - - 10.0.0.12 80 0 1, - - 10.0.0.13 80 0 1);

// Input 0 begins connections; input 1 only knows answers.
balancer :: IPRewriter(turns, drop, MAPPING_CAPACITY 65536);
balancer[0] -> to_servers :: Counter -> servers;
balancer[1] -> from_servers :: Counter -> to_clients;

clients -> asked :: IPClassifier(
    dst host $PUBLIC_IP and tcp dst port 80,
    dst host $PUBLIC_IP and icmp type echo,
    dst host $PUBLIC_IP and icmp,
    -);
asked[0] -> DropBroadcasts -> clients_ttl :: DecIPTTL -> [0]balancer;
asked[1] -> ICMPPingResponder -> to_clients;
asked[2] -> ICMPRewriter(balancer) -> servers;      // "too long for this path", say
asked[3] -> refused :: Counter -> Discard;
clients_ttl[1] -> ICMPError($PUBLIC_IP, timeexceeded) -> to_clients;

servers -> answered :: IPClassifier(
    dst host $SERVER_GW and icmp type echo,
    src net $SERVER_NET and tcp,
    src net $SERVER_NET and icmp,
    -);
answered[0] -> ICMPPingResponder -> servers;
answered[1] -> DropBroadcasts -> servers_ttl :: DecIPTTL -> [1]balancer;
answered[2] -> ICMPRewriter(balancer) -> to_clients;
answered[3] -> unexpected :: Counter -> Discard;
servers_ttl[1] -> ICMPError($SERVER_GW, timeexceeded) -> servers;
