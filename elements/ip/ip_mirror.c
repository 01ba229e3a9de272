// SPDX-License-Identifier: BSD-2-Clause
/*
 * IPMirror([DST_ANNO])
 *
 * Sends a packet back to where it came from: addresses and ports change places. Checksums stay
 * right by themselves, since the sums do not depend on order.
 */
#include "elements/ip/ip_packet.h"
#include "router/element.h"

struct ip_mirror {
    struct element base;
    bool dst_anno;
    uint64_t drops;
};

static void setup(struct element *e)
{
    element_as(struct ip_mirror, e)->dst_anno = true;
}

static void mirror_transport(const struct ip_view *view)
{
    uint8_t protocol = view->ip->protocol;
    uint8_t *transport = ip_packet_payload(view);
    uint32_t have = view->length - view->header_length;
    uint8_t src_port[2], seq[4];

    if ((protocol != IP_PROTO_TCP && protocol != IP_PROTO_UDP) || ip_later_fragment(view->ip) ||
        have < sizeof(struct udp_header))
        return;
    memcpy(src_port, transport, 2);
    memcpy(transport, transport + 2, 2);
    memcpy(transport + 2, src_port, 2);
    if (protocol == IP_PROTO_TCP && have >= 12) {
        memcpy(seq, transport + 4, 4);
        memcpy(transport + 4, transport + 8, 4);
        memcpy(transport + 8, seq, 4);
    }
}

static inline struct packet *action(struct element *e, struct packet *p)
{
    struct ip_mirror *m = element_as(struct ip_mirror, e);
    struct ip_view view;
    uint32_t src;

    p = packet_writable(p);
    if (__builtin_expect(!p || !ip_packet_view(p, &view), 0)) {
        m->drops++;
        if (p)
            packet_free(p);
        return NULL;
    }
    src = view.ip->src;
    view.ip->src = view.ip->dst;
    view.ip->dst = src;
    if (m->dst_anno)
        packet_set_dst_ip(p, src);
    mirror_transport(&view);
    return p;
}
ELEMENT_ACTION(action)

static const struct argument arguments[] = {
    {"DST_ANNO", ARG_OPTIONAL, &arg_bool, offsetof(struct ip_mirror, dst_anno),
     .help = "also set the destination annotation; default true"},
    {0},
};

static const struct handler handlers[] = {
    {"drops", HANDLER_READ, .type = &arg_u64, .offset = offsetof(struct ip_mirror, drops),
     .help = "packets without a marked IP header"},
    {0},
};

ELEMENT_CLASS(ip_mirror) = {
    .name = "IPMirror", .ports = PORTS_1_1, .processing = AGNOSTIC,
    .size = sizeof(struct ip_mirror), .arguments = arguments, .handlers = handlers,
    .setup = setup, ELEMENT_ENTRIES(action),
    .threads = THREADS_EACH, .counts = COUNTS(offsetof(struct ip_mirror, drops)),
    .group = "ip", .purpose = "exchanges source and destination",
    .manual = "Swaps the IP addresses, in TCP and UDP packets (but not later fragments) the ports, "
              "and in TCP packets sequence and acknowledgement numbers. The destination annotation "
              "becomes the new destination. Packets without a marked IP header are dropped.",
};
