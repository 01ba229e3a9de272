// firewall.click - a packet filter between two networks, invisible to both.
//
//        outside                                            inside, 10.1.0.0/16
//     ------------- vif 0 [ out_in >>> filter >>> ] vif 1 -------------
//                         [ <<< filter <<< in_out ]        10.1.0.80 web server
//                                                          10.1.0.53 name server
// It stands in the wire like a bridge: nobody's addresses change. ARP passes; IP packets
// pass if their header is right and a rule allows them; everything else is dropped and
// counted. Frames leave without the padding that short ones came with.
//
// Read what it did:    clickos read VM from_outside.rules     (packets by rule)
//                      clickos handlers VM                    (all there is)
// Change a rule live:  clickos write VM from_outside.config "allow tcp dst port 8080, deny all"
//
// In a process: click OUTSIDE=eth1 INSIDE=eth2 examples/firewall.click

define($OUTSIDE 0, $INSIDE 1);

to_inside :: Queue(1000) -> ToDevice($INSIDE);
to_outside :: Queue(1000) -> ToDevice($OUTSIDE);

// ---- from outside to inside: what is asked for by name, and answers ----

FromDevice($OUTSIDE, PROMISC true) -> outside :: Counter
  -> outside_kind :: Classifier(12/0806, 12/0800, -);

outside_kind[0] -> outside_arp :: Counter -> to_inside;
outside_kind[2] -> outside_other :: Counter -> Discard;
outside_kind[1] -> Strip(14)
  -> outside_header :: CheckIPHeader(BADSRC 0.0.0.0 255.255.255.255, VERBOSE false)
  -> from_outside :: IPFilter(
       // Nobody out there has our addresses, or those that no sender may have.
       deny  src net 10.1.0.0/16,
       deny  src net 127.0.0.0/8 or src net 224.0.0.0/4,
       allow tcp && dst host 10.1.0.80 && dst port 80 or 443,
       allow udp && dst host 10.1.0.53 && dst port 53,
       // The administrators' network may log in; it cannot be guessed at from elsewhere.
       allow tcp && dst port 22 && src net 192.0.2.0/24,
       deny  tcp && dst port 22,
       // Answers to what somebody inside began.
       allow tcp opt ack && dst port > 1023,
       allow udp && src port 53 && dst port > 1023,
       allow icmp type echo or echo-reply or unreachable or timeexceeded,
       deny  all)
  -> Unstrip(14)
  -> outside_allowed :: Counter
  -> to_inside;

// ---- from inside to outside: anything that really comes from inside ----

FromDevice($INSIDE, PROMISC true) -> inside :: Counter
  -> inside_kind :: Classifier(12/0806, 12/0800, -);

inside_kind[0] -> inside_arp :: Counter -> to_outside;
inside_kind[2] -> inside_other :: Counter -> Discard;
inside_kind[1] -> Strip(14)
  -> inside_header :: CheckIPHeader(BADSRC 0.0.0.0 255.255.255.255, VERBOSE false)
  -> from_inside :: IPFilter(allow src net 10.1.0.0/16, deny all)
  -> Unstrip(14)
  -> inside_allowed :: Counter
  -> to_outside;
