// SPDX-License-Identifier: BSD-2-Clause
/*
 * DecIPTTL([ACTIVE, MULTICAST])
 *
 * Takes one from the time to live; packets whose time is over go to output 1. Touches
 * the IP header's line only; the checksum is corrected by RFC 1624, not recomputed.
 */
#include "elements/ip/ip_packet.h"
#include "router/element.h"

struct dec_ip_ttl {
    struct element base;
    bool active;
    bool multicast;
    uint64_t drops;
};

static void setup(struct element *e)
{
    struct dec_ip_ttl *d = element_as(struct dec_ip_ttl, e);

    d->active = d->multicast = true;
}

static inline struct packet *action(struct element *e, struct packet *p)
{
    struct dec_ip_ttl *d = element_as(struct dec_ip_ttl, e);
    struct ip_header *ip;
    uint8_t ttl;
    uint32_t sum;

    if (__builtin_expect(!d->active, 0))
        return p;
    if (__builtin_expect(packet_network_length(p) < sizeof *ip, 0)) {
        d->drops++;
        packet_free(p);
        return NULL;
    }
    ip = (struct ip_header *)p->network;
    if (__builtin_expect(!d->multicast && ip_is_multicast(ip->dst), 0))
        return p;
    ttl = *(volatile const uint8_t *)&ip->ttl;
    if (__builtin_expect(ttl <= 1, 0)) {
        d->drops++;
        element_push_or_free(e, 1, p);
        return NULL;
    }
    p = packet_writable(p);
    if (__builtin_expect(!p, 0)) {
        d->drops++;
        return NULL;
    }
    ip = (struct ip_header *)p->network;
    ip->ttl = (uint8_t)(ttl - 1);
    /* The word with ttl falls by 0x0100, so the complement of the sum does: ~(~sum + ~0x0100). */
    sum = (uint16_t)~be16(ip->checksum) + 0xFEFFu;
    ip->checksum = be16((uint16_t)~(sum + (sum >> 16)));
    return p;
}
ELEMENT_ACTION(action)

#define AT(member) offsetof(struct dec_ip_ttl, member)

static const struct argument arguments[] = {
    {"ACTIVE", ARG_KEYWORD, &arg_bool, AT(active), .help = "false: let all pass as they are"},
    {"MULTICAST", ARG_KEYWORD, &arg_bool, AT(multicast),
     .help = "false: let packets to multicast addresses pass as they are"},
    {0},
};

static const struct handler handlers[] = {
    {"active", HANDLER_READ | HANDLER_WRITE | HANDLER_CHECKBOX, .type = &arg_bool,
     .offset = AT(active), .help = "whether time to live is taken at all"},
    {"drops", HANDLER_READ, .type = &arg_u64, .offset = AT(drops),
     .help = "packets whose time was over, or that had no IP header mark"},
    {0},
};

ELEMENT_CLASS(dec_ip_ttl) = {
    .name = "DecIPTTL", .ports = PORTS_1_1X2, .processing = PROCESSING_A_AH,
    .size = sizeof(struct dec_ip_ttl), .arguments = arguments, .handlers = handlers,
    .setup = setup, ELEMENT_ENTRIES(action),
    .threads = THREADS_EACH, .counts = COUNTS(offsetof(struct dec_ip_ttl, drops)),
    .offload = true, .group = "ip", .purpose = "decrements the IP time to live",
    .manual = "Packets that arrive with a time to live of 0 or 1 go to output 1 unchanged, which is "
              "usually connected to ICMPError, or are dropped. Packets without a marked IP header "
              "are dropped.",
};
