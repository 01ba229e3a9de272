// SPDX-License-Identifier: BSD-2-Clause
/*
 * ICMPPingResponder()
 *
 * Turns an echo request into its reply in place: the only bytes that change are addresses, time
 * to live, fragment word and ICMP type, so both checksums are updated and not recomputed.
 */
#include "elements/ip/ip_packet.h"
#include "platform/platform.h"
#include "router/checksum.h"
#include "router/element.h"

enum { TTL = 255 };

struct icmp_ping_responder {
    struct element base;
    uint64_t drops;
};

static bool is_echo_request(const struct packet *p, struct ip_view *view)
{
    return ip_packet_view(p, view) && view->ip->protocol == IP_PROTO_ICMP &&
           !ip_later_fragment(view->ip) &&
           view->length - view->header_length >= sizeof(struct icmp_header) &&
           ip_packet_payload(view)[0] == ICMP_ECHO;
}

/* The halfword that holds the byte at `even`, as it stands. */
static uint16_t halfword(const void *header, unsigned even)
{
    uint16_t v;

    memcpy(&v, (const uint8_t *)header + even, sizeof v);
    return v;
}

static void answer_ip(struct ip_header *ip)
{
    uint32_t src = ip->src;
    uint16_t ttl_before = halfword(ip, 8), fragment_before = ip->fragment;

    ip->src = ip->dst;
    ip->dst = src;
    ip->fragment = 0;
    ip->ttl = TTL;
    ip->checksum = checksum_update(ip->checksum, fragment_before, 0);
    ip->checksum = checksum_update(ip->checksum, ttl_before, halfword(ip, 8));
}

static void answer_icmp(struct icmp_header *icmp, uint32_t length)
{
    uint16_t before = halfword(icmp, 0);

    icmp->type = ICMP_ECHO_REPLY;
    icmp->code = 0;
    icmp->checksum = checksum_update(icmp->checksum, before, 0);
    /* All bytes zero: the update gives 0 where the sum of nothing but zeros is 0xFFFF. */
    if (!icmp->checksum)
        icmp->checksum = checksum_of(icmp, length);
}

static inline struct packet *action(struct element *e, struct packet *p)
{
    struct icmp_ping_responder *r = element_as(struct icmp_ping_responder, e);
    struct ip_view view;

    if (__builtin_expect(!is_echo_request(p, &view), 0)) {
        if (e->n_outputs < 2)
            r->drops++;
        element_push_or_free(e, 1, p);
        return NULL;
    }
    p = packet_writable(p);
    if (__builtin_expect(!p, 0)) {
        r->drops++;
        return NULL;
    }
    view.ip = (struct ip_header *)p->network;
    answer_ip(view.ip);
    answer_icmp((struct icmp_header *)ip_packet_payload(&view),
                ip_packet_payload_length(&view));
    packet_set_dst_ip(p, view.ip->dst);
    p->anno[ANNO_PAINT] = 0;
    p->timestamp_ns = platform_wall_ns();
    return p;
}
ELEMENT_ACTION(action)

static const struct handler handlers[] = {
    {"drops", HANDLER_READ, .type = &arg_u64, .offset = offsetof(struct icmp_ping_responder, drops),
     .help = "packets that were no echo requests and had no output 1 to go to"},
    {0},
};

ELEMENT_CLASS(icmp_ping_responder) = {
    .name = "ICMPPingResponder", .ports = PORTS_1_1X2, .processing = PROCESSING_A_AH,
    .size = sizeof(struct icmp_ping_responder), .handlers = handlers, ELEMENT_ENTRIES(action),
    .threads = THREADS_EACH, .counts = COUNTS(offsetof(struct icmp_ping_responder, drops)),
    .group = "icmp", .purpose = "answers pings",
    .manual = "Echo requests with a marked IP header become echo replies: addresses exchanged, time to "
              "live 255, destination annotation set, paint cleared, timestamp now. Other packets go "
              "to output 1, or are dropped when that is not connected. Source routes are not "
              "reversed.",
};
