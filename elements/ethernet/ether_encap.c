// SPDX-License-Identifier: BSD-2-Clause
/*
 * EtherEncap(ETHERTYPE, SRC, DST)
 *
 * Puts the same Ethernet header in front of every packet.
 */
#include "router/element.h"
#include "router/headers.h"

struct ether_encap {
    struct element base;
    uint8_t dst[6], src[6];         /* in the frame's order: copied together */
    uint16_t ethertype;
    uint64_t drops;
};

static inline struct packet *action(struct element *e, struct packet *p)
{
    struct ether_encap *encap = element_as(struct ether_encap, e);

    p = packet_push(p, sizeof(struct eth_header));
    if (__builtin_expect(!p, 0)) {
        encap->drops++;
        return NULL;
    }
    memcpy(p->data, encap->dst, 12);
    be16_put(p->data + 12, encap->ethertype);
    p->mac = p->data;
    return p;
}
ELEMENT_ACTION(action)

#define AT(member) offsetof(struct ether_encap, member)
_Static_assert(AT(src) == AT(dst) + 6, "dst and src are copied together");

static const struct argument arguments[] = {
    {"ETHERTYPE", ARG_REQUIRED, &arg_u16, AT(ethertype), .help = "Ethernet type, 0x0800 for IP"},
    {"SRC", ARG_REQUIRED, &arg_ether, AT(src), .help = "source address"},
    {"DST", ARG_REQUIRED, &arg_ether, AT(dst), .help = "destination address"},
    {0},
};

/* A write replaces the argument, so that `config` tells what is true. */
#define ARGUMENT(NAME, extra, what, kind, member, text)                                    \
    {NAME, HANDLER_READ | (extra), .type = &kind, .offset = AT(member),                    \
     .write = element_write_argument, .argument = what, .help = text}

static const struct handler handlers[] = {
    ARGUMENT("etht", HANDLER_DEPRECATED, "ETHERTYPE", arg_u16, ethertype,
             "old name of ethertype"),
    ARGUMENT("ethertype", 0, "ETHERTYPE", arg_u16, ethertype, "the Ethernet type"),
    ARGUMENT("dst", 0, "DST", arg_ether, dst, "the destination address"),
    ARGUMENT("src", 0, "SRC", arg_ether, src, "the source address"),
    {"drops", HANDLER_READ, .type = &arg_u64, .offset = AT(drops),
     .help = "packets lost for want of memory"},
    {0},
};

ELEMENT_CLASS(ether_encap) = {
    .name = "EtherEncap", .ports = PORTS_1_1, .processing = AGNOSTIC,
    .size = sizeof(struct ether_encap), .arguments = arguments, .handlers = handlers,
    .live_config = true, ELEMENT_ENTRIES(action),
    .threads = THREADS_EACH, .counts = COUNTS(offsetof(struct ether_encap, drops)),
    .offload = true, .group = "ethernet", .purpose = "prepends a fixed Ethernet header",
    .manual = "For IP packets to many hosts use ARPQuerier, which finds the destination address.",
};
